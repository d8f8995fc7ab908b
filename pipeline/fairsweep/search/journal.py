"""The journal of a sweep's studies: one file of records, which only the sweep process opens.

Optuna's own backend waits for the disk at every record, a dozen times a trial. Here a record that
draws a trial or goes on with it is only handed to the system, which keeps it when this process
dies; should the power fail, the same trial is drawn again, the same. What begins a training or ends
it is waited for, and all that was written before: MLflow never has a run of a trial that the study
lost.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.storages.journal._storage import JournalOperation

from fairsweep.errors import damaged, unwritable

# The trial's attribute that ends its drawing: how often its training was begun.
ATTEMPT = "attempt"
NOT_WAITED_FOR = {
    JournalOperation.CREATE_TRIAL,
    JournalOperation.SET_TRIAL_PARAM,
    JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE,
    JournalOperation.SET_TRIAL_USER_ATTR,
    JournalOperation.SET_TRIAL_SYSTEM_ATTR,
}


def open_storage(path: Path) -> JournalStorage:
    """The studies of a journal; what a crash left unfinished at its end is taken off first.

    Raises:
        StorageError: the journal can't be read.
    """
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    try:
        return JournalStorage(Journal(path))
    except (ValueError, TypeError, KeyError) as error:  # a line that is no record
        raise damaged(path, error, "restore one of your own, or use another sweep.name") from error
    except OSError as error:
        raise unwritable(path, error) from error


class Journal(BaseJournalBackend):  # type: ignore[misc]
    """The file as Optuna's storage wants it.

    Raises:
        ValueError: a line of the file is no record.
        OSError: the file can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Records that the storage hasn't read yet, and the number of the first of them.
        self._unread, self._first = _read_whole(path), 0
        path.touch()

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Records from this number on; the storage asks for each number once."""
        del self._unread[: log_number_from - self._first]
        self._first = log_number_from
        return self._unread

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Adds records.

        Raises:
            StorageError: the disk doesn't take them.
        """
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        try:
            with self._path.open("ab") as file:
                file.write("".join(f"{line}\n" for line in lines).encode())
                file.flush()
                if any(log["op_code"] not in NOT_WAITED_FOR or _begins(log) for log in logs):
                    os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._unread += [json.loads(line) for line in lines]


def _begins(log: dict[str, Any]) -> bool:
    """Whether a record counts an attempt at a training."""
    return bool(log.get("user_attr", {}).get(ATTEMPT, 0))


def _read_whole(path: Path) -> list[dict[str, Any]]:
    """The records of the file, once it ends with a whole one."""
    records, end, size = read_records(path)
    if end < size:
        logging.getLogger(__name__).warning("%s: took off what a crash left unfinished", path)
        os.truncate(path, end)
    return records


def read_records(path: Path) -> tuple[list[dict[str, Any]], int, int]:
    """The records that count, where they end, and the size of the file: what follows is a record
    cut short, or a last trial that hasn't drawn all of its values, for only a whole trial is drawn
    the same.

    Raises:
        ValueError: a line of the file is no record.
    """
    content = path.read_bytes() if path.exists() else b""
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    for record in records:
        if not (isinstance(record, dict) and "op_code" in record):
            raise ValueError(f"{record} is no record")
    kept = len(records)
    for index in reversed(range(len(records))):
        if ATTEMPT in records[index].get("user_attr", ()):
            break
        if records[index]["op_code"] == JournalOperation.CREATE_TRIAL:
            kept = index
            break
    return records[:kept], sum(len(line) for line in lines[:kept]), len(content)

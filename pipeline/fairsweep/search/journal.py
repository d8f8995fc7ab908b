"""The journal of a sweep's studies: one file of records, a line each, that only the sweep writes.

Optuna's own backend waits for the disk at every record, a dozen times a trial. Here a record that
draws or continues a trial is only handed to the operating system, which keeps it when this process
dies; if the power fails, the same trial is drawn again with the same values. A record that begins
or ends a training is waited for, with all before it: MLflow never has a run of a trial that the
study has lost.

Each record carries a CRC-32 of itself and of every line before it. A line that was taken out of the
middle, added or changed is therefore noticed. A journal that ends too early isn't: it looks like
one that was read earlier. Records of older versions carry none; the next one that does covers them.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.storages.journal._storage import JournalOperation

from fairsweep.errors import damaged, unwritable

ATTEMPT = "attempt"
"""The trial attribute that ends its drawing: how many times its training was begun."""
CHECKSUM = "crc"
"""The last key of a record."""
NOT_WAITED_FOR = {
    JournalOperation.CREATE_TRIAL,
    JournalOperation.SET_TRIAL_PARAM,
    JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE,
    JournalOperation.SET_TRIAL_USER_ATTR,
    JournalOperation.SET_TRIAL_SYSTEM_ATTR,
}


def open_storage(path: Path) -> JournalStorage:
    """The studies of a journal; what a crash left unfinished at its end is removed first.

    Raises:
        StorageError: the journal is damaged, or can't be read.
    """
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    try:
        return JournalStorage(Journal(path))
    except (ValueError, TypeError, KeyError) as error:
        remedy = "restore it from a backup, or start another sweep with sweep.name=…"
        raise damaged(path, error, remedy) from error
    except OSError as error:
        raise unwritable(path, error) from error


class Journal(BaseJournalBackend):  # type: ignore[misc]
    """The file as Optuna's storage wants it.

    Raises:
        ValueError: the file is damaged.
        OSError: the file can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        content = read_journal(path)
        if content.unfinished:
            logging.getLogger(__name__).warning(
                "%s: removed %d bytes that a crash left unfinished", path, content.unfinished
            )
            os.truncate(path, content.size)
        # Records that the storage hasn't read yet, and the number of the first of them.
        self._unread, self._first = list(content.records), 0
        self._checksum = content.checksum
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
        lines, checksum = [], self._checksum
        for log in logs:
            line, checksum = _line(log, checksum)
            lines.append(line)
        try:
            with self._path.open("ab") as file:
                file.write(b"".join(lines))
                file.flush()
                if any(log["op_code"] not in NOT_WAITED_FOR or _begins(log) for log in logs):
                    os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._checksum = checksum
        self._unread += [json.loads(line) for line in lines]


def _begins(log: dict[str, Any]) -> bool:
    """Whether a record counts an attempt at a training."""
    return bool(log.get("user_attr", {}).get(ATTEMPT, 0))


def _line(log: dict[str, Any], checksum: int) -> tuple[bytes, int]:
    """A record as it stands in the file after lines of this checksum, and the checksum after it."""
    text = json.dumps(log, separators=(",", ":")).encode().removesuffix(b"}")
    checksum = zlib.crc32(text, checksum)
    return text + f',"{CHECKSUM}":{checksum}}}\n'.encode(), checksum


@dataclass(frozen=True)
class JournalContent:
    """The records of a journal that count, the bytes that they take, and their checksum.

    `unfinished` bytes follow them: a record cut short, or a last trial that hasn't drawn all of its
    values, for only a whole trial is drawn again with the same values.
    """

    records: Sequence[dict[str, Any]]
    size: int
    checksum: int
    unfinished: int


def read_journal(path: Path) -> JournalContent:
    """What a journal holds; nothing where there is no file.

    Raises:
        ValueError: a line is no record, or doesn't follow from the lines before it.
        OSError: the file can't be read.
    """
    content = path.read_bytes() if path.exists() else b""
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    checksums = [0]
    for number, (line, record) in enumerate(zip(lines, records, strict=True), start=1):
        if not (isinstance(record, dict) and "op_code" in record):
            raise ValueError(f"line {number} is no record: {record}")
        text = line[: line.rindex(f',"{CHECKSUM}":'.encode())] if CHECKSUM in record else line
        checksums.append(zlib.crc32(text, checksums[-1]))
        if record.get(CHECKSUM, checksums[-1]) != checksums[-1]:
            raise ValueError(
                f"line {number} doesn't follow from the lines before it: one is missing, or was "
                "added or changed"
            )
    kept = _drawn_whole(records)
    size = sum(len(line) for line in lines[:kept])
    return JournalContent(records[:kept], size, checksums[kept], len(content) - size)


def _drawn_whole(records: Sequence[dict[str, Any]]) -> int:
    """How many of the records there are up to a last trial that was never drawn whole."""
    for index in reversed(range(len(records))):
        if ATTEMPT in records[index].get("user_attr", ()):
            break
        if records[index]["op_code"] == JournalOperation.CREATE_TRIAL:
            return index
    return len(records)

"""Writes to MLflow that aren't carried out yet, on disk: a sweep goes on while its tracking server
is down, and a crash loses nothing.

In: operations in order, each a name and plain data. Out: the same, after a crash. Each line is an
operation; once all of them are carried out, the file is emptied.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairsweep.errors import unwritable


@dataclass(frozen=True)
class Operation:
    """A write to MLflow: the name of one of the tracker's operations, and its arguments."""

    name: str
    values: Mapping[str, Any]


class Spool:
    """Operations that aren't carried out yet.

    Args:
        path: the file; it is made when there is something to keep.

    Raises:
        StorageError: the disk doesn't take an operation.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many operations aren't carried out yet."""
        return self._waiting

    def left(self) -> Sequence[Operation]:
        """What an earlier process left; a last line that was cut short is removed."""
        if not self._path.exists():
            return []
        content = self._path.read_bytes()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            os.truncate(self._path, end)
        lines = content[:end].splitlines()
        return [Operation(**json.loads(line)) for line in lines]

    def append(self, operation: Operation, sync: bool) -> None:
        """Adds an operation. With `sync` it is on the disk when this returns, with all before it;
        without, the operating system has it, which outlives this process."""
        record = {"name": operation.name, "values": operation.values}
        line = json.dumps(record, separators=(",", ":")) + "\n"
        try:
            with self._lock, self._path.open("ab") as file:
                file.write(line.encode())
                self._waiting += 1
                file.flush()
                if sync:
                    os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self._path, error) from error

    def done(self) -> None:
        """Counts an operation that is carried out; the last one empties the file."""
        with self._lock:
            self._waiting -= 1
            if self._waiting == 0:
                self._path.write_bytes(b"")

    def clear(self) -> None:
        """Removes the file: all of it is carried out."""
        with self._lock:
            self._path.unlink(missing_ok=True)

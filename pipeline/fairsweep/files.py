"""Files that other processes see whole or not at all, locks on them, and the folders of trainings.

A draft stands beside the file that it becomes, as `.<name>.<process>.tmp`: the doctor knows by that
name whose it is.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WEIGHTS = "weights.npz"
JUDGED = "judged.csv"
"""What the files with a training's weights, and with what it says of the rows that judged it, are
called, on their way and in the store."""


@dataclass(frozen=True)
class TrialFolders:
    """Where a machine has the files of trainings, which a `TrialSpec` names by a key, and graphs
    that the workers of a command share; None where they share none."""

    checkpoints: Path
    weights: Path
    graphs: Path | None = None

    def checkpoints_of(self, key: str) -> Path:
        """The folder of a training's checkpoints."""
        return self.checkpoints / key

    def weights_of(self, key: str) -> Path:
        """The file of a training's weights."""
        return self.weights / key / WEIGHTS

    def judged_of(self, key: str) -> Path:
        """The file of what a training says of the rows that judged it."""
        return self.weights / key / JUDGED


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Gives a draft to write to; it replaces `path` when all went well, and is gone otherwise.

    What was written is on the disk before it has its name.

    Raises:
        OSError: the disk doesn't take it; what `path` held stays.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, wait: bool = False) -> Iterator[bool]:
    """Holds the lock of a file or folder that exists; the system frees it with the process.

    Args:
        path: is only read.
        wait: until whoever has the lock ends.

    Yields:
        Whether the lock was to be had.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)

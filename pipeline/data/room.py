"""Room for features as they come in: in memory, or in a file where memory has none.

The file has no name: whatever ends the process, it is gone with it.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.data.dataset import Features
from pipeline.data.memory import available_bytes, check_room
from pipeline.data.view import pieces
from pipeline.errors import NO_SPACE, BadInput

IN_MEMORY = {"tmpfs", "ramfs"}  # kinds of file systems
MOUNTS = Path("/proc/self/mounts")
BYTES_A_ROW = 64  # its class, its part and its place in the order of an epoch
REMEDY = "TMPDIR=/var/tmp, or another folder on a disk, before the command is where it goes"


class Room(Protocol):
    """Takes blocks of rows, and gives the array of all of them; `notes` are for the user."""

    notes: tuple[str, ...]
    in_file: bool

    def put(self, block: Features) -> None:
        """Takes the next rows."""

    def array(self) -> Features:
        """All rows, of which there is one at least; nothing is put after that."""


def room_for(place: str, rows: int, shape: Sequence[int]) -> Room:
    """Room for features: in memory, if they fit there twice.

    Args:
        place: where they come from, for messages.
        rows: how many there are at most.
        shape: of a row.

    Raises:
        BadInput: there is no room for them in the folder of temporary files either.
    """
    size, free = 4 * rows * math.prod(shape), available_bytes()
    if 2 * size < free:
        return _Memory(rows, shape)
    check_room(
        f"{place}: labels and order of {rows} rows alone",
        BYTES_A_ROW * rows,
        "take a part of the rows",
    )
    folder = Path(tempfile.gettempdir())
    about = f"{place} takes about {_gib(size)} as numbers, and {_gib(free)} of memory are free"
    if _kind(folder) in IN_MEMORY:
        raise BadInput(
            f"{about}; it would be read from a file in {folder}, which is in memory, too; {REMEDY}"
        )
    if size > (there := shutil.disk_usage(folder).free):
        raise BadInput(
            f"{about}; it would be read from a file in {folder}, which has room for {_gib(there)}; "
            f"{REMEDY}"
        )
    note = (
        f"{about}: every process reads it batch by batch from a file of its own in {folder}, which "
        "takes longer"
    )
    return _File(folder, shape, note)


def joined(place: str, arrays: Sequence[Features], keep: npt.NDArray[np.bool_]) -> Room:
    """The rows of arrays, one array after the other, that are to be kept (rows,)."""
    room = room_for(place, int(keep.sum()), arrays[0].shape[1:])
    done = 0
    for array in arrays:
        for rows in pieces(array):
            block = array[rows]
            room.put(block[keep[done : done + len(block)]])
            done += len(block)
    return room


class _Memory:
    """Rows in an array."""

    notes: tuple[str, ...] = ()
    in_file = False

    def __init__(self, rows: int, shape: Sequence[int]) -> None:
        self._x: Features = np.empty((rows, *shape), np.float32)
        self._done = 0

    def put(self, block: Features) -> None:
        self._x[self._done : self._done + len(block)] = block
        self._done += len(block)

    def array(self) -> Features:
        return self._x[: self._done]


class _File:
    """Rows in a file of a folder."""

    in_file = True

    def __init__(self, folder: Path, shape: Sequence[int], note: str) -> None:
        self.notes: tuple[str, ...] = (note,)
        self._folder, self._shape, self._rows = folder, tuple(shape), 0
        self._file: Any = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115

    def put(self, block: Features) -> None:
        left = np.ascontiguousarray(block, np.float32).data.cast("B")
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            raise BadInput(
                f"data: {self._folder} has no room left for the file that rows are read from; "
                f"{REMEDY}"
            ) from error
        self._rows += len(block)

    def array(self) -> Features:
        with self._file:
            return np.memmap(self._file, np.float32, "r+", shape=(self._rows, *self._shape))


def _kind(folder: Path) -> str:
    """The kind of the file system that a folder is in; nothing where the system doesn't say."""
    if not MOUNTS.exists():
        return ""
    lines = (line.split() for line in MOUNTS.read_text().splitlines())
    kinds = {re.sub(r"\\040", " ", where): kind for _, where, kind, *_ in lines}
    inside = folder.resolve()
    return next((kinds[str(p)] for p in (inside, *inside.parents) if str(p) in kinds), "")


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"

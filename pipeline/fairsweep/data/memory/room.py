"""Room for features as they are read: in memory, or else in a temporary file.

In: blocks of rows. Out: one array. The file has no name, so it is gone when the process ends.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Features, Inputs
from fairsweep.data.memory import check_room
from fairsweep.data.memory.heartbeat import goes_on
from fairsweep.data.memory.view import pieces
from fairsweep.data.several import named
from fairsweep.errors import NO_SPACE, BadInput
from fairsweep.machine import available_bytes, file_system

IN_MEMORY = {"tmpfs", "ramfs"}  # kinds of file systems
BYTES_A_ROW = 80  # its class, its part and its place in the order of an epoch
REMEDY = "put TMPDIR=/var/tmp before the command, or another folder on a disk with room"


class Room(Protocol):
    """Takes blocks of rows, and gives the array of all of them."""

    in_file: bool

    def put(self, block: Features) -> None:
        """Takes the next rows."""

    def array(self) -> Features:
        """All rows, at least one; nothing may be put afterwards."""


@contextmanager
def room_for(place: str, rows: int, shape: Sequence[int], fewer: str) -> Iterator[Room]:
    """Room for features: in memory, if they fit there twice. The array outlives the context.

    Args:
        place: where they come from, for messages.
        rows: the most there can be.
        shape: of a row.
        fewer: the remedy, for messages.

    Raises:
        BadInput: they don't fit in the folder of temporary files either.
    """
    size, free = 4 * rows * math.prod(shape), available_bytes()
    if 2 * size < free:
        yield _Memory(rows, shape)
        return
    check_room(
        f"{place}: what is kept for each of {rows} rows besides its features",
        BYTES_A_ROW * rows,
        "use fewer rows",
    )
    folder = Path(tempfile.gettempdir())
    if file_system(folder) in IN_MEMORY:
        problem = "which is itself in memory"
    elif size > (there := shutil.disk_usage(folder).free):
        problem = f"which has {_gib(there)} free"
    else:
        problem = ""
    if problem:
        raise BadInput(
            f"{place} takes about {_gib(size)} as numbers, and {_gib(free)} of memory are free; it "
            f"would be read from a file in {folder}, {problem}: {REMEDY}; or {fewer}"
        )
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        yield _File(file, folder, shape)


def joined(place: str, arrays: Sequence[npt.NDArray[Any]], keep: npt.NDArray[np.bool_]) -> Features:
    """The rows to keep of several arrays, one after the other; `keep` (rows,) covers all."""
    done, kept, shape = 0, int(keep.sum()), arrays[0].shape[1:]
    with room_for(place, kept, shape, "use fewer rows") as room:
        for array in arrays:
            for rows in pieces(array):
                block = array[rows]
                with np.errstate(over="ignore"):  # too large for 32 bits: infinite
                    room.put(block[keep[done : done + len(block)]].astype(np.float32, copy=False))
                done += len(block)
        return room.array()


def check_workers(x: Inputs, workers: int) -> None:
    """Checks that there is disk space for each worker's own copy of features that are in a file.

    Raises:
        BadInput: the folder of temporary files is too small for so many.
    """
    own = [array for _, array in named(x) if isinstance(array, np.memmap) and not array.filename]
    size = sum(array.nbytes for array in own)  # all workers share a file that has a name
    folder = Path(tempfile.gettempdir())
    if own and workers * size > (there := shutil.disk_usage(folder).free):
        raise BadInput(
            f"data: takes {_gib(size)} as numbers, which doesn't fit in memory twice: every "
            f"worker reads it from its own file in {folder}, which has {_gib(there)} free; "
            f"lower executor.workers ({workers}), or {REMEDY}"
        )


class _Memory:
    """Rows in an array."""

    in_file = False

    def __init__(self, rows: int, shape: Sequence[int]) -> None:
        self._x: Features = np.empty((rows, *shape), np.float32)
        self._done = 0

    def put(self, block: Features) -> None:
        goes_on()
        self._x[self._done : self._done + len(block)] = block
        self._done += len(block)

    def array(self) -> Features:
        return self._x[: self._done]


class _File:
    """Rows in a file of a folder."""

    in_file = True

    def __init__(self, file: IO[bytes], folder: Path, shape: Sequence[int]) -> None:
        self._file, self._folder, self._shape = file, folder, tuple(shape)
        self._rows = 0

    def put(self, block: Features) -> None:
        goes_on()
        left = np.ascontiguousarray(block).reshape(-1).view(np.uint8)
        try:
            while len(left):
                left = left[self._file.write(left.data) :]
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            raise BadInput(
                f"data: {self._folder} is full, where rows are kept in a temporary file: {REMEDY}"
            ) from error
        self._rows += len(block)

    def array(self) -> Features:
        return np.memmap(self._file, np.float32, "r+", shape=(self._rows, *self._shape))


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"

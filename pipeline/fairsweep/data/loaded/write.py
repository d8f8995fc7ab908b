"""Writes what a loader returned, block by block, so that no more than a block is in memory.

In: blocks of rows, by role and name. Out: the arrays of an `About`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.data.loaded import Stored
from fairsweep.data.memory.room import IN_MEMORY, REMEDY
from fairsweep.errors import NO_SPACE, BadInput
from fairsweep.machine import available_bytes, file_system


class Writer:
    """The arrays of a folder, which grow by blocks of rows; a context manager, which closes their
    files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._in_memory = file_system(folder) in IN_MEMORY
        self._columns: dict[tuple[str, str], _Numbers | _Words] = {}

    def put(self, role: str, name: str, block: npt.NDArray[Any]) -> None:
        """Takes the next rows of an array.

        Raises:
            BadInput: they are of another type or shape than those before, or the disk is full.
        """
        key = role, name
        if key not in self._columns:
            kind = _Words if block.dtype.kind in "US" else _Numbers
            path = self._folder / f"{len(self._columns)}.bin"
            self._columns[key] = kind(_File(path, self._in_memory), block)
        self._columns[key].put(block)

    def stored(self) -> Mapping[str, Mapping[str, Stored]]:
        """What is in the files; nothing may be put afterwards."""
        found: dict[str, dict[str, Stored]] = {}
        for (role, name), column in self._columns.items():
            found.setdefault(role, {})[name] = column.stored()
        return found

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        for column in self._columns.values():
            column.file.close()


class _File:
    """A file that is written from its beginning to its end."""

    def __init__(self, path: Path, in_memory: bool) -> None:
        self.path, self._in_memory = path, in_memory
        self._file = path.open("wb", buffering=0)

    def write(self, array: npt.NDArray[Any]) -> None:
        """Adds the bytes of an array.

        Raises:
            BadInput: there is no room for them.
        """
        free = shutil.disk_usage(self.path.parent).free
        if self._in_memory:
            free = min(free, available_bytes() // 2)
        if array.nbytes > free:
            raise self._full()
        left = memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            raise self._full() from error

    def close(self) -> None:
        self._file.close()

    def _full(self) -> BadInput:
        folder = self.path.parent.parent
        return BadInput(f"gives more rows than {folder} has room for, as numbers: {REMEDY}")


class _Numbers:
    """An array that is written as it comes; its first block decides its type."""

    def __init__(self, file: _File, first: npt.NDArray[Any]) -> None:
        self.file, self._dtype, self._shape, self._rows = file, first.dtype, first.shape[1:], 0

    def put(self, block: npt.NDArray[Any]) -> None:
        if block.shape[1:] != self._shape:
            raise BadInput(
                f"gives rows of shape {block.shape[1:]} after rows of shape {self._shape}; all "
                "must have the same shape: pad or cut them"
            )
        own, fits = block, np.can_cast(block.dtype, self._dtype, "same_kind")
        if fits and block.dtype != self._dtype:
            own = block.astype(self._dtype)
            fits = block.dtype.kind not in "iu" or np.array_equal(own, block)
        if not fits:
            raise BadInput(f"gives {block.dtype} after {self._dtype}; all must have the same type")
        self.file.write(own)
        self._rows += len(block)

    def stored(self) -> Stored:
        return Stored(self.file.path.name, self._dtype.str, (self._rows, *self._shape))


class _Words:
    """Words, of which the longest isn't known before the last has come."""

    def __init__(self, file: _File, _: npt.NDArray[Any]) -> None:
        self.file = file
        self._blocks: list[npt.NDArray[Any]] = []

    def put(self, block: npt.NDArray[Any]) -> None:
        self._blocks.append(block.astype(str))

    def stored(self) -> Stored:
        whole = np.concatenate(self._blocks)
        self.file.write(whole)
        return Stored(self.file.path.name, whole.dtype.str, whole.shape)

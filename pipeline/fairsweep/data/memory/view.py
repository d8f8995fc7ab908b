"""Rows of a data set, in memory or in their file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Features, Inputs
from fairsweep.data.memory.heartbeat import goes_on
from fairsweep.data.several import Several

PIECE = 2**22  # values


class InFile:
    """Rows of an array that stays in its file, read when they are indexed, like an array.

    Args:
        x: all rows.
        rows: which of them these are.
    """

    def __init__(self, x: np.memmap[Any, Any], rows: npt.NDArray[np.int64]) -> None:
        self._x, self._rows = x, rows
        self.shape = (len(rows), *x.shape[1:])
        self.dtype = x.dtype
        self.ndim = x.ndim
        self.nbytes = math.prod(self.shape) * x.dtype.itemsize

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Features:
        return np.asarray(self._x[self._rows[index]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Features:
        """All rows, in memory."""
        if copy is False:
            raise ValueError("rows in a file can't be read without a copy")
        return np.asarray(self[:], dtype)


def rows_of(x: Inputs, rows: npt.NDArray[np.int64]) -> Any:
    """Some rows: an array, or a view if the data is in a file; several, where `x` is."""
    if isinstance(x, Several):
        return Several({name: rows_of(array, rows) for name, array in x.arrays.items()})
    return InFile(x, rows) if isinstance(x, np.memmap) else x[rows]


def pieces(x: Features | InFile) -> Iterator[slice]:
    """The rows a few megabytes at a time, in order."""
    step = max(1, PIECE // max(1, math.prod(x.shape[1:])))
    for start in range(0, len(x), step):
        goes_on()
        yield slice(start, start + step)

"""Several inputs of a model: arrays with the same rows, by name.

What a model gets of a row is one array, or several. Here is what rooms ask of either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Made = TypeVar("Made")


class Several:
    """Arrays (rows, …) by the names of the inputs; floats are of 32 bits, and whole numbers stay
    whole. It is indexed by rows, as an array is."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = dict(arrays)

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, rows: Any) -> Several:
        return Several({name: array[rows] for name, array in self.arrays.items()})

    @property
    def nbytes(self) -> int:
        """What all arrays take."""
        return sum(array.nbytes for array in self.arrays.values())


@dataclass(frozen=True)
class Input:
    """One of several inputs: its name, the shape of a row, and the type of its numbers, by NumPy's
    name."""

    name: str
    shape: Shape
    dtype: str


def named(x: Any) -> Iterator[tuple[str, Any]]:
    """Each array with the name of its input; that of a single one is empty."""
    yield from x.arrays.items() if isinstance(x, Several) else [("", x)]


def plain(x: Any) -> Any:
    """An array, or a mapping of them: as Keras takes it."""
    return x.arrays if isinstance(x, Several) else x


def each(x: Any, make: Callable[[Any], Made]) -> Made | dict[str, Made]:
    """What is made of an array, or of each of several, by name."""
    if isinstance(x, Several):
        return {name: make(array) for name, array in x.arrays.items()}
    return make(x)


def row_shape(x: Any) -> Any:
    """The shape of a row: one, or one for each input by name."""
    return each(x, lambda array: tuple(array.shape[1:]))


def inputs_of(x: Any) -> tuple[Input, ...]:
    """The inputs, where there are several."""
    if not isinstance(x, Several):
        return ()
    arrays = x.arrays.items()
    return tuple(Input(n, tuple(own.shape[1:]), str(own.dtype)) for n, own in arrays)


def is_in_file(x: Any) -> bool:
    """Whether memory has no room for an array, which stays in its file."""
    return any(isinstance(array, np.memmap) for _, array in named(x))


def described(shape: Any) -> str:
    """The shape of a row, for people."""
    if isinstance(shape, Mapping):
        return ", ".join(f"{name} {described(own)}" for name, own in shape.items())
    return " × ".join(map(str, shape)) if shape else "1"


def gaps(x: Any) -> npt.NDArray[np.bool_]:
    """The rows (rows,) in which a number is missing."""
    found = np.zeros(len(x), bool)
    for _, array in named(x):
        if array.dtype.kind == "f":
            step = max(1, 2**22 // max(1, math.prod(array.shape[1:])))
            for start in range(0, len(array), step):
                block = array[start : start + step].reshape(len(array[start : start + step]), -1)
                found[start : start + step] |= np.isnan(block).any(axis=1)
    return found

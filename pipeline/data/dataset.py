"""What every source gives: rows of features with a class each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Parts = npt.NDArray[np.int8]

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Column:
    """A column of a table: numbers, or, where it has a vocabulary, words. Then a row has the index
    of its word, or NaN for none of them."""

    name: str
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Features (rows, …) as float32, labels (rows,) as int64 in [0, classes), class names.

    A table has `columns`. `parts` (rows,) says which part each row is in, where the data itself
    says so; a part without rows is held out by share. Rows of the same of `groups` (rows,) belong
    together. `notes` are for the user to read.
    """

    x: Features
    y: Labels
    class_names: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    parts: Parts | None = None
    groups: Labels | None = None
    notes: tuple[str, ...] = ()

"""What every source gives: rows of features, each with a class or with some of several labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Parts = npt.NDArray[np.int8]
Rows = npt.NDArray[np.int64]

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
PART_WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "val", "valid"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""What users call a part of the split, in small letters."""
JOINT = ";"
"""Stands between the labels of a row where they are written as one word."""


@dataclass(frozen=True)
class Column:
    """A column of a table: numbers, or, where it has a vocabulary, words. Then a row has the index
    of its word, or NaN for none of them."""

    name: str
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Features (rows, …) as float32; `y` as int64: the class of each row, (rows,) in [0, classes),
    or its labels, (rows, labels), 1 for those that it has and 0 for others; the names of the
    classes, or labels.

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

    @property
    def multi_label(self) -> bool:
        """Whether a row can have several labels, or none."""
        return self.y.ndim > 1

    @property
    def kind(self) -> str:
        """What `class_names` are the names of."""
        return "labels" if self.multi_label else "classes"

    def counts(self, rows: Rows) -> Mapping[str, int]:
        """How many of the rows are of each class; or have each label, and how many haven't."""
        y, names = self.y[rows], self.class_names
        if not self.multi_label:
            numbers = np.bincount(y, minlength=len(names)).tolist()
            return {f"of class {name!r}": n for name, n in zip(names, numbers, strict=True)}
        numbers = y.sum(axis=0).tolist()
        having = {f"with label {name!r}": n for name, n in zip(names, numbers, strict=True)}
        lacking = {
            f"without label {name!r}": len(rows) - n for name, n in zip(names, numbers, strict=True)
        }
        return having | lacking

"""What every source returns: rows of features, each with one class or any number of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fairsweep.tasks import CLASSES, Task

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
"""What users call the parts of the split, in lower case."""


@dataclass(frozen=True)
class Column:
    """A column of a table. One with a vocabulary holds words: each row has the index of its word,
    or NaN if the word isn't in the vocabulary. Any other column holds numbers."""

    name: str
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Features (rows, …) as float32; `y`, (rows,) or (rows, …), in the form that its task gives it,
    such as the number of each row's class; the names of the classes, or labels.

    A table has `columns`. `parts` (rows,) is the part of each row, where the data itself gives the
    split; a part without rows is held out by share. Rows with the same number in `groups` (rows,)
    stay together. `notes` are for the user to read.
    """

    x: Features
    y: Labels
    class_names: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    parts: Parts | None = None
    groups: Labels | None = None
    notes: tuple[str, ...] = ()
    task: Task = field(default=CLASSES)

    def counts(self, rows: Rows) -> Mapping[str, int]:
        """How many of the rows are of each kind that no part may be without."""
        return self.task.counts(self.y[rows], self.class_names)

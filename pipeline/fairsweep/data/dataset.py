"""What every source returns: rows of features, each with one class, any number of labels, or
values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.tasks import CLASSES, Task

Features = npt.NDArray[np.float32]
Inputs = Any
"""`Features`, or, where a model has several inputs, `Several` of `fairsweep.data.several`."""
Labels = npt.NDArray[np.int64]
Answered = npt.NDArray[Any]
Parts = npt.NDArray[np.int8]
Rows = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
PART_WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "val", "valid"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""What users call the parts of the split, in lower case."""


PADDING = -1
"""What stands after the last word of a text."""


@dataclass(frozen=True)
class Column:
    """A column of a table. One with a vocabulary holds words: each row has the index of its word,
    or NaN if the word isn't in the vocabulary. Any other column holds numbers.

    A column of texts has a `length`, and so many features: the index of each word, then PADDING.
    Columns of texts come last. A part of the dates in a column of the file has the name of that in
    `date`."""

    name: str
    vocabulary: tuple[str, ...] = ()
    length: int = 0
    date: str = ""

    @property
    def has_words(self) -> bool:
        """Whether it has words or texts, and no numbers."""
        return bool(self.vocabulary or self.length)


def in_file(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of the file: one of dates for all parts of it."""
    own = {c.date or c.name: Column(c.date, date=c.date) if c.date else c for c in columns}
    return tuple(own.values())


def features_of(columns: Sequence[Column]) -> Iterator[tuple[Column, slice]]:
    """Each column, and the features that are its own."""
    start = 0
    for column in columns:
        stop = start + (column.length or 1)
        yield column, slice(start, stop)
        start = stop


@dataclass(frozen=True)
class Origin:
    """Where rows were read from, one file (or array) after the other: the `names` of these, `ends`
    (files,) how many rows there are up to the end of each, and `kept` (rows,) the numbers of those
    that weren't left out; None where none were."""

    names: Sequence[str]
    ends: Rows
    kept: Rows | None = None

    def place(self, row: int) -> str:
        """Where a row, by its number from 0, is to be found. A file of one row is its place."""
        number = row if self.kept is None else int(self.kept[row])
        file = int(np.searchsorted(self.ends, number, side="right"))
        before = int(self.ends[file - 1]) if file else 0
        alone = int(self.ends[file]) - before == 1
        return self.names[file] if alone else f"row {number - before + 1} of {self.names[file]}"


def row_place(row: int, origin: Origin | None) -> str:
    """Where a row, by its number from 0, is to be found; without an origin that number says it."""
    return f"row {row + 1}" if origin is None else origin.place(row)


@dataclass(frozen=True)
class Dataset:
    """Features (rows, …) as float32, or several inputs by name; `y`, (rows,) or (rows, …), in the
    form that its task gives it, such as the number of each row's class; the names of the classes,
    labels or values.

    A table has `columns`. `parts` (rows,) is the part of each row, where the data itself gives the
    split; a part without rows is held out by share. Rows with the same number in `groups` (rows,)
    stay together. `weights` (rows,), from 0, are those of the rows in the loss; None where all
    count the same. `notes` are for the user to read. Where the number of a row isn't its place in
    the one file that was read, `origin` knows that. `version` is what a loader of the user's own
    says of its rows; where it says something, that stands for their content.
    """

    x: Inputs
    y: Answered
    class_names: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    parts: Parts | None = None
    groups: Labels | None = None
    notes: tuple[str, ...] = ()
    task: Task = field(default=CLASSES)
    origin: Origin | None = None
    weights: Weights | None = None
    version: str = ""

    def counts(self, rows: Rows) -> Mapping[str, int]:
        """How many of the rows are of each kind that no part may be without."""
        return self.task.counts(self.y[rows], self.class_names)

    def loss_problems(self, loss: str) -> Iterator[str]:
        """Which of the answers a loss doesn't take."""
        return self.task.loss_problems(loss, self.y, self.class_names)

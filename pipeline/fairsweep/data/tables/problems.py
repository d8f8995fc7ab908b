"""What is wrong with the columns of a table, once they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Column, Features
from fairsweep.data.memory.view import pieces
from fairsweep.data.spelling import as_numbers, disguised
from fairsweep.data.tables.columns import MOST_WORDS

FEW_ROWS = 10  # of which each may well have a word of its own


def bad_words(columns: Sequence[Column], rows: int) -> Iterator[str]:
    """Columns with more words than can be learned from."""
    for column in columns:
        count = len(column.vocabulary)
        if count > MOST_WORDS or FEW_ROWS < count == rows:
            per_row = " (one per row)" if count == rows else ""
            number = disguised(column.vocabulary)
            yield too_many(column.name, f"{count} different words{per_row}", number)


def too_many(name: str, words: str, number: str | None = None) -> str:
    """What to tell of such a column; `number` is one of its words, where all are numbers in
    disguise."""
    aside = f"; they are {as_numbers(number)}" if number is not None else ""
    return (
        f"data.path: column {name!r} has {words}, too many to learn from; leave it out: "
        f"data.drop=[{name}]{aside}"
    )


def copies(
    x: Features,
    columns: Sequence[Column],
    apart: Iterable[tuple[str, npt.NDArray[np.int64], tuple[str, ...]]],
) -> Iterator[str]:
    """Columns that say an answer in the same words; `apart` is as `Task.apart` gives it."""
    answers = list(apart)
    compared = [slice(FEW_ROWS), *pieces(x)]  # most columns are told apart by the first few
    for i, column in enumerate(columns):
        for answer, y, words in answers:
            numbers = _numbers(column, words)
            if numbers is not None and all(
                np.array_equal(x[rows, i], numbers[y[rows]]) for rows in compared
            ):
                yield (
                    f"data.target: column {column.name!r} is a copy of {answer}, from which a "
                    f"model would read the answer; data.drop=[{column.name}]"
                )


def _numbers(column: Column, names: tuple[str, ...]) -> npt.NDArray[np.float32] | None:
    """What rows of each class have in a column that is a copy; None where it can't be one."""
    if column.vocabulary:
        return np.arange(len(names), dtype=np.float32) if column.vocabulary == names else None
    try:
        return np.array([float(name) for name in names], np.float32)
    except ValueError:
        return None


def counts_of(names: Sequence[str], counts: npt.NDArray[np.int64]) -> str:
    """Columns and in how many rows each has something, where it has."""
    there = [f"{name} {count}" for name, count in zip(names, counts, strict=True) if count]
    more = f" and {len(there) - 8} more columns" if len(there) > 8 else ""
    return f"{', '.join(there[:8])}{more} (rows)"

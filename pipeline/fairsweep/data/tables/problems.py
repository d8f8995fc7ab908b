"""Problems of the columns of a table that only show once all rows are read.

In: features, columns and labels. Out: a line for each problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Column, Features
from fairsweep.data.dates import almost_dates
from fairsweep.data.memory.view import pieces
from fairsweep.data.spelling import as_numbers, disguised, is_text
from fairsweep.data.tables.columns import MOST_WORDS
from fairsweep.invocation import typed

FEW_ROWS = 10  # so few that each may well have its own word


def bad_words(columns: Sequence[Column], rows: int) -> Iterator[str]:
    """Columns with too many different words to learn from."""
    for column in columns:
        count = 0 if column.length or column.date else len(column.vocabulary)
        if count > MOST_WORDS or FEW_ROWS < count == rows:
            per_row = " (one per row)" if count == rows else ""
            number = disguised(column.vocabulary)
            texts = is_text(column.vocabulary)
            if dates := almost_dates(column.vocabulary):
                yield (
                    f"data.path: column {column.name!r} has {dates}, or drop it: "
                    f"{typed('data.drop', [column.name])}"
                )
                continue
            yield too_many(column.name, f"{count} different words{per_row}", number, texts)


def too_many(name: str, words: str, number: str | None = None, texts: bool = False) -> str:
    """The problem of such a column; `number` is one of its words, if they are numbers written as
    words; `texts` says whether they look like texts."""
    aside = f"; they are {as_numbers(number)}" if number is not None else ""
    if texts:
        aside = (
            f"; or, to learn from the words of its texts: {typed('data.text', [name])} model=text"
        )
    return (
        f"data.path: column {name!r} has {words}, too many to learn from; drop it: "
        f"{typed('data.drop', [name])}{aside}"
    )


def copies(
    x: Features,
    columns: Sequence[Column],
    apart: Iterable[tuple[str, npt.NDArray[Any], tuple[str, ...]]],
) -> Iterator[str]:
    """Columns that are copies of an answer; `apart` is as `Task.apart` gives it."""
    answers = list(apart)
    compared = [slice(FEW_ROWS), *pieces(x)]  # the first few rows rule out most columns
    for i, column in enumerate(columns):
        if column.length:
            continue
        for answer, y, words in answers:
            if _is_copy(x, i, column, y, words, compared):
                yield (
                    f"data.target: column {column.name!r} is a copy of {answer}, which "
                    f"gives the answer away; drop it: {typed('data.drop', [column.name])}"
                )


def _is_copy(
    x: Features,
    i: int,
    column: Column,
    y: npt.NDArray[Any],
    words: tuple[str, ...],
    compared: Sequence[slice],
) -> bool:
    """Whether a column has the same in every row as an answer: a value, or that of its class."""
    if y.dtype.kind == "f":
        same = (np.array_equal(x[rows, i], y[rows].astype(np.float32)) for rows in compared)
        return not column.vocabulary and all(same)
    numbers = _numbers(column, words)
    return numbers is not None and all(
        np.array_equal(x[rows, i], numbers[y[rows]]) for rows in compared
    )


def _numbers(column: Column, names: tuple[str, ...]) -> npt.NDArray[np.float32] | None:
    """The value for each class in a column that is a copy; None if it can't be one."""
    if column.vocabulary:
        return np.arange(len(names), dtype=np.float32) if column.vocabulary == names else None
    try:
        return np.array([float(name) for name in names], np.float32)
    except ValueError:
        return None


def counts_of(names: Sequence[str], counts: npt.NDArray[np.int64]) -> str:
    """Columns with a count above 0, and their counts of rows."""
    there = [f"{name} {count}" for name, count in zip(names, counts, strict=True) if count]
    more = f" and {len(there) - 8} more columns" if len(there) > 8 else ""
    return f"{', '.join(there[:8])}{more} (rows)"

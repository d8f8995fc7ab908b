"""Classes, and labels: from what the user has for each row to numbers from 0 and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Labels

MOST_APART = (
    1000  # beyond the number of rows: classes that are counted, which is quicker than sorted
)
NO_REGRESSION = "regression is not supported yet: classes are whole numbers or words"
SHOWN = 5


def holds_labels(y: npt.NDArray[np.generic]) -> bool:
    """Whether an array has several labels a row, (rows, labels), rather than one class; one-hot
    rows have a class."""
    return y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iubf" and not _is_one_hot(y)


def label_problems(y: npt.NDArray[np.generic], names: Sequence[str]) -> Iterator[str]:
    """What is wrong of labels.

    Args:
        y: numbers or booleans (rows, labels).
        names: of the labels.
    """
    problems = [
        f"label {name!r} {problem}"
        for name, column in zip(names, y.T, strict=True)
        if (problem := _label_problem(column))
    ]
    yield from problems[:SHOWN]
    if len(problems) > SHOWN:
        yield f"… and {len(problems) - SHOWN} more labels"


def _label_problem(column: npt.NDArray[np.generic]) -> str | None:
    missing = np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)
    if missing.any():
        return (
            f"is missing in {int(missing.sum())} rows, row {int(missing.argmax()) + 1} the first; "
            "leave these rows out of the data"
        )
    other = ~np.isin(column, (0, 1))
    if other.any():
        row = int(other.argmax())
        return (
            f"must be 0 or 1 (false or true) for each row, and row {row + 1} has {column[row]}; "
            "what has more than two values is a class, one per row"
        )
    if (column == column[:1]).all():
        value = f" ({int(column[0])})" if len(column) else ""
        return f"is the same in every row{value}, so there is nothing to learn; leave it out"
    return None


def _is_one_hot(y: npt.NDArray[np.generic]) -> bool:
    """Whether exactly one of the numbers (rows, classes) of every row is 1, all others 0."""
    return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


def class_problem(y: npt.NDArray[np.generic]) -> str | None:
    """Why labels aren't one class per row, from two classes on; None where they are."""
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iubf" and _is_one_hot(y):
        return f"is one-hot, of shape {y.shape}; save y.argmax(axis=1), one class per row"
    if y.ndim == 2 and y.shape[1] == 1:
        return f"has the shape {y.shape}; save y.ravel(), one class per row"
    if y.ndim != 1 or y.dtype.kind not in "iubfUS":
        return f"must be one integer or string per row, got {y.dtype} of shape {y.shape}"
    missing = np.isnan(y) if y.dtype.kind == "f" else np.zeros(len(y), bool)
    if y.dtype.kind in "US":
        missing = np.char.str_len(y.astype(np.str_)) == 0
    if missing.any():
        return (
            f"is missing in {int(missing.sum())} rows, row {int(missing.argmax()) + 1} the first; "
            "leave these rows out of the data"
        )
    if y.dtype.kind == "f":
        fractions = np.isinf(y) | (y != np.round(np.asarray(y, np.float64)))
        if fractions.any():
            row = int(fractions.argmax())
            return (
                f"must be one integer or string per row, got {y.dtype}: row {row + 1} has "
                f"{y[row]}; {NO_REGRESSION}"
            )
    if (y == y[:1]).all():
        return "has fewer than two classes"
    return None


def number_classes(y: npt.NDArray[np.generic]) -> tuple[Labels, tuple[str, ...]]:
    """Numbers (rows,) from 0 in the order of the sorted classes, and the classes' names; of labels
    0 and 1 (rows, labels), and their numbers as names.

    Args:
        y: without a `class_problem`, or `label_problems`.
    """
    if y.ndim == 2:
        return y.astype(np.int64), tuple(map(str, range(y.shape[1])))
    if y.dtype.kind == "S":
        y = np.char.decode(y.astype(np.bytes_))
    if y.dtype.kind == "f":
        y = y.astype(np.int64)
    if y.dtype.kind in "iu" and int(y.max()) - int(y.min()) < len(y) + MOST_APART:
        low = int(y.min())
        places = (y.astype(np.int64) - low).astype(np.int64)
        there = np.flatnonzero(np.bincount(places))
        numbers = np.zeros(int(there[-1]) + 1, np.int64)
        numbers[there] = np.arange(len(there))
        return numbers[places], tuple(str(low + int(place)) for place in there)
    classes, labels = np.unique(y, return_inverse=True)
    return labels.astype(np.int64), tuple(str(name) for name in classes)

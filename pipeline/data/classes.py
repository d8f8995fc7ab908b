"""Classes: from the labels as the user has them to numbers from 0 and names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.data.dataset import Labels

MOST_APART = (
    1000  # beyond the number of rows: classes that are counted, which is quicker than sorted
)
NO_REGRESSION = "regression is not supported yet: classes are whole numbers or words"
NO_LABELS = "and multi-label is not supported yet: one class per row"


def class_problem(y: npt.NDArray[np.generic]) -> str | None:
    """Why labels aren't one class per row, from two classes on; None where they are."""
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iubf" and np.isin(y, (0, 1)).all():
        if (y.sum(axis=1) == 1).all():
            return f"is one-hot, of shape {y.shape}; save y.argmax(axis=1), one class per row"
        return f"has several labels a row, {NO_LABELS}; got the shape {y.shape}"
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
    """Numbers (rows,) from 0 in the order of the sorted classes, and the classes' names.

    Args:
        y: labels without a `class_problem`.
    """
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

"""Arrays of features and answers as a data set, checked, without rows that have gaps if so asked.

In: arrays of an .npz or of a loader of the user's own, and where they are from. Out: a `Dataset`,
or `BadInput`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fairsweep.config.schema import FILLS
from fairsweep.data.dataset import Dataset, Features, Origin
from fairsweep.data.memory.room import joined
from fairsweep.data.sequences import sequence_problems, sequence_warnings
from fairsweep.data.weights import WEIGHT, shape_problems, weight_problems
from fairsweep.errors import BadInput
from fairsweep.plural import plural
from fairsweep.tasks import AUTO, by_type, task_for

BLOCK = 2**22  # values
WHOLE, GAP, INFINITE = range(3)


def from_arrays(
    x: npt.NDArray[np.generic],
    y: npt.NDArray[np.generic],
    place: str,
    missing: str | None = None,
    parts: npt.NDArray[np.int8] | None = None,
    origin: Origin | None = None,
    weights: npt.NDArray[np.generic] | None = None,
    notes: tuple[str, ...] = (),
    asked: str = AUTO,
    padding: str | None = None,
) -> Dataset:
    """Checks arrays and numbers their classes in sorted order.

    Args:
        x: features (rows, …).
        y: a class or a value for each row, (rows,), or whether it has each label, (rows, labels),
            or several values, (rows, targets).
        place: where they are, for messages.
        missing: how NaN is handled, `data.missing`.
        parts: the part of each row, where it is given.
        origin: where rows are from, if that isn't a single array.
        weights: of rows in the loss, (rows,).
        notes: for the user to read.
        asked: the task, `data.task`.
        padding: what fills up the shorter ones of sequences.

    Raises:
        BadInput: the arrays aren't features with a class, labels, or values, for each row.
    """
    found = _gaps(x, padding)
    problems = [f"{place}: {problem}" for problem in _feature_problems(x, found, missing, padding)]
    keep = found == WHOLE if missing == "drop" and (found == GAP).any() else None
    task = task_for(y, (), asked)
    of_y = [f"{place}: {problem}" for problem in task.problems(y, "y", ())]
    if not of_y and x.ndim and len(x) != len(y):
        problems.append(
            f"{place}: x has {plural(len(x), 'row')} and y has {len(y)}; they must "
            "have the same number"
        )
    if weights is not None:
        odd = list(shape_problems(weights, WEIGHT, len(y)))
        problems += [f"{place}: {p}" for p in odd or weight_problems(weights, WEIGHT, origin)]
    if problems or of_y:
        raise BadInput(*problems, *of_y)
    notes = (*by_type(task, y, asked, origin.place if origin else None), *notes)
    if padding is not None:
        notes = (*notes, *sequence_warnings(x, padding))
    if keep is not None:
        y, parts = y[keep], None if parts is None else parts[keep]
        weights = None if weights is None else weights[keep]
        if left := list(task.problems(y, "y", ())):
            raise BadInput(
                *(f"{place}: without the rows that have missing values, {p}" for p in left)
            )
        x = joined(place, [x], keep)
        whole = origin or Origin(("x",), np.array([len(keep)]))
        origin = replace(whole, kept=np.flatnonzero(keep))
    answers, names = task.encode(y)
    if keep is not None:
        notes = (f"left out: {plural(int((~keep).sum()), 'row')} with missing values", *notes)
    return Dataset(
        _float32(x),
        answers,
        names,
        parts=parts,
        notes=notes,
        task=task,
        origin=origin,
        weights=None if weights is None else weights.reshape(-1).astype(np.float32),
    )


def _feature_problems(
    x: npt.NDArray[np.generic],
    found: npt.NDArray[np.int8],
    missing: str | None,
    padding: str | None,
) -> Iterator[str]:
    """What is wrong with features in which these gaps were found."""
    infinite, gaps = (int((found == kind).sum()) for kind in (INFINITE, GAP))
    if not _are_features(x):
        yield f"x must be numbers of shape (rows, features, …), got {_shape(x)}"
    elif padding is not None:
        yield from sequence_problems(x, padding)
    elif infinite or (gaps and missing is None):
        yield (
            f"x has NaN or infinite values in {plural(infinite + gaps, 'row')} (as 32-bit "
            f"floats), infinite ones in {infinite}; correct them, or use data.missing=fill, "
            f"indicate or drop for NaN{_if_padded(x)}"
        )
    elif missing in FILLS and gaps and x.ndim > 2:
        yield f"only tables can be filled; use data.missing=drop{_if_padded(x)}"


def _if_padded(x: npt.NDArray[np.generic]) -> str:
    """What to do where shorter sequences seem to be filled up with NaN."""
    if x.ndim != 3:
        return ""
    last = np.asarray(x[:, -1], np.float64)
    if not np.isnan(last).all(axis=-1).any():
        return ""
    return (
        "; if steps that are NaN fill up shorter sequences: data.padding=nan model=rnn, with "
        "data.missing=null"
    )


def _are_features(x: npt.NDArray[np.generic]) -> bool:
    return x.ndim >= 2 and x.dtype.kind in "iufb"


def _gaps(x: npt.NDArray[np.generic], padding: str | None) -> npt.NDArray[np.int8]:
    """For each row (rows,) WHOLE, GAP if a value is missing, or INFINITE; sequences have rules of
    their own."""
    found = np.zeros(len(x) if x.ndim else 0, np.int8)
    if x.dtype.kind != "f" or not _are_features(x) or padding is not None:
        return found
    rows = max(1, BLOCK // max(1, math.prod(x.shape[1:])))
    for start in range(0, len(x), rows):
        some = x[start : start + rows]
        block = _float32(some).reshape(len(some), -1)
        found[start : start + rows] = np.where(
            np.isinf(block).any(axis=1), INFINITE, np.isnan(block).any(axis=1)
        )
    return found


def _float32(x: npt.NDArray[np.generic]) -> Features:
    """What is too large for 32 bits becomes infinite, and is refused as such."""
    if x.dtype == np.float32:
        return x  # type: ignore[return-value]
    with np.errstate(over="ignore"):
        return x.astype(np.float32)


def _shape(array: npt.NDArray[np.generic]) -> str:
    return f"{array.dtype} of shape {array.shape}"

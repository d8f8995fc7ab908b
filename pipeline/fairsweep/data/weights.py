"""Weights of rows, by which the loss of each is multiplied.

In: a number for each row, as the user has it. Out: 32-bit floats, or a line for each problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Origin, Rows, Weights, row_place
from fairsweep.plural import plural

WEIGHT = "sample_weight"
"""What the array of weights is called, in files and by loaders."""
NEED = "every row needs a finite number from 0"
USUAL = (0.1, 10.0)
"""Means of weights under which learning rates are about as good as without."""


def shape_problems(weights: npt.NDArray[np.generic], what: str, rows: int) -> Iterator[str]:
    """Why an array doesn't have one number for each of so many rows."""
    if weights.dtype.kind not in "iufb" or weights.shape not in {(rows,), (rows, 1)}:
        yield (
            f"{what} must be numbers of shape ({rows},), one a row, got {weights.dtype} of shape "
            f"{weights.shape}"
        )


def weight_problems(
    weights: npt.NDArray[np.generic], what: str, origin: Origin | None
) -> Iterator[str]:
    """What is wrong with weights, in sentences that begin with `what`.

    Args:
        weights: numbers, one for every row that was read.
        what: the column or the array.
        origin: where rows were read; None where their numbers say it.
    """
    values = weights.reshape(-1).astype(np.float64)
    with np.errstate(over="ignore"):  # too large for 32 bits: infinite
        infinite = np.isinf(values.astype(np.float32))
    for odd, name in (
        (np.isnan(values), "is missing"),
        (infinite, "is infinite, or too large for 32 bits,"),
        (values < 0, "is negative"),
    ):
        if odd.any():
            first = int(np.argmax(odd))
            value = "" if np.isnan(values[first]) else f" ({values[first]:g})"
            yield (
                f"{what} {name} in {plural(int(odd.sum()), 'row')}, first in "
                f"{row_place(first, origin)}{value}; {NEED}"
            )


def all_zero(weights: Weights | None, parts: Mapping[str, Rows]) -> Iterator[str]:
    """Parts of the split in which no row counts."""
    for name, rows in parts.items():
        if weights is not None and len(rows) and not weights[rows].any():
            yield (
                f"data: every {name} row has weight 0, so the {name} loss is always 0; give some "
                "of them a weight above 0, or leave the weights out"
            )


def fold_without_weight(weights: Weights | None, folds: Sequence[Rows]) -> str:
    """Why folds of weighted rows can't take turns in judging; empty where they can."""
    if weights is None:
        return ""
    there = all(weights[rows].any() for rows in folds)
    return "" if there else "a fold in which every row has weight 0"


def odd_weights(weights: Weights | None, train: Rows) -> Iterator[str]:
    """What looks wrong about weights but may be meant."""
    if weights is None:
        return
    if zeros := int((weights == 0).sum()):
        yield (
            f"{plural(zeros, 'row')} with weight 0: nothing is learned from them, but metrics "
            "other than the loss count them like any row; remove them from the data if they "
            "shouldn't count at all"
        )
    mean = float(weights[train].mean(dtype=np.float64))
    if not USUAL[0] <= mean <= USUAL[1]:
        yield (
            f"weights of training rows have the mean {mean:.3g}, which multiplies the loss, and "
            "so the steps of optimizers such as SGD; divide the weights by it, and learning rates "
            "mean what they usually do"
        )

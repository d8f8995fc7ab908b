"""Folds of the rows that aren't for testing: which of them judge a training, and what several make
together."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fold:
    """The rows that judge a training: part `index` of `count`, in the cut of this `repeat`."""

    count: int
    repeat: int
    index: int


ALL_ROWS = Fold(0, 0, 0)
"""No part judges: all rows that aren't for testing are trained on."""

SEARCH_CUT = -1
"""The repeat of the search's own cut, which no confirmation has."""


def search_fold(count: int, index: int) -> Fold:
    """A fold of the search: the same rows in every trial and arm."""
    return Fold(count, SEARCH_CUT, index)


def asked_by(repeat: int) -> str:
    """The setting that asks for the cut of a repeat."""
    return "search.folds" if repeat == SEARCH_CUT else "confirm.folds"


def mean_over_folds(folds: Sequence[Mapping[str, Sequence[float]]]) -> list[dict[str, float]]:
    """The epochs of a trial on folds, the first one first: the mean of each metric over the folds,
    as far as all of them got.

    Args:
        folds: of each its metrics, as values of its epochs.
    """
    names = [name for name in folds[0] if all(name in fold for fold in folds)] if folds else []
    epochs = min((len(fold[name]) for fold in folds for name in names), default=0)
    return [
        {name: statistics.fmean(fold[name][epoch] for fold in folds) for name in names}
        for epoch in range(epochs)
    ]

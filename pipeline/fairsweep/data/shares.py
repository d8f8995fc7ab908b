"""Which rows are held out, or make a fold, where rows of a group belong together.

In: row numbers and their groups. Out: the row numbers that are held out, or those of each fold.
"""

from __future__ import annotations

import numpy as np

from fairsweep.data.dataset import Dataset, Rows


def by_group(rows: Rows, dataset: Dataset, share: float, random: np.random.Generator) -> Rows:
    """Whole groups in random order, each taken if that brings the rows of every kind of answer
    closer to their shares."""
    assert dataset.groups is not None
    names, own = np.unique(dataset.groups[rows], return_inverse=True)
    counts = dataset.task.tally(dataset.y[rows], own, len(names))
    wanted = counts.sum(axis=0) * share
    chosen = np.zeros(len(names), bool)
    for group in random.permutation(len(names)):
        left = wanted - counts[group]
        if (left**2).sum() < (wanted**2).sum():
            chosen[group], wanted = True, left
    return rows[chosen[own]]


def dealt(rows: Rows, dataset: Dataset, count: int, random: np.random.Generator) -> list[Rows]:
    """Whole groups dealt out to folds, the largest first and equal ones in random order: each to
    the fold that has the least of its kinds of answers, then the fewest rows; no fold stays empty.

    Args:
        rows: of at least `count` groups.
        dataset: all rows.
        count: how many folds.
        random: the order.
    """
    assert dataset.groups is not None
    names, own = np.unique(dataset.groups[rows], return_inverse=True)
    counts = dataset.task.tally(dataset.y[rows], own, len(names))
    shares = counts / np.maximum(counts.sum(axis=0), 1)  # rare kinds weigh as much as common ones
    sizes = np.bincount(own)
    order = random.permutation(len(names))
    there, filled = np.zeros((count, counts.shape[1])), np.zeros(count, np.int64)
    fold_of = np.zeros(len(names), np.int64)
    order = order[np.argsort(-sizes[order], kind="stable")]
    for left, group in zip(range(len(order), 0, -1), order, strict=True):
        empty = np.flatnonzero(filled == 0)
        open_to = empty if len(empty) == left else np.arange(count)
        likeness = there[open_to] @ shares[group]
        fold = open_to[np.lexsort((filled[open_to], likeness))[0]]
        fold_of[group] = fold
        there[fold] += shares[group]
        filled[fold] += sizes[group]
    return [rows[fold_of[own] == fold] for fold in range(count)]

"""Which rows are held out where rows of a group belong together.

In: row numbers and their groups. Out: the row numbers that are held out.
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

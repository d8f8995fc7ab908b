"""Which rows are held out of others: a share of them, in which every class and every label has the
share that it has in all; row by row, or whole groups.

In: row numbers and their labels. Out: the row numbers that are held out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Labels, Rows

Counts = npt.NDArray[np.float64]


def by_class(rows: Rows, labels: Labels, share: float, random: np.random.Generator) -> Rows:
    """Class by class, largest remainders rounded up; `labels` (rows,)."""
    held = round(len(rows) * share)
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * (held / len(rows))
    take = np.floor(exact).astype(np.int64)
    for i in np.argsort(take - exact, kind="stable")[: held - int(take.sum())]:
        take[i] += 1
    parts = [
        random.permutation(rows[labels == label])[:n]
        for label, n in zip(classes, take, strict=True)
    ]
    return np.sort(np.concatenate(parts))


def by_labels(rows: Rows, labels: Labels, share: float, random: np.random.Generator) -> Rows:
    """Rows with the same labels keep their share to a row; which of their shares are rounded up is
    decided label by label, the rarest first; `labels` (rows, labels) are 0 and 1.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011), with rows of the same labels
    taken together, and each step corrected by what the steps before it rounded.
    """
    packed = np.packbits(labels.astype(bool), axis=1)
    _, first, own, counts = np.unique(
        packed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    own = own.reshape(-1)
    exact = counts * share
    take = np.floor(exact).astype(np.int64)
    take += _rounded_up(labels[first], exact - take, random)
    shuffled = random.permutation(len(rows))
    together = shuffled[np.argsort(own[shuffled], kind="stable")]
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    place = np.arange(len(rows)) - starts
    return np.sort(rows[together[place < take[own[together]]]])


def _rounded_up(sets: Labels, parts: Counts, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Of which sets of labels one more row is held out.

    Args:
        sets: (sets, labels) of 0 and 1.
        parts: the part of a row of each set that is to be held out, in [0, 1).
        random: the order of sets with the same rarest label.
    """
    having = np.column_stack([sets, np.ones(len(sets), np.int64)]).astype(bool)  # all have the last
    up, left = np.zeros(len(sets), bool), parts > 0
    waiting = having[left].sum(axis=0).astype(np.float64)
    error = np.zeros(having.shape[1])
    while left.any():
        rarest = int(np.argmin(np.where(waiting > 0, waiting, np.inf)))
        for i in random.permutation(np.flatnonzero(left & having[:, rarest])):
            labels = having[i]
            weights = waiting[labels] ** -0.5
            up[i] = (weights * error[labels]).sum() / weights.sum() < parts[i] - 0.5
            error[labels] += up[i] - parts[i]
            waiting[labels] -= 1
            left[i] = False
    return up


def by_group(
    rows: Rows, labels: Labels, groups: Labels, share: float, random: np.random.Generator
) -> Rows:
    """Whole groups in random order, each taken if that brings the rows of all classes, or with all
    labels, closer to their shares; `labels` (rows,) or (rows, labels)."""
    names, own = np.unique(groups, return_inverse=True)
    if labels.ndim > 1:
        counts = np.zeros((len(names), labels.shape[1] + 1))
        np.add.at(counts, own, np.column_stack([labels, np.ones(len(rows), np.int64)]))
    else:
        classes, label = np.unique(labels, return_inverse=True)
        counts = np.zeros((len(names), len(classes)))
        np.add.at(counts, (own, label), 1)
    wanted = counts.sum(axis=0) * share
    chosen = np.zeros(len(names), bool)
    for group in random.permutation(len(names)):
        left = wanted - counts[group]
        if (left**2).sum() < (wanted**2).sum():
            chosen[group], wanted = True, left
    return rows[chosen[own]]

"""Metrics that aren't means of what each row has alone: macro F1, the area under the ROC curve, the
root mean squared error, R².

In: what rows are, and what a model says of them, a column for each class, label or target. Out: a
share for each row, (rows,). Their mean is the metric, and a row's share says how the metric changes
with the weight of the row: the metric, plus the number of rows times its derivative (the
infinitesimal jackknife; Efron 1982, "The jackknife, the bootstrap and other resampling plans"). So
what holds for means of rows holds for these metrics too, as far as they are linear in the weights
of rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Marks = npt.NDArray[np.bool_]
"""Which of the classes or labels each row has, (rows, names)."""
Outputs = npt.NDArray[np.floating]
"""How much a model thinks so, (rows, names)."""
Values = npt.NDArray[np.float64]


def macro_f1(true: Marks, said: Marks) -> Values:
    """The mean of the F1 scores of all classes or labels that some row has or is said to have."""
    both = (true & said).astype(np.float64)
    either = true.astype(np.float64) + said
    sizes = either.sum(axis=0)
    there = sizes > 0
    scores = 2 * both.sum(axis=0)[there] / sizes[there]
    change = (2 * both[:, there] - scores * either[:, there]) / sizes[there]
    return _shares(scores, change)


def roc_auc(true: Marks, outputs: Outputs) -> Values:
    """The mean area of all classes or labels that some row has, and some hasn't: how often a row
    that has it gets more than one that hasn't; equal outputs count half (Mann and Whitney 1947; the
    derivative is DeLong, DeLong and Clarke-Pearson's, 1988)."""
    scores, changes = [], []
    for having, given in zip(true.T, outputs.T, strict=True):
        n = int(having.sum())
        if not 0 < n < len(having):
            continue
        place = np.empty(len(having))
        place[having] = _below(given[~having], given[having])
        place[~having] = 1 - _below(given[having], given[~having])
        score = float(place[having].mean())
        scores.append(score)
        changes.append((place - score) / np.where(having, n, len(having) - n))
    return _shares(np.array(scores), np.reshape(changes, (-1, len(true))).T)


def rmse(true: Values, said: Values) -> Values:
    """The root of the mean squared error, the mean over targets (rows, targets)."""
    squared = (true - said) ** 2
    mean = squared.mean(axis=0)
    root = np.sqrt(mean)
    change = (squared - mean) / np.where(root > 0, 2 * root, 1)
    shares: Values = (root + change).mean(axis=1)
    return shares


def r2(true: Values, said: Values) -> Values:
    """1 - mean squared error / variance, the mean over targets (rows, targets). Where rows don't
    differ it is 1 for what is right and else 0, as scikit-learn has it."""
    squared, spread = (true - said) ** 2, (true - true.mean(axis=0)) ** 2
    error, variance = squared.mean(axis=0), spread.mean(axis=0)
    varies = variance > 0
    divided = np.where(varies, variance, 1)
    score = np.where(varies, 1 - error / divided, error == 0)
    change = (error * (spread - variance) / divided - (squared - error)) / divided
    shares: Values = (score + np.where(varies, change, 0)).mean(axis=1)
    return shares


def _below(others: Outputs, own: Outputs) -> Values:
    """The share of `others` below each of `own`, equal ones counted half."""
    ordered = np.sort(others)
    less, up_to = (np.searchsorted(ordered, own, side) for side in ("left", "right"))
    return (less + up_to) / (2 * len(ordered))


def _shares(scores: Values, change: Values) -> Values:
    """From scores (names,) and their derivatives (rows, names); not numbers, where no name can be
    scored."""
    if len(scores) == 0:
        return np.full(len(change), np.nan)
    shares: Values = scores.mean() + len(change) * change.mean(axis=1)
    return shares

"""Metrics that are measured from what a model says of all rows at once.

In: what rows are, and what a model says of them, a column for each class, label or target. Out: a
share for each row, (rows,). Their mean is the metric. Where it is no mean of what each row has
alone (F1, the areas, R²), a row's share says how the metric changes with the weight of the row: the
metric, plus the number of rows times its derivative (the infinitesimal jackknife; Efron 1982, "The
jackknife, the bootstrap and other resampling plans"). So what holds for means of rows holds for
these metrics too, as far as they are linear in the weights of rows.

Where rows have exactly one of the names (`exclusive`), these are classes; else each is a label that
a row has or hasn't, and is scored on its own. Two classes have a column for the second alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Marks = npt.NDArray[np.bool_]
"""Which of the classes or labels each row has, (rows, names)."""
Outputs = npt.NDArray[np.floating]
"""How much a model thinks so, (rows, names)."""
Values = npt.NDArray[np.float64]

LEAST = float(np.finfo(np.float32).eps)
"""What a probability is taken for at least, of an answer that is wrong with certainty: models give
32-bit floats."""
BINS = 15
"""Of equal width, from 0 to 1, in which confidence is compared with how often it was right (Guo et
al. 2017, "On calibration of modern neural networks")."""


def macro_f1(true: Marks, said: Marks) -> Values:
    """The mean of the F1 scores of all classes or labels that some row has or is said to have."""
    return _shares(*_f1(*_there(true, said)))


def weighted_f1(true: Marks, said: Marks) -> Values:
    """The same, each F1 score weighted by how many rows have the name."""
    true, said = _there(true, said)
    scores, change = _f1(true, said)
    having = true.sum(axis=0) / max(1, true.sum())
    if not having.any():
        return np.full(len(true), np.nan)
    score = float(having @ scores)
    own = true @ scores - score * true.sum(axis=1)
    shares: Values = score + len(true) * (own / true.sum() + change @ having)
    return shares


def macro_precision(true: Marks, said: Marks) -> Values:
    """The mean over the same names of how many that are said to have one do; 0 where none is."""
    true, said = _there(true, said)
    return _shares(*_ratios(true & said, said))


def macro_recall(true: Marks, said: Marks) -> Values:
    """The mean over the same names of how many that have one are said to; 0 where none has."""
    true, said = _there(true, said)
    return _shares(*_ratios(true & said, true))


def balanced_accuracy(true: Marks, said: Marks, exclusive: bool) -> Values:
    """How many rows of each class are told right, and the mean of that over classes. Of a label,
    whether a row has it and whether it hasn't are the two classes."""
    if exclusive:
        own = true.any(axis=0)
        return _shares(*_ratios((true & said)[:, own], true[:, own]))
    own = true.any(axis=0) & ~true.all(axis=0)
    has, told = true[:, own], said[:, own]
    with_it, without = _ratios(has & told, has), _ratios(~has & ~told, ~has)
    return _shares((with_it[0] + without[0]) / 2, (with_it[1] + without[1]) / 2)


def matthews(true: Marks, said: Marks, exclusive: bool) -> Values:
    """Matthews' correlation coefficient: of all classes at once (Gorodkin 2004, "Comparing two
    K-category assignments by a K-category correlation coefficient"), of labels the mean of each;
    0 where rows are, or are said to be, all alike."""
    true, said = _there(true, said)
    if exclusive:
        return _matthews(true, said)
    own = [
        _matthews(np.column_stack([has, ~has]), np.column_stack([told, ~told]))
        for has, told in zip(true.T, said.T, strict=True)
    ]
    return np.mean(own, axis=0) if own else np.full(len(true), np.nan)


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


def average_precision(true: Marks, outputs: Outputs) -> Values:
    """The mean area under the curves of precision over recall, as a sum of steps, of all classes or
    labels that some row has; rows with equal outputs are one step."""
    scores, changes = [], []
    for having, given in zip(true.T, outputs.T, strict=True):
        n = int(having.sum())
        if n == 0:
            continue
        _, step = np.unique(-given, return_inverse=True)  # the largest output first
        own = np.bincount(step, having)
        rows = np.cumsum(np.bincount(step))
        precision = np.cumsum(own) / rows
        score = float(own @ precision) / n
        # A row with the name adds to its own step, and any row to the precision from there on.
        later, less = (np.cumsum(part[::-1])[::-1] for part in (own / rows, own * precision / rows))
        change = having * (precision[step] - score + later[step]) - less[step]
        scores.append(score)
        changes.append(change / n)
    return _shares(np.array(scores), np.reshape(changes, (-1, len(true))).T)


def log_loss(true: Marks, outputs: Outputs, exclusive: bool) -> Values:
    """Minus the logarithm of the probability of what is true, of labels the mean of each."""
    if exclusive and true.shape[1] > 1:
        likely = (np.where(true, outputs, 0.0).sum(axis=1) / outputs.sum(axis=1))[:, np.newaxis]
    else:
        likely = np.where(true, outputs, 1 - outputs)
    losses: Values = -np.log(np.clip(likely, LEAST, 1 - LEAST)).mean(axis=1)
    return losses


def brier(true: Marks, outputs: Outputs, exclusive: bool) -> Values:
    """The squared distance of the probabilities from 1 for what is true and 0 for what isn't: of
    three classes or more the sum over classes, of two that of one of them, of labels the mean."""
    squares = (outputs - true) ** 2
    found: Values = squares.sum(axis=1) if exclusive else squares.mean(axis=1)
    return found


def calibration_error(true: Marks, outputs: Outputs, exclusive: bool) -> Values:
    """The expected calibration error: how far the probability of the class that is told is from how
    often it is right, the mean over `BINS`, weighted by their rows. Of labels the mean of each,
    by its probability and by how often rows have it."""
    if not exclusive:
        own = [_gaps(*pair) for pair in zip(outputs.T, true.T, strict=True)]
        gaps: Values = np.mean(own, axis=0)
        return gaps
    if outputs.shape[1] == 1:  # the second of two classes
        outputs, true = np.column_stack([1 - outputs, outputs]), np.column_stack([~true, true])
    rows = np.arange(len(true))
    told = outputs.argmax(axis=1)
    return _gaps(outputs[rows, told], true[rows, told])


def top(true: Marks, outputs: Outputs, most: int) -> Values:
    """Whether the class is one of the `most` likeliest; of equal ones the later goes first."""
    own, place = outputs[true][:, np.newaxis], true.argmax(axis=1)[:, np.newaxis]
    later = np.arange(true.shape[1]) > place
    before = (outputs > own) | ((outputs == own) & later)
    told: Values = (before.sum(axis=1) < most).astype(np.float64)
    return told


def _below(others: Outputs, own: Outputs) -> Values:
    """The share of `others` below each of `own`, equal ones counted half."""
    ordered = np.sort(others)
    less, up_to = (np.searchsorted(ordered, own, side) for side in ("left", "right"))
    return (less + up_to) / (2 * len(ordered))


def _there(true: Marks, said: Marks) -> tuple[Marks, Marks]:
    """The columns of names that some row has or is said to have."""
    there = true.any(axis=0) | said.any(axis=0)
    return true[:, there], said[:, there]


def _f1(true: Marks, said: Marks) -> tuple[Values, Values]:
    return _ratios(2.0 * (true & said), true.astype(np.float64) + said)


def _ratios(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> tuple[Values, Values]:
    """The sum of a part over that of the whole by name, (names,), 0 where there is nothing, and its
    derivatives by the weights of rows, (rows, names)."""
    sizes = whole.sum(axis=0, dtype=np.float64)
    filled = np.where(sizes > 0, sizes, 1.0)
    scores = part.sum(axis=0, dtype=np.float64) / filled
    return scores, (part - scores * whole) / filled


def _matthews(true: Marks, said: Marks) -> Values:
    rows = len(true)
    has, told = true.sum(axis=0, dtype=np.float64), said.sum(axis=0, dtype=np.float64)
    right = (true & said).any(axis=1)
    both = right.sum() * rows - has @ told
    first, second = rows**2 - has @ has, rows**2 - told @ told
    if first <= 0 or second <= 0:
        return np.zeros(rows)
    size = np.sqrt(first * second)
    score = both / size
    change = (rows * right + right.sum() - true @ told - said @ has) / size
    change -= score * ((rows - true @ has) / first + (rows - said @ told) / second)
    shares: Values = score + rows * change
    return shares


def _gaps(likely: Outputs, right: Marks) -> Values:
    """From probabilities and what came of them, (rows,): how far apart they are, above 0 where that
    widens what they are apart in the whole bin, below 0 where it narrows it."""
    gaps = likely - right
    bins = np.minimum((likely * BINS).astype(np.int64), BINS - 1)
    signs: Values = np.sign(np.bincount(bins, gaps, BINS))
    return gaps * signs[bins]


def _shares(scores: Values, change: Values) -> Values:
    """From scores (names,) and their derivatives (rows, names); not numbers, where no name can be
    scored."""
    if len(scores) == 0:
        return np.full(len(change), np.nan)
    shares: Values = scores.mean() + len(change) * change.mean(axis=1)
    return shares

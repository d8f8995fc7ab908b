"""What a search brought, trial by trial: the learning rates that worked, the best so far, and what
a shorter search would have found.

In: the trials of an arm. Out: numbers; drawing is left to `figures`.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fairsweep.records import Objective, RunRecord
from fairsweep.report.analysis.select import ArmSelection, Selection, has_result, value_of

RANDOM = ("random", "qmc")
"""Samplers whose trials don't depend on those before."""

LEARNING_RATE = "optimizer.learning_rate"
CLOSE = 0.01
"""The share of the best value within which a trial counts as nearly as good."""
WINDOW = 7
"""Neighbouring learning rates that are summed up together."""
SHORTER = 200
"""Lengths of a search that `expected_best` tells of, at most."""
BAND = 0.8
"""The share of shorter searches that ends inside the band of `expected_best`."""


@dataclass(frozen=True)
class Step:
    """The best complete trial so far, once `trials` have ended and `epochs` are trained."""

    trials: int
    epochs: int
    value: float


@dataclass(frozen=True)
class Expected:
    """The best of `trials` random trials: its mean, and the range of `BAND` of all draws."""

    trials: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Window:
    """What trials near a learning rate came to: median and quartiles."""

    rate: float
    median: float
    low: float
    high: float


def learning_rate(run: RunRecord) -> float | None:
    """The run's learning rate; None where its optimizer has none."""
    stored = run.params.get(LEARNING_RATE)
    return None if stored is None else float(stored)


def good_rates(entry: ArmSelection) -> tuple[float, float] | None:
    """The lowest and the highest learning rate of the complete trials within 1 % of the best one;
    None without any."""
    best = value_of(entry.best)
    margin = CLOSE * abs(best)
    rates = [
        rate
        for run in entry.trials
        if has_result(run)
        and abs(value_of(run) - best) <= margin
        and (rate := learning_rate(run)) is not None
    ]
    return (min(rates), max(rates)) if rates else None


def best_so_far(entry: ArmSelection, objective: Objective) -> tuple[Step, ...]:
    """A step for each ended trial in the order of their numbers, from the first complete one on; of
    the search that found the arm's best."""
    steps, epochs, best, ended = [], 0, math.nan, 0
    if entry.best is None:
        return ()
    for run in entry.trials:
        if run.outcome == "running" or run.key.search != entry.best.key.search:
            continue
        ended += 1
        epochs += run.epochs
        if has_result(run) and objective.better(value_of(run), best):
            best = value_of(run)
        if math.isfinite(best):
            steps.append(Step(ended, epochs, best))
    return tuple(steps)


def smoothed(points: Sequence[tuple[float, float]]) -> tuple[Window, ...]:
    """Median and quartiles of the values over every `WINDOW` neighbouring rates.

    Args:
        points: (learning rate, value) of trials whose rates don't depend on each other.
    """
    ordered = sorted(points)
    windows = []
    for start in range(len(ordered) - WINDOW + 1):
        rates, values = zip(*ordered[start : start + WINDOW], strict=True)
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        windows.append(Window(statistics.geometric_mean(rates), middle, low, high))
    return tuple(windows)


def target(selection: Selection) -> float | None:
    """A value within 1 % of the best confirmed mean: what arms are timed to; None without one."""
    means = [sample.mean for sample in selection.samples.values()]
    index = selection.objective.best(means)
    if index is None:
        return None
    return selection.objective.worsened(means[index], CLOSE * abs(means[index]))


def epochs_to(entry: ArmSelection, goal: float, objective: Objective) -> tuple[float, ...]:
    """For each confirmed seed whose curve is stored the first epoch that is at least as good as
    `goal`; infinite where none is."""
    cost = objective.cost
    return tuple(
        next(
            (
                float(epoch)
                for epoch, value in enumerate(run.curves[objective.metric], start=1)
                if cost(value) <= cost(goal)
            ),
            math.inf,
        )
        for run in entry.confirmed
        if objective.metric in run.curves
    )


def expected_best(values: Sequence[float], objective: Objective) -> tuple[Expected, ...]:
    """What the best of k of these trials is, over all ways to draw k of them: for every k, or
    `SHORTER` of them from 1 to all where there are more.

    The best of k is the i-th worst of n with probability C(i - 1, k - 1) / C(n, k): the mean is
    unbiased for any k (Dodge et al. 2019, arXiv 1909.03004, draw with replacement, which is not).

    Args:
        values: Of trials drawn independently of each other; finite.
        objective: Which values are better.
    """
    worst_first, n = sorted(values, key=objective.cost, reverse=True), len(values)
    lengths: Sequence[int] = range(1, n + 1)
    if n > SHORTER:
        lengths = sorted({round(n ** (i / (SHORTER - 1))) for i in range(SHORTER)})
    return tuple(_best_of(worst_first, k) for k in lengths)


def _best_of(worst_first: Sequence[float], k: int) -> Expected:
    n = len(worst_first)
    chances = [0.0] * n
    chances[-1] = k / n
    for i in range(n - 1, k - 1, -1):
        chances[i - 1] = chances[i] * (i + 1 - k) / i
    mean = math.fsum(p * value for p, value in zip(chances, worst_first, strict=True))
    tail = (1 - BAND) / 2
    worst, best = _quantile(chances, worst_first, tail), _quantile(chances, worst_first, 1 - tail)
    return Expected(k, mean, min(worst, best), max(worst, best))


def _quantile(chances: Sequence[float], values: Sequence[float], level: float) -> float:
    """The first value by which `level` of the probability is reached."""
    reached = itertools.accumulate(chances)
    enough = level - 1e-12  # a sum of chances may miss a whole by its last digit
    return next((v for v, p in zip(values, reached, strict=True) if p >= enough), values[-1])

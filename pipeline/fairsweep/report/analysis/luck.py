"""How large a mean difference of two arms is, by what luck, and what would settle it.

In: a table of differences, row by row, of units that were trained and judged alike. Out: the mean,
its interval and p-value, and the parts of its variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

LEVEL = 0.05
"""The share of sweeps of equal arms in which a winner may be named by chance."""

ENOUGH = 1.96 + 0.84
"""How many standard errors a difference must have to be found four times of five."""

BISECTIONS = 50
"""Halvings of the range in which a p-value is looked for that no formula gives."""

Table = npt.NDArray[np.float64]
Trainings = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Parts:
    """Where the luck in a mean difference comes from, as variances. An estimate from one pair of
    arms is rough, and can be below 0; see `pooled`.

    Attributes:
        rows: From row to row, of many trainings; what other training rows would change is in it.
        units: From training to training (repeat to repeat, or search to search), over many rows.
        rest: What belongs to one row in one training.
        n_rows: How many rows there are.
        n_units: How many repeats, or searches.
    """

    rows: float
    units: float
    rest: float
    n_rows: int
    n_units: int

    def error(self, n_rows: float, n_units: float) -> float:
        """The standard error of the mean with other numbers of rows and units."""
        both = self.rest / (n_rows * n_units)
        return math.sqrt(self.rows / n_rows + self.units / n_units + both)


@dataclass(frozen=True)
class Difference:
    """The best arm minus another one.

    Attributes:
        n: How many trainings of each arm it is over.
        mean: In the metric's own unit.
        interval: The 95 % interval of the mean; None where nothing tells.
        parts: Of its variance; None where nothing is known about rows.
    """

    n: int
    mean: float
    interval: tuple[float, float] | None = None
    parts: Parts | None = None


@dataclass(frozen=True)
class Settling:
    """What would settle a difference of this size, four times of five.

    Attributes:
        units: How many repeats, or searches, in all; None where no number of them would.
        rows: How many rows in all; None where no number of them would.
        floor: The least difference that these rows could tell, with any number of repeats.
    """

    units: int | None
    rows: int | None
    floor: float


def crossed(
    table: Table,
    trainings: Trainings | None = None,
    smallest: float = 0.0,
    scored: bool = False,
    overlap: float = 0.0,
) -> tuple[Difference, float]:
    """A mean difference over rows and trainings that are both drawn from many, and its p-value.

    Each row is judged once a unit, by one of the unit's trainings. The means of the trainings vary
    by the luck of both, which gives the variance of their mean if no two of them had rows in
    common; where rows come again in other units, what a row has in common with itself there is
    added (crossed random effects; Owen 2007, arXiv 0712.1111). It is never taken for less than the
    means of rows would give alone. The degrees of freedom are Satterthwaite's.

    Trainings on folds have most of their training rows in common, and no variance among them can
    show what other training rows would change. It is taken for `overlap` times the luck of the rows
    that judge (as Nadeau and Bengio 2003 do, Machine Learning 52); without it, equal arms whose
    confirmed means differ because of these training rows had a winner too often (docs/VERDICT.md).

    Some rows have a large share of a score, and most a small one, so what a row has in common with
    itself is too rough an estimate: of equal arms a winner was named too often (docs/VERDICT.md).
    There the variance is that of the crossed bootstrap, which draws trainings and rows anew, each
    with replacement. It needs no draws to be known: it is that of the means of trainings, of the
    means of rows, and of single shares around them. So it counts the last three times, and is the
    more careful one.

    Args:
        table: differences, (units, rows), without gaps.
        trainings: which training of its unit judged each row, (units, rows); None where each unit
            has one.
        smallest: what varies by less is the same number.
        scored: whether the differences are those of shares.
        overlap: how many rows judge a training, as a share of those that it is trained on; 0 where
            nothing is claimed of other training rows.
    """
    units, rows = table.shape
    mean, by_row = float(table.mean()), table.mean(axis=0)
    own = np.zeros(table.shape, np.int64) if trainings is None else trainings
    count = int(own.max()) + 1
    place = own + count * np.arange(units)[:, np.newaxis]
    sizes = np.bincount(place.ravel(), minlength=units * count)
    means = np.bincount(place.ravel(), table.ravel(), units * count) / np.maximum(sizes, 1)
    left = table - means[place]
    means = means[sizes > 0]
    trained, of_means = len(means), float(means.var(ddof=1)) if len(means) > 1 else 0.0
    within, of_rows = _of_rows(left)
    rest, alone = within - of_rows, float(by_row.var(ddof=1)) / rows
    # As much of the luck of rows as is in the means already: none, where all have the same ones.
    seen = (trained - units) / max(1, trained - 1)
    again = max(0.0, of_rows) * (1 - seen / units) / rows
    others = overlap * max(0.0, of_rows) / rows
    shared = (alone + within / (units * rows) if scored else again) + others
    variance = max(of_means / trained + shared, alone + others)
    known = (of_means / trained) ** 2 / max(1, trained - 1) + shared**2 / (rows - 1)
    freedom = (of_means / trained + shared) ** 2 / known if known > 0 else rows - 1.0
    of_trainings = of_means * units / trained - (rest + seen * of_rows) / rows
    counted = 2 * of_rows + 3 * rest if scored else rest
    parts = Parts(of_rows + others * rows, of_trainings, counted, rows, units)
    return tested(mean, [(variance, freedom)], parts, trained, smallest)


def searched(
    table: Table, smallest: float = 0.0, scored: bool = False, overlap: float = 0.0
) -> tuple[Difference, float]:
    """A mean difference over rows and searches that are both drawn from many, and its p-value.

    All searches are judged on the same rows. What their means vary by is the luck of searches, and
    of the trainings that confirm them; what a row has in common with itself from search to search
    is that of rows, and of scores the crossed bootstrap's. The few searches tell little of how much
    searches vary, and where they happen to agree Satterthwaite's degrees of freedom forget it:
    three searches of equal arms would bring a winner in 7 % of sweeps. So each part keeps its own
    (Cochran and Cox 1957, Experimental Designs): with three searches theirs has two.

    Args:
        table: differences, (searches, rows), without gaps; at least two searches.
        smallest: what varies by less is the same number.
        scored: whether the differences are those of shares.
        overlap: as `crossed` has it.
    """
    searches, rows = table.shape
    means = table.mean(axis=1)
    within, of_rows = _of_rows(table - means[:, np.newaxis])
    rest, of_searches = within - of_rows, float(means.var(ddof=1))
    alone = float(table.mean(axis=0).var(ddof=1)) / rows
    others = overlap * max(0.0, of_rows) / rows
    again = max(0.0, of_rows / rows, alone - of_searches / searches)
    shared = (alone + within / (searches * rows) if scored else again) + others
    variances = [(of_searches / searches, searches - 1.0), (shared, rows - 1.0)]
    counted = of_rows + 3 * rest if scored else rest
    parts = Parts(of_rows + others * rows, of_searches - rest / rows, counted, rows, searches)
    return tested(float(table.mean()), variances, parts, searches, smallest)


def _of_rows(left: Table) -> tuple[float, float]:
    """The variance of what is left of (units, rows) beside the means of trainings, and the part of
    it that a row has in common with itself from unit to unit; with one unit that is all of it."""
    units = len(left)
    within = float((left**2).mean())
    products = float((left.sum(axis=0) ** 2 - (left**2).sum(axis=0)).mean())
    return within, products / (units * (units - 1)) if units > 1 else within


def tested(
    mean: float,
    variances: Sequence[tuple[float, float]],
    parts: Parts | None,
    count: int,
    smallest: float,
) -> tuple[Difference, float]:
    """The mean of `count` differences with its interval, and the p-value of Student's t. Where its
    variance has several parts, each with degrees of freedom of its own, the critical value is the
    mean of theirs, weighted by the parts.

    Differences that are all the same number have no variance, and a t-test would be infinitely sure
    of two of them. If the arms were equal, each could as well have had the other sign, so all of
    them agreeing has probability 2 / 2**count.
    """
    variance = math.fsum(own for own, _ in variances)
    error = math.sqrt(variance)
    if error * math.sqrt(count) <= smallest:
        return Difference(count, mean, None, parts), 2.0 ** (1 - count)

    def critical(level: float) -> float:
        found = (own * float(stdtrit(freedom, 1 - level / 2)) for own, freedom in variances)
        return math.fsum(found) / variance

    half, found = critical(LEVEL) * error, abs(mean) / error
    chances = [2 * float(stdtr(freedom, -found)) for _, freedom in variances]
    low, high = min(chances), max(chances)
    for _ in range(BISECTIONS if low < high else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if critical(middle) > found else (low, middle)
    return Difference(count, mean, (mean - half, mean + half), parts), high


def pooled(own: Parts, pairs: Sequence[Parts]) -> Parts:
    """The parts of a difference: as large together as its own are, in the proportions of all pairs
    of arms, in which the same luck is at work."""
    shares = np.zeros(3)
    for pair in pairs:
        variances = np.array([pair.rows, pair.units, pair.rest])
        if (total := variances.sum()) > 0:
            shares += variances / total
    shares = np.maximum(0.0, shares)
    if not shares.any():
        return own
    size = max(0.0, own.rows + own.units + own.rest) / float(shares.sum())
    rows, units, rest = (shares * size).tolist()
    return replace(own, rows=rows, units=units, rest=rest)


def settling(difference: Difference) -> Settling | None:
    """What would settle a difference, if it is as large as it looks; None where nothing tells.

    It is settled when it is 1.96 standard errors (two-sided at 0.05) and 0.84 more (a power of four
    in five) from zero.
    """
    parts, mean = difference.parts, abs(difference.mean)
    if parts is None:
        return None
    wanted = (mean / ENOUGH) ** 2  # of the variance of the mean
    of_rows, of_units = parts.rows / parts.n_rows, parts.units / parts.n_units
    units = rows = None
    if wanted > of_rows:
        units = math.ceil((parts.units + parts.rest / parts.n_rows) / (wanted - of_rows))
    if wanted > of_units:
        rows = math.ceil((parts.rows + parts.rest / parts.n_units) / (wanted - of_units))
    return Settling(units, rows, ENOUGH * math.sqrt(of_rows))

"""Differences of two arms that were trained and judged alike: how large, and by what luck.

In: what the confirmations of two arms gave, training by training and row by row. Out: the mean
difference, its interval and p-value, and what would settle it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from fairsweep.judged import Rows, Values
from fairsweep.metrics import UNBOUNDED
from fairsweep.records import Confirmation

LEVEL = 0.05
"""The share of sweeps of equal arms in which a winner may be named by chance."""

ENOUGH = 1.96 + 0.84
"""How many standard errors a difference must have to be found four times of five."""

RESOLUTION = 1e-6
"""Differences that vary by less than this share of the values are the same number: metrics are
computed in 32-bit floats, which carry seven digits."""

BISECTIONS = 50
"""Halvings of the range in which a p-value is looked for that no formula gives."""

Table = npt.NDArray[np.float64]
Trainings = npt.NDArray[np.int64]
Place = tuple[int, int]
"""Which of an arm's confirmations: the repeat, and the fold in it (0 where there are none)."""

Test = Literal["crossed", "crossed bootstrap", "corrected t", "paired t", "equal", "none"]


@dataclass(frozen=True)
class Sample:
    """What the confirmations of an arm gave.

    Attributes:
        values: The objective of each training.
        rows: The numbers of the rows that judged it, and the objective of each, whose mean it is;
            without the trainings of which nothing about rows is known.
        bounds: The lowest and highest value that the objective can have at all.
        scored: Whether the objective is a score (F1, AUC), of which each row has a share.
    """

    values: Mapping[Place, float]
    rows: Mapping[Place, tuple[Rows, Values]] = field(default_factory=dict)
    bounds: tuple[float, float] = UNBOUNDED
    scored: bool = False

    @property
    def mean(self) -> float:
        return math.fsum(self.values.values()) / len(self.values)


@dataclass(frozen=True)
class Parts:
    """Where the luck in a mean difference comes from, as variances. An estimate from one pair of
    arms is rough, and can be below 0; see `pooled`.

    Attributes:
        rows: From row to row, of many trainings.
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
) -> tuple[Difference, float]:
    """A mean difference over rows and trainings that are both drawn from many, and its p-value.

    Each row is judged once a unit, by one of the unit's trainings. The means of the trainings vary
    by the luck of both, which gives the variance of their mean if no two of them had rows in
    common; where rows come again in other units, what a row has in common with itself there is
    added (crossed random effects; Owen 2007, arXiv 0712.1111). It is never taken for less than the
    means of rows would give alone. The degrees of freedom are Satterthwaite's.

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
    shared = alone + within / (units * rows) if scored else again
    variance = max(of_means / trained + shared, alone)
    known = (of_means / trained) ** 2 / max(1, trained - 1) + shared**2 / (rows - 1)
    freedom = (of_means / trained + shared) ** 2 / known if known > 0 else rows - 1.0
    of_trainings = of_means * units / trained - (rest + seen * of_rows) / rows
    counted = 2 * of_rows + 3 * rest if scored else rest
    parts = Parts(of_rows, of_trainings, counted, rows, units)
    return _tested(mean, [(variance, freedom)], parts, trained, smallest)


def searched(table: Table, smallest: float = 0.0, scored: bool = False) -> tuple[Difference, float]:
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
    """
    searches, rows = table.shape
    means = table.mean(axis=1)
    within, of_rows = _of_rows(table - means[:, np.newaxis])
    rest, of_searches = within - of_rows, float(means.var(ddof=1))
    alone = float(table.mean(axis=0).var(ddof=1)) / rows
    shared = max(0.0, of_rows / rows, alone - of_searches / searches)
    if scored:
        shared = alone + within / (searches * rows)
    variances = [(of_searches / searches, searches - 1.0), (shared, rows - 1.0)]
    counted = of_rows + 3 * rest if scored else rest
    parts = Parts(of_rows, of_searches - rest / rows, counted, rows, searches)
    return _tested(float(table.mean()), variances, parts, searches, smallest)


def _of_rows(left: Table) -> tuple[float, float]:
    """The variance of what is left of (units, rows) beside the means of trainings, and the part of
    it that a row has in common with itself from unit to unit; with one unit that is all of it."""
    units = len(left)
    within = float((left**2).mean())
    products = float((left.sum(axis=0) ** 2 - (left**2).sum(axis=0)).mean())
    return within, products / (units * (units - 1)) if units > 1 else within


def _tested(
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
    size = max(0.0, own.rows + own.units + own.rest) / max(float(shares.sum()), RESOLUTION)
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


def compare(
    first: Sample, second: Sample, scheme: Confirmation
) -> tuple[Difference | None, Test, float | None]:
    """The difference of two arms over the trainings that they share, the test, and its p-value.

    Both arms were trained and judged on the same rows with the same seeds. Where it is known what
    each model said of each row, rows and trainings are `crossed`; for scores with the variance of
    the `crossed bootstrap`. Where only metrics are known,
    folds overlap in what they train on, and a t-test is corrected for that (`corrected t`; Nadeau
    and Bengio 2003, Machine Learning 52); on one split there is a `paired t`-test over seeds, which
    knows nothing of other rows. Differences that are all zero are `equal`; with less than two
    trainings there is nothing to test (`none`).

    Student's t knows no bounds. An interval ends where the difference can't go any further, which
    leaves as many true differences inside of it.
    """
    found, test, p = _compared(first, second, scheme)
    if found is None or found.interval is None:
        return found, test, p
    low, high = found.interval
    lowest, highest = first.bounds[0] - second.bounds[1], first.bounds[1] - second.bounds[0]
    return replace(found, interval=(max(low, lowest), min(high, highest))), test, p


def _compared(
    first: Sample, second: Sample, scheme: Confirmation
) -> tuple[Difference | None, Test, float | None]:
    shared = sorted(first.values.keys() & second.values.keys())
    differences = np.array([first.values[place] - second.values[place] for place in shared])
    if len(shared) == 0:
        return None, "none", None
    mean = float(differences.mean())
    units = _by_unit(differences, shared, scheme)
    if len(units) == 1:
        return Difference(len(shared), mean), "none", None
    smallest = RESOLUTION * max(abs(sample.values[p]) for sample in (first, second) for p in shared)
    known = _table(first, second, shared, scheme)
    if known is not None:
        table, trainings = known
        if np.abs(table).max() <= smallest:
            return Difference(len(shared), 0.0, (0.0, 0.0)), "equal", 1.0
        found, p = (
            crossed(table, trainings, smallest, first.scored)
            if scheme.searches == 1
            else searched(table, smallest, first.scored)
        )
        test: Test = "crossed bootstrap" if first.scored else "crossed"
        return replace(found, n=len(shared)), test, p
    if np.abs(differences).max() <= smallest:
        return Difference(len(shared), 0.0, (0.0, 0.0)), "equal", 1.0
    overlap = 1 / (scheme.folds - 1) if scheme.folds else 0.0
    variance = float(units.var(ddof=1)) * (1 / len(units))
    variance += float(differences.var(ddof=1)) * overlap
    found, p = _tested(mean, [(variance, len(units) - 1)], None, len(units), smallest)
    return replace(found, n=len(shared)), "corrected t" if scheme.folds else "paired t", p


def _by_unit(
    differences: Table, places: Sequence[Place], scheme: Confirmation
) -> npt.NDArray[np.float64]:
    """The difference of each training; of each search where an arm has several, since trainings of
    one share its luck."""
    if scheme.searches == 1:
        return differences
    units = np.array([scheme.unit(repeat) for repeat, _ in places])
    return np.array([differences[units == unit].mean() for unit in np.unique(units)])


def interval_of(sample: Sample, scheme: Confirmation) -> tuple[float, float] | None:
    """The 95 % interval of an arm's mean, with the luck in it that `compare` would find; None where
    nothing tells."""
    nothing = Sample(
        dict.fromkeys(sample.values, 0.0),
        {place: (rows, np.zeros(len(rows))) for place, (rows, _) in sample.rows.items()},
        (0.0, 0.0),
        sample.scored,
    )
    found, _, _ = compare(sample, nothing, scheme)
    return None if found is None else found.interval


def _table(
    first: Sample, second: Sample, shared: Sequence[Place], scheme: Confirmation
) -> tuple[Table, Trainings] | None:
    """Differences row by row, (units, rows), of the rows that every unit has, and which training of
    its repeat judged each, (repeats, rows); None where nothing is known of the rows of some
    training.

    A unit is a repeat; or a search, and its repeats are put together.
    """
    repeats: dict[int, list[tuple[Rows, Values, int]]] = {}
    for place in shared:
        if place not in first.rows or place not in second.rows:
            return None
        (own, one), (others, other) = first.rows[place], second.rows[place]
        rows, at, there = np.intersect1d(own, others, return_indices=True)
        repeats.setdefault(place[0], []).append((rows, one[at] - other[there], place[1]))
    whole = {
        repeat: (
            np.concatenate([rows for rows, _, _ in parts]),
            np.concatenate([values for _, values, _ in parts]),
            np.concatenate([np.full(len(rows), fold) for rows, _, fold in parts]),
        )
        for repeat, parts in repeats.items()
    }
    common = functools.reduce(np.intersect1d, (rows for rows, _, _ in whole.values()))
    if len(common) < 2:
        return None
    units: dict[int, list[Values]] = {}
    trainings = []
    for repeat, (rows, differences, folds) in whole.items():
        order = np.argsort(rows)
        picked = order[np.searchsorted(rows, common, sorter=order)]
        units.setdefault(scheme.unit(repeat), []).append(differences[picked])
        trainings.append(folds[picked])
    table = np.array([np.mean(own, axis=0) for own in units.values()])
    return table, np.array(trainings)

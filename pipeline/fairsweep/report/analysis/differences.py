"""Differences of two arms that were trained and judged alike, from what their confirmations gave.

In: two samples, training by training and row by row. Out: their mean difference, the test that it
took, and its p-value.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from fairsweep.judged import Rows, Values
from fairsweep.metrics import UNBOUNDED
from fairsweep.records import Confirmation
from fairsweep.report.analysis.luck import Difference, Table, Trainings, crossed, searched, tested

RESOLUTION = 1e-6
"""Differences that vary by less than this share of the values are the same number: metrics are
computed in 32-bit floats, which carry seven digits."""

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
    overlap = 1 / (scheme.folds - 1) if scheme.folds else 0.0
    known = _table(first, second, shared, scheme)
    if known is not None:
        table, trainings = known
        if np.abs(table).max() <= smallest:
            return Difference(len(shared), 0.0, (0.0, 0.0)), "equal", 1.0
        # The bootstrap's variance is large enough without the luck of other training rows.
        others = 0.0 if first.scored else overlap
        found, p = (
            crossed(table, trainings, smallest, first.scored, others)
            if scheme.searches == 1
            else searched(table, smallest, first.scored, others)
        )
        test: Test = "crossed bootstrap" if first.scored else "crossed"
        return replace(found, n=len(shared)), test, p
    if np.abs(differences).max() <= smallest:
        return Difference(len(shared), 0.0, (0.0, 0.0)), "equal", 1.0
    variance = float(units.var(ddof=1)) * (1 / len(units))
    variance += float(differences.var(ddof=1)) * overlap
    found, p = tested(mean, [(variance, len(units) - 1)], None, len(units), smallest)
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

"""The rows whose values are predicted worst: those that every arm misses by far, and those for
which arms predict different values.

In: a `Selection`, whose confirmations say what they predicted for each row. Out: `FarRows`, a few
of each kind.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairsweep.judged import Judged, Rows, Values
from fairsweep.report.analysis.rows import MOST, judged_by_arm
from fairsweep.report.analysis.select import Selection
from fairsweep.tasks import Task

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What an arm's trainings predicted for a row: how many there were, and their mean of each
    target."""

    trainings: int
    mean: tuple[float, ...]


@dataclass(frozen=True)
class FarRow:
    """A row: its number from 0, its value of each target, and what each arm predicted."""

    row: int
    true: tuple[float, ...]
    predictions: Mapping[str, Prediction]


@dataclass(frozen=True)
class FarRows:
    """The rows that are listed.

    Attributes:
        arms: Those that were judged on rows.
        rows: How many rows all of them were judged on.
        shared: Those that even the arm that comes closest misses by most, at most `MOST`.
        apart: Those for which the predictions of arms differ most, at most `MOST`; none of a single
            arm.
    """

    arms: tuple[str, ...]
    rows: int
    shared: tuple[FarRow, ...]
    apart: tuple[FarRow, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all that are listed, from 0."""
        return tuple(sorted({row.row for row in (*self.shared, *self.apart)}))


@dataclass(frozen=True)
class _Means:
    """The rows of an arm in their order, (rows,): how many trainings predicted each; what each is,
    and the mean prediction, (rows, targets)."""

    rows: Rows
    trainings: Values
    true: Numbers
    predicted: Numbers


def far_rows(selection: Selection, task: Task) -> FarRows | None:
    """The rows that are predicted worst, of those that every confirmed arm was judged on; None
    where answers aren't numbers, or nothing is known of single rows.

    How far numbers are apart counts in standard deviations of their target, and of several targets
    it is the mean.

    Args:
        selection: the arms, with what their confirmations said of rows.
        task: knows how numbers are written.
    """
    said = judged_by_arm(selection)
    if not said or task.numbers(()) is None:
        return None
    means = {arm: _means(own, task) for arm, own in said.items()}
    rows = functools.reduce(np.intersect1d, (own.rows for own in means.values()))
    at = {arm: np.searchsorted(own.rows, rows) for arm, own in means.items()}
    if len(rows) == 0:
        return FarRows(tuple(said), 0, (), ())
    true = next(own.true[at[arm]] for arm, own in means.items())
    if true.shape[1] == 0:  # a task of the user's own
        return None
    predicted = np.array([own.predicted[at[arm]] for arm, own in means.items()])
    sizes = np.where(true.std(axis=0) > 0, true.std(axis=0), 1.0)
    with np.errstate(invalid="ignore"):  # of what overflowed
        missed = _finite((np.abs(predicted - true) / sizes).mean(axis=2)).min(axis=0)
        differ = _finite((np.ptp(predicted, axis=0) / sizes).mean(axis=1))

    def listed(by: Values) -> tuple[FarRow, ...]:
        first = np.argsort(-by, kind="stable")[:MOST]
        return tuple(row(int(place)) for place in first if by[place] > 0)

    def row(place: int) -> FarRow:
        own = {
            arm: Prediction(
                int(known.trainings[at[arm][place]]),
                tuple(known.predicted[at[arm][place]].tolist()),
            )
            for arm, known in means.items()
        }
        return FarRow(int(rows[place]), tuple(true[place].tolist()), own)

    return FarRows(tuple(said), len(rows), listed(missed), listed(differ) if len(said) > 1 else ())


def _means(said: Sequence[Judged], task: Task) -> _Means:
    rows, first, place, trainings = np.unique(
        np.concatenate([own.rows for own in said]),
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    true = np.concatenate([_numbers(own.true, task) for own in said])
    given = np.concatenate([_numbers(own.predicted, task) for own in said])
    sums = [np.bincount(place, column, len(rows)) for column in given.T]
    means = np.array(sums).T / trainings[:, np.newaxis]
    return _Means(rows, trainings.astype(np.float64), true[first], means)


def _numbers(words: Sequence[str], task: Task) -> Numbers:
    found = task.numbers(words)
    assert found is not None
    return found.astype(np.float64)


def _finite(sizes: Numbers) -> Numbers:
    """A prediction that is no number is the furthest of all."""
    return np.nan_to_num(sizes, nan=np.inf, posinf=np.inf)

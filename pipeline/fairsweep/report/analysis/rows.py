"""The rows that are hard: those that every arm gets wrong, and those on which arms differ.

In: a `Selection`, whose confirmations say what they took each row for. Out: `HardRows`, a few of
each kind, and how many there are.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairsweep.judged import Judged, Rows, Values
from fairsweep.report.analysis.select import Selection
from fairsweep.tasks import Task

MOST = 12
"""Rows of a kind that are listed."""

LOSS = "loss"
"""The metric that tells apart rows with as many errors."""


@dataclass(frozen=True)
class Answer:
    """What an arm's trainings said of a row.

    Attributes:
        trainings: How many were judged on it.
        wrong: How many of them got it wrong.
        said: The most frequent wrong answer, the first by spelling of equals; empty where none was
            wrong.
        times: How many gave it.
    """

    trainings: int
    wrong: int
    said: str = ""
    times: int = 0


@dataclass(frozen=True)
class HardRow:
    """A row: its number from 0, what it is, and what each arm said of it."""

    row: int
    true: str
    answers: Mapping[str, Answer]


@dataclass(frozen=True)
class HardRows:
    """The rows that are listed, and how many there are.

    Attributes:
        arms: Those that were judged on rows.
        rows: How many rows all of them were judged on.
        shared: Those that every arm got wrong in more than half of its trainings, the most errors
            first; at most `MOST` of them, of `n_shared`.
        apart: Those that some arm got wrong in more than half of its trainings and some other in
            less than half, the largest difference first; at most `MOST` of them, of `n_apart`.
        by_loss: Whether of rows with as many errors those with the higher loss come first (or a
            larger difference in it): every training must have told it. If not, their order is
            that of their numbers.
    """

    arms: tuple[str, ...]
    rows: int
    shared: tuple[HardRow, ...]
    n_shared: int
    apart: tuple[HardRow, ...]
    n_apart: int
    by_loss: bool = False

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all that are listed, from 0."""
        return tuple(sorted(row.row for row in (*self.shared, *self.apart)))


@dataclass(frozen=True)
class _Tally:
    """The rows of an arm in their order, (rows,): how many trainings were judged on each, how many
    of them got it wrong, and how many errors and how much loss they had in all."""

    rows: Rows
    trainings: Values
    wrong: Values
    errors: Values
    losses: Values


def hard_rows(selection: Selection, task: Task) -> HardRows | None:
    """The hard rows of a sweep, of those that every confirmed arm was judged on; None where answers
    are numbers, which are never quite right (see `far_rows`), or nothing is known of single rows.

    Args:
        selection: the arms, with what their confirmations said of rows.
        task: knows which answers are wrong.
    """
    said = judged_by_arm(selection)
    if not said or task.numbers(()) is not None:
        return None
    tallies = [_tally(own, task) for own in said.values()]
    rows = functools.reduce(np.intersect1d, (tally.rows for tally in tallies))
    places = [np.searchsorted(tally.rows, rows) for tally in tallies]
    tables = list(zip(tallies, places, strict=True))
    shares = np.array([tally.wrong[at] / tally.trainings[at] for tally, at in tables])
    errors = np.array([tally.errors[at] / tally.trainings[at] for tally, at in tables])
    losses = np.array([tally.losses[at] / tally.trainings[at] for tally, at in tables])
    by_loss = all(LOSS in own.metrics for trainings in said.values() for own in trainings)
    shared = np.flatnonzero((shares > 0.5).all(axis=0))
    apart = np.flatnonzero((shares > 0.5).any(axis=0) & (shares < 0.5).any(axis=0))
    first = rows[_most(shared, errors.mean(axis=0), losses.mean(axis=0) * by_loss)]
    second = rows[_most(apart, np.ptp(errors, axis=0), np.ptp(losses, axis=0) * by_loss)]
    found = dict(_looked_up(sorted({*first.tolist(), *second.tolist()}), said, task))
    return HardRows(
        tuple(said),
        len(rows),
        tuple(found[row] for row in first.tolist()),
        len(shared),
        tuple(found[row] for row in second.tolist()),
        len(apart),
        by_loss,
    )


def judged_by_arm(selection: Selection) -> Mapping[str, Sequence[Judged]]:
    """What the confirmations of each arm said of rows; an arm of which nothing is known isn't
    there."""
    return {
        entry.arm: own
        for entry in selection.arms
        if (own := [run.judged for run in entry.confirmed if run.judged is not None])
    }


def _tally(said: Sequence[Judged], task: Task) -> _Tally:
    rows, place, trainings = np.unique(
        np.concatenate([own.rows for own in said]), return_inverse=True, return_counts=True
    )
    errors = np.concatenate([_errors(own, task) for own in said])
    losses = np.concatenate([own.metrics.get(LOSS, np.zeros(len(own.rows))) for own in said])
    return _Tally(
        rows,
        trainings.astype(np.float64),
        np.bincount(place, errors > 0, len(rows)).astype(np.float64),
        np.bincount(place, errors, len(rows)).astype(np.float64),
        np.bincount(place, np.nan_to_num(losses), len(rows)).astype(np.float64),
    )


def _errors(said: Judged, task: Task) -> Values:
    """How many errors each answer of a training has, (rows,)."""
    true, given = np.array(said.true, object), np.array(said.predicted, object)
    count = functools.cache(task.errors)
    errors = np.zeros(len(true))
    for i in np.flatnonzero(true != given).tolist():
        errors[i] = count(true[i], given[i])
    return errors


def _most(places: npt.NDArray[np.intp], by: Values, then: Values) -> npt.NDArray[np.intp]:
    """The first few of the places, those with the most first; of equals those with the most of
    what is `then`, and after that in their order."""
    return places[np.lexsort((-then[places], -by[places]))][:MOST]


def _looked_up(
    rows: Sequence[int], said: Mapping[str, Sequence[Judged]], task: Task
) -> Iterator[tuple[int, HardRow]]:
    """Each of a few rows, with what every arm said of it."""
    true: dict[int, str] = {}
    answers: dict[int, dict[str, list[str]]] = {row: {} for row in rows}
    for arm, trainings in said.items():
        for own in trainings:
            for i in np.flatnonzero(np.isin(own.rows, rows)).tolist():
                row = int(own.rows[i])
                true.setdefault(row, str(own.true[i]))
                answers[row].setdefault(arm, []).append(str(own.predicted[i]))
    for row, own_answers in answers.items():
        of_arms = {arm: _answer(true[row], given, task) for arm, given in own_answers.items()}
        yield row, HardRow(row, true[row], of_arms)


def _answer(true: str, given: Sequence[str], task: Task) -> Answer:
    wrong = Counter(said for said in given if task.errors(true, said))
    if not wrong:
        return Answer(len(given), 0)
    said, times = min(wrong.items(), key=lambda one: (-one[1], one[0]))
    return Answer(len(given), wrong.total(), said, times)

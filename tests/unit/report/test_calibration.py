"""How often the verdict is wrong, and how often it finds what is there, by simulation.

Arms differ by luck alone: by the rows that judge them, by each training, and by what is left. They
are seen exactly, or as rows told right or wrong. Every stream of random numbers is fixed.
`make calibrate` does the same with real trainings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairsweep.records import Confirmation, Objective
from fairsweep.report.analysis.differences import Sample
from fairsweep.report.analysis.statistics import Verdict, judge
from fairsweep.scores import rmse, roc_auc

from .builders import ACCURACY, LOSS

ARMS = (2, 3, 6)
REPEATS = (2, 5)
ROWS = 60
EACH = 50
"""Simulated sweeps for every number of arms, number of repeats and kind of luck."""
# How much of the luck is that of rows, of trainings, and what is left.
KINDS = {
    "rows": (1.0, 0.0, 0.3),
    "trainings": (0.0, 0.3, 0.3),
    "both": (1.0, 0.15, 0.5),
    "rest": (0.0, 0.0, 1.0),
}


def _luck(kind: str, arms: int, repeats: int, sweeps: int, rng: Any) -> Any:
    """(sweeps, arms, repeats, rows), beside what all arms share."""
    rows, trainings, rest = KINDS[kind]
    return (
        rows * rng.normal(size=(sweeps, arms, 1, ROWS))
        + trainings * rng.normal(size=(sweeps, arms, repeats, 1))
        + rest * rng.normal(size=(sweeps, arms, repeats, ROWS))
        + rng.normal(size=(sweeps, 1, 1, ROWS))
        + 0.3 * rng.normal(size=(sweeps, 1, repeats, 1))
    )


def _verdicts(tables: Any, objective: Any = ACCURACY) -> list[Verdict]:
    repeats, rows = tables.shape[2], np.arange(ROWS)
    scheme = Confirmation(0, repeats)
    return [
        judge(
            {
                f"arm{i}": Sample(
                    {(r, 0): float(own[r].mean()) for r in range(repeats)},
                    {(r, 0): (rows, own[r]) for r in range(repeats)},
                )
                for i, own in enumerate(sweep)
            },
            objective,
            scheme,
        )
        for sweep in tables
    ]


def _allowed(rate: float, cases: int) -> float:
    """`rate` and three standard errors of a simulation of so many cases."""
    return rate + 3 * (rate * (1 - rate) / cases) ** 0.5


@pytest.fixture(scope="module")
def equal_arms() -> dict[tuple[str, int], list[Verdict]]:
    """2,400 sweeps of arms that are truly equal, by kind of luck and number of arms; half of them
    tell rows right or wrong."""
    found: dict[tuple[str, int], list[Verdict]] = {}
    for kind in KINDS:
        for arms in ARMS:
            for repeats in REPEATS:
                rng = np.random.default_rng([list(KINDS).index(kind), arms, repeats])
                exact = _luck(kind, arms, repeats, EACH, rng)
                right = (_luck(kind, arms, repeats, EACH, rng) < 1).astype(float)
                own = _verdicts(exact) + _verdicts(right)
                found.setdefault((kind, arms), []).extend(own)
    return found


def _wins(verdicts: list[Verdict]) -> float:
    return float(np.mean([verdict.kind == "winner" for verdict in verdicts]))


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_luck_brings_a_winner_in_more_than_five_percent(
    equal_arms: Any, kind: str
) -> None:
    verdicts = [
        verdict for (own, _), found in equal_arms.items() if own == kind for verdict in found
    ]
    assert len(verdicts) == 3 * 2 * 2 * EACH
    assert _wins(verdicts) <= _allowed(0.05, len(verdicts))


def test_equal_arms_bring_a_winner_in_at_most_five_percent(equal_arms: Any) -> None:
    assert _wins([verdict for verdicts in equal_arms.values() for verdict in verdicts]) <= 0.05


@pytest.mark.parametrize("arms", ARMS)
def test_no_number_of_arms_brings_more(equal_arms: Any, arms: Any) -> None:
    verdicts = [verdict for (_, n), own in equal_arms.items() if n == arms for verdict in own]
    assert _wins(verdicts) <= _allowed(0.05, len(verdicts))


@pytest.mark.parametrize("arms", ARMS)
def test_equal_arms_are_seldom_left_out_of_a_tie(equal_arms: Any, arms: Any) -> None:
    verdicts = [verdict for (_, n), own in equal_arms.items() if n == arms for verdict in own]
    wrong = [any(item.behind for item in verdict.comparisons) for verdict in verdicts]
    assert np.mean(wrong) <= _allowed(0.05, len(verdicts))


def test_two_equal_arms_ahead_of_others_are_not_ranked() -> None:
    """The hardest case: the others lose to both, so that only one comparison can go wrong."""
    tables = _luck("both", 5, 5, 200, np.random.default_rng(5))
    tables[:, 2:] -= 3
    verdicts = _verdicts(tables)
    assert _wins(verdicts) <= _allowed(0.05, len(verdicts))


@pytest.mark.parametrize("arms", ARMS)
@pytest.mark.parametrize("objective", [ACCURACY, LOSS], ids=["maximize", "minimize"])
def test_what_is_there_is_found(arms: Any, objective: Any) -> None:
    """One arm is better than each other one by five standard errors of their difference, of which
    rows make the most."""
    tables = _luck("both", arms, 5, 60, np.random.default_rng(6))
    error = (2 * (1 / ROWS + 0.15**2 / 5 + 0.5**2 / (5 * ROWS))) ** 0.5
    tables[:, 0] += 5 * error * (1 if objective is ACCURACY else -1)
    found = [
        verdict.kind == "winner" and verdict.best == "arm0"
        for verdict in _verdicts(tables, objective)
    ]
    assert np.mean(found) >= 0.80


def _scores(better: float, draw: int) -> dict[str, Sample]:
    """Two arms that tell rare rows apart by their AUC, on two repeats of five folds: what one says
    of a row is luck of the row, of the training, and of both. The first has more to go by."""
    rng = np.random.default_rng([13, draw])
    rows, repeats, folds = 200, 2, 5
    true = np.arange(rows) % 8 == 0
    order = np.argsort(~true, kind="stable")  # every fold gets as many of the rare ones
    cuts = [np.empty(rows, np.int64) for _ in range(repeats)]
    for cut in cuts:
        cut[order] = [f for _ in range(rows // folds) for f in rng.permutation(folds)]
    samples = {}
    for arm, gap in (("a", 1.2 + better), ("b", 1.2)):
        of_rows, found = gap * true + rng.normal(size=rows), {}
        for repeat, cut in enumerate(cuts):
            said = of_rows + 0.7 * rng.normal(size=rows)
            for fold in range(folds):
                own = np.flatnonzero(cut == fold)
                slope = np.exp(0.3 * rng.normal())
                given = said[own] + slope * rng.normal(size=len(own)) * 0.5
                found[repeat, fold] = (own, roc_auc(true[own, None], given[:, None]))
        means = {place: float(shares.mean()) for place, (_, shares) in found.items()}
        samples[arm] = Sample(means, found, scored=True)
    return samples


@pytest.mark.parametrize(("better", "named"), [(0.0, (0.0, 0.05)), (2.0, (0.8, 1.0))])
def test_scores_bring_a_winner_where_one_is_better(
    better: float, named: tuple[float, float]
) -> None:
    draws = 80
    verdicts = [judge(_scores(better, d), ACCURACY, Confirmation(5, 2)) for d in range(draws)]
    assert named[0] <= _wins(verdicts) <= _allowed(named[1], draws)
    assert not better or all(verdict.best == "a" for verdict in verdicts)


RMSE = Objective("val_rmse", "minimize")


def _errors(better: float, draw: int) -> dict[str, Sample]:
    """Two arms that predict numbers, some of which are far from what can be known of them, judged
    by their RMSE: each errs in a way of its own on a row, and a little otherwise in a training."""
    rng = np.random.default_rng([17, draw])
    rows, repeats, folds = 200, 2, 5
    unknown = rng.standard_t(3, size=rows)
    cuts = [rng.permutation(rows) % folds for _ in range(repeats)]
    samples = {}
    for arm, size in (("a", 0.8 - better), ("b", 0.8)):
        of_rows, found = size * rng.normal(size=rows), {}
        for repeat, cut in enumerate(cuts):
            for fold in range(folds):
                own = np.flatnonzero(cut == fold)
                off = of_rows[own] + 0.3 * rng.normal(size=len(own)) + 0.1 * rng.normal()
                found[repeat, fold] = (own, rmse(unknown[own, None], off[:, None]))
        means = {place: float(shares.mean()) for place, (_, shares) in found.items()}
        samples[arm] = Sample(means, found)
    return samples


@pytest.mark.parametrize(("better", "named"), [(0.0, (0.0, 0.05)), (0.8, (0.8, 1.0))])
def test_root_mean_squared_errors_are_judged_as_means_are(
    better: float, named: tuple[float, float]
) -> None:
    draws = 80
    verdicts = [judge(_errors(better, d), RMSE, Confirmation(5, 2)) for d in range(draws)]
    assert named[0] <= _wins(verdicts) <= _allowed(named[1], draws)
    assert not better or all(verdict.best == "a" for verdict in verdicts)


SEARCHES, FOLDS, SWEEPS = 3, 5, 500
# The luck of a search beside that of the rows: none, about as much, and nearly all.
PLANTED = {"none": 0.0, "some": 0.05, "most": 0.3}


@pytest.fixture(scope="module", params=PLANTED)
def searched(request: Any) -> dict[bool, float]:
    """The share of sweeps of two equal arms that have a winner, with the search as unit and
    without; each search of an arm brings luck of its own, and so does each of its trainings."""
    rng = np.random.default_rng([7, list(PLANTED).index(request.param)])
    samples = [
        {arm: _searched(PLANTED[request.param], rng) for arm in ("arm0", "arm1")}
        for _ in range(SWEEPS)
    ]
    schemes = {
        True: Confirmation(FOLDS, SEARCHES, searches=SEARCHES),
        False: Confirmation(FOLDS, SEARCHES),
    }
    return {
        unit: _wins([judge(own, ACCURACY, scheme) for own in samples])
        for unit, scheme in schemes.items()
    }


def _searched(luck: float, rng: Any) -> Sample:
    values, rows = {}, {}
    own = 0.3 * rng.normal(size=ROWS)
    for search in range(SEARCHES):
        mean = luck * rng.normal()
        cut = np.random.default_rng(search).permutation(ROWS)  # the same in every arm
        for fold, part in enumerate(np.array_split(cut, FOLDS)):
            rest = 0.02 * rng.normal() + 0.2 * rng.normal(size=len(part))
            rows[search, fold] = (np.sort(part), mean + own[np.sort(part)] + rest)
            values[search, fold] = float(rows[search, fold][1].mean())
    return Sample(values, rows)


def test_the_luck_of_searches_brings_a_winner_in_at_most_five_percent(
    searched: dict[bool, float],
) -> None:
    assert searched[True] <= _allowed(0.05, SWEEPS)


@pytest.mark.parametrize("searched", ["most"], indirect=True)
def test_without_the_search_as_unit_it_would_be_many_more(searched: dict[bool, float]) -> None:
    """Trainings of one search share its luck, and counting each of them hides it."""
    assert searched[False] > 2 * _allowed(0.05, SWEEPS)

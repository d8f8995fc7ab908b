"""How often the verdict is wrong, and how often it finds what is there, by simulation.

Arms share a seed effect (so that differences are paired), have noise of their own, and are seen
either exactly or as accuracies: whole rows out of 360. Every stream of random numbers is fixed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairsweep.report.analysis.statistics import Verdict, judge

from .builders import ACCURACY, LOSS

ARMS = range(2, 9)
SEEDS = range(3, 11)
EACH = 200
"""Simulated sweeps for every number of arms, number of seeds and kind of noise."""


def _exact(noise: Any, shared: Any) -> Any:
    return noise + shared


def _rows(noise: Any, shared: Any) -> Any:
    return np.round(360 * (0.965 + 0.006 * (noise + shared))) / 360


def _few_rows(noise: Any, shared: Any) -> Any:
    return np.round(360 * (0.99 + 0.0015 * (noise + 0.5 * shared))) / 360


def _uneven(noise: Any, shared: Any) -> Any:
    return noise * np.linspace(0.3, 3, noise.shape[-2])[:, None] + shared


KINDS = (_exact, _rows, _few_rows, _uneven)


def _simulate(
    kind: Any, arms: Any, seeds: Any, sweeps: Any, shift: Any = None, objective: Any = ACCURACY
) -> list[Verdict]:
    rng = np.random.default_rng([arms, seeds, KINDS.index(kind)])
    noise = rng.normal(size=(sweeps, arms, seeds))
    if shift is not None:
        noise = noise + np.asarray(shift)[:, None]
    values = kind(noise, rng.normal(size=(sweeps, 1, seeds)))
    names = [f"arm{i}" for i in range(arms)]
    return [
        judge({name: dict(enumerate(row)) for name, row in zip(names, one, strict=True)}, objective)
        for one in values.tolist()
    ]


def _allowed(rate: float, cases: int) -> float:
    """`rate` and three standard errors of a simulation of so many cases."""
    return rate + 3 * (rate * (1 - rate) / cases) ** 0.5


@pytest.fixture(scope="module")
def equal_arms() -> dict[tuple[str, int], list[Verdict]]:
    """44,800 sweeps of arms that are truly equal, by kind of noise and number of arms."""
    return {
        (kind.__name__, arms): [
            verdict for seeds in SEEDS for verdict in _simulate(kind, arms, seeds, EACH)
        ]
        for kind in KINDS
        for arms in ARMS
    }


def _wins(verdicts: list[Verdict]) -> float:
    return float(np.mean([verdict.kind == "winner" for verdict in verdicts]))


def test_equal_arms_bring_a_winner_in_at_most_five_percent(equal_arms: Any) -> None:
    everything = [verdict for verdicts in equal_arms.values() for verdict in verdicts]
    assert len(everything) == 4 * 7 * 8 * 200
    assert _wins(everything) <= 0.05


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
    verdicts = _simulate(_exact, 5, 8, 2000, shift=[0, 0, -6, -6, -6])
    assert _wins(verdicts) <= _allowed(0.05, len(verdicts))


@pytest.mark.parametrize("arms", ARMS)
@pytest.mark.parametrize("objective", [ACCURACY, LOSS], ids=["maximize", "minimize"])
def test_two_standard_deviations_are_found_with_ten_seeds(arms: Any, objective: Any) -> None:
    """One arm is better than each other one by two standard deviations of a run's noise."""
    sign = 1 if objective is ACCURACY else -1
    verdicts = _simulate(_exact, arms, 10, 400, [2 * sign, *[0] * (arms - 1)], objective)
    found = [verdict.kind == "winner" and verdict.best == "arm0" for verdict in verdicts]
    assert np.mean(found) >= 0.80


@pytest.mark.parametrize("arms", ARMS)
def test_choosing_among_three_confirmed_configurations_brings_no_more_winners(arms: Any) -> None:
    """`confirm.top=3`: the best mean of three stands for each arm, and all are truly equal."""
    verdicts = []
    for seeds in SEEDS:
        rng = np.random.default_rng([3, arms, seeds])
        shared = rng.normal(size=(EACH, 1, 1, seeds))
        values = rng.normal(size=(EACH, arms, 3, seeds)) + shared
        best = values.mean(axis=-1).argmax(axis=-1)
        chosen = np.take_along_axis(values, best[..., None, None], axis=2)[:, :, 0]
        verdicts += [
            judge({f"arm{i}": dict(enumerate(row)) for i, row in enumerate(one)}, ACCURACY)
            for one in chosen.tolist()
        ]
    assert _wins(verdicts) <= 0.05

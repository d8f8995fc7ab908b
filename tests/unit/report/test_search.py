"""What a search brought: numbers by hand, by brute force, and from trials of every outcome."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Any

import pytest

from fairsweep.report.analysis.search import (
    Step,
    best_so_far,
    epochs_to,
    expected_best,
    good_rates,
    smoothed,
    target,
)
from fairsweep.report.analysis.select import select

from .builders import ACCURACY, LOSS, confirm, finished, search, sweep

VALUES = (0.91, 0.2, 0.95, 0.95, 0.7, 0.5)


def _adam(*runs: Any, **more: Any) -> Any:
    return select(sweep(*runs, **more))["adam"]


@pytest.mark.parametrize(("objective", "best"), [(ACCURACY, max), (LOSS, min)])
@pytest.mark.parametrize("k", range(1, len(VALUES) + 1))
def test_the_best_of_k_is_the_mean_over_all_ways_to_draw_k(
    objective: Any, best: Any, k: Any
) -> None:
    drawn = [best(draw) for draw in itertools.combinations(VALUES, k)]
    row = expected_best(VALUES, objective)[k - 1]
    assert row.trials == k
    assert row.mean == pytest.approx(statistics.fmean(drawn), rel=1e-12)


@pytest.mark.parametrize("objective", [ACCURACY, LOSS])
def test_the_band_holds_four_fifths_of_the_draws(objective: Any) -> None:
    best = max if objective is ACCURACY else min
    values = [i / 100 for i in range(30)]
    for k in (1, 2, 3):
        row = expected_best(values, objective)[k - 1]
        drawn = [best(draw) for draw in itertools.combinations(values, k)]
        below = sum(value < row.low for value in drawn) / len(drawn)
        above = sum(value > row.high for value in drawn) / len(drawn)
        assert below <= 0.1
        assert above <= 0.1
        assert below + above > 0.1


def test_of_a_long_search_some_lengths_are_told_both_ends_among_them() -> None:
    values = [i / 3000 for i in range(3000)]
    rows = expected_best(values, ACCURACY)
    assert 50 < len(rows) <= 200
    assert [row.trials for row in rows] == sorted({row.trials for row in rows})
    assert (rows[0].trials, rows[-1].trials) == (1, 3000)
    for row in rows:
        # The best of k of the numbers 0 to n - 1 is k (n + 1) / (k + 1) - 1 on average.
        expected = (row.trials * 3001 / (row.trials + 1) - 1) / 3000
        assert row.mean == pytest.approx(expected, rel=1e-9)


def test_no_values_have_no_best() -> None:
    assert expected_best([], ACCURACY) == ()


def test_the_best_so_far_counts_every_epoch_and_only_complete_trials() -> None:
    entry = _adam(
        search("adam", 0, 0.8, epochs=10),
        search("adam", 1, 0.99, "pruned", epochs=3),
        search("adam", 2, None, "diverged", epochs=1),
        search("adam", 3, 0.7, epochs=10),
        search("adam", 4, 0.9, epochs=10),
        search("adam", 5, 0.95, "running", epochs=2),
    )
    assert best_so_far(entry, ACCURACY) == (
        Step(1, 10, 0.8),
        Step(2, 13, 0.8),
        Step(3, 14, 0.8),
        Step(4, 24, 0.8),
        Step(5, 34, 0.9),
    )


def test_before_the_first_complete_trial_there_is_no_best() -> None:
    entry = _adam(search("adam", 0, 0.9, "pruned", epochs=3), search("adam", 1, 0.5, epochs=10))
    assert best_so_far(entry, ACCURACY) == (Step(2, 13, 0.5),)


def test_the_best_so_far_of_a_loss_falls() -> None:
    record = sweep(search("adam", 0, 2.0), search("adam", 1, 1.0), objective=LOSS)
    steps = best_so_far(select(record)["adam"], LOSS)
    assert [step.value for step in steps] == [2.0, 1.0]


def _rated(trial: Any, value: Any, rate: Any, outcome: Any = "complete") -> Any:
    return search("adam", trial, value, outcome, params={"optimizer.learning_rate": str(rate)})


def test_good_rates_reach_from_the_lowest_to_the_highest_within_one_percent() -> None:
    entry = _adam(
        _rated(0, 0.900, 0.1),
        _rated(1, 0.892, 0.001),
        _rated(2, 0.890, 0.0001),
        _rated(3, 0.899, 0.5, "pruned"),
        search("adam", 4, 0.9),
    )
    assert good_rates(entry) == (0.001, 0.1)


def test_an_arm_without_a_complete_trial_has_no_good_rates() -> None:
    assert good_rates(_adam(_rated(0, 0.9, 0.1, "pruned"))) is None


@pytest.mark.parametrize(("objective", "goal"), [(ACCURACY, 0.99 * 0.9), (LOSS, 1.01 * 0.5)])
def test_the_target_is_one_percent_off_the_best_mean(objective: Any, goal: Any) -> None:
    selection = select(finished({"adam": [0.9, 0.9], "sgd": [0.5, 0.5]}, objective))
    assert target(selection) == pytest.approx(goal)


def test_without_confirmation_there_is_no_target() -> None:
    assert target(select(sweep(search("adam", 0, 0.9)))) is None


def test_epochs_to_a_target_seed_by_seed() -> None:
    entry = _adam(
        search("adam", 0, 0.9),
        confirm("adam", 0, 0, 0.9, curves={"val_accuracy": [0.5, 0.8, 0.9]}),
        confirm("adam", 0, 1, 0.7, curves={"val_accuracy": [0.5, 0.6, 0.7]}),
        confirm("adam", 0, 2, 0.9, curves={"val_accuracy": [math.nan, 0.85, 0.1]}),
        confirm("adam", 0, 3, 0.9, curves={"val_loss": [0.9]}),
    )
    assert epochs_to(entry, 0.8, ACCURACY) == (2, math.inf, 2)
    losses = _adam(
        search("adam", 0, 0.1),
        confirm("adam", 0, 0, 0.1, curves={"val_loss": [2.0, 1.0, 0.1]}),
        objective=LOSS,
    )
    assert epochs_to(losses, 1.0, LOSS) == (2,)


def test_neighbouring_rates_are_summed_up_by_median_and_quartiles() -> None:
    values = [0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.6]
    points = [(10.0**power, value) for power, value in zip(range(-6, 1), values, strict=True)]
    (window,) = smoothed(points[::-1])
    assert window.rate == pytest.approx(1e-3)
    assert (window.median, window.low, window.high) == pytest.approx((0.5, 0.25, 0.65))
    assert len(smoothed([*points, (10.0, 0.4)])) == 2
    assert smoothed(points[:-1]) == ()

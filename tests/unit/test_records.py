"""What the rooms hand each other: the comparison of values, seeds, the schedule of pruning."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairsweep.records import Objective, PruningSchedule, TrialKey, derive_seed

ROOT = Path(__file__).parents[2]
UP = Objective("val_accuracy", "maximize")
DOWN = Objective("val_loss", "minimize")
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("objective", "value", "than", "better"),
    [
        (UP, 0.9, 0.8, True),
        (UP, 0.8, 0.9, False),
        (DOWN, 0.8, 0.9, True),
        (DOWN, 0.9, 0.8, False),
        (UP, 0.9, 0.9, False),
        (DOWN, 0.9, 0.9, False),
        (UP, 0.0, NAN, True),
        (DOWN, 0.0, NAN, True),
        (UP, NAN, 0.0, False),
        (DOWN, NAN, 0.0, False),
        (UP, INF, 0.0, False),
        (DOWN, -INF, 0.0, False),
        (UP, 0.0, -INF, True),
        (DOWN, 0.0, INF, True),
        (UP, 0.0, INF, True),  # an infinite value is no value: anything beats it
        (UP, NAN, NAN, False),
    ],
)
def test_better_knows_the_direction_and_only_finite_values(
    objective: Objective, value: float, than: float, better: bool
) -> None:
    assert objective.better(value, than) is better


@pytest.mark.parametrize(
    ("values", "highest", "lowest"),
    [
        ([], None, None),
        ([NAN, INF, -INF], None, None),
        ([0.5], 0, 0),
        ([NAN, 0.5, INF, 0.4], 1, 3),
        ([0.1, 0.9, 0.9, 0.1], 1, 0),  # the first of equals
    ],
)
def test_best_is_the_first_best_finite_value(
    values: list[float], highest: int | None, lowest: int | None
) -> None:
    assert UP.best(values) == highest
    assert DOWN.best(values) == lowest


def test_seeds_fit_every_library() -> None:
    """numpy wants at most 32 bits, TensorFlow a signed 32-bit number."""
    seeds = [derive_seed(seed, "search", trial) for seed in range(20) for trial in range(50)]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert max(seeds) >= 2**30  # all of the range is used


def test_seeds_depend_on_seed_and_path_and_nothing_else() -> None:
    program = "from fairsweep.records import derive_seed as d; print(d(7, 'search', 'adam', 3))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "pipeline"), "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == derive_seed(7, "search", "adam", 3)


def test_seeds_of_different_purposes_are_different() -> None:
    paths = [
        (seed, path)
        for seed in (0, 1, 10)
        for path in itertools.chain(
            itertools.product(("search", "confirm", "sampler"), range(30)),
            itertools.product(("sampler",), ("adam", "sgd"), range(30)),
            [("model",), ("shuffle",), ("sampler", "adam")],
        )
    ]
    assert len({derive_seed(seed, *path) for seed, path in paths}) == len(paths)


def test_seeds_keep_apart_what_text_would_run_together() -> None:
    assert derive_seed(1, "search", 12) != derive_seed(1, "search", 1, 2)
    assert derive_seed(1, 2) != derive_seed(12)
    assert derive_seed(11, "a") != derive_seed(1, "1a")


@pytest.mark.parametrize(
    ("first", "interval", "judged"),
    [(4, 4, [4, 8, 12]), (1, 1, list(range(1, 14))), (3, 5, [3, 8, 13]), (20, 1, [])],
)
def test_verdicts_come_at_first_and_every_interval(
    first: int, interval: int, judged: list[int]
) -> None:
    schedule = PruningSchedule(first, interval)
    assert [epoch for epoch in range(14) if schedule.judged(epoch)] == judged


def test_keys_tell_trials_repeats_and_attempts_apart() -> None:
    key = TrialKey("adam", "search", 3)
    assert (key.repeat, key.attempt) == (0, 1)
    assert len({key, dataclasses.replace(key, attempt=2), dataclasses.replace(key, repeat=1)}) == 3
    assert str(key) == "adam/3"
    assert str(TrialKey("adam", "confirm", 3, repeat=2)) == "adam/3/seed-2"


def test_the_lowest_cost_is_the_best_whatever_the_direction() -> None:
    values = [0.5, 0.75, 0.25]
    assert sorted(values, key=UP.cost) == [0.75, 0.5, 0.25]
    assert sorted(values, key=DOWN.cost) == [0.25, 0.5, 0.75]


def test_a_gain_is_what_a_value_is_better_by() -> None:
    assert UP.gain(0.75, over=0.5) == 0.25
    assert DOWN.gain(0.75, over=0.5) == -0.25


def test_a_worsened_value_is_no_better_than_before() -> None:
    assert UP.worsened(0.75, by=0.25) == 0.5
    assert DOWN.worsened(0.75, by=0.25) == 1.0

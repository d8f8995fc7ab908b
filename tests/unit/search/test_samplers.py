"""From settings to Optuna's distributions, and from its values back to ours."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence
from typing import Any

import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from fairsweep.config.space import Dimension
from fairsweep.records import SearchKey, derive_seed
from fairsweep.search.samplers import (
    distribution,
    from_drawn,
    grid,
    grid_size,
    make_sampler,
    suggest,
    to_drawn,
)

from .builders import plan

RATE = Dimension("rate", "float", 1e-3, low=1e-5, high=0.1, log=True)
SHARE = Dimension("share", "float", 0.0, low=0.0, high=0.5, step=0.25)
STEPS = Dimension("steps", "int", 0, low=0, high=200)
WIDTH = Dimension("width", "power", 64, low=4, high=8, base=2)
CHOICE = Dimension("choice", "choice", False, choices=(False, True))


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (RATE, FloatDistribution(1e-5, 0.1, log=True)),
        (SHARE, FloatDistribution(0.0, 0.5, step=0.25)),
        (STEPS, IntDistribution(0, 200)),
        (dataclasses.replace(STEPS, step=50), IntDistribution(0, 200, step=50)),
        (dataclasses.replace(STEPS, low=1, log=True), IntDistribution(1, 200, log=True)),
        (WIDTH, IntDistribution(4, 8)),
        (CHOICE, CategoricalDistribution([False, True])),
    ],
    ids=["log", "step", "int", "int-step", "int-log", "power", "choice"],
)
def test_distributions(
    dimension: Dimension, expected: optuna.distributions.BaseDistribution
) -> None:
    assert distribution(dimension) == expected


def test_float_bounds_may_be_written_as_whole_numbers() -> None:
    drawn = distribution(Dimension("x", "float", 0.5, low=0, high=1))
    assert drawn == FloatDistribution(0.0, 1.0)


@pytest.mark.parametrize("value", [16, 32, 64, 128, 256])
def test_powers_go_there_and_back(value: int) -> None:
    drawn = to_drawn(WIDTH, value)
    assert 4 <= drawn <= 8
    back = from_drawn(WIDTH, drawn)
    assert (back, type(back)) == (value, int)


@pytest.mark.parametrize("dimension", [RATE, SHARE, STEPS, CHOICE], ids=lambda d: d.name)
def test_other_values_are_drawn_as_they_are(dimension: Dimension) -> None:
    assert to_drawn(dimension, dimension.default) is dimension.default
    assert from_drawn(dimension, dimension.default) is dimension.default


def test_grid_is_even_on_its_own_scale_and_holds_the_ends() -> None:
    values = grid([RATE, STEPS, WIDTH, CHOICE, SHARE], 3)
    assert values["rate"] == pytest.approx([1e-5, 1e-3, 0.1])
    assert (values["rate"][0], values["rate"][-1]) == (1e-5, 0.1)
    assert values["steps"] == [0, 100, 200]
    assert values["width"] == [4, 6, 8]
    assert values["choice"] == [False, True]
    assert values["share"] == [0.0, 0.25, 0.5]


@pytest.mark.parametrize("points", [2, 3, 5, 9])
def test_grid_values_lie_in_their_range_on_their_step_and_once(points: int) -> None:
    for dimension in (RATE, SHARE, STEPS, dataclasses.replace(STEPS, step=50), WIDTH):
        values = grid([dimension], points)[dimension.name]
        drawn = distribution(dimension)
        assert len(set(values)) == len(values) <= points
        assert all(drawn._contains(drawn.to_internal_repr(value)) for value in values), values
        if dimension.kind != "float":
            assert all(type(value) is int for value in values)


def test_a_list_is_a_choice() -> None:
    widths = Dimension("widths", "choice", [64, 32], choices=([64, 32], [128]))
    drawn = distribution(widths)
    assert isinstance(drawn, CategoricalDistribution)
    assert all(isinstance(own, str) for own in drawn.choices)  # as Optuna can store it
    assert [from_drawn(widths, own) for own in drawn.choices] == [[64, 32], [128]]
    assert to_drawn(widths, [128]) == drawn.choices[1]


def test_grid_of_few_values_is_no_larger_than_they_are() -> None:
    assert grid([WIDTH], 100)["width"] == [4, 5, 6, 7, 8]
    assert grid([SHARE], 100)["share"] == [0.0, 0.25, 0.5]


def test_grid_size_multiplies_and_counts_the_defaults_once() -> None:
    assert grid_size([RATE, STEPS, CHOICE], 3) == 3 * 3 * 2
    assert grid_size([dataclasses.replace(RATE, default=0.01), CHOICE], 3) == 3 * 2 + 1
    assert grid_size([], 3) == 1


@pytest.mark.parametrize(
    ("search", "sampler"),
    [
        ("random", optuna.samplers.RandomSampler),
        ("qmc", optuna.samplers.QMCSampler),
        ("tpe", optuna.samplers.TPESampler),
        pytest.param(
            "gp",
            optuna.samplers.GPSampler,
            marks=pytest.mark.skipif(
                importlib.util.find_spec("torch") is None, reason="gp needs torch"
            ),
        ),
    ],
)
def test_samplers_by_name(search: str, sampler: type) -> None:
    settings = plan(f"search={search}").config.search
    assert isinstance(make_sampler(settings, [RATE], 0, SearchKey("adam"), 1), sampler)


def test_tpe_draws_what_optunas_own_draws() -> None:
    settings = plan("search=tpe").config.search
    seeds = [derive_seed(0, "sampler", "adam", trial) for trial in range(40)]
    space = [
        CHOICE,
        STEPS,
        RATE,
        dataclasses.replace(RATE, name="a.rate", high=RATE.low, log=False),
    ]
    ours = _drawn(
        space, [make_sampler(settings, space, 0, SearchKey("adam"), trial) for trial in range(40)]
    )
    plain = [optuna.samplers.TPESampler(**settings.params, seed=seed) for seed in seeds]
    assert ours == _drawn(space, plain)


def _drawn(
    space: Sequence[Dimension], samplers: Sequence[optuna.samplers.BaseSampler]
) -> list[dict[str, Any]]:
    """What each sampler draws in turn, in a study of trials that end well, badly and early, one of
    them always still running."""
    study = optuna.create_study()
    trials: list[optuna.Trial] = []
    for number, sampler in enumerate(samplers):
        study.sampler = sampler
        trials.append(study.ask())
        for dimension in space:
            suggest(trials[-1], dimension)
        if number:
            ended = trials[-2]
            state = (TrialState.PRUNED, TrialState.FAIL)[number % 2] if number % 5 == 0 else None
            ended.report(ended.params[RATE.name], 1)
            study.tell(ended, ended.params[RATE.name] if state is None else None, state=state)
    return [trial.params for trial in trials]

"""Factors of learning rates by layer, as they are given, searched and stored."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.config.space import dimensions, trial_values
from fairsweep.config.stored_space import plain, restored, values
from fairsweep.errors import BadInput
from fairsweep.tracking.names import flat_params

GIVEN = "model.layer_learning_rates={hidden_*: 1, probabilities: 0.5}"
SEARCHED = "model.space.layer_learning_rates={low: 0.1, high: 10, log: true}"
HIDDEN, LAST = "model.layer_learning_rates.hidden_*", "model.layer_learning_rates.probabilities"


def test_factors_of_a_command_are_in_the_settings() -> None:
    (arm,) = compose_training(["optimizer=adam", GIVEN]).arms
    assert arm.settings.model.layer_learning_rates == {"hidden_*": 1, "probabilities": 0.5}
    assert "layer_learning_rates" not in arm.settings.model.params


def test_without_factors_there_are_none_and_nothing_of_them_is_searched() -> None:
    (arm,) = compose_sweep(["optimizer=adam"]).arms
    assert arm.settings.model.layer_learning_rates is None
    assert not [name for name in arm.searched if "layer_learning_rates" in name]


def test_one_spec_searches_the_factor_of_every_pattern() -> None:
    (arm,) = compose_sweep(["optimizer=adam", GIVEN, SEARCHED]).arms
    own = {d.name: d for d in dimensions(arm.settings) if "layer" in d.name and "rates" in d.name}
    assert list(own) == [HIDDEN, LAST]
    for name, default in ((HIDDEN, 1.0), (LAST, 0.5)):
        dimension = own[name]
        assert (dimension.kind, dimension.default) == ("float", default)
        assert (dimension.low, dimension.high, dimension.log) == (0.1, 10, True)


def test_drawn_factors_are_put_into_the_settings() -> None:
    (arm,) = compose_sweep(["optimizer=adam", GIVEN, SEARCHED]).arms
    drawn = {d.name: d.default for d in dimensions(arm.settings)} | {HIDDEN: 0.25, LAST: 4.0}
    found = trial_values(arm.settings, drawn)
    assert found["model.layer_learning_rates"] == {"hidden_*": 0.25, "probabilities": 4.0}
    trial = arm.settings.with_values(found)
    assert trial.model.layer_learning_rates == {"hidden_*": 0.25, "probabilities": 4.0}
    assert "layer_learning_rates" not in trial.model.params
    assert arm.settings.with_values({}).model.layer_learning_rates == {
        "hidden_*": 1,
        "probabilities": 0.5,
    }


def test_stored_factors_are_found_again_by_their_dimension() -> None:
    (arm,) = compose_sweep(["optimizer=adam", GIVEN, SEARCHED]).arms
    trial = arm.settings.with_values(
        {"model.layer_learning_rates": {"hidden_*": 0.25, "probabilities": 4.0}}
    )
    params = flat_params(arm.choices, trial)
    assert json.loads(params["model.layer_learning_rates"]) == {
        "hidden_*": 0.25,
        "probabilities": 4.0,
    }
    space = restored(plain(dimensions(arm.settings)))
    found = values(space, params)
    assert (found[HIDDEN], found[LAST]) == (0.25, 4.0)
    none = replace(trial, model=replace(trial.model, layer_learning_rates=None))
    assert HIDDEN not in values(space, flat_params(arm.choices, none))


BAD = {
    "no mapping": (
        ("model.layer_learning_rates=0.1",),
        "need a factor for each layer or pattern, got 0.1",
    ),
    "negative": (("model.layer_learning_rates={hidden_1: -1}",), "from 0, got hidden_1: -1"),
    "a word": (("model.layer_learning_rates={hidden_1: slow}",), "from 0, got hidden_1: 'slow'"),
    "infinite": (("model.layer_learning_rates={hidden_1: .inf}",), "from 0, got hidden_1: "),
    "nothing to search": ((SEARCHED,), "names no layer"),
    "a default outside": (
        ("model.layer_learning_rates={hidden_1: 20}", SEARCHED),
        "the default model.layer_learning_rates=20.0 must lie in its own space",
    ),
    "a frozen layer searched": (
        ("model.layer_learning_rates={hidden_1: 0}", SEARCHED),
        "must lie in its own space",
    ),
    "widths": (
        (GIVEN, "model.space.layer_learning_rates={layers: {low: 1, high: 2}}"),
        "factors are numbers",
    ),
    "freezing searched": (
        (GIVEN, "model.space.layer_learning_rates={choices: [0.0, 0.5, 1.0]}"),
        "need factors above 0, got 0.0",
    ),
}


@pytest.mark.parametrize(("overrides", "told"), BAD.values(), ids=BAD)
def test_factors_that_cannot_be_meant(overrides: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        compose_sweep(["optimizer=adam", *overrides])
    (problem,) = caught.value.problems
    assert told in problem
    assert "layer_learning_rates" in problem

"""Spaces as a store keeps them: what goes in comes out, and stored runs are read by it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.config.schema import Space, Spec
from fairsweep.config.space import Dimension, dimensions, trial_values
from fairsweep.config.stored_space import plain, restored, values, widths_of
from fairsweep.tracking.names import LONGEST_TAG, SPACE_TAG, flat_params
from fairsweep.tracking.write.frame import arm_tags

from .plans import plan

CONF = Path(__file__).parents[3] / "conf"
OPTIMIZERS = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml"))

RATE = Dimension("optimizer.learning_rate", "float", 1e-3, low=1e-5, high=0.1, log=True)
LAYERS = Dimension("model.hidden_units.layers", "int", 2, low=1, high=3)
FIRST = Dimension("model.hidden_units.1", "power", 64, low=4, high=8, base=2)
SECOND = Dimension("model.hidden_units.2", "power", 32, low=4, high=8, base=2)
NESTEROV = Dimension("optimizer.nesterov", "choice", False, choices=(False, True))
DECAY = Dimension("optimizer.weight_decay", "choice", None, choices=(None, 0.004))


def test_what_a_dimension_is_by_default_is_not_written() -> None:
    assert plain([RATE, LAYERS, FIRST, NESTEROV, DECAY]) == [
        {"name": RATE.name, "kind": "float", "low": 1e-5, "high": 0.1, "log": True},
        {"name": LAYERS.name, "kind": "int", "low": 1, "high": 3},
        {"name": FIRST.name, "kind": "power", "low": 4, "high": 8, "base": 2},
        {"name": NESTEROV.name, "kind": "choice", "choices": ["False", "True"]},
        {"name": DECAY.name, "kind": "choice", "choices": ["None", "0.004"]},
    ]


def test_a_condition_is_kept_and_decides_what_a_run_made_use_of() -> None:
    momentum = Dimension(
        "optimizer.momentum", "float", 0.5, low=0.0, high=0.9, when=((NESTEROV.name, (True,)),)
    )
    (stored,) = plain([momentum])
    assert stored["when"] == [[NESTEROV.name, ["True"]]]
    space = restored(json.loads(json.dumps([stored])))
    own = {"optimizer.momentum": "0.5"}
    assert values(space, {**own, NESTEROV.name: "True"}) == {"optimizer.momentum": 0.5}
    assert values(space, {**own, NESTEROV.name: "False"}) == {}
    assert values(space, own) == {}


def test_a_list_is_a_choice_as_a_run_has_it() -> None:
    widths = Dimension("model.hidden_units", "choice", [8], choices=([8], [64, 32]))
    space = restored(json.loads(json.dumps(plain([widths]))))
    assert values(space, {"model.hidden_units": "[64, 32]"}) == {"model.hidden_units": "[64, 32]"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_space_of_every_optimizer_goes_into_a_tag_and_comes_back(name: str) -> None:
    (arm,) = plan(f"optimizer={name}").arms
    tag = arm_tags(arm)[SPACE_TAG]
    assert len(tag) < LONGEST_TAG / 4
    for own, read in zip(dimensions(arm.settings), restored(json.loads(tag)), strict=True):
        assert (own.name, own.kind, own.low, own.high) == (
            read.name, read.kind, read.low, read.high,
        )  # fmt: skip
        assert (own.log, own.step, own.base) == (read.log, read.step, read.base)
        assert tuple(map(str, own.choices)) == read.choices


def test_a_space_too_long_for_a_tag_is_left_out() -> None:
    (arm,) = plan("optimizer=adam").arms
    assert SPACE_TAG in arm_tags(arm)
    sizes: Space = {"batch_size": Spec(choices=[*range(1, 3000)])}
    training = replace(arm.settings.training, space=sizes)
    settings = replace(arm.settings, training=training)
    assert SPACE_TAG not in arm_tags(replace(arm, settings=settings))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_defaults_are_read_back_from_the_params_that_mlflow_gets(name: str) -> None:
    (arm,) = plan(f"optimizer={name}").arms
    own = dimensions(arm.settings)
    drawn = {dimension.name: dimension.default for dimension in own}
    params = flat_params(arm.choices, arm.settings.with_values(trial_values(arm.settings, drawn)))
    read = values(restored(json.loads(json.dumps(plain(own)))), params)
    unused = {f"model.hidden_units.{i + 1}" for i in range(drawn["model.hidden_units.layers"], 3)}
    assert read.keys() == drawn.keys() - unused
    for dimension in own:
        if dimension.name in read:
            default = str(dimension.default) if dimension.kind == "choice" else dimension.default
            assert read[dimension.name] == default


def test_widths_are_read_as_layers_and_the_width_of_each() -> None:
    params = {"model": "mlp", "model.hidden_units": "[128, 16]"}
    third = Dimension("model.hidden_units.3", "power", 32, low=4, high=8, base=2)
    assert values([LAYERS, FIRST, SECOND, third], params) == {
        "model.hidden_units.layers": 2,
        "model.hidden_units.1": 128,
        "model.hidden_units.2": 16,
    }


def test_null_is_a_choice_that_mlflow_has_no_param_for() -> None:
    (read,) = restored(plain([DECAY]))
    assert values([read], {}) == {"optimizer.weight_decay": "None"}
    assert values([read], {"optimizer.weight_decay": "0.004"}) == {
        "optimizer.weight_decay": "0.004"
    }


@pytest.mark.parametrize("text", ["0.2", "1e-06", "nan", "fast"])
def test_a_value_outside_its_range_is_left_out(text: str) -> None:
    assert values([RATE], {"optimizer.learning_rate": text}) == {}
    assert values([RATE], {}) == {}
    assert values(restored(plain([NESTEROV])), {"optimizer.nesterov": "maybe"}) == {}
    assert values([FIRST], {"model.hidden_units": "[512]"}) == {}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("model.hidden_units.layers", ("model.hidden_units", "layers")),
        ("model.hidden_units.12", ("model.hidden_units", "12")),
        ("model.layers", None),
        ("optimizer.learning_rate", None),
        ("training.batch_size", None),
    ],
)
def test_what_is_a_part_of_widths(name: str, parts: tuple[str, str] | None) -> None:
    assert widths_of(name) == parts

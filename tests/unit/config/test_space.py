"""Search spaces: specs to dimensions, drawn values back into settings."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from fairsweep.config.schema import Data, Model, Optimizer, Range, Spec, Training
from fairsweep.config.space import (
    ArmSettings,
    Dimension,
    dimensions,
    exponent,
    is_int_range,
    trial_values,
)

WIDTHS = Spec(layers=Range(low=1, high=3), units=Range(low=16, high=256, powers_of=2))


def settings(
    optimizer: dict[str, tuple[Any, Spec | None]] | None = None,
    model: dict[str, tuple[Any, Spec | None]] | None = None,
    batch_sizes: Spec | None = None,
) -> ArmSettings:
    """An arm from parameters with a default and, where they are searched, a spec."""
    optimizer, model = optimizer or {}, model or {}
    return ArmSettings(
        Data(name="rows", source="digits"),
        Model(
            "m", "mlp", {k: v for k, (v, _) in model.items()}, {k: s for k, (_, s) in model.items()}
        ),
        Optimizer(
            "Adam",
            {k: v for k, (v, _) in optimizer.items()},
            {k: s for k, (_, s) in optimizer.items()},
        ),
        Training(epochs=3, batch_size=32, loss="huber", space={"batch_size": batch_sizes}),
    )


def only(arm: ArmSettings) -> Dimension:
    (dimension,) = dimensions(arm)
    return dimension


def test_a_float_range_keeps_its_bounds_scale_and_default() -> None:
    arm = settings({"learning_rate": (0.001, Spec(low=1e-5, high=0.1, log=True))})
    assert only(arm) == Dimension(
        "optimizer.learning_rate", "float", 0.001, low=1e-5, high=0.1, log=True
    )


def test_a_range_is_of_whole_numbers_when_its_default_is_one() -> None:
    whole = only(settings({"warmup_steps": (0, Spec(low=0, high=200, step=20))}))
    assert (whole.kind, whole.low, whole.high, whole.step) == ("int", 0, 200, 20)
    assert only(settings({"warmup_steps": (0.0, Spec(low=0, high=200))})).kind == "float"


def test_true_is_no_whole_number() -> None:
    assert is_int_range(1)
    assert not is_int_range(True)
    assert not is_int_range(1.0)


def test_choices_keep_their_order_and_type() -> None:
    dimension = only(settings({"nesterov": (False, Spec(choices=[True, False]))}))
    assert dimension == Dimension("optimizer.nesterov", "choice", False, choices=(True, False))


@pytest.mark.parametrize(
    ("low", "high", "base", "exponents"),
    [
        (16, 256, 2, (4, 8)),
        (17, 255, 2, (5, 7)),  # only powers that lie inside
        (1, 1000, 10, (0, 3)),
        (1, 999, 10, (0, 2)),
        (9, 243, 3, (2, 5)),
    ],
)
def test_powers_are_drawn_as_exponents(
    low: int, high: int, base: int, exponents: tuple[int, int]
) -> None:
    default = base ** exponents[0]
    dimension = only(settings({"p": (default, Spec(low=low, high=high, powers_of=base))}))
    assert (dimension.kind, dimension.base, dimension.default) == ("power", base, default)
    assert (dimension.low, dimension.high) == exponents


@pytest.mark.parametrize("base", [2, 3, 5, 7, 10])
def test_exponents_of_whole_powers_are_exact(base: int) -> None:
    # math.log(1000, 10) is 2.9999999999999996, and floor would make a 2 of it.
    for power in range(16):
        assert exponent(base**power, base) == power


def test_exponents_between_powers() -> None:
    assert exponent(10, 2) == pytest.approx(math.log2(10))
    assert 3 < exponent(10, 2) < 4


def test_widths_are_a_number_of_layers_and_a_width_for_each() -> None:
    layers, *widths = dimensions(settings(model={"hidden_units": ([64, 32], WIDTHS)}))
    assert (layers.name, layers.kind, layers.low, layers.high) == (
        "model.hidden_units.layers",
        "int",
        1,
        3,
    )
    assert layers.default == 2
    assert [width.name for width in widths] == [f"model.hidden_units.{i}" for i in (1, 2, 3)]
    assert {(width.kind, width.low, width.high, width.base) for width in widths} == {
        ("power", 4, 8, 2)
    }
    assert [width.default for width in widths] == [64, 32, 32]  # the last one goes on


def test_widths_without_powers_are_whole_numbers() -> None:
    spec = Spec(layers=Range(low=1, high=2), units=Range(low=10, high=50))
    _, *widths = dimensions(settings(model={"hidden_units": ([20], spec)}))
    assert [(width.kind, width.default) for width in widths] == [("int", 20), ("int", 20)]


def test_groups_stand_in_the_order_optimizer_model_training() -> None:
    arm = settings(
        {"rate": (0.1, Spec(low=0.0, high=1.0)), "beta": (0.9, Spec(choices=[0.9]))},
        {"dropout": (0.0, Spec(low=0.0, high=0.5))},
        Spec(choices=[16, 32]),
    )
    names = [dimension.name for dimension in dimensions(arm)]
    assert names == [
        "optimizer.rate",
        "optimizer.beta",
        "model.dropout",
        "training.batch_size",
    ]


def test_null_fixes_a_parameter() -> None:
    arm = settings({"rate": (0.1, Spec(low=0.0, high=1.0)), "beta": (0.9, None)})
    assert [dimension.name for dimension in dimensions(arm)] == ["optimizer.rate"]
    assert [name for _, name, _, _ in arm.searched()] == ["rate"]


def test_trial_values_use_as_many_widths_as_layers() -> None:
    arm = settings({"rate": (0.1, Spec(low=0.0, high=1.0))}, {"hidden_units": ([64, 32], WIDTHS)})
    drawn = {
        "optimizer.rate": 0.5,
        "model.hidden_units.layers": 2,
        "model.hidden_units.1": 128,
        "model.hidden_units.2": 16,
        "model.hidden_units.3": 256,
    }
    assert trial_values(arm, drawn) == {
        "optimizer.rate": 0.5,
        "model.hidden_units": [128, 16],
    }


def test_defaults_of_all_dimensions_give_the_settings_back() -> None:
    arm = settings(
        {"rate": (0.1, Spec(low=0.0, high=1.0)), "beta": (0.9, Spec(choices=[0.8, 0.9]))},
        {"hidden_units": ([64, 32], WIDTHS)},
        Spec(choices=[16, 32]),
    )
    drawn = {dimension.name: dimension.default for dimension in dimensions(arm)}
    assert arm.with_values(trial_values(arm, drawn)) == arm


def test_values_go_where_their_names_say_and_nowhere_else() -> None:
    arm = settings({"rate": (0.1, None), "beta": (0.9, None)}, {"dropout": (0.0, None)})
    changed = arm.with_values(
        {"optimizer.rate": 0.5, "model.dropout": 0.25, "training.batch_size": 16}
    )
    assert changed.optimizer.params == {"rate": 0.5, "beta": 0.9}
    assert changed.model.params == {"dropout": 0.25}
    assert (changed.training.batch_size, changed.training.epochs) == (16, 3)
    assert changed.data is arm.data
    assert changed.optimizer.name == "Adam"


def test_the_settings_themselves_stay_as_they_are() -> None:
    arm = settings({"rate": (0.1, None)})
    arm.with_values({"optimizer.rate": 0.5, "training.batch_size": 16})
    assert arm.optimizer.params == {"rate": 0.1}
    assert arm.training.batch_size == 32


@pytest.mark.parametrize(
    ("group", "name"), [("optimizer", "momentum"), ("model", "units"), ("training", "loss")]
)
def test_what_cannot_be_searched_has_no_default(group: str, name: str) -> None:
    with pytest.raises(KeyError, match=name):
        settings().value(group, name)


def test_a_batch_size_that_is_searched_has_its_default() -> None:
    assert settings().value("training", "batch_size") == 32


def test_the_longest_training_of_a_space() -> None:
    def arm(spec: Spec | None) -> ArmSettings:
        return dataclasses.replace(
            settings(), training=Training(epochs=8, batch_size=32, loss="x", space={"epochs": spec})
        )

    assert arm(None).longest == 8
    assert arm(Spec(choices=[4, 16, 8])).longest == 16
    assert arm(Spec(low=5, high=40, log=True)).longest == 40
    assert arm(Spec(low=2, high=10, step=3)).longest == 8
    assert arm(Spec(low=5, high=40, powers_of=2)).longest == 32


class TestConditions:
    """Momentum is searched with Nesterov's variant alone, and with batches of 32 or 64."""

    ARM = settings(
        {
            "nesterov": (False, Spec(choices=[False, True])),
            "momentum": (
                0.5,
                Spec(low=0.0, high=0.9, when={"nesterov": True, "training.batch_size": [32, 64]}),
            ),
        }
    )

    def test_what_is_met_is_used(self) -> None:
        drawn = {"optimizer.nesterov": True, "optimizer.momentum": 0.7}
        assert trial_values(self.ARM, drawn) == drawn

    def test_what_isnt_met_leaves_the_default(self) -> None:
        drawn = {"optimizer.nesterov": False, "optimizer.momentum": 0.7}
        assert trial_values(self.ARM, drawn) == {**drawn, "optimizer.momentum": 0.5}

    def test_all_have_to_be_met(self) -> None:
        large = dataclasses.replace(
            self.ARM, training=dataclasses.replace(self.ARM.training, batch_size=128)
        )
        drawn = {"optimizer.nesterov": True, "optimizer.momentum": 0.7}
        assert trial_values(large, drawn)["optimizer.momentum"] == 0.5

    def test_widths_have_conditions_too(self) -> None:
        arm = settings(
            {"nesterov": (False, Spec(choices=[False, True]))},
            {
                "hidden_units": (
                    [64],
                    dataclasses.replace(WIDTHS, when={"optimizer.nesterov": True}),
                )
            },
        )
        assert all(d.when for d in dimensions(arm) if d.name.startswith("model."))
        drawn = {"optimizer.nesterov": False, "model.hidden_units.layers": 2}
        assert trial_values(arm, drawn)["model.hidden_units"] == [64]

"""Arguments of Keras's losses beyond their bounds, also in a space."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fairsweep.config.checks.loss_params import BOUNDS, loss_param_problems
from fairsweep.config.schema import Space, Spec, Training


def problems(loss: str, name: str, value: Any, spec: Spec | None = None) -> list[tuple[str, str]]:
    space: Space = {} if spec is None else {name: spec}
    return list(loss_param_problems(Training(loss=loss, loss_params={name: value}, space=space)))


@pytest.mark.parametrize(
    ("loss", "name", "right", "wrong"),
    [
        ("huber", "delta", (0.1, 5), (0, -1, math.nan, math.inf, "one", True)),
        ("categorical_crossentropy", "label_smoothing", (0, 0.9), (1, 1.5, -0.1)),
        ("binary_crossentropy", "label_smoothing", (0.0, 0.1), (1.0, -1)),
        ("categorical_focal_crossentropy", "gamma", (0, 4.0), (-1,)),
        ("categorical_focal_crossentropy", "alpha", (0.25, [0.2, 3]), (0, [], [0.5, -1])),
        ("binary_focal_crossentropy", "alpha", (0.25,), (0, 1, [0.5])),
        ("binary_focal_crossentropy", "label_smoothing", (0.2,), (1,)),
        ("categorical_generalized_cross_entropy", "q", (0.5,), (0, 1)),
        ("tversky", "alpha", (0, 0.7), (-0.1,)),
        ("tversky", "beta", (0, 2), (None,)),
    ],
)
def test_an_argument_is_between_its_bounds(
    loss: str, name: str, right: tuple[Any, ...], wrong: tuple[Any, ...]
) -> None:
    assert name in BOUNDS[loss]
    for value in right:
        assert problems(loss, name, value) == []
    for value in wrong:
        ((key, told),) = problems(loss, name, value)
        assert key == f"training.loss_params.{name}"
        assert told.startswith("need a number ")
        assert told.endswith(f" for {loss}, got {value!r}")


def test_so_is_all_of_its_space() -> None:
    for spec, got in (
        (Spec(low=0.0, high=2.0), 0.0),
        (Spec(low=-1.0, high=2.0), -1.0),
        (Spec(choices=[1.0, -2.0]), -2.0),
    ):
        ((key, told),) = problems("huber", "delta", 1.0, spec)
        assert (key, told) == (
            "training.space.delta",
            f"need a number above 0 everywhere, got {got}",
        )
    assert problems("huber", "delta", 1.0, Spec(low=0.5, high=2.0)) == []


def test_a_loss_of_ones_own_has_bounds_of_its_own() -> None:
    assert problems("mine.losses:huber", "delta", -1) == []

"""What each parameter was in each trial: scales, places, and short names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fairsweep.config.space import Dimension
from fairsweep.config.stored_space import plain
from fairsweep.report.analysis.parameters import labels, slices
from fairsweep.report.analysis.select import select

from .builders import BATCH, RATE, WIDTHS, search, sweep

MOMENTUM = Dimension("optimizer.momentum", "choice", 0.9, choices=(0.99, 0.0, 0.5))
RHO = Dimension("optimizer.rho", "float", 0.9, low=0.5, high=1.0)
POWER = Dimension("model.width", "power", 64, low=4, high=8, base=2)


def _slices(spaces: Mapping[str, Sequence[Dimension]], **params: Sequence[str]) -> Any:
    """Slices of arms with these spaces; each arm has a trial for each of its values."""
    runs = [
        search(arm, i, 0.9, params=dict([value.split("=")]))
        for arm, values in params.items()
        for i, value in enumerate(values)
    ]
    record = sweep(*runs, arms=[*spaces])
    stored = {arm: plain(space) for arm, space in spaces.items()}
    return {item.parameter: item for item in slices(select(record), stored)}


def _placed(item: Any, arm: Any) -> Any:
    return [(x, text) for _, x, text in item.values[arm]]


def test_choices_stand_side_by_side_by_their_size() -> None:
    found = _slices(
        {"sgd": [MOMENTUM]},
        sgd=["optimizer.momentum=0.99", "optimizer.momentum=0.0", "optimizer.momentum=0.99"],
    )["optimizer.momentum"]
    assert (found.scale, found.steps) == ("steps", ("0", "0.99"))
    assert _placed(found, "sgd") == [(1, "0.99"), (0, "0"), (1, "0.99")]


def test_choices_that_are_no_numbers_keep_the_order_of_the_space() -> None:
    choice = Dimension("model.activation", "choice", "tanh", choices=("tanh", "relu", "elu"))
    found = _slices({"a": [choice]}, a=["model.activation=relu", "model.activation=tanh"])
    assert found["model.activation"].steps == ("tanh", "relu")


def test_powers_and_a_few_whole_numbers_stand_side_by_side() -> None:
    found = _slices({"a": [POWER]}, a=["model.width=128", "model.width=16"])["model.width"]
    assert (found.scale, found.steps) == ("steps", ("16", "128"))
    layers = _slices({"a": WIDTHS}, a=["model.hidden_units=[64]", "model.hidden_units=[64, 32]"])
    assert layers["model.hidden_units.layers"].steps == ("1", "2")


def test_a_range_has_its_own_scale() -> None:
    found = _slices({"a": [RHO]}, a=["optimizer.rho=0.75"])["optimizer.rho"]
    assert (found.scale, found.steps, _placed(found, "a")) == ("linear", (), [(0.75, "0.75")])
    wide = Dimension("optimizer.rho", "float", 0.9, low=0.001, high=1.0, log=True)
    assert _slices({"a": [wide]}, a=["optimizer.rho=0.1"])["optimizer.rho"].scale == "log"


def test_an_arm_with_choices_joins_an_arm_with_a_range() -> None:
    both = {"a": [Dimension("optimizer.rho", "choice", 0.9, choices=(0.9, 0.0))], "b": [RHO]}
    found = _slices(both, a=["optimizer.rho=0.0"], b=["optimizer.rho=0.75"])["optimizer.rho"]
    assert found.scale == "linear"
    assert (_placed(found, "a"), _placed(found, "b")) == ([(0, "0")], [(0.75, "0.75")])


def test_widths_are_a_number_of_layers_and_the_sum_of_their_widths() -> None:
    found = _slices({"a": WIDTHS}, a=["model.hidden_units=[64, 32]", "model.hidden_units=[16]"])
    assert list(found) == ["model.hidden_units.layers", "model.hidden_units.widths"]
    total = found["model.hidden_units.widths"]
    assert (total.scale, _placed(total, "a")) == ("log", [(96, "96"), (16, "16")])


def test_two_lists_of_widths_are_not_added_up() -> None:
    filters = Dimension("model.filters.layers", "int", 1, low=1, high=2)
    first = Dimension("model.filters.1", "power", 16, low=3, high=6, base=2)
    params = {"model.hidden_units": "[64, 32]", "model.filters": "[8]"}
    record = sweep(search("a", 0, 0.9, params=params), arms=["a"])
    found = slices(select(record), {"a": plain([*WIDTHS, filters, first])})
    sums = {item.parameter: item.values["a"][0][1] for item in found}
    assert sums["model.hidden_units.widths"] == 96
    assert sums["model.filters.widths"] == 8


def test_the_learning_rate_is_left_to_its_own_picture() -> None:
    found = _slices({"a": [RATE, BATCH]}, a=["training.batch_size=32"])
    assert list(found) == ["training.batch_size"]


def test_only_arms_that_search_a_parameter_are_in_its_slice() -> None:
    both = {"a": [BATCH, MOMENTUM], "b": [BATCH]}
    found = _slices(
        both,
        a=["training.batch_size=32", "optimizer.momentum=0.5"],
        b=["training.batch_size=16"],
    )
    assert list(found["training.batch_size"].values) == ["a", "b"]
    assert list(found["optimizer.momentum"].values) == ["a"]


def test_a_parameter_that_no_trial_has_is_left_out() -> None:
    assert _slices({"a": [RHO, MOMENTUM]}, a=["x=1"]) == {}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["optimizer.beta_1"], ["beta 1"]),
        (["model.hidden_units.layers"], ["hidden units, layers"]),
        (["model.hidden_units.widths"], ["hidden units, widths"]),
        (["optimizer.rate", "model.rate"], ["optimizer rate", "model rate"]),
        (["model.layers"], ["layers"]),
        (["seed"], ["seed"]),
    ],
)
def test_names_are_short_where_that_is_clear(names: Any, words: Any) -> None:
    assert list(labels(names).values()) == words

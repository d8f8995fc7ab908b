"""A spec of another form than the one that a file gives the parameter."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.schema import Spec
from fairsweep.errors import BadInput

from .plans import plan

RATE = "optimizer.space.learning_rate"


def spec(*overrides: str, group: str = "optimizer", name: str = "learning_rate") -> Spec:
    """The spec of a parameter in a sweep of SGD."""
    (arm,) = plan("optimizer=sgd", *overrides).arms
    found = getattr(arm.settings, group).space[name]
    assert isinstance(found, Spec)
    return found


def form(own: Spec) -> dict[str, Any]:
    """The keys that say from what is drawn."""
    plain = dataclasses.asdict(own)
    keys = ("low", "high", "choices", "layers", "units")
    return {key: plain[key] for key in keys if plain[key] is not None}


@pytest.mark.parametrize(
    "override",
    [
        f"{RATE}={{choices: [0.01, 0.1]}}",
        f"{RATE}={{ choices: [0.01, 0.1] }}",
        f"+{RATE}={{choices: [0.01, 0.1]}}",
        f"{RATE}.choices=[0.01,0.1]",
        f"{RATE}={{low: null, high: null, log: null, choices: [0.01, 0.1]}}",
    ],
)
def test_choices_take_the_place_of_a_range(override: str) -> None:
    assert form(spec(override)) == {"choices": [0.01, 0.1]}


def test_widths_give_way_to_choices_and_come_back() -> None:
    choices = "model.space.hidden_units={choices: [[64], [64, 32]]}"
    widths = "model.space.hidden_units={layers: {low: 1, high: 2}, units: {low: 8, high: 64}}"
    default = "model.params.hidden_units=[64]"
    own = {"group": "model", "name": "hidden_units"}
    assert form(spec(default, choices, **own)) == {"choices": [[64], [64, 32]]}
    assert set(form(spec(default, choices, widths, **own))) == {"layers", "units"}


def test_a_range_takes_the_place_of_choices() -> None:
    choices, ends = f"{RATE}={{choices: [0.01, 0.1]}}", f"{RATE}={{low: 0.001, high: 0.1}}"
    assert form(spec(choices, ends)) == {"low": 0.001, "high": 0.1}


def test_what_is_given_beside_a_range_of_a_file_changes_it() -> None:
    assert form(spec(f"{RATE}.high=0.5")) == {"low": 0.0001, "high": 0.5}
    assert form(spec(f"{RATE}={{high: 0.5}}")) == {"low": 0.0001, "high": 0.5}
    assert spec(f"{RATE}={{low: 0.01, high: 0.5}}").log
    assert not spec(f"{RATE}={{low: 0.01, high: 0.5, log: null}}").log
    assert not spec(f"{RATE}.log=null").log


def test_the_advice_for_two_forms_is_a_spec_that_works() -> None:
    with pytest.raises(BadInput) as refused:
        compose_sweep(["optimizer=sgd", f"{RATE}={{low: 0.01, choices: [0.01, 0.1]}}"])
    (problem,) = refused.value.problems
    found = re.search(r"set the others to null, as (\{.*\}) \(", problem)
    assert found is not None
    assert form(spec(f"{RATE}={found[1]}")) == {"choices": [0.01, 0.1]}


def test_no_log_scale_in_a_file_is_false(tmp_path: Path) -> None:
    """Which is said of the key itself: another spec is no remedy."""
    folder = tmp_path / "conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "defaults:\n  - sgd\nspace:\n  learning_rate: {low: 0.01, high: 0.1, log: null}\n"
    )
    with pytest.raises(BadInput, match=r"learning_rate\.log: need true or false, got null"):
        compose_sweep(["optimizer=mine"], str(tmp_path / "conf"))

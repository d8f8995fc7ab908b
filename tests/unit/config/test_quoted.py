"""Numbers in quotes are taken for the numbers that they are, with a word about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.config.plan import Plan
from fairsweep.errors import BadInput

RATE = "optimizer.params.learning_rate"
PLAIN = "optimizer=adam"


def told(plan: Plan, key: str, text: str, number: str) -> bool:
    line = f"{key}: {text!r} is text and was read as the number {number}; leave the quotes out"
    return plan.warnings == (line,)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-3", 0.001), ("0.1", 0.1), ("1", 1.0), (".5", 0.5), ("+2E-2", 0.02), ("3.", 3.0)],
)
def test_a_value(text: str, number: float) -> None:
    plan = compose_training([PLAIN, f"{RATE}='{text}'"])
    rate = plan.arms[0].settings.optimizer.params["learning_rate"]
    assert rate == number and type(rate) is float
    (line,) = plan.warnings
    assert line.startswith(f"{RATE}: {text!r} is text and was read as the number")


@pytest.mark.parametrize("text", ["fast", "", "0,1", "1e", "nan", "1_000", "0x10", "1 000"])
def test_what_is_no_number_stays_text_and_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as error:
        compose_training([PLAIN, f"{RATE}='{text}'"])
    assert f"{RATE}: need a number, got {text!r}" in str(error.value)


def test_a_width_in_a_list() -> None:
    plan = compose_training([PLAIN, "model.params.hidden_units=['64',32]"])
    assert plan.arms[0].settings.model.params["hidden_units"] == [64, 32]
    assert "model.params.hidden_units: ['64', 32] is text" in plan.warnings[0]


def test_bounds_and_choices_of_a_space(tmp_path: Path) -> None:
    """It is the same sweep as without quotes."""
    (tmp_path / "optimizer").mkdir()
    file = tmp_path / "optimizer" / "mine.yaml"
    content = (
        "name: Adam\nparams: {learning_rate: 0.001, beta_1: 0.9}\nspace:\n"
        "  learning_rate: {low: LOW, high: 1e-1, log: true}\n  beta_1: {choices: [CHOICE, 0.95]}\n"
    )
    file.write_text(content.replace("LOW", "'1e-5'").replace("CHOICE", "'0.9'"))
    quoted = compose_sweep(["optimizer=mine"], str(tmp_path))
    file.write_text(content.replace("LOW", "1e-5").replace("CHOICE", "0.9"))
    plain = compose_sweep(["optimizer=mine"], str(tmp_path))
    assert quoted.sha256 == plain.sha256
    assert plain.warnings == ()
    assert [line.partition(":")[0] for line in quoted.warnings] == [
        "optimizer.space.learning_rate.low",
        "optimizer.space.beta_1.choices",
    ]


def test_settings_of_a_sampler_are_told_once_for_all_arms() -> None:
    overrides = ["arms.optimizer=[adam,sgd]", "search.params.n_startup_trials='7'"]
    plan = compose_sweep(overrides)
    assert plan.config.search.params["n_startup_trials"] == 7
    assert told(plan, "search.params.n_startup_trials", "7", "7")


def test_what_a_model_of_ones_own_gets_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mine")
    own = ["model=custom", "model.builder=mine:build", "+model.params.version='1'"]
    plan = compose_training([PLAIN, *own])
    assert plan.arms[0].settings.model.params["version"] == "1"
    assert plan.warnings == ()


def test_a_whole_learning_rate_is_taken_as_it_is() -> None:
    """Keras refuses an int."""
    plan = compose_training([PLAIN, f"{RATE}=1"])
    rate = plan.arms[0].settings.optimizer.params["learning_rate"]
    assert (rate, type(rate), plan.warnings) == (1.0, float, ())

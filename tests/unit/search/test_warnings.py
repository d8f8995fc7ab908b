"""What is said of a search that may not be meant as it is."""

from __future__ import annotations

import os

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.search.warnings import search_warnings


def told(*overrides: str) -> list[str]:
    return list(search_warnings(compose_sweep(overrides)))


def test_nothing_is_said_of_the_default_job() -> None:
    assert told() == []


def test_a_search_of_nothing_needs_one_trial() -> None:
    still = ["optimizer=adam", "model.space.hidden_units=null", "training.space.batch_size=null"]
    still += [f"optimizer.space.{name}=null" for name in ("learning_rate", "beta_1", "beta_2")]
    (line,) = told(*still, "search.trials=7")
    assert line == (
        "adam: no parameter is searched, so the 7 trials differ only in their seed; "
        "search.trials=1 is enough"
    )
    assert told(*still, "search.trials=1") == []


def test_a_grid_that_the_budget_cuts_is_told() -> None:
    """Three learning rates and four batch sizes; the defaults are one of these twelve."""
    only = "search.only=[optimizer.learning_rate,training.batch_size]"
    (line,) = told("optimizer=adam", "search=grid", only, "search.trials=5")
    assert line.startswith(
        "adam: the whole grid takes 12 trials, and search.trials=5 tries a part of it"
    )
    assert told("optimizer=adam", "search=grid", only, "search.trials=12") == []


def test_a_search_of_years_is_told() -> None:
    (line,) = told("arms.optimizer=[adam,sgd]", "search.trials=1000000000")
    assert "search.trials=1000000000 for 2 arms takes 555,556 hours" in line


def test_a_range_of_one_value_is_told() -> None:
    rates = "optimizer.space.learning_rate"
    layers = "model.space.hidden_units.layers"
    lines = told("optimizer=adam", f"{rates}.low=0.001", f"{rates}.high=0.001", f"{layers}.low=2")
    assert lines == [f"{rates}: low and high are both 0.001, so it isn't searched"]
    lines = told("arms.optimizer=[adam,sgd]", f"{layers}.low=2", f"{layers}.high=2")
    assert lines == [f"{layers}: low and high are both 2, so it isn't searched"]


def test_a_single_choice_is_told() -> None:
    (line,) = told("optimizer=adam", "optimizer.space.beta_1={choices:[0.9]}")
    assert line == "optimizer.space.beta_1: the only choice is 0.9, so it isn't searched"


def test_steps_that_end_below_high_are_told() -> None:
    """0.1, 0.4, 0.7, and not 0.9."""
    spec = "optimizer.space.momentum={choices:null,low:0.1,high:0.9,step:0.3}"
    (line,) = told("optimizer=sgd", spec, "optimizer.params.momentum=0.4")
    assert line == "optimizer.space.momentum: steps of 0.3 from 0.1 end at 0.7, below high=0.9"


def test_more_workers_than_cores_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    (line,) = told("optimizer=adam", "executor.workers=3")
    assert line.startswith("executor.workers=3 on 2 cores: workers take turns")
    assert told("optimizer=adam", "executor.workers=2") == []

"""What is said of a search that may not be meant as it is."""

from __future__ import annotations

from pipeline.config.composing import compose_sweep
from pipeline.search.remarks import remarks


def told(*overrides: str) -> list[str]:
    return list(remarks(compose_sweep(overrides)))


def test_nothing_is_said_of_the_default_job() -> None:
    assert told() == []


def test_a_search_of_nothing_needs_one_trial() -> None:
    still = ["optimizer=adam", "model.space.hidden_units=null", "training.space.batch_size=null"]
    still += [f"optimizer.space.{name}=null" for name in ("learning_rate", "beta_1", "beta_2")]
    (line,) = told(*still, "search.trials=7")
    assert line == (
        "adam: nothing is searched, so all 7 trials differ by their seed alone; search.trials=1 is "
        "enough"
    )
    assert told(*still, "search.trials=1") == []


def test_a_grid_that_the_budget_cuts_is_told() -> None:
    """Three learning rates, four batch sizes: twelve points."""
    only = "search.only=[optimizer.learning_rate,training.batch_size]"
    (line,) = told("optimizer=adam", "search=grid", only, "search.trials=5")
    assert line.startswith("adam: the grid has 12 points, and search.trials=5 takes the first")
    assert told("optimizer=adam", "search=grid", only, "search.trials=12") == []


def test_a_search_of_years_is_told() -> None:
    (line,) = told("arms.optimizer=[adam,sgd]", "search.trials=1000000000")
    assert "search.trials=1000000000 of 2 arms take 555,556 hours" in line

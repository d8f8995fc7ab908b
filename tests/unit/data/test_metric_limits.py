"""Metrics that the numbers to predict don't allow, such as an error in percent of 0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.data.dataset import Dataset
from fairsweep.data.split import SplitData
from fairsweep.errors import BadInput
from fairsweep.stages.limits import Limits
from fairsweep.tasks import VALUES
from tests.unit.config.plans import plan

PRICES = np.random.default_rng(0).uniform(100, 300, 60)
TRAIN, VALIDATION, TEST = np.split(np.arange(60), [40, 50])
MAPE = "objective.metric=val_mape"
MSLE = "objective.metric=val_mean_squared_logarithmic_error"
BESIDE = "training.metrics=[mae,mape]"


def told(
    *words: str, at: Any = (), value: float = 0.0, folds: bool = False
) -> tuple[Sequence[str], Sequence[str]]:
    """Problems and warnings of metrics where the prices of rows `at` a place have a value."""
    prices = PRICES.copy()
    prices[list(at)] = value
    dataset = Dataset(prices[:, np.newaxis], prices[:, np.newaxis], ("price",), task=VALUES)
    data = SplitData(dataset, TRAIN, VALIDATION, TEST)
    limits = Limits(plan("optimizer=adam", *words).for_task(VALUES), data, folds)
    return list(limits.problems()), list(limits.warnings())


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-9])
@pytest.mark.parametrize(
    "words",
    [
        (MAPE,),
        ("objective.metric=val_mean_absolute_percentage_error",),
        ("objective.second=val_mape", BESIDE),
    ],
)
def test_an_error_in_percent_of_0_selects_nothing(words: tuple[str, ...], value: float) -> None:
    (problem,), _ = told(*words, at=(44, 46), value=value)
    key, _, name = words[0].partition("=")
    assert problem == (
        f"{key}: {name} divides by the true value, which is 0 in 2 rows (row 45 the first), so "
        f"that it means nothing; use {key}=val_mae"
    )


def test_rows_that_nothing_is_selected_by_are_told() -> None:
    for row in (3, 55):
        problems, (warning,) = told(MAPE, at=(row,))
        assert problems == []
        assert warning == (
            f"objective: mape divides by the true value, which is 0 in 1 row (row {row + 1} the "
            "first), so that it means nothing; mae has no such limit"
        )
    problems, (warning,) = told(BESIDE, at=(44,))
    assert problems == []
    assert warning.startswith("training.metrics: mape divides by the true value, which is 0 in 1")
    assert told(at=(44,)) == ([], [])


def test_the_first_row_is_that_of_the_data() -> None:
    prices = np.where(np.arange(60)[:, np.newaxis] % 20 == 7, 0.0, PRICES[:, np.newaxis])
    dataset = Dataset(prices, prices, ("price",), task=VALUES)
    data = SplitData(dataset, np.arange(20, 60), np.arange(10, 20), np.arange(10))
    (warning,) = Limits(plan("optimizer=adam", BESIDE).for_task(VALUES), data, False).warnings()
    assert "in 3 rows (row 8 the first)" in warning


def test_training_rows_count_where_they_validate_in_another_fold() -> None:
    assert len(told(MAPE, at=(3,), folds=True)[0]) == 1
    assert told(MAPE, at=(55,), folds=True)[0] == []
    assert len(told("objective.metric=mape", at=(3,))[0]) == 1


def test_values_near_0_are_told() -> None:
    problems, (warning,) = told(MAPE, at=(44,), value=-0.05)
    assert problems == []
    assert "divides by the true value, which is near 0 in 1 row: row 45 has 0.05, and " in warning
    middle = float(np.median(np.abs(np.where(np.arange(60) == 44, 0.05, PRICES))))
    assert f"counts for {middle / 0.05:,.0f} rows with {middle:.3g}, the median; mae" in warning
    assert told(MAPE, at=(44,), value=1.0) == ([], [])


def test_a_logarithm_of_what_is_below_0_is_told() -> None:
    (problem,), _ = told(MSLE, at=(44,), value=-2.0)
    assert "takes what is below 0 for 0, and the true value is below 0 in 1 row" in problem
    assert told(MSLE, at=(44,), value=0.0) == ([], [])


def test_a_sweep_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Where rows are dealt into folds, any of them validates."""
    lines = [f"{i % 7},{own + 0.5 if i else 0}" for i, own in enumerate(PRICES.round().tolist())]
    (tmp_path / "rows.csv").write_text("\n".join(["size,price", *lines]) + "\n")
    words = ("data=csv", f"data.path={tmp_path / 'rows.csv'}", "data.target=price", "data.test=0")
    with pytest.raises(BadInput, match="which is 0 in 1 row"):
        prepare([*words, "optimizer=adam", MAPE, f"tracking.root={tmp_path / 'mlruns'}"], None)
    assert not (tmp_path / "mlruns").exists()

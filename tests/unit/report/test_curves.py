"""Medians, bands, colours and axes of the learning curves."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fairsweep.records import Objective
from fairsweep.report.analysis.curves import PALETTE, band, curve_runs, log_ticks, panels, styles
from fairsweep.report.analysis.select import select

from .builders import confirm, search, sweep


def _runs(*curves: list[float]) -> Any:
    return [confirm("adam", 0, i, 0.9, curves={"loss": own}) for i, own in enumerate(curves)]


def test_median_and_range_over_seeds() -> None:
    found = band(_runs([3.0, 1.0], [5.0, 2.0], [4.0, 6.0]), "loss")
    assert found is not None
    assert (found.epochs, found.median) == ((1, 2), (4.0, 2.0))
    assert (found.low, found.high, found.runs) == ((3.0, 1.0), (5.0, 6.0), 3)


def test_a_band_ends_where_fewer_than_half_of_the_seeds_still_train() -> None:
    found = band(_runs([1.0, 1.0, 1.0, 1.0], [2.0, 2.0], [3.0]), "loss")
    assert found is not None
    assert found.epochs == (1, 2)


def test_missing_epochs_are_gaps() -> None:
    found = band(_runs([1.0, math.nan, 3.0]), "loss")
    assert found is not None
    assert (found.epochs, found.median) == ((1, 3), (1.0, 3.0))


def test_a_metric_nobody_has_gives_no_band() -> None:
    assert band(_runs([1.0]), "accuracy") is None
    assert band(_runs([math.nan]), "loss") is None


def test_confirmed_seeds_stand_for_an_arm_else_its_best_trial() -> None:
    best = search("adam", 0, 0.9, curves={"loss": [1.0]})
    seed = confirm("adam", 0, 0, 0.9, curves={"loss": [2.0]})
    assert curve_runs(select(sweep(best, seed))["adam"]) == (seed,)
    assert curve_runs(select(sweep(best))["adam"]) == (best,)
    assert curve_runs(select(sweep(search("adam", 0, 0.9)))["adam"]) == ()


def test_diverged_seeds_are_not_drawn() -> None:
    seeds = [
        confirm("adam", 0, 0, 0.9, curves={"loss": [1.0]}),
        confirm("adam", 0, 1, None, "diverged", curves={"loss": [9.0]}),
    ]
    assert curve_runs(select(sweep(search("adam", 0, 0.9), *seeds))["adam"]) == (seeds[0],)


def test_panels_are_loss_accuracy_and_the_objective() -> None:
    drawn = {"loss": [1.0], "val_loss": [1.0], "accuracy": [0.5], "auc": [0.5], "val_auc": [0.6]}
    record = sweep(search("adam", 0, 0.9, curves=drawn), objective=Objective("val_auc", "maximize"))
    found = panels(select(record))
    assert [panel.metric for panel in found] == ["loss", "accuracy", "auc"]
    assert found[1].arms[0].validation is None
    assert found[2].arms[0].validation is not None


def test_a_loss_over_a_wide_range_gets_a_log_axis() -> None:
    def log(*values: float) -> bool:
        return panels(select(sweep(search("adam", 0, 0.9, curves={"loss": values}))))[0].log

    assert log(2.0, 0.05)
    assert not log(2.0, 0.5)
    assert not log(2.0, 0.0)
    assert not log(2.0, -0.1)


def test_log_ticks_are_round_and_inside() -> None:
    assert log_ticks(0.03, 2.5) == [0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    assert log_ticks(0.0005, 2.5) == [0.001, 0.01, 0.1, 1.0]


@pytest.mark.parametrize("count", [1, 7, 14, 28])
def test_every_arm_has_a_look_of_its_own(count: Any) -> None:
    found = styles([f"arm{i}" for i in range(count)])
    assert len(set(found.values())) == count
    assert len({style.colour for style in found.values()}) == min(count, len(PALETTE))

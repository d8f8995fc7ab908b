"""Weights of rows: what is read as such, what is refused and where it is, what a split needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fairsweep.config.schema import Confirm, Data
from fairsweep.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from fairsweep.data.folds import confirmation
from fairsweep.data.split import SplitData, contents, describe, fingerprint, split_rows
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput
from fairsweep.records import Confirmation, Objective

SETTINGS = Data("rows", "npz")
HALVES = np.array([TRAIN] * 20 + [VALIDATION] * 10 + [TEST] * 10, np.int8)


def rows(weights: Any, **more: Any) -> Dataset:
    """Forty rows of two classes in turn."""
    y = np.array([0, 1] * 20)
    x = np.arange(40, dtype=np.float32).reshape(-1, 1)
    return Dataset(x, y, ("a", "b"), weights=np.broadcast_to(np.float32(weights), 40), **more)


def test_other_weights_are_other_data() -> None:
    one, other = rows(np.arange(40)), rows(np.arange(40)[::-1])
    plain, weighed, changed = (
        split_rows(data, SETTINGS) for data in (replace(one, weights=None), one, other)
    )
    assert len({fingerprint(data) for data in (plain, weighed, changed)}) == 3
    sums: list[Any] = [contents(data)["checksums"] for data in (plain, weighed, changed)]
    assert sums[1] == {**sums[0], "weights": sums[1]["weights"]}
    assert sums[2]["weights"] != sums[1]["weights"]
    assert describe(weighed, SETTINGS) == {**describe(plain, SETTINGS), "row weights": "0 to 39"}


@pytest.mark.parametrize(
    ("part", "name"), [(TRAIN, "train"), (VALIDATION, "validation"), (TEST, "test")]
)
def test_a_part_in_which_no_row_counts_is_refused(part: int, name: str) -> None:
    with pytest.raises(BadInput, match=f"^data: every {name} row has weight 0, "):
        split_rows(rows(part != HALVES, parts=HALVES), SETTINGS)


def test_every_fold_has_a_row_that_counts() -> None:
    """Of two rows that count, one is in each of two folds, if the cut happens to be so."""
    some = np.isin(np.arange(40), [3, 4])
    split = SplitData(rows(some), np.arange(30), np.arange(30, 40), np.array([], int))
    objective = Objective("val_loss", "minimize")
    with pytest.raises(BadInput, match=r"folds leave a fold in which every row has weight 0; use"):
        confirmation(Confirm(folds=5), SETTINGS, split, objective, 1)
    assert confirmation(Confirm(), SETTINGS, split, objective, 1).folds < 3


def test_weights_that_may_not_be_meant_are_told() -> None:
    usual = rows(np.linspace(0.5, 1.5, 40))
    odd = rows(np.linspace(0, 1000, 40))
    before, after = (list(data_warnings(split_rows(data, SETTINGS))) for data in (usual, odd))
    told = [line for line in after if line not in before]
    assert [line.partition(",")[0] for line in told] == [
        "1 row with weight 0: nothing is learned from them",
        told[1].partition(",")[0],
    ]
    train = odd.weights[split_rows(odd, SETTINGS).train]  # type: ignore[index]
    assert f"have the mean {train.mean():.3g}, which multiplies the loss" in told[1]


def test_folds_by_default_stay_as_they_are_where_every_row_counts() -> None:
    split = split_rows(rows(1), SETTINGS)
    objective = Objective("val_accuracy", "maximize")
    assert confirmation(Confirm(), SETTINGS, split, objective, 1) == Confirmation(5, 2)

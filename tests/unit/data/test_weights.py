"""Weights of rows: what is read as such, what is refused and where it is, what a split needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairsweep.commands.train import prepare
from fairsweep.config.checks.data import data_problems
from fairsweep.config.schema import Confirm, Data
from fairsweep.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from fairsweep.data.folds import confirmation
from fairsweep.data.sources import load
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


TABLE = """\
age,income,w,label
30,1,0.5,yes
41,2,2,no
25,,1,yes
33,4,0,no
"""


def table(folder: Path, text: str = TABLE, **more: Any) -> Data:
    (folder / "rows.csv").write_text(text)
    path = str(folder / "rows.csv")
    given = {"name": "t", "source": "csv", "path": path, "target": "label", "weight": "w", **more}
    return Data(**given)


def test_a_column_of_weights_is_no_feature(tmp_path: Path) -> None:
    data = load(table(tmp_path, missing="fill"))
    assert [column.name for column in data.columns] == ["age", "income"]
    np.testing.assert_array_equal(data.weights, np.array([0.5, 2, 1, 0], np.float32))
    kept = load(table(tmp_path, missing="drop"))
    np.testing.assert_array_equal(kept.weights, np.array([0.5, 2, 0], np.float32))


def test_files_of_parts_and_parquet_have_their_weights(tmp_path: Path) -> None:
    settings = table(tmp_path, TABLE.replace("25,,1", "25,3,1"))
    other = tmp_path / "other.csv"
    other.write_text("w,label,income,age\n7,no,1,1\n8,yes,2,2\n")
    data = load(replace(settings, validation_path=str(other)))
    np.testing.assert_array_equal(data.weights, np.array([0.5, 2, 1, 0, 7, 8], np.float32))
    pd.read_csv(str(settings.path)).to_parquet(tmp_path / "rows.parquet")
    stored = replace(settings, source="parquet", path=str(tmp_path / "rows.parquet"))
    np.testing.assert_array_equal(load(stored).weights, data.weights[:4])  # type: ignore[index]


BAD_COLUMNS = {
    "negative": (("41,2,2", "41,2,-2"), ["column 'w' is negative in 1 row, first in row 2 (-2)"]),
    "missing": (("30,1,0.5", "30,1,"), ["column 'w' is missing in 1 row, first in row 1; every"]),
    "infinite": (("41,2,2", "41,2,1e39"), ["column 'w' is infinite, or too large for 32 bits,"]),
    "two-faults": (
        ("0.5,yes\n41,2,2", "-1,yes\n41,2,"),
        ["is missing in 1 row, first in row 2", "is negative in 1 row, first in row 1 (-1)"],
    ),
    "words": (
        ("age,income,w,label", "age,income,label,w"),
        ["column 'w' of data.path has words, but every row needs a finite number from 0"],
    ),
    "name": ((",w,", ",weight,"), ["data.path has no column 'w'"]),
}


@pytest.mark.parametrize(("change", "told"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
def test_a_column_that_has_no_weights_is_refused(
    change: tuple[str, str], told: list[str], tmp_path: Path
) -> None:
    settings = table(tmp_path, TABLE.replace(*change), missing="drop")
    with pytest.raises(BadInput) as refused:
        load(settings)
    assert len(refused.value.problems) == len(told)
    for problem, text in zip(refused.value.problems, told, strict=True):
        assert problem.startswith("data.weight: ")
        assert text in problem


def test_the_place_of_a_bad_weight_is_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text("age,income,w,label\n1,1,1,no\n2,2,-3,yes\n")
    settings = table(tmp_path, missing="drop", validation_path=str(tmp_path / "val.csv"))
    with pytest.raises(BadInput, match=r"first in row 2 of val\.csv \(-3\)"):
        load(settings)


def test_a_column_has_one_role(tmp_path: Path) -> None:
    for more in ({"target": "w"}, {"drop": ["w"]}, {"group": "w"}, {"categorical": ["w"]}):
        problems = list(data_problems(table(tmp_path, **more)))
        assert "data.weight" in [key for key, _ in problems], more


X, Y = np.arange(24, dtype=np.float32).reshape(12, 2), np.arange(12) % 2
ONES = np.ones(12)


def archive(folder: Path, **arrays: Any) -> Data:
    np.savez(folder / "rows.npz", **arrays)
    return Data("rows", "npz", str(folder / "rows.npz"))


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_an_array_of_weights_is_used(shape: tuple[int, ...], tmp_path: Path) -> None:
    data = load(archive(tmp_path, x=X, y=Y, sample_weight=np.arange(12).reshape(shape)))
    np.testing.assert_array_equal(data.weights, np.arange(12, dtype=np.float32))
    assert data.notes == ()
    gap = np.where(X == 0, np.nan, X)
    some = archive(tmp_path, x=gap, y=Y, sample_weight=np.arange(12).reshape(shape))
    np.testing.assert_array_equal(load(replace(some, missing="drop")).weights, np.arange(1, 12))


def test_parts_have_their_arrays_of_weights_or_count_1_a_row(tmp_path: Path) -> None:
    pairs = {
        f"{name}_{part}": own for part in ("train", "val") for name, own in (("x", X), ("y", Y))
    }
    both = archive(tmp_path, **pairs, sample_weight_train=2 * ONES, sample_weight_val=3 * ONES)
    np.testing.assert_array_equal(load(both).weights, [2] * 12 + [3] * 12)
    one = load(archive(tmp_path, **pairs, sample_weight_train=2 * ONES))
    np.testing.assert_array_equal(one.weights, [2] * 12 + [1] * 12)
    assert one.notes == ("without sample_weight_val: these rows weigh 1 each",)
    assert load(archive(tmp_path, **pairs)).weights is None


def test_arrays_that_are_not_read_are_told(tmp_path: Path) -> None:
    data = load(archive(tmp_path, x=X, y=Y, weights=ONES, ids=Y))
    assert data.weights is None
    (note,) = data.notes
    assert note == (
        "not read from rows.npz: ids, weights; weights of rows are read from sample_weight"
    )


BAD_ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "length": ({"sample_weight": ONES[1:]}, "sample_weight must be numbers of shape (12,), one a"),
    "columns": ({"sample_weight": np.ones((12, 2))}, "got float64 of shape (12, 2)"),
    "words": ({"sample_weight": ONES.astype(str)}, "sample_weight must be numbers"),
    "negative": ({"sample_weight": -Y}, "sample_weight is negative in 6 rows, first in row 2 (-1)"),
    "nan": (
        {"sample_weight": ONES * np.nan},
        "sample_weight is missing in 12 rows, first in row 1",
    ),
    "of-a-part": ({"sample_weight_train": ONES}, "has x and y, so need sample_weight, got sample_"),
}


@pytest.mark.parametrize(("arrays", "told"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_that_are_no_weights_are_refused(
    arrays: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as refused:
        load(archive(tmp_path, x=X, y=Y, **arrays))
    (problem,) = refused.value.problems
    assert problem.startswith("data.path: ")
    assert told in problem


def test_weights_of_parts_without_rows_are_refused(tmp_path: Path) -> None:
    for more in ({"sample_weight_test": ONES}, {"sample_weight": ONES}):
        with pytest.raises(BadInput, match=r"rows for train, so need sample_weight_train, got"):
            load(archive(tmp_path, x_train=X, y_train=Y, **more))
    with pytest.raises(BadInput, match=r"first in row 12 of x_train \(-1\)"):
        weights = np.append(ONES[1:], -1)
        load(archive(tmp_path, x_train=X, y_train=Y, sample_weight_train=weights))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{yess:5}", "the data has no class 'yess'; did you mean yes? (command line: "),
        ("{5:5}", "the data has no class '5'; the classes are: no, yes (command line: "),
        ("{yes:0,no:0}", "every class has weight 0, so nothing would be learned (command line"),
    ],
)
def test_weights_of_classes_that_the_data_has_not(given: str, told: str, tmp_path: Path) -> None:
    settings = table(tmp_path, "age,label\n" + "1,yes\n2,no\n" * 20)
    own = ["data=csv", f"data.path={settings.path}", "data.target=label"]
    with pytest.raises(BadInput) as refused:
        prepare([*own, f"training.class_weight={given}"], None)
    (problem,) = refused.value.problems
    assert problem.startswith(f"training.class_weight: {told}")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]

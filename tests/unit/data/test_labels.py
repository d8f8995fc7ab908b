"""Several labels a row: what is taken for them, what is refused, and which rows go where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fairsweep.commands import train
from fairsweep.config.checks.data import data_problems
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import load
from fairsweep.data.split import SplitData, contents, describe, fingerprint, load_split
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput
from fairsweep.tasks import CLASSES, LABELS

ROWS = 60
FRUIT: dict[str, list[Any]] = {
    "size": [i * i % 17 for i in range(ROWS)],
    "red": [int(i % 3 == 0) for i in range(ROWS)],
    "round": [i % 2 == 0 for i in range(ROWS)],
    "heavy": [float(i % 5 == 1) for i in range(ROWS)],
    "box": [f"b{i // 2}" for i in range(ROWS)],
}
NAMES = ["red", "round", "heavy"]
Y = np.array([FRUIT[name] for name in NAMES], np.int64).T
X = np.arange(2.0 * ROWS).reshape(ROWS, 2)


def csv(folder: Path, columns: dict[str, list[Any]], **settings: Any) -> Data:
    """A file of these columns, with labels in three of them."""
    words = {True: "true", False: "false"}
    rows = [
        ",".join(words[v] if isinstance(v, bool) else str(v) for v in row)
        for row in zip(*columns.values(), strict=True)
    ]
    (folder / "rows.csv").write_text("\n".join([",".join(columns), *rows, ""]))
    given = {"source": "csv", "path": str(folder / "rows.csv"), "target": NAMES, "drop": ["box"]}
    return Data(**{"name": "fruit", **given, **settings})


def npz(folder: Path, **arrays: Any) -> Data:
    np.savez(folder / "rows.npz", **arrays)
    return Data("rows", "npz", str(folder / "rows.npz"))


def fruit(**changed: list[Any]) -> dict[str, list[Any]]:
    return {**FRUIT, **changed}


def with_value(name: str, value: Any, row: int = 11) -> dict[str, list[Any]]:
    column = list(FRUIT[name])
    column[row] = value
    return fruit(**{name: column})


def test_columns_of_a_csv_are_labels(tmp_path: Path) -> None:
    data = load(csv(tmp_path, FRUIT))
    assert data.class_names == ("red", "round", "heavy")
    assert (data.y.dtype, data.y.shape, data.task is LABELS) == (np.int64, (ROWS, 3), True)
    np.testing.assert_array_equal(data.y, Y)
    assert [column.name for column in data.columns] == ["size"]


def test_a_parquet_of_the_same_rows_is_the_same_data(tmp_path: Path) -> None:
    parquet.write_table(pa.table(FRUIT), tmp_path / "rows.parquet")
    given = {"source": "parquet", "path": str(tmp_path / "rows.parquet")}
    one, two = load_split(csv(tmp_path, FRUIT)), load_split(csv(tmp_path, FRUIT, **given))
    assert fingerprint(one) == fingerprint(two)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_arrays_of_labels(tmp_path: Path, dtype: str) -> None:
    settings = npz(tmp_path, x=X, y=Y.astype(dtype))
    data = load(settings)
    assert (data.class_names, data.y.dtype) == (("0", "1", "2"), np.int64)
    np.testing.assert_array_equal(data.y, Y)
    named = load(Data(**{**vars(settings), "class_names": NAMES}))
    assert named.class_names == ("red", "round", "heavy")


def test_arrays_of_labels_for_each_part(tmp_path: Path) -> None:
    parts = {"x_train": X[:40], "y_train": Y[:40], "x_val": X[40:], "y_val": Y[40:]}
    data = load_split(npz(tmp_path, **parts))
    assert data.validation.tolist() == list(range(40, 60))
    assert set(data.train) | set(data.test) == set(range(40))
    np.testing.assert_array_equal(data.dataset.y, Y)


def test_rows_that_miss_a_feature_are_left_out_with_their_labels(tmp_path: Path) -> None:
    data = load(csv(tmp_path, with_value("size", ""), missing="drop"))
    np.testing.assert_array_equal(data.y, np.delete(Y, 11, axis=0))
    x = X.copy()
    x[11] = np.nan
    arrays = npz(tmp_path, x=x, y=Y)
    np.testing.assert_array_equal(
        load(Data(**{**vars(arrays), "missing": "drop"})).y, np.delete(Y, 11, axis=0)
    )


Make = Callable[[Path], Data]
ALWAYS = [1] * ROWS
LAST_HAS_NO_0 = np.column_stack([np.arange(ROWS) < ROWS - 1, Y[:, 1]])
REFUSED: dict[str, tuple[Make, tuple[str, ...]]] = {
    "missing-number": (
        lambda folder: csv(folder, with_value("red", "")),
        ("data.target: label 'red' is missing in 1 row, row 12 the first",),
    ),
    "missing-boolean": (
        lambda folder: csv(folder, with_value("round", ""), missing="fill"),
        ("data.target: label 'round' is missing in 1 row, row 12 the first",),
    ),
    "missing-in-arrays": (
        lambda folder: npz(folder, x=X, y=np.where(X[:, :1] == 4, np.nan, Y)),
        ("y: label '0' is missing in 1 row, row 3 the first", "label '2' is missing"),
    ),
    "another-number": (
        lambda folder: csv(folder, with_value("red", 2)),
        ("label 'red' must be 0 or 1", "row 12 has 2.0", "is a class, one per row"),
    ),
    "another-number-in-arrays": (
        lambda folder: npz(folder, x=X, y=Y * 2 - 1),
        ("y: label '0' must be 0 or 1", "row 2 has -1"),
    ),
    "a-fraction": (
        lambda folder: replace(npz(folder, x=X, y=Y * 0.5), task="labels"),
        ("label '1' must be 0 or 1", "row 1 has 0.5"),
    ),
    "words": (
        lambda folder: csv(folder, FRUIT, target=["red", "box"], drop=None),
        ("data.target: column 'box' of data.path has words, but labels must be 0 or 1",),
    ),
    "the-same-in-all-rows": (
        lambda folder: csv(folder, fruit(heavy=ALWAYS)),
        ("label 'heavy' is the same in every row (1)", "leave it out"),
    ),
    "never-in-arrays": (
        lambda folder: npz(folder, x=X, y=np.column_stack([Y, 0 * Y[:, 0]])),
        ("y: label '3' is the same in every row (0)",),
    ),
    "many-that-are-the-same": (
        lambda folder: npz(folder, x=X, y=np.column_stack([Y, np.zeros((ROWS, 9), int)])),
        ("label '7' is the same", "… and 4 more labels"),
    ),
    "the-same-where-nothing-is-missing": (
        lambda folder: csv(
            folder,
            fruit(heavy=[0] * 59 + [1], size=[*FRUIT["size"][:59], ""]),
            missing="drop",
        ),
        ("without the rows that have missing values, label 'heavy' is the same in every row (0)",),
    ),
    "the-same-where-nothing-is-missing-in-arrays": (
        lambda folder: Data(
            **{
                **vars(npz(folder, x=np.where(X > 117, np.nan, X), y=LAST_HAS_NO_0)),
                "missing": "drop",
            }
        ),
        ("without the rows that have missing values, y: label '0' is the same in every row (1)",),
    ),
    "one-hot-arrays": (
        lambda folder: npz(folder, x=X, y=np.eye(3)[np.arange(ROWS) % 3]),
        ("y is one-hot, of shape (60, 3); save y.argmax(axis=1)",),
    ),
    "lengths": (
        lambda folder: npz(folder, x=X, y=Y[:-1]),
        ("x has 60 rows and y has 59",),
    ),
    "other-labels-in-a-part": (
        lambda folder: npz(folder, x_train=X, y_train=Y, x_test=X, y_test=Y[:, :2]),
        ("the same labels, got y_train (60, 3), y_test (60, 2)",),
    ),
    "classes-in-a-part": (
        lambda folder: npz(folder, x_train=X, y_train=Y, x_test=X, y_test=Y[:, 0]),
        ("one class a row in every part, or the same labels",),
    ),
    "no-such-column": (
        lambda folder: csv(folder, FRUIT, target=["red", "rund"]),
        ("data.target: data.path has no column 'rund'; did you mean round?",),
    ),
    "a-copy-of-a-label": (
        lambda folder: csv(folder, fruit(copy=FRUIT["red"])),
        ("data.target: column 'copy' is a copy of 'red'", "data.drop=[copy]"),
    ),
    "names": (
        lambda folder: Data(**{**vars(npz(folder, x=X, y=Y)), "class_names": ["a", "b"]}),
        ("data.class_names: the data has 3 labels, got 2 names",),
    ),
    "a-name-twice": (
        lambda folder: Data(**{**vars(npz(folder, x=X, y=Y)), "class_names": ["a", "b", "a"]}),
        ("data.class_names: names must be unique, got a more than once",),
    ),
    "a-name-with-the-mark-between-names": (
        lambda folder: Data(**{**vars(npz(folder, x=X, y=Y)), "class_names": ["a;b", "c", "d"]}),
        ("can't contain ';'", "rename 'a;b'"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    make, told = REFUSED[case]
    settings = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as caught:
        load(settings)
    assert [part for part in told if part not in str(caught.value)] == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (["red"], "data.target: need at least two label columns in a list, got ['red']; "),
        ([], "data.target: need the name of the column that holds the classes"),
        (["red", "red"], "data.target: column red is listed twice"),
        (["red", "box"], "data.target: column 'box' is also in data.drop"),
        (["red", "part"], "data.target: column 'part' is also in data.split"),
        (
            ["red", "zip"],
            "data.target: column 'zip' is no feature; take it out of data.categorical",
        ),
        ({"red": "round"}, "data.target: need a column of classes or a list"),
        (
            ["red", ["round"]],
            "data.target: need a column of classes or a list of label columns",
        ),
        (["red", None], "data.target: need a column of classes or a list"),
    ],
)
def test_settings_that_name_no_labels(target: Any, told: str) -> None:
    given = Data("fruit", "csv", "a.csv", drop=["box"], split="part", categorical=["zip"])
    problems = data_problems(replace(given, target=target))
    assert told in "\n".join(f"{key}: {problem}" for key, problem in problems)


@pytest.mark.parametrize(
    ("given", "name"), [("label", "label"), (5, "5"), (2.5, "2.5")], ids=["word", "5", "2.5"]
)
def test_one_column_is_one_of_classes_whatever_its_name(
    given: Any, name: str, tmp_path: Path
) -> None:
    table = {"size": FRUIT["size"], name: FRUIT["red"]}
    data = load_split(csv(tmp_path, table, target=given, drop=None))
    assert data.dataset.class_names == ("0", "1")


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (("training.loss=sparse_categorical_crossentropy",),
         ["training.loss: sparse_categorical_crossentropy is for one class a row, and the data "
              "has 3 labels, of which a row can have several; use "
              "training.loss=binary_crossentropy"]),
        (("training.loss=hinge", "training.class_weight=balanced"),
         ["training.loss: hinge is for one class a row",
          "training.class_weight: balanced is for one class a row"]),
        (("training.loss=binary_crossentropy", "training.class_weight={red:2}"),
         ["training.class_weight: {'red': 2} is for one class a row"]),
        (("training.loss=binary_focal_crossentropy", "model=cnn"),
         ["model: cnn needs images"]),
    ],
    ids=["loss", "loss-and-weights", "weights", "model"],
)  # fmt: skip
def test_what_is_for_classes_alone_is_told_with_the_remedy(
    overrides: tuple[str, ...], told: list[str], tmp_path: Path
) -> None:
    settings = csv(tmp_path, FRUIT)
    labels = ["data=csv", f"data.path={settings.path}", "data.target=[red,round,heavy]"]
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as caught:
        train.prepare([*labels, "data.drop=[box]", *overrides], None)
    assert len(caught.value.problems) == len(told)
    for problem, beginning in zip(caught.value.problems, told, strict=True):
        assert problem.startswith(beginning)
    assert sorted(tmp_path.rglob("*")) == before


class TestSplit:
    """Which rows go where."""

    def test_every_label_keeps_its_share(self, tmp_path: Path) -> None:
        data = load_split(csv(tmp_path, FRUIT))
        having = Y.sum(axis=0)
        for part in (data.validation, data.test):
            assert len(part) == 12
            assert (np.abs(Y[part].sum(axis=0) - 0.2 * having) < 1.5).all()

    def test_groups_stay_whole(self, tmp_path: Path) -> None:
        data = load_split(csv(tmp_path, FRUIT, group="box", drop=None))
        boxes = [set((part // 2).tolist()) for part in (data.train, data.validation, data.test)]
        assert sum(map(len, boxes)) == len(set.union(*boxes)) == ROWS // 2
        for part in (data.validation, data.test):
            assert abs(len(part) - 12) <= 4
            assert (np.abs(Y[part].sum(axis=0) - 0.2 * Y.sum(axis=0)) < 4).all()

    def test_by_a_column_that_leaves_a_label_out_of_training(self, tmp_path: Path) -> None:
        part = ["test" if heavy else "train" for heavy in FRUIT["heavy"]]
        with pytest.raises(BadInput, match="no training rows with label 'heavy'; a model can't"):
            load_split(csv(tmp_path, fruit(part=part), split="part"))

    @pytest.mark.parametrize(("rare", "kind"), [(1, "with label"), (0, "without label")])
    def test_a_label_too_rare_for_a_share(self, rare: int, kind: str, tmp_path: Path) -> None:
        heavy = [1 - rare] * 59 + [rare]
        with pytest.raises(BadInput) as caught:
            load_split(csv(tmp_path, fruit(heavy=heavy)))
        assert "no share helps; leave this label out" in str(caught.value)
        assert f"there is only row 60 {kind} 'heavy', and training, " in str(caught.value)


def tiny(**changes: Any) -> SplitData:
    """Eight rows of two features and two labels, fields of the data set replaced."""
    y = np.array([[0, 1], [1, 0], [1, 1], [0, 0]] * 2, np.int64)
    dataset = {"x": np.arange(16, dtype=np.float32).reshape(8, 2), "y": y}
    parts = np.array([0, 1, 2, 3]), np.array([4, 5]), np.array([6, 7])
    return SplitData(
        Dataset(**{**dataset, "class_names": ("red", "round"), "task": LABELS, **changes}), *parts
    )


def test_what_a_sweep_says_of_its_labels() -> None:
    facts = describe(tiny(), Data("fruit", "npz"))
    assert facts["labels"] == "red, round"
    assert "classes" not in facts
    assert contents(tiny())["labels"] == ["red", "round"]
    assert (
        describe(tiny(y=np.arange(8) % 2, task=CLASSES), Data("fruit", "npz"))["classes"]
        == "red, round"
    )


def test_a_changed_label_is_seen() -> None:
    other = tiny().dataset.y.copy()
    other[7, 1] = 1
    assert fingerprint(tiny(y=other)) != fingerprint(tiny())
    assert fingerprint(tiny(class_names=("red", "heavy"))) != fingerprint(tiny())
    before, after = (contents(data)["checksums"] for data in (tiny(), tiny(y=other)))
    assert before != after


def test_odd_labels_are_told() -> None:
    data = tiny()
    assert not [line for line in data_warnings(data) if "label" in line]
    exclusive = tiny(y=np.eye(2, dtype=np.int64)[np.arange(8) % 2])
    assert [line for line in data_warnings(exclusive) if "exactly one label" in line]
    y = data.dataset.y.copy()
    y[4:6] = [[0, 1], [0, 1]]
    said = [
        line for line in data_warnings(tiny(y=y)) if line.startswith("there is no validation row")
    ]
    (line,) = said
    assert "with label 'red', without label 'round': validation metrics" in line

"""Numbers to predict: which data are of them, what is refused, and how rows are split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairsweep.commands.train import prepare
from fairsweep.config.checks.data import data_problems
from fairsweep.config.schema import Data, Training
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import load
from fairsweep.data.spelling import disguised
from fairsweep.data.split import SplitData, load_split
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput
from fairsweep.tasks import CLASSES, LABELS, VALUES
from fairsweep.tasks.values import Values

X = np.arange(24.0).reshape(12, 2) ** 2
PRICE = np.linspace(1.5, 7.0, 12) ** 2


def csv(folder: Path, target: Any = "price", task: str = "auto", **columns: Any) -> Data:
    table = pd.DataFrame({"a": X[:, 0], "b": X[::-1, 1], **columns})
    table.to_csv(folder / "rows.csv", index=False)
    path = str(folder / "rows.csv")
    return Data(name="d", source="csv", path=path, target=target, task=task)


def npz(folder: Path, y: Any, task: str = "auto") -> Data:
    np.savez(folder / "rows.npz", x=X, y=y)
    return Data(name="d", source="npz", path=str(folder / "rows.npz"), task=task)


def test_fractions_are_values_and_that_is_told(tmp_path: Path) -> None:
    dataset = load(csv(tmp_path, price=PRICE))
    assert (dataset.task, dataset.class_names) == (VALUES, ("price",))
    assert dataset.y[:, 0].tolist() == PRICE.tolist()
    (note,) = dataset.notes
    assert "predicted as a number (data.task=values), because row 1 has 2.25" in note


def test_the_row_that_decides_is_named_as_the_file_has_it(tmp_path: Path) -> None:
    """Also where rows before it are left out, or it is left out itself."""
    price = np.where(np.arange(12) == 4, 2.5, np.arange(12))
    for gap in (0, 4):
        features = np.where(np.arange(12) == gap, np.nan, X[:, 0])
        found = load(replace(csv(tmp_path, price=price, c=features), missing="drop"))
        assert "because row 5 has 2.5" in " ".join(found.notes)
        np.savez(tmp_path / "rows.npz", x=features[:, np.newaxis], y=price)
        arrays = Data("d", "npz", str(tmp_path / "rows.npz"), missing="drop")
        assert "because row 5 has 2.5" in " ".join(load(arrays).notes)


def test_the_row_that_decides_is_named_with_its_file(tmp_path: Path) -> None:
    whole, half = np.arange(12.0), np.where(np.arange(12) == 4, 2.5, np.arange(12))
    for name in "ab":
        (tmp_path / name).mkdir()
    first, second = (csv(tmp_path / name, price=y) for name, y in (("a", whole), ("b", half)))
    found = load(replace(first, test_path=second.path))
    assert "because row 5 of " + str(second.path) + " has 2.5" in " ".join(found.notes)
    np.savez(tmp_path / "rows.npz", x_train=X, y_train=whole, x_test=X, y_test=half)
    (note,) = load(Data("d", "npz", str(tmp_path / "rows.npz"))).notes
    assert "because row 5 of x_test has 2.5" in note


def test_whole_numbers_are_classes_unless_asked_for(tmp_path: Path) -> None:
    whole = np.arange(12) % 3
    assert load(npz(tmp_path, whole)).task == CLASSES
    asked = load(npz(tmp_path, whole.astype(np.int64), task="values"))
    assert (asked.task, asked.class_names, asked.notes) == (VALUES, ("value",), ())


def test_several_columns_are_labels_or_values(tmp_path: Path) -> None:
    bits = np.arange(12) % 2
    assert load(csv(tmp_path, ["price", "size"], price=bits, size=1 - bits)).task == LABELS
    found = load(csv(tmp_path, ["price", "size"], price=PRICE, size=PRICE[::-1] ** 2))
    assert (found.task, found.class_names) == (VALUES, ("price", "size"))
    assert found.y.shape == (12, 2)
    arrays = load(npz(tmp_path, np.column_stack([PRICE, PRICE**2])))
    assert arrays.class_names == ("value_1", "value_2")


def with_value(value: float) -> Any:
    changed = PRICE.copy()
    changed[4] = value
    return changed


@pytest.mark.parametrize(
    ("middle", "spread", "offset"),
    [(1e9, 0.2, "1000000000"), (1.23456789e9, 0.2, "1234567890"), (-3e12, 1e5, "-3000000000000")],
)
def test_targets_that_32_bits_hardly_tell_apart_are_refused(
    tmp_path: Path, middle: float, spread: float, offset: str
) -> None:
    """What remains after the remedy is told apart well."""
    price = middle + spread * np.linspace(-1.5, 1.5, 12) ** 3
    with pytest.raises(BadInput) as caught:
        load(csv(tmp_path, price=price, task="values"))
    (problem,) = caught.value.problems
    assert "32-bit floats" in problem and f"; subtract {offset} from them in the data" in problem
    left = price - float(offset)
    assert not [*VALUES.problems(left, "", ()), *VALUES.warnings(left[:, np.newaxis])]


def test_targets_too_small_for_32_bits_are_refused() -> None:
    (problem,) = VALUES.problems(np.linspace(1e-40, 2e-40, 12), "the target", ())
    assert problem.endswith("; use a smaller unit")


def test_targets_that_32_bits_tell_apart_coarsely_are_told(tmp_path: Path) -> None:
    price = 1e9 + 5000 * np.linspace(-1.5, 1.5, 12)
    told = " ".join(data_warnings(load_split(csv(tmp_path, price=price, task="values"))))
    assert "32-bit floats tell apart coarsely; subtract 1000000000 from them" in told


def test_features_that_32_bits_hardly_tell_apart_are_told(tmp_path: Path) -> None:
    """Of a table by name, of arrays by number; not what is far apart."""
    off = 1e9 + 208 * np.linspace(-1, 1, 12)
    wide = np.linspace(0, 1e9, 12)
    settings = replace(csv(tmp_path, price=PRICE, off=off, wide=wide), validation=0.25)
    told = [line for line in data_warnings(load_split(settings)) if "32-bit" in line]
    assert len(told) == 1
    assert told[0].startswith("column off has values around 1e+09, where 32-bit floats are 64 ")
    assert told[0].endswith("subtract 1000000000 from them in the data")
    np.savez(tmp_path / "rows.npz", x=np.stack([X[:, 0], off], axis=1), y=PRICE)
    arrays = Data("d", "npz", str(tmp_path / "rows.npz"))
    told = [line for line in data_warnings(load_split(arrays)) if "32-bit" in line]
    assert len(told) == 1 and told[0].startswith("feature 1 has values around")


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (with_value(np.nan), "y is missing in 1 row, row 5 the first"),
        (with_value(np.inf), "y is infinite or too large for 32 bits in 1 row, row 5 the first"),
        (with_value(-1e39), "row 5 the first (-1e+39)"),
        (
            np.full(12, 2.5),
            "y is the same in every row (2.5), so there is nothing to learn; give rows that differ",
        ),
        (np.array([*"123456789", "10", "n/a", "12"]), "row 11 has 'n/a'"),
        (np.zeros((12, 2, 2)), "got float64 of shape (12, 2, 2)"),
        (np.column_stack([PRICE, np.ones(12)]), "target '1' is the same in every row (1)"),
    ],
    ids=["missing", "infinite", "large", "constant", "words", "shape", "one-of-several"],
)
def test_what_is_no_number_is_refused_with_its_row(y: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(npz(tmp_path, y, task="values"))
    assert told in str(caught.value)


def test_a_column_of_words_is_refused_with_value_and_row(tmp_path: Path) -> None:
    words = ["cheap", "dear"] * 6
    with pytest.raises(BadInput) as caught:
        load(csv(tmp_path, task="values", price=words))
    told = "data.target: column 'price' must be a number in each row, and row 1 has 'cheap'"
    assert told in str(caught.value)


def test_a_copy_of_the_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="column 'again' is a copy of the target"):
        load(csv(tmp_path, price=PRICE, again=PRICE))


def test_another_task_is_refused_for_what_has_classes() -> None:
    (problem,) = data_problems(Data(name="digits", source="digits", task="values"))
    assert problem[0] == "data.task"
    problem, *_ = data_problems(Data(name="digits", source="digits", task="value"))
    assert "did you mean values?" in problem[1]


def test_a_loss_for_classes_is_told() -> None:
    (told,) = Values().training_problems("hinge", None, 1)
    assert "training.loss=auto" in told
    (told,) = CLASSES.training_problems("quantile", None, 3)
    assert "data.task=values" in told
    (told,) = Values().training_problems("quantile", None, 2)
    assert "one value a row, and the data has 2" in told
    (told,) = Values().loss_problems("poisson", np.array([[1.0], [-2.0]]), ("visits",))
    assert "visits has -2 in row 2" in told


def test_every_quantile_is_alike_in_all_parts(tmp_path: Path) -> None:
    """Of 500 rows each tenth part has, in each part, its share to a row or two."""
    random = np.random.default_rng(2)
    y = random.lognormal(0, 1.5, 500)
    np.savez(tmp_path / "rows.npz", x=random.normal(size=(500, 2)), y=y)
    split = load_split(Data(name="d", source="npz", path=str(tmp_path / "rows.npz")))
    tenths = np.quantile(y, np.arange(1, 10) / 10)
    for rows, share in ((split.train, 30), (split.validation, 10), (split.test, 10)):
        counts = np.bincount(np.searchsorted(tenths, y[rows]), minlength=10)
        assert np.abs(counts - share).max() <= 2
    assert sorted([*split.train, *split.validation, *split.test]) == [*range(500)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.34, 0.5, 0.77, 1.0])
def test_so_many_rows_are_held_out(share: float) -> None:
    rows = np.arange(37) * 3
    held = VALUES.stratify(rows, np.ones((37, 1)), share, np.random.default_rng(1))
    assert len(held) == round(37 * share) == len(set(held))
    assert set(held) <= set(rows)


@pytest.mark.parametrize("classes", [2, 5])
def test_a_loss_for_numbers_on_what_counts_as_classes_is_told(classes: int, tmp_path: Path) -> None:
    y = np.arange(60) % classes
    np.savez(tmp_path / "rows.npz", x=np.random.default_rng(0).normal(size=(60, 2)), y=y)
    given = ["data=npz", f"data.path={tmp_path / 'rows.npz'}", "training.loss=huber"]
    told = f"training.loss=huber: the answers are whole numbers and count as {classes} classes"
    assert [w for w in prepare(given, None).plan.warnings if w.startswith(told)]
    for task in ("classes", "values"):
        assert not prepare([*given, f"data.task={task}"], None).plan.warnings


@pytest.mark.parametrize(
    ("levels", "nearest"), [("[0.1,0.4]", "0.4"), ("[0.9]", "0.9"), ("[0.1,0.5]", "")]
)
def test_quantiles_without_the_median_are_told(levels: str, nearest: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", x=random.normal(size=(60, 2)), y=random.normal(size=60))
    given = ["data=npz", f"data.path={tmp_path / 'rows.npz'}", f"training.quantiles={levels}"]
    told = f"and the figures are those of the quantile {nearest}; add 0.5"
    warned = prepare([*given, "training.loss=quantile"], None).plan.warnings
    assert [told for warning in warned if told in warning] == [told] * bool(nearest)
    with pytest.raises(
        BadInput, match=r"training\.quantiles: applies to training\.loss=quantile only"
    ):
        prepare(given, None)


def test_a_target_is_measured_on_training_rows_once_for_each_loss() -> None:
    y = np.array([[1.0], [3.0], [100.0], [100.0]])
    dataset = Dataset(np.zeros((4, 1), np.float32), y, ("price",), task=VALUES)
    data = SplitData(dataset, np.array([0, 1]), np.array([2]), np.array([3]))
    output = data.output(Training(loss="mean_squared_error"))
    assert (output.scale.shift, output.scale.factor) == ((2.0,), (1.0,))
    assert data.output(Training(loss="mean_squared_error", epochs=3)) is output
    counts = data.output(Training(loss="poisson"))
    assert (counts.scale.shift, counts.scale.factor) == ((0.0,), (2.0,))
    bands = data.output(Training(loss="quantile", quantiles=[0.1, 0.5]))
    assert tuple(bands.quantiles) == (0.1, 0.5)


def test_what_is_said_of_quantiles_is_no_other_one() -> None:
    """Without the median there is no column that could be taken for what is to be expected."""
    output = VALUES.output("quantile", 1, (0.1, 0.4))
    outputs = np.array([[1.0, 2.0]])
    assert list(output.answer(outputs, ("price",))) == ["price_q0.1", "price_q0.4"]
    assert list(VALUES.columns(("price",), (0.1, 0.4))) == ["price_q0.1", "price_q0.4"]
    assert list(VALUES.columns(("price",), (0.1, 0.5))) == ["price", "price_q0.1", "price_q0.5"]
    assert list(VALUES.columns(("price",))) == ["price"]


def test_a_constant_number_with_a_fraction_is_no_word(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,y\n1,2.5\n2,2.5\n")
    with pytest.raises(BadInput) as refused:
        load(Data("d", "csv", path=str(tmp_path / "rows.csv"), target="y"))
    assert "data.categorical" not in str(refused.value)
    assert "give rows that differ, or another target" in str(refused.value)


def test_many_whole_numbers_are_classes_that_may_be_quantities(tmp_path: Path) -> None:
    y = np.repeat(np.arange(30), 8)
    np.savez(tmp_path / "rows.npz", x=np.random.default_rng(0).normal(size=(240, 2)), y=y)
    split = load_split(Data(name="d", source="npz", path=str(tmp_path / "rows.npz")))
    told = (
        "classes: they are 30 whole numbers for 240 rows: if they are quantities, data.task=values"
    )
    assert [warning for warning in data_warnings(split) if warning.startswith(told)]


def counted(folder: Path, *most: str) -> list[str]:
    """Counts of a rare event, of which one row has the largest."""
    counts = np.concatenate([np.arange(59) % 3, [5]])
    np.savez(folder / "rows.npz", x=np.random.default_rng(0).normal(size=(60, 2)), y=counts)
    return ["data=npz", f"data.path={folder / 'rows.npz'}", *most]


@pytest.mark.parametrize(
    "chosen",
    [
        ["objective.metric=val_rmse"],
        ["objective.metric=val_mae", "training.metrics=[mae,r2]"],
        ["training.loss=quantile"],
        ["objective.metric=val_r2", "training.loss=poisson", "search.folds=2"],
    ],
)
def test_what_only_numbers_have_makes_values_of_whole_numbers(
    chosen: list[str], tmp_path: Path
) -> None:
    """As if data.task=values had been given, which is told."""
    job = prepare(counted(tmp_path, *chosen), None)
    assert job.data.dataset.task is VALUES
    told = f"the target is predicted as a number (data.task=values), because {chosen[0]} is for"
    assert [w for w in job.plan.warnings if w.startswith(told.replace("[mae,r2]", "mae"))] or (
        "because objective.metric=val_mae" in " ".join(job.plan.warnings)
    )
    assert (
        job.plan.sha256 == prepare(counted(tmp_path, *chosen, "data.task=values"), None).plan.sha256
    )


@pytest.mark.parametrize(
    "chosen",
    [
        ["training.loss=poisson"],
        ["training.loss=mean_squared_error", "search.folds=5"],
        ["data.validation=0", "confirm.seeds=0", "objective.metric=accuracy", "search.folds=null"],
    ],
)
def test_a_rare_whole_number_may_be_a_quantity(chosen: list[str], tmp_path: Path) -> None:
    """To leave it out, or to merge it, would falsify counts."""
    given = counted(tmp_path, *chosen)
    remedy = "if these whole numbers are quantities, data.task=values predicts them as numbers"
    with pytest.raises(BadInput, match=remedy):
        prepare(given, None)
    with pytest.raises(BadInput) as refused:
        prepare([*given, "data.task=classes"], None)
    assert remedy not in str(refused.value)


def test_a_metric_of_numbers_beside_a_loss_of_classes_is_told_of_values(tmp_path: Path) -> None:
    y = np.arange(60) % 5
    np.savez(tmp_path / "rows.npz", x=np.random.default_rng(0).normal(size=(60, 2)), y=y)
    loss = "training.loss=sparse_categorical_crossentropy"
    given = ["data=npz", f"data.path={tmp_path / 'rows.npz'}", loss]
    for chosen in ("objective.metric=val_rmse", "training.metrics=[accuracy,rmse]"):
        with pytest.raises(BadInput, match=r"quantities, data\.task=values"):
            prepare([*given, chosen], None)


SIGNED = ["$%.2f", "-$%.2f", "%.1f %%", "%d kg", "%.1fm²", "EUR %d", "US$%d", "₹%d"]


@pytest.mark.parametrize("form", SIGNED)
@pytest.mark.parametrize("task", ["auto", "values"])
def test_numbers_with_a_sign_or_a_unit_are_told_as_such(
    form: str, task: str, tmp_path: Path
) -> None:
    """Nearly each row would be a class of its own, which can't be held out."""
    words = [form % (300 + 7 * i % 11 * 1.5) for i in range(12)]
    with pytest.raises(BadInput) as refused:
        load_split(replace(csv(tmp_path, task=task, price=words), validation=0.25, test=0.25))
    (problem,) = refused.value.problems
    first = min(words) if task == "auto" else words[0]
    told = f"numbers with a sign, a unit or separators, such as {first!r}; write plain numbers"
    assert told in problem
    assert "leave this class out" not in problem


def test_few_classes_that_are_numbers_with_a_sign_are_told(tmp_path: Path) -> None:
    settings = csv(tmp_path, price=["10%", "20%", "30%"] * 4)
    told = list(data_warnings(load_split(replace(settings, validation=0.25, test=0.25))))
    assert [line for line in told if line.startswith("classes were read as words, but have numb")]


@pytest.mark.parametrize("words", [["1st", "2nd", "3rd"], ["a1", "a2", "b1"], ["3 kg", "4 lb"]])
def test_words_with_numbers_in_them_are_words(words: list[str]) -> None:
    assert disguised(words) is None

"""The split: stratified, disjoint, complete, seeded; and the fingerprint of data and split."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.split import SplitData, describe, fingerprint, load_split, split_rows
from fairsweep.errors import BadInput
from fairsweep.folds import ALL_ROWS, Fold
from fairsweep.tasks import CLASSES

DIGITS = Data(name="digits", source="digits")
WORKED_EXAMPLE = Data(name="w", source="worked_example", validation=0.0, test=0.0)
PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def digits() -> SplitData:
    return load_split(DIGITS)


def test_parts_are_disjoint_and_complete(digits: SplitData) -> None:
    rows = np.concatenate([digits.train, digits.validation, digits.test])
    np.testing.assert_array_equal(np.sort(rows), np.arange(1797))


def test_parts_are_in_ascending_order(digits: SplitData) -> None:
    for part in PARTS:
        assert (np.diff(getattr(digits, part)) > 0).all()


def test_parts_have_their_share(digits: SplitData) -> None:
    for part in ("validation", "test"):
        assert abs(len(getattr(digits, part)) - 0.2 * 1797) < 1


def test_every_class_keeps_its_share_to_a_row(digits: SplitData) -> None:
    labels = digits.dataset.y
    of_class = np.bincount(labels)
    for part in ("validation", "test"):
        counts = np.bincount(labels[getattr(digits, part)], minlength=10)
        assert (np.abs(counts - 0.2 * of_class) < 1.5).all()  # two splits, a row's rounding each


def test_rows_beyond_whole_shares_are_of_the_classes_with_the_largest_remainders() -> None:
    """9 of 35 rows are 2.57, 2.83 and 3.6 of the three classes."""
    y = np.repeat([0, 1, 2], [10, 11, 14])
    held = CLASSES.stratify(np.arange(35), y, 0.25, np.random.default_rng(0))
    assert np.bincount(y[held]).tolist() == [2, 3, 4]


def test_classes_are_mixed_within_a_part(digits: SplitData) -> None:
    """Rows are drawn at random, not taken from the start of each class."""
    for part in ("validation", "test"):
        rows = getattr(digits, part)
        assert 0.4 < rows.mean() / 1797 < 0.6
        assert rows.max() > 1700


def test_every_row_that_is_not_for_testing_is_in_one_fold_of_each_repeat(digits: SplitData) -> None:
    rest = np.union1d(digits.train, digits.validation)
    for repeat in range(2):
        splits = [split_rows(digits.dataset, DIGITS, Fold(5, repeat, i)) for i in range(5)]
        for split in splits:
            np.testing.assert_array_equal(split.test, digits.test)
            np.testing.assert_array_equal(np.union1d(split.train, split.validation), rest)
            assert len(split.train) + len(split.validation) == len(rest)
            counts = np.bincount(digits.dataset.y[split.validation])
            assert np.abs(counts - np.bincount(digits.dataset.y[rest]) / 5).max() < 2
        judged = np.concatenate([split.validation for split in splits])
        np.testing.assert_array_equal(np.sort(judged), rest)
        sizes = [len(split.validation) for split in splits]
        assert max(sizes) - min(sizes) <= 1


def test_all_rows_that_are_not_for_testing_are_trained_on_for_publication(
    digits: SplitData,
) -> None:
    whole = split_rows(digits.dataset, DIGITS, ALL_ROWS)
    np.testing.assert_array_equal(whole.train, np.union1d(digits.train, digits.validation))
    np.testing.assert_array_equal(whole.test, digits.test)
    assert len(whole.validation) == 0


def test_another_repeat_cuts_in_another_way_and_the_same_one_does_not(digits: SplitData) -> None:
    first, again, other = (
        split_rows(digits.dataset, DIGITS, Fold(5, repeat, 0)).validation for repeat in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < 0.4 * len(first)


def test_the_same_seed_gives_the_same_split_and_another_another(digits: SplitData) -> None:
    again = load_split(DIGITS)
    other = load_split(dataclasses.replace(DIGITS, seed=1))
    for part in PARTS:
        np.testing.assert_array_equal(getattr(again, part), getattr(digits, part))
        assert set(getattr(other, part)) != set(getattr(digits, part))


def test_test_rows_stay_when_only_validation_changes(digits: SplitData) -> None:
    other = load_split(dataclasses.replace(DIGITS, validation=0.3))
    np.testing.assert_array_equal(other.test, digits.test)
    assert len(other.validation) > len(digits.validation)


def test_a_share_of_zero_holds_nothing_out() -> None:
    data = load_split(WORKED_EXAMPLE)
    np.testing.assert_array_equal(data.train, np.arange(6))
    assert data.validation.size == data.test.size == 0


def test_a_class_too_rare_for_a_share_is_refused() -> None:
    with pytest.raises(BadInput, match=r"data\.test: .*rows of class .*: 3\)"):
        load_split(dataclasses.replace(WORKED_EXAMPLE, test=0.1))


def tiny(**changes: Any) -> SplitData:
    """Eight rows of two features, two classes; fields of the data set or the split replaced."""
    dataset = Dataset(
        np.arange(16, dtype=np.float32).reshape(8, 2),
        np.array([0, 1] * 4, np.int64),
        ("no", "yes"),
    )
    of_dataset = {k: v for k, v in changes.items() if k in {"x", "y", "class_names"}}
    of_split = {k: v for k, v in changes.items() if k in PARTS}
    split = SplitData(
        dataclasses.replace(dataset, **of_dataset),
        np.array([0, 1, 2, 3]),
        np.array([4, 5]),
        np.array([6, 7]),
    )
    return dataclasses.replace(split, **of_split)


def one_bit_flipped() -> np.ndarray[Any, Any]:
    x = tiny().dataset.x.copy()
    x.view(np.uint8).reshape(-1)[-1] ^= 1
    return x


def one_label_changed() -> np.ndarray[Any, Any]:
    y = tiny().dataset.y.copy()
    y[7] = 0
    return y


CHANGED: dict[str, dict[str, Any]] = {
    "one-bit-of-x": {"x": one_bit_flipped()},
    "one-label": {"y": one_label_changed()},
    "shape-of-x": {"x": tiny().dataset.x.reshape(8, 1, 2)},
    "type-of-x": {"x": tiny().dataset.x.view(np.int32)},
    "class-name": {"class_names": ("no", "maybe")},
    "train-rows": {"train": np.array([0, 1, 2])},
    "validation-rows": {"validation": np.array([4])},
    "test-rows": {"test": np.array([7])},
    "a-row-moved": {"train": np.array([0, 1, 2]), "validation": np.array([3, 4, 5])},
    "parts-exchanged": {"validation": np.array([6, 7]), "test": np.array([4, 5])},
}


def test_fingerprint_of_equal_data_is_equal() -> None:
    assert fingerprint(tiny()) == fingerprint(tiny())
    assert len(fingerprint(tiny())) == 64


@pytest.mark.parametrize("name", CHANGED)
def test_fingerprint_sees(name: str) -> None:
    assert fingerprint(tiny(**CHANGED[name])) != fingerprint(tiny())


def test_fingerprint_of_digits_sees_the_seed_of_the_split(digits: SplitData) -> None:
    other = load_split(dataclasses.replace(DIGITS, seed=1))
    assert fingerprint(digits) == fingerprint(load_split(DIGITS))
    assert fingerprint(digits) != fingerprint(other)


def test_fingerprint_ignores_how_an_array_lies_in_memory() -> None:
    x = tiny().dataset.x
    assert fingerprint(tiny(x=np.asfortranarray(x))) == fingerprint(tiny(x=x))


def test_description_counts_what_is_there(digits: SplitData) -> None:
    facts = describe(digits, DIGITS)
    assert facts["rows"] == 1797
    parts = [facts[f"{part} rows"] for part in ("training", "validation", "test")]
    assert sum(int(str(rows)) for rows in parts) == 1797
    assert facts["features"] == "8 × 8 × 1"
    assert str(facts["classes"]).split(", ") == [str(digit) for digit in range(10)]

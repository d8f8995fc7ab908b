"""How best configurations are confirmed on the rows there are: on how many folds, or on seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairsweep.config.schema import Confirm, Data
from fairsweep.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from fairsweep.data.folds import confirmation, first_fold
from fairsweep.data.shares import dealt
from fairsweep.data.split import SplitData, cut, split_rows
from fairsweep.errors import BadInput
from fairsweep.folds import ALL_ROWS, Fold, search_fold
from fairsweep.records import Confirmation, Objective

ACCURACY = Objective("val_accuracy", "maximize")
SETTINGS = Data("rows", "npz")


def dataset(y: Any, **more: Any) -> Dataset:
    return Dataset(np.zeros((len(y), 1), np.float32), np.asarray(y), ("a", "b"), **more)


def asked(
    data: Dataset,
    objective: Objective = ACCURACY,
    searches: int = 1,
    split: SplitData | None = None,
    **settings: Any,
) -> Confirmation:
    split = split or split_rows(data, SETTINGS)
    return confirmation(Confirm(**settings), SETTINGS, split, objective, searches)


MANY = dataset([0, 1] * 50)
# Five rows of class b: one is for testing, one for validation, three are trained on.
RARE = dataset([0] * 45 + [1] * 5)
GIVEN = dataset([0, 1] * 20, parts=np.array([TRAIN] * 20 + [VALIDATION] * 10 + [TEST] * 10))
# Five groups of twenty rows, of which one is for testing.
GROUPED = dataset([0, 1] * 50, groups=np.arange(100) // 20)
LOSS = Objective("loss", "minimize")


@pytest.mark.parametrize(
    ("data", "objective", "wanted"),
    [
        (MANY, ACCURACY, Confirmation(5, 2)),
        (RARE, ACCURACY, Confirmation(4, 2)),
        (GROUPED, ACCURACY, Confirmation(4, 2)),
        (GIVEN, ACCURACY, Confirmation(0, 5)),
        (MANY, LOSS, Confirmation(0, 5)),
    ],
    ids=["many", "rare-class", "groups", "given-split", "training-metric"],
)
def test_without_being_asked_it_is_what_the_rows_allow(
    data: Dataset, objective: Objective, wanted: Confirmation
) -> None:
    assert asked(data, objective) == wanted


def test_what_is_asked_for_is_done() -> None:
    assert asked(MANY, folds=3, repeats=4, top=2) == Confirmation(3, 4, top=2)
    assert asked(MANY, folds=0, seeds=7) == Confirmation(0, 7)
    assert asked(MANY, seeds=0).trainings == 0


@pytest.mark.parametrize(("asked_for", "searches", "repeats"), [(2, 3, 3), (6, 3, 6), (4, 3, 6)])
def test_each_search_has_the_same_number_of_repeats_and_at_least_one(
    asked_for: int, searches: int, repeats: int
) -> None:
    found = asked(MANY, searches=searches, repeats=asked_for)
    assert found == Confirmation(5, repeats, searches=searches)
    on_seeds = asked(MANY, searches=searches, folds=0, seeds=asked_for)
    assert on_seeds == Confirmation(0, repeats, searches=searches)
    assert asked(MANY, searches=searches, seeds=0).trainings == 0


@pytest.mark.parametrize(
    ("data", "objective", "folds", "told"),
    [
        (RARE, ACCURACY, 5, ("5 folds need as many rows of class 'b'", "there are 4", "folds=4")),
        (GROUPED, ACCURACY, 9, ("9 folds need as many groups", "have 4", "confirm.folds=4")),
        (GIVEN, ACCURACY, 5, ("the data gives its validation rows", "use confirm.folds=null")),
        (MANY, LOSS, 5, ("no row can be judged by it", "objective.metric=val_loss")),
    ],
    ids=["rare-class", "groups", "given-split", "training-metric"],
)
def test_folds_that_the_rows_do_not_allow_are_refused(
    data: Dataset, objective: Objective, folds: int, told: tuple[str, ...]
) -> None:
    with pytest.raises(BadInput) as caught:
        asked(data, objective, folds=folds)
    assert str(caught.value).startswith("confirm.folds: ")
    for part in told:
        assert part in str(caught.value)


def test_the_search_has_cuts_of_its_own() -> None:
    rows = split_rows(MANY, SETTINGS, ALL_ROWS).train
    folds = [split_rows(MANY, SETTINGS, search_fold(5, index)) for index in range(5)]
    assert sorted(np.concatenate([fold.validation for fold in folds])) == list(rows)
    first = first_fold(MANY, SETTINGS, 5, ACCURACY)
    assert list(first.validation) == list(folds[0].validation)
    assert list(first.train) == sorted(set(rows) - set(first.validation))
    confirmed = [
        set(split_rows(MANY, SETTINGS, Fold(5, repeat, index)).validation)
        for repeat in range(3)
        for index in range(5)
    ]
    assert not any(set(fold.validation) in confirmed for fold in folds)
    assert asked(MANY, split=first) == Confirmation(5, 2)


@pytest.mark.parametrize(
    ("data", "objective", "folds", "told"),
    [
        (RARE, ACCURACY, 5, ("5 folds need as many rows of class 'b'", "there are 4", "folds=4")),
        (GROUPED, ACCURACY, 9, ("9 folds need as many groups", "have 4", "search.folds=4")),
        (GIVEN, ACCURACY, 5, ("the data gives its validation rows", "use search.folds=null")),
        (MANY, LOSS, 5, ("no row can be judged by it", "objective.metric=val_loss")),
    ],
    ids=["rare-class", "groups", "given-split", "training-metric"],
)
def test_a_search_on_folds_has_the_rules_of_the_confirmation(
    data: Dataset, objective: Objective, folds: int, told: tuple[str, ...]
) -> None:
    with pytest.raises(BadInput) as caught:
        first_fold(data, SETTINGS, folds, objective)
    assert str(caught.value).startswith("search.folds: ")
    assert "confirm.folds" not in str(caught.value)
    for part in told:
        assert part in str(caught.value)


def test_a_class_that_is_in_one_group_alone_cannot_be_left_out() -> None:
    """Its rows would be judged by a model that has never seen the class."""
    parts = np.full(100, TRAIN)
    parts[60:80] = TEST
    y = np.array([0] * 80 + [1] * 20)
    y[70:80] = 1  # so that test rows have both
    split = split_rows(dataset([0, 1] * 50), SETTINGS)
    alone = type(split)(
        dataset(y, groups=np.arange(100) // 20, parts=None),
        np.r_[0:40, 80:100],
        np.arange(40, 60),
        np.arange(60, 80),
    )
    with pytest.raises(BadInput, match="leave no training rows of class 'b'"):
        confirmation(Confirm(folds=2), SETTINGS, alone, ACCURACY)
    assert confirmation(Confirm(), SETTINGS, alone, ACCURACY) == Confirmation(0, 5)


def of_groups(*kinds: int) -> Dataset:
    """Groups of ten rows, each of a single class."""
    return dataset(np.repeat(kinds, 10), groups=np.arange(10 * len(kinds)) // 10)


def folds_of(data: Dataset, count: int, repeat: int = 0) -> list[Any]:
    return cut(np.arange(len(data.y)), data, SETTINGS.seed, count, repeat)


@pytest.mark.parametrize("repeat", range(20))
@pytest.mark.parametrize("count", range(2, 7))
def test_groups_of_a_single_class_are_dealt_to_as_many_folds_as_there_are_groups(
    count: int, repeat: int
) -> None:
    data = of_groups(0, 1, 0, 1, 0, 1)
    folds = folds_of(data, count, repeat)
    assert sorted(np.concatenate(folds)) == list(range(60))
    assert data.groups is not None
    groups = [set(data.groups[fold]) for fold in folds]
    assert all(groups)
    assert sum(map(len, groups)) == 6
    for fold in folds:
        rest = np.setdiff1d(np.arange(60), fold)
        assert set(data.y[rest]) == {0, 1}


def test_what_is_dealt_has_classes_as_even_as_whole_groups_can_be() -> None:
    """Of four folds of six groups, two have a group of each class, and the others one group."""
    data = of_groups(0, 1, 0, 1, 0, 1)
    folds = dealt(np.arange(60), data, 4, np.random.default_rng(0))
    assert sorted(sorted(data.counts(fold).values()) for fold in folds) == [
        [0, 10],
        [0, 10],
        [10, 10],
        [10, 10],
    ]


def test_folds_of_groups_are_refused_with_the_largest_number_that_works() -> None:
    """Three classes of two groups each, in a circle: whoever halves the groups takes one whole."""
    groups = np.repeat([0, 1, 2], 20)
    circle = Dataset(
        np.zeros((60, 1), np.float32),
        np.tile(np.repeat([0, 1], 10), 3) + groups,
        ("a", "b", "c"),
        groups=groups,
    )
    circle.y[circle.y == 3] = 0
    split = SplitData(circle, np.arange(40), np.arange(40, 60), np.array([], int))
    with pytest.raises(BadInput, match=r"^confirm\.folds: 2 folds leave no .*; use .*folds=0$"):
        asked(circle, split=split, folds=2)
    with pytest.raises(BadInput, match=r"^confirm\.folds: 4 folds need .*; use .*folds=3$"):
        asked(circle, split=split, folds=4)
    assert asked(circle, split=split, folds=3) == Confirmation(3, 2)
    lone = of_groups(0, 0, 0, 1)
    split = SplitData(lone, np.arange(20), np.arange(20, 40), np.array([], int))
    for folds in (3, 9):
        with pytest.raises(BadInput, match=r"; use confirm\.folds=0$"):
            asked(lone, split=split, folds=folds)

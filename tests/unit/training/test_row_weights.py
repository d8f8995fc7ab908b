"""What a training row weighs: by itself, and by its class."""

from __future__ import annotations

import numpy as np
import pytest

from fairsweep.data.dataset import Dataset
from fairsweep.training.weights import balancing_weights, row_weights


def test_every_class_weighs_the_same_and_all_rows_as_much_as_without() -> None:
    labels = np.array([2, 0, 2, 2, 0, 2, 1, 2])
    weights = balancing_weights(labels)
    by_hand = {0: 8 / (3 * 2), 1: 8 / (3 * 1), 2: 8 / (3 * 5)}
    assert weights == pytest.approx([by_hand[label] for label in labels])
    assert weights.sum() == pytest.approx(8)
    assert weights.dtype == np.float32


def test_a_class_without_rows_has_no_weight() -> None:
    assert balancing_weights(np.array([0, 0, 3, 3])) == pytest.approx([1, 1, 1, 1])


def test_classes_balance_by_the_weights_of_their_rows() -> None:
    labels, own = np.array([0, 0, 1, 1, 2]), np.array([1, 3, 0, 2, 0], np.float32)
    weights = own * balancing_weights(labels, own)
    sums = [float(weights[labels == label].sum()) for label in range(3)]
    assert sums == pytest.approx([3, 3, 0])


def data(weights: list[float] | None = None) -> Dataset:
    own = None if weights is None else np.array(weights, np.float32)
    return Dataset(
        np.zeros((4, 1), np.float32), np.array([0, 1, 1, 2]), ("a", "b", "c"), weights=own
    )


def test_a_class_that_is_not_named_weighs_1() -> None:
    rows = np.array([3, 0, 1])
    assert row_weights(data(), rows, None) is None
    assert row_weights(data(), rows, {"b": 5, "c": 0.5}) == pytest.approx([0.5, 1, 5])
    weighed = data([2, 3, 4, 0])
    assert row_weights(weighed, rows, None) == pytest.approx([0, 2, 3])
    assert row_weights(weighed, rows, {"b": 5}) == pytest.approx([0, 2, 15])

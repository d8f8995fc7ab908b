"""What a row weighs where classes are to count the same."""

from __future__ import annotations

import numpy as np
import pytest

from fairsweep.training.loss import balancing_weights


def test_every_class_weighs_the_same_and_all_rows_as_much_as_without() -> None:
    labels = np.array([2, 0, 2, 2, 0, 2, 1, 2])
    weights = balancing_weights(labels)
    by_hand = {0: 8 / (3 * 2), 1: 8 / (3 * 1), 2: 8 / (3 * 5)}
    assert weights == pytest.approx([by_hand[label] for label in labels])
    assert weights.sum() == pytest.approx(8)
    assert weights.dtype == np.float32


def test_a_class_without_rows_has_no_weight() -> None:
    assert balancing_weights(np.array([0, 0, 3, 3])) == pytest.approx([1, 1, 1, 1])

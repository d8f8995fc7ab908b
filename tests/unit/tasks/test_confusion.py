"""Counting rows by class, worked out by hand."""

from __future__ import annotations

import numpy as np

from fairsweep.tasks import CLASSES

LOSS = "sparse_categorical_crossentropy"


def test_rows_are_counted_by_their_class_and_the_favoured_one() -> None:
    labels = np.array([0, 0, 1, 2, 2, 2])
    outputs = np.array(
        [[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0, 1, 0], [0, 0, 1], [0.5, 0.4, 0.1], [0, 0.1, 0.9]],
        np.float32,
    )
    found = CLASSES.output(LOSS, 3).test_artifact(outputs, labels, ("a", "b", "c"))
    assert found.classes == ("a", "b", "c")
    assert found.counts == ((1, 1, 0), (0, 1, 0), (1, 0, 2))


def test_a_class_without_rows_has_a_row_of_zeros() -> None:
    outputs = np.array([[0.1, 0.9]], np.float32)
    found = CLASSES.output(LOSS, 2).test_artifact(outputs, np.array([1]), ("a", "b"))
    assert found.counts == ((0, 0), (0, 1))

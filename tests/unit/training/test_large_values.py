"""Features that make a loss senseless are named by their column."""

from __future__ import annotations

import numpy as np

from fairsweep.data.dataset import Column, Dataset
from fairsweep.data.scaling import Scaling
from fairsweep.training.large_values import senseless_loss

TEXT = Column("review", tuple("abcdefghij"), length=3)


def told(x: list[list[float]], *columns: Column) -> str:
    rows = np.array(x, np.float32)
    return senseless_loss(1e9, Dataset(rows, np.array([0, 1]), ("no", "yes"), columns), Scaling())


def test_the_largest_number_of_a_table_is_named() -> None:
    text = told([[5, -7, 0, 9, -1], [1, 2, 0, 1, 9]], Column("a"), Column("b"), TEXT)
    assert "column b has values up to 7, and data.standardize=true" in text


def test_words_have_no_values() -> None:
    assert "look for the cause in the model's own code" in told([[0, 9, -1], [0, 1, 9]], TEXT)

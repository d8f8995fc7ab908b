"""Features that make a loss senseless are named by their column."""

from __future__ import annotations

import numpy as np

from fairsweep.data.dataset import Column, Dataset
from fairsweep.data.scaling import Scaling
from fairsweep.training.large_values import senseless_loss, unscaled

AS_IT_IS = Scaling()
TEXT = Column("review", tuple("abcdefghij"), length=3)


def told(x: list[list[float]], *columns: Column) -> str:
    rows = np.array(x, np.float32)
    return senseless_loss(1e9, Dataset(rows, np.array([0, 1]), ("no", "yes"), columns), Scaling())


def test_the_largest_number_of_a_table_is_named() -> None:
    text = told([[5, -7, 0, 9, -1], [1, 2, 0, 1, 9]], Column("a"), Column("b"), TEXT)
    assert "column b has values up to 7, and data.standardize=true" in text


def test_words_have_no_values() -> None:
    assert "look for the cause in the model's own code" in told([[0, 9, -1], [0, 1, 9]], TEXT)


def test_a_feature_that_stays_far_from_1_is_told() -> None:
    def said(x: list[list[float]], scaling: Scaling = AS_IT_IS, table: bool = True) -> str:
        columns = (Column("when: days", date="when"), Column("word", tuple("ab"))) if table else ()
        rows = np.array(x, np.float32)
        return unscaled(Dataset(rows, np.array([0, 1]), ("no", "yes"), columns), scaling)

    days: list[list[float]] = [[18_300, 0], [18_301, 1]]
    assert "column when: days has values up to 1.8e+04 and isn't scaled" in said(days)
    assert "data.standardize=true" in said(days)
    assert said([[999, 5000], [-1, 0]]) == ""  # words have no values
    assert said(days, Scaling(mean=(18_300.5,), variance=(0.25,))) == ""
    assert said(days, Scaling(factor=1e-3)) == ""
    assert said(days, table=False) == ""  # they may be ids
    assert "the data has values up to 1.8e+04" in said([[18_300.5, 0], [1, 2]], table=False)

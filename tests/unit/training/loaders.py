"""Loaders as users write them: what each returns is one of the forms, or a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

ROWS = 40
X = np.random.default_rng(0).normal(size=(ROWS, 3))
Y = np.where(np.arange(ROWS) % 2, "yes", "no")


def pair(rows: int = ROWS) -> Any:
    return X[:rows], Y[:rows]


pair.version = "2024-05"  # type: ignore[attr-defined]


def mapping() -> Any:
    return {
        "x": X.astype(np.int64),
        "y": Y,
        "groups": np.arange(ROWS) // 4,
        "sample_weight": np.linspace(0.5, 1.5, ROWS),
        "class_names": ["No", "Yes"],
        "version": 3,
    }


def parts() -> Any:
    return {
        "x_train": X[:20],
        "y_train": Y[:20],
        "x_val": X[20:30],
        "y_val": Y[20:30],
        "test": (X[30:], Y[30:]),
    }


def train_and_test() -> Any:
    """As `load_data` of keras.datasets; some of them have classes as a column."""
    return (X[:30], Y[:30, np.newaxis]), (X[30:], Y[30:, np.newaxis])


def halves() -> Any:
    y = np.arange(ROWS) % 2
    return (X[:20], y[:20]), (X[20:], y[20:])


def halves_with_words() -> Any:
    return (X[:20], Y[:20]), (X[20:], Y[20:])


def tables() -> Any:
    x, y = frame().drop(columns=["w", "label"]), frame()["label"]
    return (x[:30], y[:30]), (x[30:], y[30:])


def gaps_in_groups() -> Any:
    return {"x": X, "y": Y, "groups": np.where(np.arange(ROWS) % 20 == 7, np.nan, 1.0)}


def frame() -> Any:
    words = np.array(["a", "b", None, "a"] * 10, object)
    return pd.DataFrame({"n": X[:, 0], "w": words, "label": Y, "fold": np.arange(ROWS) % 5})


def frame_and_answers() -> Any:
    table = frame()
    return table.drop(columns=["label", "w"]), table["label"]


def frames() -> Any:
    table = frame().drop(columns="w")
    return {"train": table[:30], "test": table[30:]}


def generator(size: int = 16) -> Iterator[Any]:
    for start in range(0, ROWS, size):
        yield X[start : start + size], Y[start : start + size]


def series() -> Any:
    return X, pd.Series(Y)


def fails() -> Any:
    raise OSError("the server is down")


def nothing() -> Any:
    return None


def alone() -> Any:
    return X


def without_answers() -> Any:
    return {"x": X}


def misspelt() -> Any:
    return {"x": X, "y": Y, "sample_weights": np.ones(ROWS)}


def misspelt_in_a_part() -> Any:
    return {"train": misspelt(), "x_test": X, "y_test": Y}


def larger_and_larger() -> Iterator[Any]:
    for own in (1, 2**32):
        yield {"n": X, "ids": np.full(ROWS, own)}, Y


def shorter() -> Any:
    return X, Y[:-1]


def ragged() -> Any:
    return np.array([[1, 2], [3]], object), Y[:2]


def gaps() -> Any:
    return np.where(np.arange(ROWS)[:, np.newaxis] == 3, np.nan, X), Y


def negative_weight() -> Any:
    return X, Y, np.where(np.arange(ROWS) == 7, -1.0, 1.0)


def no_training_rows() -> Any:
    return {"x_test": X, "y_test": Y}


def rows_one_by_one() -> Iterator[Any]:
    yield from zip(X, np.arange(ROWS), strict=True)


def wider_and_wider() -> Iterator[Any]:
    yield X, Y
    yield X[:, :2], Y


def without_end() -> Iterator[Any]:
    while True:
        yield X, Y


def ends_python() -> Any:
    raise SystemExit(3)


def two_columns() -> Any:
    return frame().set_axis(["n", "n", "label", "fold"], axis=1)


def several() -> Any:
    return (X, np.arange(ROWS)), Y


def with_gaps() -> Any:
    (x, ids), y = several()
    return (np.where(ids[:, np.newaxis] == 5, np.nan, x), ids), y


def features_alone() -> Any:
    return {"x": X}


def two_answers() -> Any:
    return X, {"price": X[:, :1], "kind": np.arange(ROWS) % 2}


def sequences() -> Any:
    return X, np.stack([X, X], axis=-1)


def gaps_to_learn() -> Any:
    return X, gaps()[0]


def weights_by_output() -> Any:
    x, y = two_answers()
    return {"x": x, "y": y, "sample_weight": {"price": np.ones(ROWS), "kind": np.ones(ROWS)}}


def one_hot() -> Any:
    return X, np.eye(2)[np.arange(ROWS) % 2]

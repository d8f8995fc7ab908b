"""Metrics as users write them, right and wrong."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def profit(y_true: Any, y_pred: Any) -> float:
    """What right answers bring, less what wrong ones cost."""
    right = y_true == y_pred.argmax(axis=1)
    return float(np.where(right, 1.0, -0.5).sum() / len(right))


def doubt(y_true: Any, y_pred: Any) -> Any:
    """One number a row."""
    return 1 - y_pred[np.arange(len(y_true)), y_true]


def off(y_true: Any, y_pred: Any) -> Any:
    """How far each number is off, in the shape that numbers have."""
    return np.abs(y_true - y_pred)


class Found(keras.metrics.SparseCategoricalAccuracy):  # type: ignore[misc]
    """Of a name of its own."""


class Nameless(keras.metrics.Mean):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(name="mean")


top_2 = keras.metrics.SparseTopKCategoricalAccuracy(k=2)
two_likeliest = keras.metrics.SparseTopKCategoricalAccuracy(k=2)


at_half = keras.metrics.PrecisionAtRecall(recall=0.5)


class Closed(keras.metrics.Mean):  # type: ignore[misc]
    """Its get_config doesn't give the argument."""

    def __init__(self, share: float, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.share = share


closed: keras.metrics.Metric = Closed(0.5)


def nothing(y_true: Any, y_pred: Any) -> float:  # noqa: ARG001
    return float("nan")


def one_argument(y_true: Any) -> float:
    return float(len(y_true))


def of_classes(y_true: Any, y_pred: Any) -> Any:  # noqa: ARG001
    return y_pred.mean(axis=0)


def changes(y_true: Any, y_pred: Any) -> float:  # noqa: ARG001
    y_pred.sort(axis=1)
    return float(y_pred[0, 0])


class Plain:
    """No metric of Keras's."""


def logging(shape: Any, classes: int) -> keras.Model:
    """A model that is compiled with metrics of its own."""
    own = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    likely = keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="one_of_three")
    own.compile(loss="sparse_categorical_crossentropy", metrics=[likely])
    return own

"""Loaders that return what TensorFlow and Keras have for data."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

X = np.arange(60, dtype=np.float32).reshape(20, 3)
Y = np.array(["no", "yes"] * 10)


def dataset() -> Any:
    return tf.data.Dataset.from_tensor_slices(({"a": X, "ids": np.arange(20)}, Y)).batch(8)


def rows() -> Any:
    return tf.data.Dataset.from_tensor_slices((X, np.arange(20) % 2))


def letters() -> Any:
    return tf.data.Dataset.from_tensor_slices((X, np.array(["süß", "sauer"] * 10))).batch(8)


def ragged() -> Any:
    words = tf.ragged.constant([[1.0], [2.0, 3.0]] * 10)
    return tf.data.Dataset.from_tensor_slices((words, Y)).batch(8)


def endless() -> Any:
    return rows().batch(8).repeat()


def parts() -> Any:
    whole = rows().batch(5)
    return {"train": whole.take(2), "test": whole.skip(2)}


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Eight rows at a time."""

    def __len__(self) -> int:
        return math.ceil(len(X) / 8)

    def __getitem__(self, index: int) -> Any:
        own = slice(8 * index, 8 * index + 8)
        return X[own], Y[own]


def sequence() -> Any:
    return Batches()

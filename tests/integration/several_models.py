"""Models of two inputs, numbers and ids, as users build them from the shapes by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

Shapes = Mapping[str, Sequence[int]]


def build(shape: Shapes, classes: int, units: int = 4) -> keras.Model:
    numbers = keras.Input(shape["numbers"], name="numbers")
    ids = keras.Input(shape["ids"], name="ids", dtype="int32")
    words = layers.Flatten()(layers.Embedding(6, 2)(ids))
    hidden = layers.Dense(units, activation="relu")(layers.Concatenate()([numbers, words]))
    return keras.Model([numbers, ids], layers.Dense(classes, activation="softmax")(hidden))


class Own(keras.Model):  # type: ignore[misc]
    """Whose inputs only its code knows."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.words, self.flat = layers.Embedding(6, 2), layers.Flatten()
        self.last = layers.Dense(classes, activation="softmax")

    def call(self, inputs: Any) -> Any:
        words = self.flat(self.words(inputs["ids"]))
        return self.last(keras.ops.concatenate([inputs["numbers"], words], axis=1))


def own(shape: Shapes, classes: int) -> keras.Model:  # noqa: ARG001
    return Own(classes)


def other_names(shape: Shapes, classes: int) -> keras.Model:
    inputs = [keras.Input(own) for own in shape.values()]
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(inputs[0]))


def other_shape(shape: Shapes, classes: int) -> keras.Model:
    return build({**shape, "ids": (5,)}, classes)


def few_ids(shape: Shapes, classes: int) -> keras.Model:
    numbers = keras.Input(shape["numbers"], name="numbers")
    ids = keras.Input(shape["ids"], name="ids", dtype="int32")
    words = layers.Flatten()(layers.Embedding(2, 2)(ids))
    both = layers.Concatenate()([numbers, words])
    return keras.Model([numbers, ids], layers.Dense(classes, activation="softmax")(both))

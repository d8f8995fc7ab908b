"""Models of tasks of the user's own, each compiled by its builder."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers


def two_outputs(shape: Sequence[int], classes: int) -> keras.Model:  # noqa: ARG001
    inputs = keras.Input(shape)
    hidden = layers.Dense(4, activation="relu")(inputs)
    kind = layers.Dense(2, activation="softmax", name="kind")(hidden)
    outputs = {"price": layers.Dense(1, name="price")(hidden), "kind": kind}
    model = keras.Model(inputs, outputs)
    losses = {"price": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile(loss=losses, metrics={"kind": ["accuracy"]})
    return model


def decoder(shape: Sequence[int], classes: int) -> keras.Model:  # noqa: ARG001
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layers.Dense(shape[0])(layers.Dense(2)(inputs)))
    model.compile(loss="mse", metrics=["mae"])
    return model


def maps(shape: Sequence[int], classes: int) -> keras.Model:  # noqa: ARG001
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layers.Reshape((shape[0], 1))(layers.Dense(shape[0])(inputs)))
    model.compile(loss="mse")
    return model


def not_compiled(shape: Sequence[int], classes: int) -> keras.Model:  # noqa: ARG001
    inputs = keras.Input(shape)
    return keras.Model(inputs, layers.Dense(shape[0])(inputs))

"""Models whose builders ask what the data is."""

# ruff: noqa: ARG001 - a builder's arguments have names
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

SEEN: list[Any] = []


def adapted(shape: Sequence[int], classes: int, data: Any, bins: int = 4) -> keras.Model:
    """Counts in bins that training rows are spread over alike."""
    SEEN.append(data)
    spread = keras.layers.Discretization(num_bins=bins, output_mode="one_hot")
    spread.adapt(data.rows)
    inputs = keras.Input(shape)
    flat = keras.layers.Flatten()(spread(inputs))
    normal = keras.layers.Normalization()
    normal.adapt(data.rows)
    beside = keras.layers.Flatten()(normal(inputs))
    outputs = keras.layers.Concatenate()([flat, beside])
    ends = keras.layers.Dense(len(data.names), activation="softmax")
    return keras.Model(inputs, ends(outputs))


class Subclassed(keras.Model):  # type: ignore[misc]
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.flat = keras.layers.Flatten()
        self.last = keras.layers.Dense(classes, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.last(self.flat(inputs))


def subclassed(shape: Sequence[int], classes: int, data: Any) -> keras.Model:
    return Subclassed(classes)


class Scaled(keras.layers.Layer):  # type: ignore[misc]
    """Says nothing of how it was made."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def call(self, inputs: Any) -> Any:
        return inputs * self.by


def unsaved(shape: Sequence[int], classes: int, data: Any) -> keras.Model:
    layers = [keras.Input(shape), Scaled(float(data.rows.mean())), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(classes, activation="softmax")])


def its_own(shape: Sequence[int], classes: int, data: str = "none") -> keras.Model:
    SEEN.append(data)
    layers = [keras.Input(shape), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(classes, activation="softmax")])

"""Models of dense layers, and how every model of ours ends."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from fairsweep.tasks.layer import LastLayer


@keras.saving.register_keras_serializable("fairsweep")
class Dense(layers.Dense):  # type: ignore[misc]
    """Keras's Dense, whose graph is the same for every width: Keras's own adds the bias by another
    kernel where it doesn't know the width, and sums the bias's gradient in another order."""

    def call(self, inputs: Any) -> Any:
        return self.activation(tf.nn.bias_add(tf.matmul(inputs, self.kernel), self.bias))


def mlp(
    shape: Sequence[int],
    output: LastLayer,
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
    batch_normalization: bool,
    l2: float,
    layer_normalization: bool = False,  # models that were published before have none
) -> keras.Model:
    """Dense layers of `hidden_units`, `hidden_1` the first of them, each with what the other
    parameters ask for."""
    inputs = outputs = keras.Input(tuple(shape))
    if len(shape) > 1:
        outputs = layers.Flatten()(outputs)
    for i, units in enumerate(hidden_units, 1):
        regularizer = keras.regularizers.L2(l2) if l2 else None
        outputs = Dense(units, kernel_regularizer=regularizer, name=f"hidden_{i}")(outputs)
        if batch_normalization:
            outputs = layers.BatchNormalization(name=f"normalization_{i}")(outputs)
        if layer_normalization:
            outputs = layers.LayerNormalization(name=f"normalization_{i}")(outputs)
        outputs = layers.Activation(activation)(outputs)
        if dropout:
            outputs = layers.Dropout(dropout)(outputs)
    return keras.Model(inputs, last(outputs, output))


def hidden(inputs: Any, units: Sequence[int], activation: str, dropout: float) -> Any:
    """Dense layers, `hidden_1` the first of them, each with its dropout."""
    outputs = inputs
    for i, width in enumerate(units, 1):
        outputs = Dense(width, activation=activation, name=f"hidden_{i}")(outputs)
        if dropout:
            outputs = layers.Dropout(dropout)(outputs)
    return outputs


def last(inputs: Any, output: LastLayer) -> Any:
    """The last layer, which can be named."""
    activation, name = output.activation, output.name
    return Dense(output.units, activation=activation, name=name, dtype="float32")(inputs)


def dense_parameters(features: int, widths: Sequence[int], outputs: int) -> int:
    """How many parameters dense layers have, one after the other."""
    pairs = itertools.pairwise([features, *widths, outputs])
    return sum((inputs + 1) * units for inputs, units in pairs)

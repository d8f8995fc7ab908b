"""Models of sequences: recurrent layers, of which the last says what a sequence comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
from keras import layers

from fairsweep.tasks.layer import LastLayer
from fairsweep.training.models.dense import dense_parameters, last

CELLS: Mapping[str, type[keras.layers.Layer]] = {"lstm": layers.LSTM, "gru": layers.GRU}


def rnn(
    shape: Sequence[int],
    output: LastLayer,
    cell: str,
    units: Sequence[int],
    bidirectional: bool,
    dropout: float,
) -> keras.Model:
    """Recurrent layers of `units`, `recurrent_1` the first of them, each with its dropout. Steps
    that the mask of its input leaves out change nothing.

    Args:
        shape: of a sequence: (steps, features).
        output: the last layer.
        cell: lstm or gru.
        units: of each layer, and of each direction.
        bidirectional: whether each layer reads the sequence in both directions.
        dropout: behind each layer.
    """
    if len(shape) != 2:
        raise ValueError(
            f"model=rnn: need sequences (steps, features), got rows of shape {tuple(shape)}"
        )
    inputs = outputs = keras.Input(tuple(shape))
    for i, width in enumerate(units, 1):
        name = f"recurrent_{i}"
        layer = CELLS[cell](width, return_sequences=i < len(units), name=name)
        if bidirectional:
            layer = layers.Bidirectional(layer, name=name)
        outputs = layer(outputs)
        if dropout:
            outputs = layers.Dropout(dropout)(outputs)
    return keras.Model(inputs, last(outputs, output))


def rnn_parameters(
    shape: Sequence[int],
    outputs: int,
    cell: str,
    units: Sequence[int],
    bidirectional: bool,
    **_: object,
) -> int:
    """How many parameters such a model has, on sequences of a shape."""
    gates, biases = {"lstm": (4, 1), "gru": (3, 2)}[cell]
    count, features, directions = 0, shape[-1], 1 + bidirectional
    for width in units:
        count += directions * gates * (features + width + biases) * width
        features = directions * width
    return count + dense_parameters(features, (), outputs)

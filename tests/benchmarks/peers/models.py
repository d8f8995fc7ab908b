"""The models of every work as their users write them in Keras. `lstm` is the user's own for us,
too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def mlp(shape: Sequence[int], classes: int, hidden_units: Sequence[int], activation: str) -> Any:
    """Dense layers."""
    from keras import Input, Sequential, layers

    flat = [layers.Flatten()] if len(shape) > 1 else []
    hidden = [layers.Dense(units, activation=activation) for units in hidden_units]
    output = layers.Dense(classes, activation="softmax")
    return Sequential([Input(tuple(shape)), *flat, *hidden, output])


def cnn(
    shape: Sequence[int],
    classes: int,
    filters: Sequence[int],
    hidden_units: Sequence[int],
    activation: str,
) -> Any:
    """Convolutions, each halved in size afterwards, then dense layers."""
    from keras import Input, Sequential, layers

    stack = [Input(tuple(shape))]
    for channels in filters:
        stack.append(layers.Conv2D(channels, 3, padding="same", activation=activation))
        stack.append(layers.MaxPooling2D(padding="same"))
    stack.append(layers.Flatten())
    stack += [layers.Dense(units, activation=activation) for units in hidden_units]
    return Sequential([*stack, layers.Dense(classes, activation="softmax")])


def lstm(shape: Sequence[int], classes: int, units: int) -> Any:
    """One layer of LSTM."""
    from keras import Input, Sequential, layers

    output = layers.Dense(classes, activation="softmax")
    return Sequential([Input(tuple(shape)), layers.LSTM(units), output])

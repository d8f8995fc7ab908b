"""Models of images: convolutions, then dense layers."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from fairsweep.tasks.layer import LastLayer
from fairsweep.training.models.augmentation import augmented
from fairsweep.training.models.dense import dense_parameters, hidden, last


def cnn(
    shape: Sequence[int],
    output: LastLayer,
    filters: Sequence[int],
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
    flip: str = "none",  # models that were published before have none of these
    rotation: float = 0.0,
    zoom: float = 0.0,
    translation: float = 0.0,
    contrast: float = 0.0,
) -> keras.Model:
    """Convolutions of `filters`, `convolution_1` the first of them, halved in size after each, then
    dense layers, `hidden_1` the first. In training the images are changed at random first, by as
    much as the other parameters say."""
    if len(shape) != 3:
        raise ValueError(
            f"model=cnn: need images (height, width, channels), got rows of shape {tuple(shape)}"
        )
    inputs = keras.Input(tuple(shape))
    outputs = augmented(inputs, flip, rotation, zoom, translation, contrast)
    for i, channels in enumerate(filters, 1):
        outputs = layers.Conv2D(
            channels, 3, padding="same", activation=activation, name=f"convolution_{i}"
        )(outputs)
        outputs = layers.MaxPooling2D(padding="same")(outputs)
    outputs = layers.Flatten()(outputs)
    outputs = hidden(outputs, hidden_units, activation, dropout)
    return keras.Model(inputs, last(outputs, output))


def cnn_parameters(
    shape: Sequence[int],
    outputs: int,
    filters: Sequence[int],
    hidden_units: Sequence[int],
    **_: object,
) -> int:
    """How many parameters such a model has, on images of a shape."""
    count, (height, width, channels) = 0, shape
    for own in filters:
        count += (9 * channels + 1) * own
        height, width, channels = -(-height // 2), -(-width // 2), own
    return count + dense_parameters(height * width * channels, hidden_units, outputs)

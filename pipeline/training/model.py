"""From the `model` settings to a Keras model that gives a probability for every class."""

from __future__ import annotations

import functools
import importlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

from pipeline.config.schema import Model
from pipeline.config.trust import distrust, is_trusted
from pipeline.data.scaling import Scaling
from pipeline.data.sources import Features
from pipeline.errors import BadInput

Builder = Callable[..., keras.Model]


@keras.saving.register_keras_serializable("fairsweep")
class Dense(layers.Dense):  # type: ignore[misc]
    """Keras's Dense, whose graph is the same for every width: Keras's own adds the bias by another
    kernel where it doesn't know the width, and sums the bias's gradient in another order."""

    def call(self, inputs: Any) -> Any:
        return self.activation(tf.nn.bias_add(tf.matmul(inputs, self.kernel), self.bias))


def graph_params(settings: Model) -> dict[str, Any]:
    """What the graph of a model depends on. Dense layers and what stands between them here hold
    for any width; batch normalization asks for its own."""
    params = dict(settings.params)
    if settings.builder == "mlp" and not params["batch_normalization"]:
        params["hidden_units"] = len(params["hidden_units"])
    return params


def build_model(
    settings: Model, scaling: Scaling, rows: Features, classes: int, seed: int
) -> keras.Model:
    """Builds the model on top of its preprocessing, with every initial weight and dropout mask
    decided by `seed`.

    Keras draws the seeds of layers that have none of their own from Python's `random`, so that
    is what is seeded. `keras.utils.set_random_seed` would do too, and empties TensorFlow's
    kernel cache on the way, which costs 0.15 s a trial.

    Args:
        settings: builder and its params.
        scaling: what is done to features first.
        rows: a few rows (rows, …), for their shape and to try a model of the user's own.
        classes: number of classes, which is the number of outputs.
        seed: non-negative.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    shape = rows.shape[1:]
    if settings.builder not in BUILDERS:
        # For random numbers that are drawn in the model's own code without a seed.
        generator = keras.random.SeedGenerator(seed)
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)
    body = _builder(settings.builder)(shape, classes, **settings.params)
    if settings.builder not in BUILDERS:
        _check_probabilities(body, settings.builder, rows, classes)
    preprocessing = _preprocessing(scaling)
    if preprocessing is None:
        return body
    if not _is_plain(body):
        preprocessing.build((None, *shape))  # not in the graph that comes upon it first
        return _preprocessed(body, preprocessing)
    inputs = keras.Input(shape)
    return keras.Model(inputs, body(preprocessing(inputs)))


def is_of_keras(model: keras.Model) -> bool:
    """Whether a model has no class of the user's in it, and so nothing that only its own code
    knows of: all it keeps from one step to the next is in its variables."""
    return _is_plain(model) and all(
        is_of_keras(layer) if isinstance(layer, keras.Model) else _is_plain(layer)
        for layer in model.layers
    )


def _is_plain(layer: keras.Layer) -> bool:
    return type(layer) is Dense or type(layer).__module__.startswith("keras.")


def _preprocessed(model: keras.Model, preprocessing: keras.Layer) -> keras.Model:
    """The model with its inputs preprocessed. A model around it would hide what its class says of
    a training step, its loss or its metrics."""
    own = model.call

    @functools.wraps(own)  # Keras looks at the names of its arguments
    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        return own(preprocessing(inputs), *arguments, **keywords)

    model.call = call
    return model


def mlp(
    shape: Sequence[int],
    classes: int,
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
    batch_normalization: bool,
    l2: float,
) -> keras.Model:
    """Dense layers of `hidden_units`, each with what the other parameters ask for."""
    inputs = outputs = keras.Input(tuple(shape))
    if len(shape) > 1:
        outputs = layers.Flatten()(outputs)
    for units in hidden_units:
        regularizer = keras.regularizers.L2(l2) if l2 else None
        outputs = Dense(units, kernel_regularizer=regularizer)(outputs)
        if batch_normalization:
            outputs = layers.BatchNormalization()(outputs)
        outputs = layers.Activation(activation)(outputs)
        if dropout:
            outputs = layers.Dropout(dropout)(outputs)
    return keras.Model(inputs, _probabilities(outputs, classes))


def cnn(
    shape: Sequence[int],
    classes: int,
    filters: Sequence[int],
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
) -> keras.Model:
    """Convolutions of `filters`, halved in size after each, then dense layers."""
    if len(shape) != 3:
        raise ValueError(
            f"model cnn needs images (height, width, channels), the data has {tuple(shape)}"
        )
    inputs = outputs = keras.Input(tuple(shape))
    for channels in filters:
        outputs = layers.Conv2D(channels, 3, padding="same", activation=activation)(outputs)
        outputs = layers.MaxPooling2D(padding="same")(outputs)
    outputs = layers.Flatten()(outputs)
    for units in hidden_units:
        outputs = Dense(units, activation=activation)(outputs)
        if dropout:
            outputs = layers.Dropout(dropout)(outputs)
    return keras.Model(inputs, _probabilities(outputs, classes))


def _probabilities(inputs: Any, classes: int) -> Any:
    """One softmax unit per class: outputs that add up to 1, in a layer that can be named."""
    return Dense(classes, activation="softmax", name="probabilities")(inputs)


BUILDERS: Mapping[str, Builder] = {"mlp": mlp, "cnn": cnn}


def _check_probabilities(model: Any, builder: str, rows: Features, classes: int) -> None:
    """What Keras doesn't say of a model of the user's own: whether it gives probabilities."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"{builder} must return a keras.Model, got {type(model).__name__}")
    outputs = np.asarray(model(rows, training=False))
    if outputs.shape != (len(rows), classes):
        raise ValueError(
            f"{builder} must give one probability for each of the {classes} classes: for "
            f"{len(rows)} rows its output has the shape {outputs.shape}; end it with "
            f'Dense(classes, activation="softmax")'
        )
    if not np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
        raise ValueError(
            f"{builder}: the outputs of a row must be probabilities that add up to 1, and add up "
            f'to {outputs[0].sum():.3g}; end it with activation="softmax"'
        )


def _builder(name: str) -> Builder:
    if ":" not in name:
        return BUILDERS[name]
    if not is_trusted(name):
        raise BadInput(distrust(name))
    module, _, function = name.partition(":")
    builder: Builder = getattr(importlib.import_module(module), function)
    return builder


def _preprocessing(scaling: Scaling) -> Any:
    if scaling.factor is not None:
        return layers.Rescaling(scaling.factor)
    if scaling.mean:
        return layers.Normalization(mean=scaling.mean, variance=scaling.variance)
    return None

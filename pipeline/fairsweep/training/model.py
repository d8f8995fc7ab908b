"""From the `model` settings to a Keras model, whose last layer follows from data and loss."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from fairsweep.config.schema import Model
from fairsweep.data.dataset import Features
from fairsweep.data.scaling import Scaling
from fairsweep.tasks import Output
from fairsweep.tasks.layer import LastLayer
from fairsweep.training.preprocessing import (
    DTYPE,
    Encoding,
    Standardization,
    preprocessed,
    preprocessing_of,
)
from fairsweep.training.seeds import default_seeds, own_seeds, seed_tensorflow
from fairsweep.training.user_model import build_own, check_values, last_activation

Builder = Callable[..., keras.Model]


@keras.saving.register_keras_serializable("fairsweep")
class Dense(layers.Dense):  # type: ignore[misc]
    """Keras's Dense, whose graph is the same for every width: Keras's own adds the bias by another
    kernel where it doesn't know the width, and sums the bias's gradient in another order."""

    def call(self, inputs: Any) -> Any:
        return self.activation(tf.nn.bias_add(tf.matmul(inputs, self.kernel), self.bias))


def graph_params(settings: Model) -> dict[str, Any]:
    """What the graph of a model depends on. Dense layers and what stands between them here hold
    for any width; normalization asks for its own."""
    params = dict(settings.params)
    normalized = params.get("batch_normalization") or params.get("layer_normalization")
    if settings.builder == "mlp" and not normalized:
        params["hidden_units"] = len(params["hidden_units"])
    return params


def without_numbers(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the graph of a model of ours depends on of its parameters: whether there is a dropout or
    a penalty, and not how large."""
    return {name: value > 0 if type(value) is float else value for name, value in params.items()}


def build_model(
    settings: Model,
    scaling: Scaling,
    rows: Features,
    output: Output,
    seed: int,
) -> keras.Model:
    """Builds the model on top of its preprocessing, with every initial weight and dropout mask
    decided by `seed`.

    Args:
        settings: builder and its params.
        scaling: what is done to features first.
        rows: a few rows (rows, …), for their shape and to try a model of the user's own.
        output: what it ends in.
        seed: non-negative.

    Raises:
        BadInput: a model of the user's own can't be trained on such rows with that loss.
    """
    row = rows.shape[1:]
    shape = scaling.shape(row)
    if settings.builder in BUILDERS:
        with default_seeds(seed):
            body = BUILDERS[settings.builder](shape, output.layer, **settings.params)
            return _with_preprocessing(body, preprocessing_of(scaling), row)
    with own_seeds(seed):
        body = build_own(settings.builder, settings.params, shape, output)
        model = _with_preprocessing(body, preprocessing_of(scaling), row)
        if last_activation(body) is None:
            check_values(settings.builder, model, rows, output, scaling)
    if not is_of_keras(model):
        seed_tensorflow(seed)
    return model


def _with_preprocessing(
    body: keras.Model, preprocessing: keras.Layer | None, shape: Sequence[int]
) -> keras.Model:
    if preprocessing is None:
        return body
    if not _is_plain(body):
        preprocessing.build((None, *shape))  # not in the graph that comes upon it first
        return preprocessed(body, preprocessing)
    inputs = keras.Input(shape, dtype=DTYPE)
    return keras.Model(inputs, body(preprocessing(inputs)))


def is_of_keras(model: keras.Model) -> bool:
    """Whether a model has no class of the user's in it, and so nothing that only its own code
    knows of: all it keeps from one step to the next is in its variables."""
    return _is_plain(model) and all(
        is_of_keras(layer) if isinstance(layer, keras.Model) else _is_plain(layer)
        for layer in model.layers
    )


def _is_plain(layer: keras.Layer) -> bool:
    return type(layer) in (Dense, Encoding, Standardization) or type(layer).__module__.startswith(
        "keras."
    )


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
    return keras.Model(inputs, _last(outputs, output))


def cnn(
    shape: Sequence[int],
    output: LastLayer,
    filters: Sequence[int],
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
) -> keras.Model:
    """Convolutions of `filters`, `convolution_1` the first of them, halved in size after each, then
    dense layers, `hidden_1` the first."""
    if len(shape) != 3:
        raise ValueError(
            f"model=cnn: need images (height, width, channels), got rows of shape {tuple(shape)}"
        )
    inputs = outputs = keras.Input(tuple(shape))
    for i, channels in enumerate(filters, 1):
        outputs = layers.Conv2D(
            channels, 3, padding="same", activation=activation, name=f"convolution_{i}"
        )(outputs)
        outputs = layers.MaxPooling2D(padding="same")(outputs)
    outputs = layers.Flatten()(outputs)
    for i, units in enumerate(hidden_units, 1):
        outputs = Dense(units, activation=activation, name=f"hidden_{i}")(outputs)
        if dropout:
            outputs = layers.Dropout(dropout)(outputs)
    return keras.Model(inputs, _last(outputs, output))


def _last(inputs: Any, output: LastLayer) -> Any:
    """The last layer, which can be named."""
    return Dense(output.units, activation=output.activation, name="probabilities")(inputs)


BUILDERS: Mapping[str, Builder] = {"mlp": mlp, "cnn": cnn}


def parameter_count(settings: Model, shape: Sequence[int], classes: int) -> int | None:
    """How many parameters the layers of a model of ours will have, before there is room made for
    them; None for a model of the user's own."""
    if settings.builder not in BUILDERS:
        return None
    count, shape = 0, list(shape)
    for filters in settings.params.get("filters", ()):
        count += (9 * shape[2] + 1) * filters
        shape = [-(-shape[0] // 2), -(-shape[1] // 2), filters]
    widths = [math.prod(shape), *settings.params["hidden_units"], classes]
    count += sum((inputs + 1) * units for inputs, units in itertools.pairwise(widths))
    return int(count)

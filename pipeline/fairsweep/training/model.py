"""From the `model` settings to a Keras model, whose last layer follows from data and loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras

from fairsweep.config.schema import Model
from fairsweep.data.dataset import Inputs
from fairsweep.data.scaling import Scaling
from fairsweep.data.several import inputs_of, named, row_shape
from fairsweep.tasks import Output
from fairsweep.training.asked_data import BuilderData
from fairsweep.training.models import BUILDERS, TAKES_IDS
from fairsweep.training.models.convolution import cnn_parameters
from fairsweep.training.models.dense import Dense, dense_parameters
from fairsweep.training.models.recurrent import rnn_parameters
from fairsweep.training.models.text import Pooling, Words, text_parameters
from fairsweep.training.models.transfer import read_base, transfer_parameters
from fairsweep.training.preprocessing import (
    DTYPE,
    MEASURING,
    Steps,
    layers_of,
    preprocessed,
)
from fairsweep.training.seeds import default_seeds, own_seeds, seed_tensorflow
from fairsweep.training.user_model import build_own, check_values, last_activation
from fairsweep.training.values import Unscaling, in_own_units

Shape = tuple[int, ...]

OURS = (Dense, Pooling, Words, *MEASURING)
"""Classes of layers that keep nothing but variables from one step to the next, as Keras's do."""
INPUTS = frozenset({"dropout", "l2"})
"""Numbers of layers that a compiled program takes as inputs, if they aren't 0."""


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
    return {name: value > 0 if name in INPUTS else value for name, value in params.items()}


def build_model(
    settings: Model,
    scaling: Scaling,
    rows: Inputs,
    output: Output,
    seed: int,
    data: BuilderData | None = None,
) -> keras.Model:
    """Builds the model on top of its preprocessing, with every initial weight and dropout mask
    decided by `seed`.

    Args:
        settings: builder and its params.
        scaling: what is done to features first.
        rows: a few rows (rows, …), for their shape and to try a model of the user's own.
        output: what it ends in.
        seed: non-negative.
        data: for a builder that asks what the data is.

    Raises:
        BadInput: a model of the user's own can't be trained on such rows with that loss.
    """
    row = row_shape(rows)
    shape = scaling.shape(row)
    if settings.builder in BUILDERS:
        with default_seeds(seed):
            given = {"ids": scaling.ids} if settings.builder in TAKES_IDS else {}
            body = BUILDERS[settings.builder](shape, output.layer, **given, **settings.params)
            return _whole(body, scaling, rows, output)
    with own_seeds(seed):
        body = build_own(settings.builder, settings.params, shape, output, data)
        model = _whole(body, scaling, rows, output)
        if last_activation(body) is None:
            check_values(settings.builder, model, rows, output, scaling)
    if not is_of_keras(model):
        seed_tensorflow(seed)
    return model


def _whole(body: keras.Model, scaling: Scaling, rows: Inputs, output: Output) -> keras.Model:
    """The model with what comes before it, and with its outputs in their own units."""
    before = layers_of(scaling)
    scale, ordered = output.scale, len(output.quantiles) > 1
    unscaling = Unscaling(scale.shift, scale.factor, ordered) if scale else None
    if not before and unscaling is None:
        return body

    def prepared(given: Any) -> Any:
        if isinstance(given, Mapping):
            return {name: before[name](x) if name in before else x for name, x in given.items()}
        return before[""](given) if before else given

    if output.compiled or not _is_plain(body):
        if unscaling is not None:
            unscaling.build((None, output.layer.units))
            body = in_own_units(body, unscaling)
        for name, x in named(rows):
            if name in before:
                before[name].build(
                    (None, *x.shape[1:])
                )  # not in the graph that comes upon it first
        return preprocessed(body, prepared) if before else body
    if any(isinstance(layer, Steps) for layer in before.values()):
        # It takes the mask for its own layers; what it returns has no steps.
        body.supports_masking, body.compute_mask = True, _no_mask
    inputs: Any = {
        own.name: keras.Input(own.shape, name=own.name, dtype=own.dtype) for own in inputs_of(rows)
    } or keras.Input(rows.shape[1:], dtype=DTYPE)
    outputs = body(prepared(inputs))
    return keras.Model(inputs, outputs if unscaling is None else unscaling(outputs))


def _no_mask(*_: Any) -> None:
    """The mask of outputs that have none."""


def is_of_keras(model: keras.Model) -> bool:
    """Whether a model has no class of the user's in it, and so nothing that only its own code
    knows of: all it keeps from one step to the next is in its variables."""
    return _is_plain(model) and all(
        is_of_keras(layer) if isinstance(layer, keras.Model) else _is_plain(layer)
        for layer in model.layers
    )


def _is_plain(layer: keras.Layer) -> bool:
    return type(layer) in OURS or type(layer).__module__.startswith("keras.")


def parameter_count(settings: Model, scaling: Scaling, row: Shape, outputs: int) -> int | None:
    """How many parameters the layers of a model of ours will have, before there is room made for
    them; None for a model of the user's own.

    Args:
        settings: its builder and params.
        scaling: what is done to features first.
        row: the shape of a row of the data.
        outputs: of the last layer.
    """
    if settings.builder not in BUILDERS:
        return None
    params, shape = settings.params, scaling.shape(row)
    if settings.builder == "text":
        return text_parameters(scaling.others, scaling.ids, outputs, **params)
    if settings.builder == "rnn":
        return rnn_parameters(shape, outputs, **params)
    if settings.builder == "transfer":
        base = read_base(params["path"], params["sha256"])
        return transfer_parameters(base, outputs, params["hidden_units"])
    if settings.builder == "cnn":
        return cnn_parameters(shape, outputs, **params)
    return dense_parameters(math.prod(shape), params["hidden_units"], outputs)

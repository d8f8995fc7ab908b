"""What is done to features inside of a model, so that it travels with the model.

What was measured on training rows is held in variables that are no weights of the model: a compiled
program can take over that of another split, and files of weights don't depend on it. All of it is
computed in float32, whatever dtype policy the model's code sets: 16 bits would round the features.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers, ops

from fairsweep.data.dataset import PADDING
from fairsweep.data.scaling import FIRST_WORD, UNKNOWN, Scaling
from fairsweep.training.values import Unscaling

DTYPE = "float32"


@keras.saving.register_keras_serializable("fairsweep")
class Encoding(layers.Layer):  # type: ignore[misc]
    """Rows of a table (rows, columns) as features: first its numbers, scaled and without gaps, then
    a feature for some of them, 1 where they are missing, one for each word of a column, 1 where the
    row has it, then ids of words.

    Args:
        factor: of numbers; None for none.
        mean: of each number, to be taken away; empty for none.
        variance: of each number, to become 1.
        numbers: the columns that they are in.
        fill: what stands for a missing one of each; empty where none is missing.
        words: (column, value) of each word.
        ids: the fields of an `Ids` for each column of these.
        gaps: the columns of numbers that get a feature where they are missing.
    """

    def __init__(
        self,
        factor: float | None,
        mean: Sequence[float],
        variance: Sequence[float],
        numbers: Sequence[int],
        fill: Sequence[float],
        words: Sequence[tuple[int, int]],
        ids: Sequence[Mapping[str, Any]] = (),
        gaps: Sequence[int] = (),
        **keywords: Any,
    ) -> None:
        super().__init__(**{"dtype": DTYPE, **keywords})
        self.config: dict[str, Any] = {
            "factor": factor,
            "mean": mean,
            "variance": variance,
            "numbers": numbers,
            "fill": fill,
            "words": words,
            "ids": ids,
            "gaps": gaps,
        }
        self.factor = factor
        self.numbers = list(numbers)
        self.fill = _measured(fill)
        self.mean = _measured(mean)
        self.deviation = _measured(np.sqrt(np.array(variance, np.float32)))
        self.columns = _measured([column for column, _ in words], tf.int32)
        self.values = _measured([value for _, value in words])
        self.tokens = [_measured(_tokens(**own)) for own in ids]
        self.gaps = _measured(gaps, tf.int32)

    @property
    def measured(self) -> list[Any]:
        """The variables that hold what was measured."""
        words = [self.columns, self.values, *self.tokens]
        return [self.fill, self.mean, self.deviation, self.gaps, *words]

    def call(self, inputs: Any) -> Any:
        parts = []
        if self.numbers:
            x = ops.take(inputs, self.numbers, axis=1)
            if self.config["fill"]:
                x = ops.where(ops.isnan(x), self.fill, x)
            if self.factor is not None:
                x = x * self.factor
            if self.config["mean"]:
                x = (x - self.mean) / self.deviation
            parts.append(x)
        if self.config["gaps"]:
            parts.append(ops.cast(ops.isnan(ops.take(inputs, self.gaps, axis=1)), DTYPE))
        if self.config["words"]:
            # Compared, not looked up: what is no word that training rows have is 0 everywhere.
            same = ops.equal(ops.take(inputs, self.columns, axis=1), self.values)
            parts.append(ops.cast(same, DTYPE))
        for own, tokens in zip(self.config["ids"], self.tokens, strict=True):
            x = inputs[:, own["start"] : own["start"] + own["length"]]
            unknown = ops.isnan(x)
            place = ops.where(unknown, float(own["vocabulary"]), x) - PADDING
            parts.append(ops.take(tokens, ops.cast(place, "int32")))
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        ids = sum(own["length"] for own in self.config["ids"])
        flags = self.gaps.shape[0] + self.values.shape[0]
        return (input_shape[0], len(self.numbers) + flags + ids)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.config}


@keras.saving.register_keras_serializable("fairsweep")
class Standardization(layers.Layer):  # type: ignore[misc]
    """Brings each feature, along the last axis, from a mean and variance to 0 and 1."""

    def __init__(self, mean: Sequence[float], variance: Sequence[float], **keywords: Any) -> None:
        super().__init__(**{"dtype": DTYPE, **keywords})
        self.config = {"mean": mean, "variance": variance}
        self.mean = _measured(mean)
        self.deviation = _measured(np.sqrt(np.array(variance, np.float32)))

    @property
    def measured(self) -> list[Any]:
        """The variables that hold what was measured."""
        return [self.mean, self.deviation]

    def call(self, inputs: Any) -> Any:
        return (inputs - self.mean) / self.deviation

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.config}


@keras.saving.register_keras_serializable("fairsweep")
class Steps(layers.Layer):  # type: ignore[misc]
    """Steps of sequences (rows, steps, features): scaled, and 0 where they are padding, which the
    mask of what it returns says.

    Args:
        padding: what such a step has in every feature.
        factor: of features; None for none.
        mean: of each feature, to be taken away; empty for none.
        variance: of each feature, to become 1.
    """

    def __init__(
        self,
        padding: str,
        factor: float | None,
        mean: Sequence[float],
        variance: Sequence[float],
        **keywords: Any,
    ) -> None:
        super().__init__(**{"dtype": DTYPE, **keywords})
        self.supports_masking = True
        self.config = {"padding": padding, "factor": factor, "mean": mean, "variance": variance}
        self.value = float(np.float32(padding))
        self.factor = factor
        self.mean = _measured(mean)
        self.deviation = _measured(np.sqrt(np.array(variance, np.float32)))

    @property
    def measured(self) -> list[Any]:
        """The variables that hold what was measured."""
        return [self.mean, self.deviation]

    def compute_mask(self, inputs: Any, previous: Any = None) -> Any:  # noqa: ARG002 - Keras's
        """Which steps aren't padding, (rows, steps)."""
        padding = ops.isnan(inputs) if math.isnan(self.value) else ops.equal(inputs, self.value)
        return ops.logical_not(ops.all(padding, axis=-1))

    def call(self, inputs: Any) -> Any:
        there = ops.expand_dims(self.compute_mask(inputs), -1)
        x = ops.where(there, inputs, 0.0)
        if self.factor is not None:
            x = x * self.factor
        if self.config["mean"]:
            x = (x - self.mean) / self.deviation
        return ops.where(there, x, 0.0)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.config}


MEASURING = (Encoding, Standardization, Steps, Unscaling)
"""Layers that hold what was measured."""


def _tokens(words: Sequence[int], vocabulary: int, **_: object) -> npt.NDArray[np.float32]:
    """The id of padding, of each word of a vocabulary, and of a word that isn't in it."""
    tokens = np.full(vocabulary + 2, UNKNOWN, np.float32)
    tokens[0] = 0
    tokens[np.array(words, np.int64) - PADDING] = np.arange(len(words)) + FIRST_WORD
    return tokens


def _measured(values: Any, dtype: Any = tf.float32) -> Any:
    return tf.Variable(np.array(values, dtype.as_numpy_dtype), trainable=False)


def preprocessing_of(scaling: Scaling) -> keras.Layer | None:
    """The layer that does what was measured; None where there is nothing to do."""
    if scaling.encodes:
        own = asdict(scaling)
        del own["padding"], own["inputs"]
        return Encoding(**own)
    if scaling.padding is not None:
        return Steps(scaling.padding, scaling.factor, scaling.mean, scaling.variance)
    if scaling.factor is not None:
        return layers.Rescaling(scaling.factor, dtype=DTYPE)
    if scaling.mean:
        return Standardization(scaling.mean, scaling.variance)
    return None


def kind_of(scaling: Scaling) -> Hashable:
    """What the graph of preprocessing depends on, beside what `take_over` puts in."""
    sizes = len(scaling.mean), len(scaling.fill), len(scaling.gaps), len(scaling.words)
    ids = tuple((own.start, own.length, own.vocabulary, own.rows) for own in scaling.ids)
    inputs = tuple((name, kind_of(own)) for name, own in scaling.inputs)
    return scaling.factor, scaling.padding, scaling.numbers, *sizes, *ids, *inputs


def take_over(model: keras.Model, other: keras.Model) -> None:
    """Puts what was measured for another model of the same kind into this one's layers."""
    for own, given in zip(model.layers, other.layers, strict=True):
        if isinstance(own, MEASURING):
            for variable, value in zip(own.measured, given.measured, strict=True):
                variable.assign(value)


def layers_of(scaling: Scaling) -> Mapping[str, keras.Layer]:
    """The layers that do it, by the name of the input, which is empty for a single one; those that
    have nothing to do are left out."""
    found = {name: preprocessing_of(own) for name, own in scaling.inputs or [("", scaling)]}
    return {name: layer for name, layer in found.items() if layer is not None}


def preprocessed(model: keras.Model, preprocessing: Callable[[Any], Any]) -> keras.Model:
    """The model with its inputs preprocessed. A model around it would hide what its class says of
    a training step, its loss or its metrics."""
    own = model.call
    # What Keras does to inputs, which would round them before they are preprocessed.
    casts = model.autocast and model._convert_input_args
    model.autocast = False

    @functools.wraps(own)  # Keras looks at the names of its arguments
    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        x = preprocessing(inputs)
        x = model.dtype_policy.convert_input(x, casts, model.input_dtype)
        return own(x, *arguments, **keywords)

    model.call = call
    return model

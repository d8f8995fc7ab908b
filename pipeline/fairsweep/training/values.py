"""What a model of values has beside its layers: its answers in their own units, a loss on scaled
numbers, and metrics in the units of the data.

What was measured on training rows is held in variables that are no weights of the model, as that of
preprocessing is: a compiled program can take over that of another split.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from fairsweep.tasks.layer import Scale

DTYPE = "float32"


class Measured:
    """A scale as two variables, (outputs,) each."""

    def __init__(self, scale: Scale) -> None:
        self.shift, self.factor = (
            tf.Variable(np.array(values, np.float32), trainable=False)
            for values in (scale.shift, scale.factor)
        )

    @property
    def variables(self) -> list[Any]:
        return [self.shift, self.factor]

    def scaled(self, values: Any) -> Any:
        """Numbers in their own units, as a model computes with them."""
        return (ops.cast(values, DTYPE) - self.shift) / self.factor


@keras.saving.register_keras_serializable("fairsweep")
class Unscaling(layers.Layer):  # type: ignore[misc]
    """The answers of a model in their own units: what it computes times a factor, plus a shift.

    Quantiles are put in order, so that none is above the next. Their loss is never higher for that
    (Chernozhukov, Fernández-Val and Galichon 2010, "Quantile and probability curves without
    crossing").
    """

    def __init__(
        self,
        shift: Sequence[float],
        factor: Sequence[float],
        ordered: bool = False,
        **keywords: Any,
    ) -> None:
        super().__init__(**{"dtype": DTYPE, **keywords})
        self.config = {"shift": shift, "factor": factor, "ordered": ordered}
        self._ordered = ordered
        self.scale = Measured(Scale(tuple(shift), tuple(factor)))

    @property
    def measured(self) -> list[Any]:
        """The variables that hold what was measured."""
        return self.scale.variables

    def call(self, inputs: Any) -> Any:
        x = ops.sort(inputs, axis=-1) if self._ordered else inputs
        return x * self.scale.factor + self.scale.shift

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.config}


class ScaledLoss(keras.losses.Loss):  # type: ignore[misc]
    """A loss of scaled numbers, for answers and outputs in their own units."""

    def __init__(self, loss: keras.losses.Loss, scale: Measured) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction, dtype=DTYPE)
        self.loss, self.scale = loss, scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.loss.call(self.scale.scaled(y_true), self.scale.scaled(y_pred))


class Pinball(keras.losses.Loss):  # type: ignore[misc]
    """The pinball loss of quantiles (rows, levels) of a number (rows, 1), the mean over levels."""

    def __init__(self, quantiles: Sequence[float]) -> None:
        super().__init__(name="quantile", dtype=DTYPE)
        self._levels = np.array(quantiles, np.float32)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred
        return ops.mean(ops.maximum(self._levels * error, (self._levels - 1) * error), axis=-1)


def absolute_error(y_true: Any, y_pred: Any, point: slice) -> Any:
    """Of each row (rows,), the mean over targets."""
    return keras.losses.mean_absolute_error(y_true, y_pred[:, point])


def percentage_error(y_true: Any, y_pred: Any, point: slice) -> Any:
    """Of each row (rows,) in percent, the mean over targets."""
    return keras.losses.mean_absolute_percentage_error(y_true, y_pred[:, point])


class RootMeanSquaredError(keras.metrics.Metric):  # type: ignore[misc]
    """The root of the mean squared error, the mean over targets."""

    def __init__(self, name: str, scale: Measured, point: slice) -> None:
        super().__init__(name=name, dtype=DTYPE)
        self.scale, self._point = scale, point
        width = scale.shift.shape
        self._squared = self.add_weight(shape=width, initializer="zeros", name="squared")
        self._rows = self.add_weight(shape=(), initializer="zeros", name="rows")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        said = ops.cast(y_pred, DTYPE)[:, self._point]
        error = ops.square((ops.cast(y_true, DTYPE) - said) / self.scale.factor)
        weights = _weights(error, sample_weight)
        self._squared.assign_add(ops.sum(error * weights, axis=0))
        self._rows.assign_add(ops.sum(weights))

    def result(self) -> Any:
        mean = ops.divide_no_nan(self._squared, self._rows)
        return ops.mean(ops.sqrt(mean) * self.scale.factor)


class R2(keras.metrics.Metric):  # type: ignore[misc]
    """1 - mean squared error / variance, the mean over targets. Keras's own takes the difference of
    two sums of squares, of which nothing is left where the mean is large: these are of numbers
    whose mean on training rows is 0, and their variance 1."""

    def __init__(self, name: str, scale: Measured, point: slice) -> None:
        super().__init__(name=name, dtype=DTYPE)
        self.scale, self._point = scale, point
        width = scale.shift.shape
        self._error, self._sum, self._squared = (
            self.add_weight(shape=width, initializer="zeros", name=own)
            for own in ("error", "sum", "squared")
        )
        self._rows = self.add_weight(shape=(), initializer="zeros", name="rows")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, said = self.scale.scaled(y_true), self.scale.scaled(y_pred[:, self._point])
        weights = _weights(true, sample_weight)
        self._error.assign_add(ops.sum(weights * ops.square(true - said), axis=0))
        self._sum.assign_add(ops.sum(weights * true, axis=0))
        self._squared.assign_add(ops.sum(weights * ops.square(true), axis=0))
        self._rows.assign_add(ops.sum(weights))

    def result(self) -> Any:
        spread = self._squared - ops.divide_no_nan(ops.square(self._sum), self._rows)
        varies = spread > SMALLEST_SPREAD * self._rows
        score = 1 - self._error / ops.where(varies, spread, 1)
        same = ops.cast(ops.equal(self._error, 0), DTYPE)
        return ops.mean(ops.where(varies, score, same))


SMALLEST_SPREAD = 1e-6
"""Of scaled numbers, squared: what 32-bit sums of squares around 1 can't tell from 0."""


def _weights(values: Any, sample_weight: Any) -> Any:
    """The weight of each row (rows, 1)."""
    ones = ops.ones_like(values[:, :1])
    return ones if sample_weight is None else ones * ops.reshape(sample_weight, (-1, 1))


class AbsoluteError(keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
    """The mean of `absolute_error`."""

    def __init__(self, name: str, scale: Measured, point: slice) -> None:  # noqa: ARG002
        super().__init__(absolute_error, name, DTYPE, point=point)


class PercentageError(keras.metrics.MeanMetricWrapper):  # type: ignore[misc]
    """The mean of `percentage_error`."""

    def __init__(self, name: str, scale: Measured, point: slice) -> None:  # noqa: ARG002
        super().__init__(percentage_error, name, DTYPE, point=point)


METRICS = {
    "MeanAbsoluteError": AbsoluteError,
    "MeanAbsolutePercentageError": PercentageError,
    "RootMeanSquaredError": RootMeanSquaredError,
    "R2Score": R2,
}
"""In place of Keras's, which don't know what of several quantiles is said of a row, take all
targets together, or lose digits."""

OF_CENTRED = ("R2Score",)
"""Those of numbers that are centred, whatever scale the loss has them in."""


def take_over(model: keras.Model, other: keras.Model) -> None:
    """Puts the scale of another model's loss and metrics into this one's."""
    for own, given in zip(_scales(model), _scales(other), strict=True):
        for variable, value in zip(own.variables, given.variables, strict=True):
            variable.assign(value)


def _scales(model: keras.Model) -> list[Measured]:
    """Those of a compiled model's loss and metrics."""
    metrics = getattr(model._compile_metrics, "_user_metrics", None) or []
    parts = [model.loss, *keras.tree.flatten(metrics)]
    return [own.scale for own in parts if isinstance(own, ScaledLoss | RootMeanSquaredError | R2)]


def in_own_units(model: keras.Model, unscaling: keras.Layer) -> keras.Model:
    """The model with its outputs unscaled; see `preprocessing.preprocessed` for why it isn't put
    into another one."""
    own = model.call

    @functools.wraps(own)
    def call(*arguments: Any, **keywords: Any) -> Any:
        return unscaling(own(*arguments, **keywords))

    model.call = call
    return model

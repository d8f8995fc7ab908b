"""Checks a loss and an optimizer of the user's own on the first rows, before the first trial.

In: the part, and what a model gives for rows. Out: problems with the user's file and line, and what
is to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fairsweep.own import is_own
from fairsweep.records import TrialSpec
from fairsweep.tasks.layer import RANGES, LastLayer
from fairsweep.training.loss import KEY
from fairsweep.training.optimizer import KEY as OPTIMIZER_KEY
from fairsweep.training.own import own_problem

Array = npt.NDArray[Any]
REDUCED = "sum_over_batch_size"
CLIP = "keep y_pred off 0 and 1: keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)"


def loss_problems(
    name: str, loss: keras.losses.Loss, y: Array, outputs: Array, layer: LastLayer
) -> Iterator[str]:
    """What is wrong with a loss of the user's own.

    Args:
        name: `package.module:name`.
        loss: as the model has it.
        y: labels of a few rows, of the shape of the outputs.
        outputs: of the model for these rows, (rows, units).
        layer: the last one that fits.
    """
    clip = f"; {CLIP}" if layer.activation in RANGES else ""
    yield from (own_problem(KEY, name, text) for text in _loss(loss, y, outputs, clip))


def loss_warnings(name: str, loss: keras.losses.Loss, y: Array, layer: LastLayer) -> Iterator[str]:
    """What may go wrong with it: outputs that a last layer reaches in the end."""
    if layer.activation not in RANGES:
        return
    low, high = RANGES[layer.activation]
    ends = np.stack([np.full(y.shape, low), np.full(y.shape, high)]).astype(np.float32)
    given = [keras.ops.convert_to_numpy(loss.call(tf.constant(y), tf.constant(e))) for e in ends]
    if not np.isfinite(given).all():
        text = f"isn't finite where an output is exactly {low:g} or {high:g}, as {layer.activation}"
        yield own_problem(KEY, name, f"{text} gives when it is sure; {CLIP}")


def _loss(loss: keras.losses.Loss, y: Array, outputs: Array, clip: str) -> Iterator[str]:
    if loss.reduction != REDUCED:
        yield (
            f"has reduction={loss.reduction!r}, and a loss is the mean over rows, whatever the "
            "size of a batch; leave its reduction as it is"
        )
        return
    predicted = tf.constant(outputs)
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        given = loss.call(tf.constant(y), predicted)
        if given is None:
            yield "returns nothing; end it with: return …"
            return
        if callable(given):
            yield (
                "returns a function; write it as function(y_true, y_pred, …), whose other "
                "arguments stand in training.loss_params"
            )
            return
        given = tf.convert_to_tensor(given)
    if tuple(given.shape) != (len(y),):
        yield (
            f"must give one number a row, ({len(y)},) for {len(y)} rows, but gives "
            f"{tuple(given.shape)}; y_true and y_pred have the shape {outputs.shape}: take the "
            "mean over the last axis, keras.ops.mean(…, axis=-1)"
        )
        return
    if not np.isfinite(given.numpy()).all():
        yield f"gives {given.numpy()[~np.isfinite(given.numpy())][0]} for a row{clip}"
        return
    gradient = tape.gradient(given, predicted)
    if gradient is None:
        yield (
            "has no gradient: nothing that it computes from y_pred can be differentiated; use "
            "keras.ops, without argmax, round or numpy"
        )
    elif not np.isfinite(gradient.numpy()).all():
        yield f"has a gradient that isn't finite, for outputs such as {outputs[0]}{clip}"


def optimizer_problems(
    spec: TrialSpec,
    before: Sequence[Array],
    after: Sequence[Array],
    has_to_step: Callable[[], bool] = lambda: True,
) -> Iterator[str]:
    """What is wrong with an optimizer of the user's own, by the weights (arrays) before and after
    a step, and whether that had to change them; one that gathers gradients changes them later."""
    name, gathers = spec.optimizer.name, spec.optimizer.params.get("gradient_accumulation_steps")
    if not is_own(name):
        return
    if not all(np.isfinite(weight).all() for weight in after):
        yield own_problem(
            OPTIMIZER_KEY, name, "leaves weights that aren't finite after the first step"
        )
    elif not gathers and all(map(np.array_equal, before, after)) and has_to_step():
        yield own_problem(
            OPTIMIZER_KEY,
            name,
            "changes no weight in the first step; assign them in update_step: "
            "self.assign_sub(variable, learning_rate * gradient)",
        )


def has_to_step(model: keras.Model, x: Any, y: Any) -> bool:
    """Whether a first step on these rows, which changed no weight, had to: gradients aren't all 0,
    and the step was taken. Of a scaled loss they may be infinite: Keras halves the scale then, and
    goes on."""
    own = model.optimizer
    scaled = isinstance(own, keras.optimizers.LossScaleOptimizer)
    if scaled and float(own.dynamic_scale) < own.initial_scale:
        return False
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    found = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    return any(gradient is not None and np.any(gradient) for gradient in found)

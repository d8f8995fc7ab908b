"""Losses, optimizers and callbacks as users write them: good ones, and each with one mistake."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

# Losses.


def squares(y_true: Any, y_pred: Any, power: float = 2.0) -> Any:
    return ops.mean(ops.abs(y_true - y_pred) ** power, axis=-1)


class Squares(keras.losses.Loss):  # type: ignore[misc]
    def __init__(self, power: float = 2.0) -> None:
        super().__init__()
        self.power = power

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return squares(y_true, y_pred, self.power)


class Summed(Squares):
    def __init__(self) -> None:
        super().__init__()
        self.reduction = "sum"


class NoLoss:
    pass


def of_elements(y_true: Any, y_pred: Any) -> Any:
    return ops.square(y_true - y_pred)


def of_all(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(ops.square(y_true - y_pred))


def factory(gamma: float = 2.0, alpha: float = 0.25) -> Any:
    return lambda y_true, y_pred: gamma * alpha * squares(y_true, y_pred)


def flat(y_true: Any, y_pred: Any) -> Any:
    said = ops.cast(ops.argmax(y_pred, axis=-1), "float32")
    return ops.abs(ops.cast(ops.argmax(y_true, axis=-1), "float32") - said)


def infinite(y_true: Any, y_pred: Any) -> Any:
    return squares(y_true, y_pred) / 0.0


def logarithm(y_true: Any, y_pred: Any) -> Any:
    return -ops.sum(y_true * ops.log(y_pred), axis=-1)


def raises(*_: Any) -> Any:
    raise LookupError("no such loss")  # fails: loss


# Optimizers.


class Plain(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Gradient descent; in every third step `factor` times as far."""

    def __init__(self, learning_rate: float = 0.01, factor: float = 1.0, **params: Any) -> None:
        super().__init__(learning_rate=learning_rate, **params)
        self.factor = factor

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.last = [
            self.add_variable_from_reference(variable, name="last") for variable in variables
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        third = ops.cast(ops.equal(self._iterations % 3, 2), variable.dtype)
        step = rate * (1 + third * (self.factor - 1)) * gradient
        self.assign(self.last[self._get_variable_index(variable)], step)
        self.assign_sub(variable, step)


class Counting(keras.optimizers.SGD):  # type: ignore[misc]
    """Goes half as far after four steps, which it counts where Keras doesn't know of it."""

    def __init__(self, learning_rate: float = 0.01, **params: Any) -> None:
        super().__init__(learning_rate=learning_rate, **params)
        self.steps = tf.Variable(0.0, trainable=False)

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        self.steps.assign_add(1.0)
        half = tf.where(self.steps > 4.0, 0.5, 1.0)
        return super().apply([half * grad for grad in grads], trainable_variables)


class Idle(Plain):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        pass


class Explodes(Plain):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self.assign(variable, gradient * learning_rate * np.nan)


def no_class(learning_rate: float) -> Any:
    return keras.optimizers.SGD(learning_rate)

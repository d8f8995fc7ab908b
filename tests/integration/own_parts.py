"""Losses, optimizers and callbacks as users write them: good ones, and each with one mistake."""

# ruff: noqa: ARG002 - Keras names the arguments
from __future__ import annotations

import random
from collections import deque
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


class Warming(Squares):
    """Counts its calls where Keras doesn't know of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = tf.Variable(0.0, trainable=False)


class NoLoss:
    pass


def steep(y_true: Any, y_pred: Any) -> Any:
    return 1e6 * squares(y_true, y_pred)


def of_elements(y_true: Any, y_pred: Any) -> Any:
    return ops.square(y_true - y_pred)


def of_all(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(ops.square(y_true - y_pred))


def factory(gamma: float = 2.0, alpha: float = 0.25) -> Any:
    return lambda y_true, y_pred: gamma * alpha * squares(y_true, y_pred)


def nothing(y_true: Any, y_pred: Any) -> None:
    squares(y_true, y_pred)


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


# Callbacks.


class Swings(keras.callbacks.Callback):  # type: ignore[misc]
    """Lowers the learning rate where the loss rises; remembers in many ways what was."""

    def __init__(self, factor: float = 0.5) -> None:
        super().__init__()
        self.factor = factor

    def on_train_begin(self, logs: Any = None) -> None:
        self.last: deque[float] = deque(maxlen=3)
        self.norms = np.zeros(0)
        self.epochs = tf.Variable(0)
        self.seen: dict[int, tuple[float, ...]] = {}
        self.optimizer = self.model.optimizer

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        rate = float(self.optimizer.learning_rate)
        worse = len(self.last) == 3 and self.last[-1] > self.last[0] - 0.3
        self.optimizer.learning_rate = rate * (self.factor if worse else 1.1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.last.append(logs["loss"])
        self.norms = np.append(self.norms, np.linalg.norm(self.model.weights[0]))
        self.epochs.assign_add(1)
        self.seen[epoch] = (*self.seen.get(epoch - 1, ()), logs["loss"])
        logs["norm"] = self.norms.mean()
        logs["seen"] = float(self.epochs) + len(self.seen[epoch])


class Batches(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts batches and validations."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = self.tests = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches += 1

    def on_test_end(self, logs: Any = None) -> None:
        self.tests += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs |= {"batches": self.batches, "tests": self.tests}


class Stops(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops after the first epochs."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = epoch + 1 >= self.epochs


class Draws(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps what a checkpoint can't hold."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.random = random.Random(0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["drawn"] = self.random.random()


class Averages(keras.callbacks.Callback):  # type: ignore[misc]
    """Averages the weights of a model, which it remembers in a list, in variables of its own."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.watched = {"weights": self.model.trainable_variables}
        self.averages = [keras.Variable(own) for own in self.watched["weights"]]
        self.first: Any = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.first is None:
            self.first = tf.Variable(ops.sum(self.watched["weights"][0]))
        self.first.assign_add(1.0)
        for own, weight in zip(self.averages, self.watched["weights"], strict=True):
            own.assign((own + weight) / 2)
        logs["first"] = float(self.first)
        logs["average"] = float(ops.sum(self.averages[0]))


class Words(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["mood"] = "fine"


class Overwrites(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes over what was measured from an epoch on; only counts before that."""

    def __init__(self, metric: str, value: float | None, since: int = 0) -> None:
        super().__init__()
        self.metric, self.value, self.since = metric, value, since

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["epochs_seen"] = epoch + 1
        if epoch >= self.since and self.value is None:
            del logs[self.metric]
        elif epoch >= self.since:
            logs[self.metric] = self.value


class Asks(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.best = logs["val_auk"]  # fails: callback


def forgets(epoch: int) -> None:
    """A schedule without return."""


def off_the_end(epoch: int, rate: float) -> float:  # noqa: ARG001
    return float({0: rate}[-1])  # fails: schedule


def halves(epoch: int, rate: float) -> float:
    return rate if epoch % 2 else rate / 2

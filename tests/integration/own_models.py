"""Models as users write them: a training step of their own, a state that Keras doesn't know of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def _layers(shape: Sequence[int], classes: int) -> keras.Sequential:
    flat = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(8, activation="relu")]
    return keras.Sequential([*flat, keras.layers.Dense(classes, activation="softmax")])


class HalfSteps(keras.Model):  # type: ignore[misc]
    """Halves every gradient."""

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x, y, predicted)
        gradients = tape.gradient(loss, self.trainable_variables)
        halves = [0.5 * gradient for gradient in gradients]
        self.optimizer.apply(halves, self.trainable_variables)
        for metric in self.metrics:
            metric.update_state(*((loss,) if metric.name == "loss" else (y, predicted)))
        return {metric.name: metric.result() for metric in self.metrics}


class Tiring(keras.layers.Layer):  # type: ignore[misc]
    """Lets less through with every step, which it counts in a variable of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = tf.Variable(0.0, trainable=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.steps.assign_add(1.0)
        return inputs / (1.0 + 0.1 * self.steps)


def plain(shape: Sequence[int], classes: int) -> keras.Model:
    return _layers(shape, classes)


def half_steps(shape: Sequence[int], classes: int) -> keras.Model:
    layers = _layers(shape, classes)
    return HalfSteps(layers.inputs[0], layers.outputs[0])


def tiring(shape: Sequence[int], classes: int) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, _layers(shape, classes)(Tiring()(inputs)))


class Noise(keras.layers.Layer):  # type: ignore[misc]
    """Adds noise that nobody gave a seed for."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs + 0.1 * keras.random.normal(tf.shape(inputs)) if training else inputs


def noisy(shape: Sequence[int], classes: int) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, _layers(shape, classes)(Noise()(inputs)))


def half_floats(shape: Sequence[int], classes: int) -> keras.Model:
    """Weights of 16 bits."""
    half = {"dtype": "bfloat16"}
    inputs = keras.Input(shape)
    hidden = keras.layers.Dense(8, activation="relu", **half)(keras.layers.Flatten()(inputs))
    outputs = keras.layers.Dense(classes, **half)(hidden)
    return keras.Model(inputs, keras.layers.Softmax(dtype="float32")(outputs))


class Broken(keras.layers.Layer):  # type: ignore[misc]
    """Raises in training, at a place of choice."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training and self.place == "call":
            raise ValueError("it broke in call")  # fails: call
        if training and self.place == "shape":
            return tf.matmul(inputs, tf.zeros((3, 3)))  # fails: shape
        if training and self.place == "graph":
            nothing = tf.numpy_function(self._fail, [], tf.float32)
            nothing.set_shape(())
            return inputs + nothing
        return inputs

    def _fail(self) -> None:
        raise ArithmeticError("it broke in graph")  # fails: graph


def broken(shape: Sequence[int], classes: int, place: str) -> keras.Model:
    inputs = keras.Input(shape)
    flat = keras.layers.Flatten()(inputs)
    if place == "build":
        dict[str, int]()["nothing"]  # fails: build
    if place == "exit":
        raise SystemExit("it broke in exit")  # fails: exit
    if place == "keras":
        flat = keras.layers.Conv2D(3, 3)(flat)  # fails: keras
    outputs = keras.layers.Dense(classes, activation="softmax")(Broken(place)(flat))
    return keras.Model(inputs, outputs)

"""Models with a mistake each, as somebody writes them who has seen a lesson or two."""
# ruff: noqa: ARG001, ARG002 - a builder gets shape and classes, whether it uses them or not

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def lesson(shape: Sequence[int], classes: int) -> keras.Model:
    """The lesson as it is printed, with both of its slips."""
    return keras.Sequential(
        [
            keras.layers.Dense(8, input_shape=(1,), activation="relu"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(2, activation="sigmoid"),
        ]
    )


def mended(shape: Sequence[int], classes: int) -> keras.Model:
    """The lesson with what the two messages say."""
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def ends_in(
    shape: Sequence[int],
    classes: int,
    units: int = 2,
    activation: str | None = None,
    hidden: bool = False,
) -> keras.Model:
    """One layer of so many units; `hidden` behind a class of the user's own."""
    layer = keras.layers.Dense(units, activation=activation)
    if hidden:
        return Own(layer)
    return keras.Sequential([keras.Input(shape), layer])


class Own(keras.Model):  # type: ignore[misc]
    """A layer behind a call of its own, which only running it shows."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__()
        self.layer = layer

    def call(self, inputs: Any) -> Any:
        return self.layer(inputs)


class Stubborn(keras.Model):  # type: ignore[misc]
    """Computes its loss from logits that are probabilities."""

    def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
        lossy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return lossy(y, y_pred)


def stubborn(shape: Sequence[int], classes: int) -> keras.Model:
    inputs = keras.Input(shape)
    return Stubborn(inputs, keras.layers.Dense(classes, activation="softmax")(inputs))


def compiled_from_logits(shape: Sequence[int], classes: int) -> keras.Model:
    model = mended(shape, classes)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def returns_nothing(shape: Sequence[int], classes: int) -> None:
    mended(shape, classes)


def returns_a_layer(shape: Sequence[int], classes: int) -> keras.Layer:
    return keras.layers.Dense(classes, activation="softmax")


def no_weights(shape: Sequence[int], classes: int) -> keras.Model:
    return keras.Sequential([keras.Input(shape), keras.layers.Softmax()])


def unflattened(shape: Sequence[int], classes: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Reshape((*shape, 1)),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def raises(shape: Sequence[int], classes: int) -> keras.Model:
    raise LookupError(f"no idea of {classes} classes")  # raises: here


def two_inputs(shape: Sequence[int], classes: int) -> keras.Model:
    inputs = [keras.Input(shape), keras.Input(shape)]
    joined = keras.layers.Concatenate()(inputs)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(joined))


def wants_a_width(shape: Sequence[int], classes: int, width: int) -> keras.Model:
    hidden = [keras.Input(shape), keras.layers.Dense(width)]
    return keras.Sequential([*hidden, keras.layers.Dense(classes, activation="softmax")])


class Wide(keras.layers.Layer):  # type: ignore[misc]
    """Has a shape in its weights that no row has, and says so only when it is called."""

    def build(self, _: Any) -> None:
        self.kernel = self.add_weight(shape=(3, 2))

    def call(self, inputs: Any) -> Any:
        return tf.matmul(inputs, self.kernel)  # wide: here


def too_wide(shape: Sequence[int], classes: int) -> keras.Model:
    return Own(Wide())


def looks_up(shape: Sequence[int], classes: int, rows: int, hidden: bool = False) -> keras.Model:
    """Takes features for ids; `hidden` behind a class of the user's own."""
    ids = keras.layers.Embedding(rows, 4)
    last = [keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(classes, "softmax")]
    if hidden:
        return Own(keras.Sequential([ids, *last]))
    return keras.Sequential([keras.Input(shape), ids, *last])


def looks_up_positions(shape: Sequence[int], classes: int) -> keras.Model:
    """An Embedding of the places of features, which aren't ids themselves."""
    inputs = keras.Input(shape)
    places = keras.layers.Embedding(shape[0], 1)(keras.ops.arange(shape[0])[None])
    moved = inputs + keras.ops.squeeze(places, -1)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(moved))


class OnlyLoss(keras.Model):  # type: ignore[misc]
    """Has metrics of its own, and forgets those that it was compiled with."""

    def __init__(self, layers: keras.Model) -> None:
        super().__init__()
        self.inner = layers
        self.mean = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [self.mean]

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, self(x)))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.mean.update_state(loss)
        return {"loss": self.mean.result()}


def only_loss(shape: Sequence[int], classes: int) -> keras.Model:
    last = keras.layers.Dense(classes, activation="softmax")
    return OnlyLoss(keras.Sequential([keras.Input(shape), keras.layers.Flatten(), last]))


def two_heads(shape: Sequence[int], classes: int) -> keras.Model:
    inputs = keras.Input(shape)
    classified = keras.layers.Dense(classes, activation="softmax")(inputs)
    return keras.Model(inputs, [classified, keras.layers.Dense(1)(inputs)])


def named_head(shape: Sequence[int], classes: int) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, {"out": keras.layers.Dense(classes, activation="softmax")(inputs)})


class Named(Own):
    """Gives its output by name, which only running it shows."""

    def call(self, inputs: Any) -> Any:
        return {"out": self.layer(inputs)}


def named_by_its_class(shape: Sequence[int], classes: int) -> keras.Model:
    return Named(keras.layers.Dense(classes, activation="softmax"))


KEPT: list[keras.Layer] = []


def kept(shape: Sequence[int], classes: int) -> keras.Model:
    """Returns the same model each time."""
    KEPT[:] = KEPT or [mended(shape, classes)]
    return KEPT[0]


def keeps_a_layer(shape: Sequence[int], classes: int) -> keras.Model:
    """Puts the same layer into each of its models."""
    KEPT[:] = KEPT or [keras.layers.Dense(classes, activation="softmax")]
    return keras.Sequential([keras.Input(shape), *KEPT])


def compiled(shape: Sequence[int], classes: int) -> keras.Model:
    model = mended(shape, classes)
    model.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy")
    return model


def nested(shape: Sequence[int], classes: int) -> keras.Model:
    layers = [keras.Input(shape), keras.layers.Dense(8, name="inner")]
    backbone = keras.Sequential(layers, name="backbone")
    head = keras.layers.Dense(classes, activation="softmax", name="head")
    return keras.Sequential([keras.Input(shape), backbone, head])


class Projects(keras.layers.Layer):  # type: ignore[misc]
    """Random weights with a seed, of a layer of one's own."""

    def build(self, shape: Any) -> None:
        drawn = keras.initializers.RandomNormal(seed=1)
        self.projection = self.add_weight(shape=(shape[-1], 3), initializer=drawn, name="projects")

    def call(self, inputs: Any) -> Any:
        return inputs @ self.projection


def _glorot(seed: Any) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(seed=seed)


def _drawn(how: str, shape: tuple[int, int]) -> Any:
    """Weights that don't come from an initializer."""
    if how == "global":
        keras.utils.set_random_seed(1)
    if how == "numpy":
        np.random.seed(1)
        return np.random.normal(size=shape)
    if how == "python":
        keras.utils.set_random_seed(1)
        return np.full(shape, random.random())
    if how == "tensorflow":
        tf.random.set_seed(1)
        return tf.random.normal(shape).numpy()
    return np.arange(shape[0] * shape[1]).reshape(shape) / 9 if "loaded" in how else None


def seeded(shape: Sequence[int], classes: int, how: str) -> keras.Model:
    """Sets a seed, in one of many ways; or has constants, which are none."""
    loaded = _drawn(how, (int(shape[0]), 4))
    initializers = {
        "initializer": _glorot(1),
        "generator": _glorot(keras.random.SeedGenerator(1)),
        "constant": keras.initializers.Constant(np.arange(4) / 9),
        "constants": "ones",
        "loaded over a seed": _glorot(1),
    }
    layers = {"layer": Projects, "dropout": lambda: keras.layers.Dropout(0.5, seed=1)}
    first = initializers.get(how, "glorot_uniform")
    dense = keras.layers.Dense(4, use_bias=False, kernel_initializer=first)
    ends = initializers["constants"] if how == "constants" else "glorot_uniform"
    last = keras.layers.Dense(classes, activation="softmax", kernel_initializer=ends)
    extra = layers.get(how, keras.layers.Identity)()
    model = keras.Sequential([keras.Input(shape), dense, extra, last])
    if loaded is not None:
        dense.set_weights([loaded])
    if how == "all loaded":
        last.set_weights([np.arange(4 * classes).reshape(4, classes) / 9, np.zeros(classes)])
    return model


def seeded_when_called(shape: Sequence[int], classes: int) -> keras.Model:
    """Its layers are built with the first rows."""
    drawn = keras.initializers.GlorotUniform(seed=1)
    return Own(keras.layers.Dense(classes, kernel_initializer=drawn, activation="softmax"))

"""Models for tests of faults, copied into a sandbox as a user's own package: one that waits where
a test wants it to, one that raises. `WORKBENCH` is the folder through which tests and model talk.
"""

import os
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf


class Gate(keras.layers.Layer):
    """Lets its input through; the first training of all that comes to batch `batch` waits there.

    It says so by a file `waiting`, and goes on when there is a file `open`.
    """

    def __init__(self, batch):
        super().__init__()
        self.batch = batch
        self.seen = 0

    def call(self, inputs, training=False):
        if not training:
            return inputs
        nothing = tf.numpy_function(self._pass, [], tf.float32)
        nothing.set_shape(())
        return inputs + nothing

    def _pass(self):
        self.seen += 1
        folder = Path(os.environ["WORKBENCH"])
        if self.seen == self.batch and claim(folder / "waiting"):
            while not (folder / "open").exists():
                time.sleep(0.01)
        return np.float32(0)


def claim(path):
    """Whether this caller is the first of all."""
    try:
        with path.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True


def waits(shape, classes, batch):
    inputs = keras.Input(shape)
    outputs = keras.layers.Dense(classes, activation="softmax")(Gate(batch)(inputs))
    return keras.Model(inputs, outputs)


def fails(shape, classes, units):
    """Raises for 13 units, as a model with a bug for some widths does."""
    if units == 13:
        raise ArithmeticError("thirteen units are too many for this model")
    inputs = keras.Input(shape)
    hidden = keras.layers.Dense(units, activation="relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(hidden))

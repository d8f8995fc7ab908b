"""Models for tests of faults, copied into a sandbox as a user's own package: one that waits where
a test wants it to, one that raises. `WORKBENCH` is the folder through which tests and model talk.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class Gate(keras.layers.Layer):  # type: ignore[misc]
    """Lets its input through; the first training of all that comes to batch `batch` waits there.

    It says so by a file `waiting`, and goes on when there is a file `open`.
    """

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.batch = batch
        self.seen = 0

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        nothing = tf.numpy_function(self._pass, [], tf.float32)
        nothing.set_shape(())
        return inputs + nothing

    def _pass(self) -> np.float32:
        self.seen += 1
        folder = Path(os.environ["WORKBENCH"])
        if self.seen == self.batch and claim(folder / "waiting"):
            while not (folder / "open").exists():
                time.sleep(0.01)
        return np.float32(0)


class Trap(keras.layers.Layer):  # type: ignore[misc]
    """Lets a training through until its third batch, and then never again."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.seen = 0

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        nothing = tf.numpy_function(self._pass, [], tf.float32)
        nothing.set_shape(())
        return inputs + nothing

    def _pass(self) -> np.float32:
        self.seen += 1
        while self.seen == 3 and self.how == "spin":
            pass  # stuck: spin
        if self.seen == 3 and self.how == "sleep":
            time.sleep(3600)  # stuck: sleep
        return np.float32(0)


def stuck(shape: Sequence[int], classes: int, how: str) -> keras.Model:
    """One layer behind a trap; for `build` it is never built."""
    if how == "build":
        time.sleep(3600)  # stuck: build
    inputs = keras.Input(shape)
    outputs = keras.layers.Dense(classes, activation="softmax")(Trap(how)(inputs))
    return keras.Model(inputs, outputs)


def holds(shape: Sequence[int], classes: int) -> keras.Model:
    """Never ends, in C code that lets no other thread of Python run."""
    claim(Path(os.environ["WORKBENCH"]) / "waiting")
    re.match(r"(a+)+$", "a" * 60 + "b")
    return waits(shape, classes, 1)


def claim(path: Path) -> bool:
    """Whether this caller is the first of all."""
    try:
        with path.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True


def waits(shape: Sequence[int], classes: int, batch: int) -> keras.Model:
    """One layer behind a gate."""
    inputs = keras.Input(shape)
    outputs = keras.layers.Dense(classes, activation="softmax")(Gate(batch)(inputs))
    return keras.Model(inputs, outputs)


_built = itertools.count()


def always_fails(shape: Sequence[int], classes: int) -> keras.Model:
    """Has a bug for any values, but not in a process's first two models, by which it is tried."""
    if next(_built) > 1:
        raise LookupError(f"no model for {classes} classes of rows {tuple(shape)}")
    return fails(shape, classes, 8)


def fails(shape: Sequence[int], classes: int, units: int) -> keras.Model:
    """Raises for 13 units, as a model with a bug for some widths does."""
    if units == 13:
        raise ArithmeticError("thirteen units are too many for this model")
    inputs = keras.Input(shape)
    hidden = keras.layers.Dense(units, activation="relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(hidden))

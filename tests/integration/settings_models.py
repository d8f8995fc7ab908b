"""A model that changes a setting of Keras or TensorFlow, and one that depends on all of them."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.data.ops import debug_mode
from tensorflow.python.framework import config as tf_config


def _half_floats() -> None:
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(1e-3)
    keras.config.set_image_data_format("channels_first")
    tf.config.run_functions_eagerly(True)


CHANGES: Mapping[str, Callable[[], object]] = {
    "dtype policy": lambda: keras.config.set_dtype_policy("mixed_bfloat16"),
    "floatx": lambda: keras.config.set_floatx("float64"),
    "several at once": _half_floats,
    "epsilon": lambda: keras.config.set_epsilon(1e-3),
    "image data format": lambda: keras.config.set_image_data_format("channels_first"),
    "flash attention": keras.config.disable_flash_attention,
    "most epochs": lambda: keras.config.set_max_epochs(1),
    "most steps": lambda: keras.config.set_max_steps_per_epoch(1),
    "eager functions": lambda: tf.config.run_functions_eagerly(True),
    "debug mode of tf.data": tf.data.experimental.enable_debug_mode,
    "determinism": tf.config.experimental.enable_op_determinism,
    "TensorFloat-32": lambda: tf.config.experimental.enable_tensor_float_32_execution(False),
    "XLA": lambda: tf.config.optimizer.set_jit("autoclustering"),
    "graph rewriter": lambda: tf.config.optimizer.set_experimental_options({"remapping": False}),
    "all seeds": lambda: keras.utils.set_random_seed(1),
    "TensorFlow's seed": lambda: tf.random.set_seed(1),
    "numpy's seed": lambda: np.random.seed(1),
    "Python's seed": lambda: random.seed(1),
    "session": keras.utils.clear_session,
}


class Reads(keras.layers.Layer):  # type: ignore[misc]
    """Multiplies by a number that follows from the settings, and in training by noise that follows
    from TensorFlow's seed."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        settings = (
            keras.config.dtype_policy().name,
            keras.config.floatx(),
            keras.config.epsilon(),
            keras.config.image_data_format(),
            keras.config.is_flash_attention_enabled(),
            keras.config.max_epochs(),
            keras.config.max_steps_per_epoch(),
            tf.config.functions_run_eagerly(),
            debug_mode.DEBUG_MODE,
            tf_config.is_op_determinism_enabled(),
            tf.config.experimental.tensor_float_32_execution_enabled(),
            tf.config.optimizer.get_jit(),
            sorted(tf.config.optimizer.get_experimental_options().items()),
        )
        number = 1 + zlib.crc32(repr(settings).encode()) / 2**32
        noise = tf.random.uniform((), 1.0, 2.0, seed=5) if training else 1.0
        return inputs * tf.cast(number * noise, inputs.dtype)


def changes(shape: Sequence[int], classes: int, what: str) -> keras.Model:
    CHANGES[what]()
    return reads(shape, classes)


def reads(shape: Sequence[int], classes: int) -> keras.Model:
    inputs = keras.Input(shape)
    hidden = keras.layers.Dense(4, activation="relu")(Reads()(inputs))
    last = keras.layers.Dense(classes, activation="softmax", dtype="float32")
    return keras.Model(inputs, last(keras.layers.Dropout(0.5)(hidden)))


class Echo(keras.Model):  # type: ignore[misc]
    """Returns what it is given."""

    def call(self, inputs: Any) -> Any:
        return inputs

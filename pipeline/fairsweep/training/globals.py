"""Settings of Keras and TensorFlow that hold for a whole process, which a model's code can change.

A worker notes them as it starts and puts them back before each model is built, so that no training
depends on the ones before it. What a builder sets holds until the next model is built: while its
own model is compiled, traced and trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.python.data.ops import debug_mode
from tensorflow.python.eager import context
from tensorflow.python.framework import config


def _set_determinism(enabled: bool) -> None:
    (config.enable_op_determinism if enabled else config.disable_op_determinism)()


def _set_optimizer_options(options: Mapping[str, Any]) -> None:
    """TensorFlow adds options to those it has; None takes one away."""
    now = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({**dict.fromkeys(now), **options})


# By the function that changes it: what reads it, and what puts it back.
SETTINGS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "keras.config.set_floatx": (keras.config.floatx, keras.config.set_floatx),
    "keras.config.set_epsilon": (keras.config.epsilon, keras.config.set_epsilon),
    "keras.config.set_image_data_format": (
        keras.config.image_data_format,
        keras.config.set_image_data_format,
    ),
    "keras.config.set_max_epochs": (keras.config.max_epochs, keras.config.set_max_epochs),
    "keras.config.set_max_steps_per_epoch": (
        keras.config.max_steps_per_epoch,
        keras.config.set_max_steps_per_epoch,
    ),
    "tf.config.run_functions_eagerly": (
        tf.config.functions_run_eagerly,
        tf.config.run_functions_eagerly,
    ),
    "tf.data.experimental.enable_debug_mode": (
        lambda: debug_mode.DEBUG_MODE,
        debug_mode.toggle_debug_mode,
    ),
    "tf.config.experimental.enable_op_determinism": (
        config.is_op_determinism_enabled,
        _set_determinism,
    ),
    "tf.config.experimental.enable_tensor_float_32_execution": (
        tf.config.experimental.tensor_float_32_execution_enabled,
        tf.config.experimental.enable_tensor_float_32_execution,
    ),
    "tf.config.optimizer.set_jit": (tf.config.optimizer.get_jit, tf.config.optimizer.set_jit),
    "tf.config.optimizer.set_experimental_options": (
        tf.config.optimizer.get_experimental_options,
        _set_optimizer_options,
    ),
}


class Globals:
    """The settings as they are when this is made."""

    def __init__(self) -> None:
        self._settings = {name: read() for name, (read, _) in SETTINGS.items()}
        # The dtype policy, the global seeds and the counters of names among them.
        self._state = _copied(vars(global_state.GLOBAL_STATE_TRACKER))
        self._seed = context.global_seed()
        self._policy = _policy()

    def changed(self) -> Sequence[str]:
        """The functions that change what is different now; seeds aside."""
        changed = [name for name, (read, _) in SETTINGS.items() if read() != self._settings[name]]
        if _policy() != self._policy and "keras.config.set_floatx" not in changed:
            changed.insert(0, "keras.config.set_dtype_policy")
        return changed

    def restore(self) -> None:
        """Puts all of them back."""
        for name, (read, write) in SETTINGS.items():
            if read() != self._settings[name]:
                write(self._settings[name])
        state = vars(global_state.GLOBAL_STATE_TRACKER)
        state.clear()
        state.update(_copied(self._state))
        if context.global_seed() != self._seed:
            context.set_global_seed(self._seed)


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """Keras's state, with collections of its own, since Keras changes them in place."""
    return {
        name: copy(value) if isinstance(value, list | dict) else value
        for name, value in state.items()
    }


def _policy() -> str:
    """The name of the dtype policy, which Keras makes of floatx when it first needs one."""
    policy = global_state.get_global_attribute("dtype_policy")
    return str(keras.config.floatx() if policy is None else policy.name)

"""How TensorFlow runs the graphs of a program: by which executor, and rewritten first or not.

Both are settings that TensorFlow reads with every call, so each model has its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context

from fairsweep.training.model import is_of_keras
from fairsweep.training.preprocessing import MEASURING


@dataclass(frozen=True)
class Way:
    """How TensorFlow runs a graph.

    A graph that is known to be `dense` layers is run by one thread, operations in a fixed order, in
    10 to 25 % less time than by the usual executor, which finds out at every step what could run
    next. It may add three terms in another order (`AddN` starts with the one whose memory it can
    reuse), which batch normalization has and dense layers don't. And a graph over several devices
    could wait for itself on one thread, so a GPU keeps the usual one.

    Whether it is `rewritten` by TensorFlow first: see `is_light`.
    """

    dense: bool
    rewritten: bool

    @contextmanager
    def taken(self) -> Iterator[None]:
        """What is called here is run so. TensorFlow reads this with every call, and keeps what it
        made of a graph for the next call of the same kind."""
        if self.rewritten and not self.dense:
            yield  # without touching settings, which a model's own code may change here
            return
        settings = context.context()
        before = settings.function_call_options
        options = copy(before)
        if not self.rewritten:
            options.config_proto_serialized = _without_rewriter(before.config_proto_serialized)
        if self.dense and not tf.config.list_physical_devices("GPU"):
            options.executor_type = "SINGLE_THREADED_EXECUTOR"
        settings.function_call_options = options
        try:
            yield
        finally:
            settings.function_call_options = before


@functools.lru_cache(maxsize=8)
def _without_rewriter(settings: bytes) -> Any:
    """TensorFlow's settings with its graph rewriter switched off."""
    changed = config_pb2.ConfigProto.FromString(settings)
    changed.graph_options.rewrite_options.disable_meta_optimizer = True
    return changed


LIGHT = (
    *(keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Rescaling),
    *(keras.layers.Dense, keras.layers.Activation, keras.layers.ReLU, keras.layers.Softmax),
    *(keras.layers.Dropout, keras.layers.BatchNormalization, keras.layers.LayerNormalization),
    *MEASURING,
)
"""Layers whose graphs are so small that TensorFlow's rewriter takes as long as it saves: a quarter
of a second for batch normalization's, which then saves 2 % of an epoch."""


def way_of(model: keras.Model, dense: bool = False) -> Way:
    """The way of a compiled model; rewritten or not is the same in both loops, and so are the last
    bits. A step with loss scaling has a condition in it, and waits for ever on one thread."""
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    return Way(dense and not scaled, rewritten=not is_light(model))


def is_light(model: keras.Model) -> bool:
    """Whether TensorFlow's graph rewriter is left out for a model.

    It makes up for its time where a step has a loop in it, or much arithmetic: recurrent layers
    then take three quarters of the time, convolutions and attention 90 to 97 % of it. A class of
    the user's own could be either. (`python -m tests.benchmarks.loops` has the figures.)
    """
    return is_of_keras(model) and all(map(_is_light_layer, model.layers))


def _is_light_layer(layer: keras.Layer) -> bool:
    return is_light(layer) if isinstance(layer, keras.Model) else isinstance(layer, LIGHT)

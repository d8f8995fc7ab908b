"""Two ways over the epochs, the same numbers: a compiled program per epoch, or Keras's `fit`.

In: a compiled model and its arrays. Out: the metrics of one epoch after the other, until the
caller says stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

Array = npt.NDArray[Any]
OnEpoch = Callable[[int, dict[str, float]], bool]
"""Gets an epoch (from 1) and its metrics; says whether to go on."""

EVALUATION_BATCH = 1024


@dataclass(frozen=True)
class Arrays:
    """Features and labels of one part of the data, labels in the loss's form."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Rhythm:
    """How many epochs, in batches of how many rows, in which order."""

    epochs: int
    batch_size: int
    shuffle: bool
    seed: int

    def order(self, epoch: int, rows: int) -> npt.NDArray[np.int32]:
        """The order of rows in an epoch: it depends on seed and epoch only, so that any epoch can
        be trained again without those before it."""
        if not self.shuffle:
            return np.arange(rows, dtype=np.int32)
        return np.random.default_rng([self.seed, epoch]).permutation(rows).astype(np.int32)


def run_resident(
    model: keras.Model, train: Arrays, validation: Arrays | None, rhythm: Rhythm, on_epoch: OnEpoch
) -> None:
    """Trains with the data held as tensors and one compiled program per epoch.

    The last batch of an epoch may be short; it goes through the same slice as the others, so
    `train_step` is traced once.
    """
    x, y = tf.constant(train.x), tf.constant(train.y)
    _create_variables(model, x, y)
    step, batch_size = _program(model, model.train_step), tf.constant(rhythm.batch_size)
    if validation is not None:
        held_x, held_y = tf.constant(validation.x), tf.constant(validation.y)
        held_order = tf.range(len(validation.x))
        check = _program(model, model.test_step)
    for epoch in range(1, rhythm.epochs + 1):
        order = tf.constant(rhythm.order(epoch, len(train.x)))
        metrics = _read(step(x, y, order, batch_size))
        if validation is not None:
            held = _read(check(held_x, held_y, held_order, tf.constant(EVALUATION_BATCH)))
            metrics |= {f"val_{name}": value for name, value in held.items()}
        if not on_epoch(epoch, metrics):
            return


def run_fit(
    model: keras.Model, train: Arrays, validation: Arrays | None, rhythm: Rhythm, on_epoch: OnEpoch
) -> None:
    """Trains with Keras's own loop, over the same batches in the same order."""

    def batches() -> Iterator[tuple[Array, Array]]:
        for epoch in range(1, rhythm.epochs + 1):
            order = rhythm.order(epoch, len(train.x))
            for start in range(0, len(order), rhythm.batch_size):
                rows = order[start : start + rhythm.batch_size]
                yield train.x[rows], train.y[rows]

    def report(epoch: int, logs: Mapping[str, float]) -> None:
        if not on_epoch(epoch + 1, {name: float(value) for name, value in logs.items()}):
            model.stop_training = True

    model.fit(
        batches(),
        epochs=rhythm.epochs,
        steps_per_epoch=-(-len(train.x) // rhythm.batch_size),
        validation_data=None if validation is None else (validation.x, validation.y),
        validation_batch_size=EVALUATION_BATCH,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report)],
    )


def evaluate(model: keras.Model, arrays: Arrays) -> dict[str, float]:
    """The model's metrics on arrays, by Keras's names."""
    metrics: Mapping[str, Any] = model.evaluate(
        arrays.x, arrays.y, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True
    )
    return {name: float(value) for name, value in metrics.items()}


def _create_variables(model: keras.Model, x: Any, y: Any) -> None:
    """Optimizer slots and metric counters, which a loop in a graph can't create."""
    model._symbolic_build(data_batch=(x[:1], y[:1]))
    model.optimizer.build(model.trainable_variables)


def _program(model: keras.Model, step: Callable[[Any], Any]) -> Callable[..., Any]:
    """One pass over rows in the given order, as one graph; gives the metrics of the pass."""

    def body(x: Any, y: Any, order: Any, batch_size: Any, start: Any) -> Any:
        rows = order[start : start + batch_size]
        step((tf.gather(x, rows), tf.gather(y, rows)))
        return start + batch_size

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def one_pass(x: Any, y: Any, order: Any, batch_size: Any) -> Any:
        model.reset_metrics()
        total = tf.shape(order)[0]
        tf.while_loop(
            lambda start: start < total,
            lambda start: (body(x, y, order, batch_size, start),),
            (tf.constant(0),),
        )
        return model.get_metrics_result()

    program: Callable[..., Any] = one_pass
    return program


def _read(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items()}

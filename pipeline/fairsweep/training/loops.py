"""Two training loops with the same numbers: a compiled program per epoch, and Keras's `fit`.

In: a compiled model and its arrays. Out: the metrics of one epoch after the other, until the
caller stops.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fairsweep.data.dataset import Features, Rows
from fairsweep.data.memory.view import InFile, rows_of
from fairsweep.machine import available_bytes
from fairsweep.training.programs import EVALUATION_BATCH, Program

Array = npt.NDArray[Any]
OnEpoch = Callable[[int, dict[str, float]], bool]
"""Gets an epoch (from 1) and its metrics; says whether to go on."""


@dataclass(frozen=True)
class Table:
    """Features and labels of all rows, labels in a loss's form: what every split of them shares."""

    x: Features
    y: Array

    @functools.cached_property
    def tensors(self) -> tuple[Any, Any]:
        """Features and labels as tensors, made once."""
        return tf.constant(self.x), tf.constant(self.y)


@dataclass(frozen=True)
class Arrays:
    """One part of the data: the numbers of its rows in a table, and the weight of each in the loss
    (None: all the same)."""

    table: Table
    rows: Rows
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @functools.cached_property
    def columns(self) -> tuple[Array | InFile, ...]:
        """Features, labels, and weights if there are any, of these rows alone: what a step of
        `fit` takes."""
        own = (rows_of(self.table.x, self.rows), self.table.y[self.rows])
        return own if self.weights is None else (*own, self.weights)

    @functools.cached_property
    def tensors(self) -> tuple[Any, ...]:
        """The same of the whole table, as tensors: what a step takes that looks its rows up."""
        if self.weights is None:
            return self.table.tensors
        weights = np.zeros(len(self.table.y), np.float32)
        weights[self.rows] = self.weights
        return (*self.table.tensors, tf.constant(weights))

    @functools.cached_property
    def places(self) -> Any:
        """The numbers of the rows as a tensor."""
        return tf.constant(self.rows, tf.int32)

    def first(self, count: int) -> Arrays:
        """Its first rows."""
        weights = None if self.weights is None else self.weights[:count]
        return Arrays(self.table, self.rows[:count], weights)


def fits_in_memory(table: Table) -> bool:
    """Whether memory has room for the rows as tensors, beside their arrays, twice over."""
    if isinstance(table.x, np.memmap):
        return False
    return 2 * (table.x.nbytes + table.y.nbytes) < available_bytes()


@dataclass(frozen=True)
class BatchOrder:
    """How many epochs there are, how many rows a batch has, and in which order rows come."""

    epochs: int
    batch_size: int
    shuffle: bool
    seed: int

    def order(self, epoch: int, rows: int) -> npt.NDArray[np.int32]:
        """The order of rows in an epoch. It depends on seed and epoch alone, so that any epoch can
        be trained again without the ones before it."""
        if not self.shuffle:
            return np.arange(rows, dtype=np.int32)
        return np.random.default_rng([self.seed, epoch]).permutation(rows).astype(np.int32)


def run_resident(
    program: Program,
    train: Arrays,
    validation: Arrays | None,
    plan: BatchOrder,
    on_epoch: OnEpoch,
    done: int = 0,
) -> None:
    """Trains with the data as tensors and one compiled program per epoch; the program's model has
    been trained for `done` epochs."""
    columns, held = train.tensors, None if validation is None else validation.places
    batch_size = tf.constant(plan.batch_size)
    for epoch in range(done + 1, plan.epochs + 1):
        order = tf.constant(train.rows[plan.order(epoch, len(train))], tf.int32)
        if not on_epoch(epoch, program.train(columns, order, batch_size, held)):
            return


def run_fit(
    model: keras.Model,
    train: Arrays,
    validation: Arrays | None,
    plan: BatchOrder,
    on_epoch: OnEpoch,
    done: int = 0,
    on_batch: Callable[[], None] = lambda: None,
) -> None:
    """Trains with Keras's own loop, over the same batches in the same order. The model's optimizer
    is built, and it has been trained for `done` epochs. `on_batch` is called after every batch,
    also of validation."""

    def batches() -> Iterator[tuple[Array, ...]]:
        for epoch in range(done + 1, plan.epochs + 1):
            order = plan.order(epoch, len(train))
            for start in range(0, len(order), plan.batch_size):
                rows = order[start : start + plan.batch_size]
                yield tuple(column[rows] for column in train.columns)

    def report(epoch: int, logs: Mapping[str, float]) -> None:
        if not on_epoch(epoch + 1, {name: float(value) for name, value in logs.items()}):
            model.stop_training = True

    model.fit(
        batches(),
        epochs=plan.epochs,
        initial_epoch=done,
        steps_per_epoch=-(-len(train) // plan.batch_size),
        validation_data=None if validation is None else _labelled(validation),
        validation_batch_size=EVALUATION_BATCH,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report), _heard(on_batch)],
    )


def evaluate_fit(
    model: keras.Model, arrays: Arrays, on_batch: Callable[[], None]
) -> dict[str, float]:
    """The model's metrics on arrays by Keras's own loop."""
    given = _labelled(arrays)
    x, y = given if isinstance(given, tuple) else (given, None)
    metrics: Mapping[str, Any] = model.evaluate(
        x,
        y,
        batch_size=EVALUATION_BATCH,
        verbose=0,
        return_dict=True,
        callbacks=[_heard(on_batch)],
    )
    return {name: float(value) for name, value in metrics.items()}


def predict_fit(
    model: keras.Model, arrays: Arrays, on_batch: Callable[[], None]
) -> npt.NDArray[np.float32]:
    """The model's outputs for the rows, by Keras's own loop."""
    x = arrays.columns[0]
    if isinstance(x, InFile):
        x = _Batches(arrays, labelled=False)
    outputs: npt.NDArray[np.float32] = model.predict(
        x, batch_size=EVALUATION_BATCH, verbose=0, callbacks=[_heard(on_batch)]
    )
    return outputs


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Rows that stay in their file, a batch at a time, in order."""

    def __init__(self, arrays: Arrays, labelled: bool) -> None:
        super().__init__()
        self._columns = arrays.columns[: 2 if labelled else 1]
        self._batches = math.ceil(len(arrays) / EVALUATION_BATCH)

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> tuple[Array, ...]:
        rows = slice(index * EVALUATION_BATCH, (index + 1) * EVALUATION_BATCH)
        return tuple(column[rows] for column in self._columns)


def _labelled(arrays: Arrays) -> tuple[Any, Any] | _Batches:
    """Features and labels as Keras's loops take them: whole, or from their file."""
    x, y, *_ = arrays.columns
    return _Batches(arrays, labelled=True) if isinstance(x, InFile) else (x, y)


def _heard(on_batch: Callable[[], None]) -> keras.callbacks.Callback:
    """Has Keras's loops call `on_batch` after every batch."""

    def still(*_: object, **__: object) -> None:
        on_batch()

    return keras.callbacks.LambdaCallback(
        on_train_batch_end=still, on_test_batch_end=still, on_predict_batch_end=still
    )

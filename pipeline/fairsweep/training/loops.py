"""Two training loops with the same numbers: a compiled program per epoch, and Keras's `fit`.

In: a compiled model and its arrays. Out: the metrics of one epoch after the other, until the
caller stops.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fairsweep.data.dataset import Inputs, Rows
from fairsweep.data.several import each, is_in_file, plain
from fairsweep.machine import available_bytes
from fairsweep.training.execution import way_of
from fairsweep.training.programs import EVALUATION_BATCH, Held, Program, looked_up

Array = npt.NDArray[Any]
OnEpoch = Callable[[int, dict[str, float]], bool]
"""Gets an epoch (from 1) and its metrics; says whether to go on."""

BATCHES_AHEAD = 2
"""How many batches `fit` has waiting for it."""


@dataclass(frozen=True)
class Table:
    """Features and labels of all rows, labels in a loss's form, or several by name: what every
    split of them shares."""

    x: Inputs
    y: Any

    @functools.cached_property
    def tensors(self) -> tuple[Any, Any]:
        """Features and labels as tensors, made once."""
        return each(self.x, tf.constant), each(self.y, tf.constant)


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
    def columns(self) -> tuple[Any, ...]:
        """Features, labels, and weights if there are any, of the whole table: where a step looks
        its rows up."""
        x, y = plain(self.table.x), plain(self.table.y)
        if self.weights is None:
            return x, y
        weights = np.zeros(len(self.table.y), np.float32)
        weights[self.rows] = self.weights
        return x, y, weights

    @functools.cached_property
    def tensors(self) -> tuple[Any, ...]:
        """The columns as tensors."""
        return (*self.table.tensors, *(tf.constant(own) for own in self.columns[2:]))

    @functools.cached_property
    def places(self) -> Any:
        """The numbers of the rows as a tensor."""
        return tf.constant(self.rows, tf.int32)

    @functools.cached_property
    def held(self) -> Held:
        """The columns and the numbers of the rows, as a program takes those of validation."""
        return self.tensors, self.places

    def first(self, count: int) -> Arrays:
        """Its first rows."""
        weights = None if self.weights is None else self.weights[:count]
        return Arrays(self.table, self.rows[:count], weights)


def fits_in_memory(table: Table) -> bool:
    """Whether memory has room for the rows as tensors, beside their arrays, twice over."""
    if is_in_file(table.x) or is_in_file(table.y):
        return False
    return bool(2 * (table.x.nbytes + table.y.nbytes) < available_bytes())


@dataclass(frozen=True)
class BatchOrder:
    """How many epochs there are, how many rows a batch has, and in which order rows come."""

    epochs: int
    batch_size: int
    shuffle: bool
    seed: int

    def steps(self, rows: int) -> int:
        """How many batches an epoch has."""
        return -(-rows // self.batch_size)

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
    on_begin: Callable[[int], None] = lambda _: None,
) -> None:
    """Trains with the data as tensors and one compiled program per epoch; the program's model has
    been trained for `done` epochs. `on_begin` is called before every epoch, with its number."""
    columns, held = train.tensors, None if validation is None else validation.held
    batch_size = tf.constant(plan.batch_size)
    for epoch in range(done + 1, plan.epochs + 1):
        on_begin(epoch)
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
    callbacks: keras.callbacks.Callback | None = None,
) -> None:
    """Trains with Keras's own loop, over the same batches in the same order. The model's optimizer
    is built, and it has been trained for `done` epochs. `on_batch` is called after every batch,
    also of validation."""

    def orders() -> Iterator[Rows]:
        for epoch in range(done + 1, plan.epochs + 1):
            yield train.rows[plan.order(epoch, len(train))]

    rows = tf.TensorSpec([len(train)], tf.int64)
    batches = tf.data.Dataset.from_generator(orders, output_signature=rows).flat_map(
        functools.partial(_batches, size=plan.batch_size)
    )

    def report(epoch: int, logs: Mapping[str, float]) -> None:
        if not on_epoch(epoch + 1, {name: float(value) for name, value in logs.items()}):
            model.stop_training = True

    with way_of(model).taken():
        model.fit(
            _looked_up(train, batches),
            epochs=plan.epochs,
            initial_epoch=done,
            steps_per_epoch=plan.steps(len(train)),
            validation_data=None if validation is None else _in_order(validation),
            shuffle=False,
            verbose=0,
            callbacks=[
                *filter(None, [callbacks]),
                keras.callbacks.LambdaCallback(on_epoch_end=report),
                _heard(on_batch),
            ],
        )


def evaluate_fit(
    model: keras.Model, arrays: Arrays, on_batch: Callable[[], None]
) -> dict[str, float]:
    """The model's metrics on arrays by Keras's own loop."""
    with way_of(model).taken():
        metrics: Mapping[str, Any] = model.evaluate(
            _in_order(arrays),
            verbose=0,
            return_dict=True,
            callbacks=[_heard(on_batch)],
        )
    return {name: float(value) for name, value in metrics.items()}


def predict_fit(
    model: keras.Model, arrays: Arrays, on_batch: Callable[[], None]
) -> npt.NDArray[np.float32]:
    """The model's outputs for the rows, by Keras's own loop."""
    with way_of(model).taken():
        outputs: npt.NDArray[np.float32] = model.predict(
            _in_order(arrays, 1), verbose=0, callbacks=[_heard(on_batch)]
        )
    return outputs


def _batches(order: Any, size: int) -> tf.data.Dataset:
    """The numbers of rows, so many at a time; at the end there may be fewer."""
    starts = tf.data.Dataset.range(0, order.shape[0], size)
    return starts.map(lambda start: order[start : start + size])


def _in_order(part: Arrays, columns: int = 3) -> tf.data.Dataset:
    """Its first columns, or all, batch by batch."""
    return _looked_up(part, _batches(tf.constant(part.rows), EVALUATION_BATCH), columns)


def _looked_up(part: Arrays, batches: tf.data.Dataset, columns: int = 3) -> tf.data.Dataset:
    """The first columns of batches of row numbers.

    TensorFlow looks rows up by itself, as it does for the arrays that Keras is given: a batch that
    Python makes has to wait for Python's lock, which the training holds. Data that memory has no
    room for as tensors is read by Python, from its array or its file.
    """
    own = part.columns[:columns]
    each_array = tf.nest.flatten(own)

    def read(rows: Rows) -> list[Array]:
        return [np.asarray(column[rows]) for column in each_array]

    def from_arrays(rows: Any) -> tuple[Any, ...]:
        found = tf.numpy_function(read, [rows], [column.dtype for column in each_array])
        shaped = [
            tf.ensure_shape(values, (None, *column.shape[1:]))
            for values, column in zip(found, each_array, strict=True)
        ]
        return tuple(tf.nest.pack_sequence_as(own, shaped))

    if fits_in_memory(part.table):
        tensors = part.tensors[:columns]
        found = batches.map(lambda rows: looked_up(tensors, rows))
    else:
        found = batches.map(from_arrays)
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing to tune, and its thread takes time
    options.experimental_optimization.apply_default_optimizations = False  # as Keras has it
    return found.prefetch(BATCHES_AHEAD).with_options(options)


def _heard(on_batch: Callable[[], None]) -> keras.callbacks.Callback:
    """Has Keras's loops call `on_batch` after every batch."""

    def still(*_: object, **__: object) -> None:
        on_batch()

    return keras.callbacks.LambdaCallback(
        on_train_batch_end=still, on_test_batch_end=still, on_predict_batch_end=still
    )

"""Two ways over the epochs, the same numbers: a compiled program per epoch, or Keras's `fit`.

In: a compiled model and its arrays. Out: the metrics of one epoch after the other, until the
caller says stop.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.training.programs import EVALUATION_BATCH, Program

Array = npt.NDArray[Any]
OnEpoch = Callable[[int, dict[str, float]], bool]
"""Gets an epoch (from 1) and its metrics; says whether to go on."""


@dataclass(frozen=True)
class Arrays:
    """Features and labels of one part of the data, labels in the loss's form, and what each row
    weighs in the loss (None: the same)."""

    x: Array
    y: Array
    weights: Array | None = None

    @property
    def columns(self) -> tuple[Array, ...]:
        """What a training step takes."""
        return (self.x, self.y) if self.weights is None else (self.x, self.y, self.weights)

    @functools.cached_property
    def tensors(self) -> tuple[Any, ...]:
        """The columns as tensors, made once."""
        return tuple(map(tf.constant, self.columns))


def fits_in_memory(*parts: Arrays | None) -> bool:
    """Whether there is room for the parts as tensors beside the arrays, and as much again."""
    needed = sum(part.x.nbytes + part.y.nbytes for part in parts if part is not None)
    return 2 * needed < available_bytes()


def available_bytes() -> int:
    """The memory that processes can still have: what the system would give back from its file cache
    counts, where it says how much that is."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        found = re.search(r"^MemAvailable:\s*(\d+) kB", meminfo.read_text(), re.MULTILINE)
        if found is not None:
            return 1024 * int(found[1])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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
    program: Program,
    train: Arrays,
    validation: Arrays | None,
    rhythm: Rhythm,
    on_epoch: OnEpoch,
    done: int = 0,
) -> None:
    """Trains with the data held as tensors and one compiled program per epoch; `done` epochs are
    behind the program's model."""
    rows, held = train.tensors, None if validation is None else validation.tensors
    batch_size = tf.constant(rhythm.batch_size)
    for epoch in range(done + 1, rhythm.epochs + 1):
        order = tf.constant(rhythm.order(epoch, len(train.x)))
        if not on_epoch(epoch, program.train(rows, order, batch_size, held)):
            return


def run_fit(
    model: keras.Model,
    train: Arrays,
    validation: Arrays | None,
    rhythm: Rhythm,
    on_epoch: OnEpoch,
    done: int = 0,
    on_batch: Callable[[], None] = lambda: None,
) -> None:
    """Trains with Keras's own loop, over the same batches in the same order; the model's optimizer
    is built, and `done` epochs are behind the model. `on_batch` is called after every batch, also
    of validation."""

    def batches() -> Iterator[tuple[Array, ...]]:
        for epoch in range(done + 1, rhythm.epochs + 1):
            order = rhythm.order(epoch, len(train.x))
            for start in range(0, len(order), rhythm.batch_size):
                rows = order[start : start + rhythm.batch_size]
                yield tuple(column[rows] for column in train.columns)

    def report(epoch: int, logs: Mapping[str, float]) -> None:
        if not on_epoch(epoch + 1, {name: float(value) for name, value in logs.items()}):
            model.stop_training = True

    def still(*_: object, **__: object) -> None:
        on_batch()

    model.fit(
        batches(),
        epochs=rhythm.epochs,
        initial_epoch=done,
        steps_per_epoch=-(-len(train.x) // rhythm.batch_size),
        validation_data=None if validation is None else (validation.x, validation.y),
        validation_batch_size=EVALUATION_BATCH,
        shuffle=False,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_end=report, on_train_batch_end=still, on_test_batch_end=still
            )
        ],
    )


def evaluate_fit(model: keras.Model, arrays: Arrays) -> dict[str, float]:
    """The model's metrics on arrays by Keras's own loop."""
    metrics: Mapping[str, Any] = model.evaluate(
        arrays.x, arrays.y, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True
    )
    return {name: float(value) for name, value in metrics.items()}


def predict_fit(model: keras.Model, arrays: Arrays) -> npt.NDArray[np.float32]:
    """The model's outputs for the rows, by Keras's own loop."""
    outputs: npt.NDArray[np.float32] = model.predict(
        arrays.x, batch_size=EVALUATION_BATCH, verbose=0
    )
    return outputs

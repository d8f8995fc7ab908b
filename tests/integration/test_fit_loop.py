"""Keras's own loop over our batches, and what TensorFlow's graph rewriter is left out for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context

from fairsweep.tasks.layer import LastLayer
from fairsweep.training import loops
from fairsweep.training.execution import Way, is_light, way_of
from fairsweep.training.loops import Arrays, BatchOrder, Table, evaluate_fit, predict_fit, run_fit
from fairsweep.training.models.convolution import cnn
from fairsweep.training.models.dense import mlp
from fairsweep.training.trial import WorkerCache
from tests.integration.own_models import half_steps

ROWS, HELD, FEATURES, CLASSES = 60, 25, 5, 3
LAST = LastLayer(CLASSES, "softmax")
PLAN = BatchOrder(epochs=3, batch_size=16, shuffle=True, seed=7)
Numbers = dict[str, float]


class Watched(np.memmap):
    """A file that notes how many rows are read at once."""

    sizes: list[int]

    def __getitem__(self, index: Any) -> Any:
        Watched.sizes.append(len(index))
        return np.asarray(self)[index]


def table(folder: Path | None = None) -> Table:
    """Random rows, in memory or in a file of the folder."""
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS + HELD, FEATURES)).astype(np.float32)
    y = random.integers(0, CLASSES, len(x)).astype(np.int32)
    if folder is None:
        return Table(x, y)
    x.tofile(folder / "x")
    Watched.sizes = []
    return Table(Watched(folder / "x", np.float32, "r", shape=x.shape), y)


def parts(rows: Table, weighted: bool = False) -> tuple[Arrays, Arrays]:
    """Training and validation rows, which lie scattered in the table."""
    order = np.random.default_rng(1).permutation(ROWS + HELD)
    weights = np.linspace(0.5, 2, ROWS, dtype=np.float32) if weighted else None
    return Arrays(rows, order[:ROWS], weights), Arrays(rows, order[ROWS:])


def new_model() -> keras.Model:
    keras.utils.set_random_seed(3)
    model = mlp((FEATURES,), LAST, (8,), "relu", 0.2, False, 0.0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


def by_us(model: keras.Model, train: Arrays, held: Arrays, done: int = 0) -> list[Numbers]:
    epochs: list[Numbers] = []

    def on_epoch(epoch: int, values: Numbers) -> bool:
        assert epoch == done + len(epochs) + 1
        epochs.append(values)
        return True

    run_fit(model, train, held, PLAN, on_epoch, done)
    return epochs


def by_keras(model: keras.Model, train: Arrays, held: Arrays, done: int = 0) -> list[Numbers]:
    """The same batches, each made by Python."""
    own = [train.table.x[train.rows], train.table.y[train.rows]]
    if train.weights is not None:
        own.append(train.weights)

    def batches() -> Iterator[tuple[npt.NDArray[Any], ...]]:
        for epoch in range(done + 1, PLAN.epochs + 1):
            order = PLAN.order(epoch, ROWS)
            for start in range(0, ROWS, PLAN.batch_size):
                yield tuple(column[order[start : start + PLAN.batch_size]] for column in own)

    with way_of(model).taken():
        history = model.fit(
            batches(),
            epochs=PLAN.epochs,
            initial_epoch=done,
            steps_per_epoch=-(-ROWS // PLAN.batch_size),
            validation_data=(held.table.x[held.rows], held.table.y[held.rows]),
            shuffle=False,
            verbose=0,
        ).history
    return [
        dict(zip(history, values, strict=True)) for values in zip(*history.values(), strict=True)
    ]


@pytest.mark.parametrize(
    ("weighted", "done"), [(False, 0), (True, 0), (False, 2)], ids=["", "weights", "resumed"]
)
def test_it_is_keras_fit_over_our_batches(weighted: bool, done: int) -> None:
    """Bit for bit, the short last batch and the metrics of validation rows included."""
    train, held = parts(table(), weighted)
    assert ROWS % PLAN.batch_size > 0
    assert by_us(new_model(), train, held, done) == by_keras(new_model(), train, held, done)


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_in_their_file_are_read_a_batch_at_a_time(
    weighted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And give the numbers of rows in memory."""
    monkeypatch.setattr(loops, "EVALUATION_BATCH", 20)
    numbers: list[Any] = []
    for folder in (None, tmp_path):
        (train, held), model = parts(table(folder), weighted), new_model()
        epochs = by_us(model, train, held)
        measured = evaluate_fit(model, held, lambda: None)
        numbers.append((epochs, measured, predict_fit(model, held, lambda: None).tolist()))
    assert numbers[0] == numbers[1]
    assert set(Watched.sizes) == {16, ROWS % 16, 20, HELD % 20}


def recurrent() -> keras.Model:
    return keras.Sequential([keras.Input((4, 2)), layers.LSTM(3), layers.Dense(2)])


def within(body: keras.Model) -> keras.Model:
    inputs = keras.Input(body.input_shape[1:])
    return keras.Model(inputs, body(inputs))


class TestRewriter:
    @pytest.mark.parametrize("normalized", [False, True])
    def test_dense_layers_go_without_it(self, normalized: bool) -> None:
        model = mlp((4, 4), LAST, (8,), "relu", 0.2, normalized, 0.0)
        assert is_light(model)
        assert is_light(within(model))

    def test_others_get_it(self) -> None:
        assert not is_light(cnn((8, 8, 1), LAST, (4,), (8,), "relu", 0.0))
        assert not is_light(recurrent())
        assert not is_light(within(recurrent()))

    def test_a_model_with_a_class_of_its_own_gets_it(self) -> None:
        assert not is_light(half_steps((4,), 2))

    @pytest.mark.parametrize("dense", [False, True])
    @pytest.mark.parametrize("rewritten", [False, True])
    def test_a_setting_of_the_call_alone(self, dense: bool, rewritten: bool) -> None:
        before = context.context().function_call_options.as_attrs()
        with Way(dense, rewritten).taken():
            options = context.context().function_call_options
            settings = config_pb2.ConfigProto.FromString(options.config_proto_serialized)
            assert settings.graph_options.rewrite_options.disable_meta_optimizer != rewritten
            assert (options.executor_type == "SINGLE_THREADED_EXECUTOR") == dense
        assert context.context().function_call_options.as_attrs() == before

    def test_a_worker_changes_no_setting_of_tensorflow(self) -> None:
        WorkerCache()
        assert not tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]

"""Compiled epochs, which trials of the same kind share.

Tracing and compiling an epoch costs more than training a small model for twenty. A program depends
on the kinds of its layers, optimizer class and loss; not on weights, batch size, seed, or the
numbers of an optimizer, and for dense layers not on their widths. The next trial of the same kind
gets it back with its own weights and optimizer state put in, and the same numbers as from a new
one.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from fairsweep.training.constants import Constants, Formula
from fairsweep.training.execution import Way, way_of
from fairsweep.training.graph_files import GraphFiles, Made, Traced
from fairsweep.training.optimizer import reads_once
from fairsweep.training.preprocessing import take_over
from fairsweep.training.values import take_over as take_over_scale
from fairsweep.work import Compiled

EVALUATION_BATCH = 1024
MOST_PROGRAMS = 64
MOST_BYTES = 256 * 2**20

Held = tuple[Sequence[Any], Any]
"""The columns of all rows as tensors, and the numbers of those on which a model is measured."""


class Program:
    """A compiled model, and its epochs as one graph each.

    Args:
        model: compiled; it belongs to the program from here on.
        columns: of the data as tensors, for their shapes: features, labels in the loss's form, and
            weights of rows if there are any.
        any_shape: whether models with other widths will be taken over: they are dense layers.
        kind: what it depends on; with one, models with other constants will be taken over.
        making: times what is made.
        weighed: whether rows on which it is measured have weights in the loss, too.
        folder: where other workers find graphs of its kind, and it theirs; None for none.
    """

    def __init__(
        self,
        model: keras.Model,
        columns: Sequence[Any],
        any_shape: bool,
        kind: str | None,
        making: Making,
        weighed: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.model = model
        self._making, self._counted = making, False
        self._constants = Constants(None if kind is None else model)
        _create_variables(model, columns[0], columns[1], any_shape, self._constants)
        self.bytes = _bytes(model)
        given = tf.nest.map_structure(
            lambda own: tf.TensorSpec([None, *own.shape[1:]], own.dtype), tuple(columns)
        )
        rows, size = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)

        way = way_of(model, dense=any_shape)
        plain = not any(isinstance(own, Mapping) for own in given)
        files = (
            GraphFiles(folder, kind, self._constants, model) if folder and kind and plain else None
        )

        def compiled(graph: Callable[..., Any], *signature: Any) -> Graph:
            return Graph(graph, signature, self._constants, way, self._timed, files)

        self._train = compiled(self._train_graph, given, rows, size)
        self._measured = len(given) if weighed else 2
        held = given[: self._measured]
        self._train_and_check = compiled(self._train_and_check_graph, given, rows, size, held, rows)
        self._check = compiled(self._check_graph, held, rows)
        self._predict = compiled(self._predict_graph, given[0], rows)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """Of the metrics of an epoch, in order."""
        return tuple(self.model.get_metrics_result())

    @contextmanager
    def _timed(self, traced: bool) -> Iterator[None]:
        """Times what is made of it; what traces a graph first has made a program."""
        with self._making.timed(programs=int(traced and not self._counted)):
            yield
        self._counted = self._counted or traced

    def holds_for(self, model: keras.Model) -> bool:
        """Whether it is the program of a compiled model of the same kind, too: what its graphs have
        decided by a constant, such as that weights decay, would be decided alike."""
        return self._constants.hold_for(Constants(model))

    def restart(self, model: keras.Model) -> None:
        """Takes over weights, dropout seeds, optimizer state, learning rate and constants of a
        compiled model of the same kind that hasn't been trained, and what was measured for its
        preprocessing."""
        constants = Constants(model)
        with constants.building():
            model.optimizer.build(model.trainable_variables)
        ours = [*self.model.variables, *self.model.optimizer.variables]
        theirs = [*model.variables, *model.optimizer.variables]
        for own, other in zip(ours, theirs, strict=True):
            own.value.assign(other.value)
        self._constants.take_over(constants)
        take_over(self.model, model)
        take_over_scale(self.model, model)
        self.bytes = _bytes(model)

    def train(
        self, columns: Sequence[Any], order: Any, batch_size: Any, validation: Held | None
    ) -> dict[str, float]:
        """One epoch, and its metrics; with those on validation rows as `val_…`.

        Args:
            columns: of all rows: features, labels, weights if any.
            order: the numbers of the training rows, as they come.
            batch_size: a scalar.
            validation: the columns again, with the weights of validation rows if any, and the
                numbers of these rows; None for none.
        """
        if validation is None:
            return self._read(self._train(tuple(columns), order, batch_size), ("",))
        own, rows = validation
        held = tuple(own[: self._measured])
        values = self._train_and_check(tuple(columns), order, batch_size, held, rows)
        return self._read(values, ("", "val_"))

    def evaluate(self, columns: Sequence[Any], rows: Any) -> dict[str, float]:
        """The metrics on some rows, by their numbers."""
        return self._read(self._check(tuple(columns[: self._measured]), rows), ("",))

    def predict(self, x: Any, rows: Any) -> Any:
        """The model's outputs for some rows of `x`, by their numbers."""
        batches = [
            self._predict(x, rows[start : start + EVALUATION_BATCH])
            for start in range(0, len(rows), EVALUATION_BATCH)
        ]
        return together(batches)

    def _predict_graph(self, x: Any, rows: Any) -> Any:
        return self.model(looked_up(x, rows), training=False)

    def _read(self, values: Any, prefixes: Sequence[str]) -> dict[str, float]:
        names = [f"{prefix}{name}" for prefix in prefixes for name in self.names]
        return dict(zip(names, values.numpy().tolist(), strict=True))

    def _train_graph(self, columns: Any, order: Any, batch_size: Any) -> Any:
        with reads_once(self.model.optimizer):
            return self._one_pass(self.model.train_step, columns, order, batch_size)

    def _check_graph(self, columns: Any, rows: Any) -> Any:
        return self._one_pass(self.model.test_step, columns, rows, EVALUATION_BATCH)

    def _train_and_check_graph(
        self, columns: Any, order: Any, batch_size: Any, held: Any, validation: Any
    ) -> Any:
        trained = self._train_graph(columns, order, batch_size)
        return tf.concat([trained, self._check_graph(held, validation)], 0)

    def _one_pass(
        self, step: Callable[[Any], Any], columns: Sequence[Any], order: Any, batch_size: Any
    ) -> Any:
        """Every batch in order; a short last one goes through the same slice as the others, so
        `step` is traced once."""
        total = tf.shape(order)[0]

        def batch(start: Any) -> tuple[Any]:
            rows = order[start : start + batch_size]
            step(looked_up(tuple(columns), rows))
            return (start + batch_size,)

        self.model.reset_metrics()
        tf.while_loop(lambda start: start < total, batch, (tf.constant(0),))
        return self._results()

    def _results(self) -> Any:
        results = self.model.get_metrics_result().values()
        return tf.stack([tf.cast(value, tf.float32) for value in results])


def together(batches: Sequence[Any]) -> Any:
    """The rows of all batches: an array, or a structure of them, as the outputs of a model are."""
    return tf.nest.map_structure(lambda *own: np.concatenate([*map(np.asarray, own)]), *batches)


def looked_up(columns: Any, rows: Any) -> Any:
    """Some rows of a tensor, or of each in a structure of tensors, by their numbers."""
    return tf.nest.map_structure(lambda column: tf.gather(column, rows), columns)


class Graph:
    """A function of a program as one graph, made when it is first called.

    Args:
        function: makes the graph from tensors.
        signature: what it takes, beside the constants.
        constants: of its program.
        way: how TensorFlow runs it.
        timed: times what is made, told whether it is traced.
        files: where other workers have such graphs; None for none.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Sequence[Any],
        constants: Constants,
        way: Way,
        timed: Callable[[bool], AbstractContextManager[None]],
        files: GraphFiles | None,
    ) -> None:
        self._formulas: Iterable[Formula] = ()

        def given(inputs: Any, *tensors: Any) -> Any:
            with constants.given(inputs) as self._formulas:
                return function(*tensors)

        whole = (tf.TensorSpec([None], tf.float64), *signature)
        self._function = tf.function(given, input_signature=whole, autograph=False)
        self._name = function.__name__
        self._constants, self._timed, self._files, self.way = constants, timed, files, way

    @functools.cached_property
    def made(self) -> Made:
        """The graph. It is made before it is called, so that its constants are known."""
        if self._files is not None:
            with self._timed(False):
                found = self._files.find(self._name)
            if found is not None:
                return found
        with self._timed(True):
            traced = Traced(self._function.get_concrete_function(), self._formulas)
            if self._files is not None:
                self._files.keep(self._name, traced)
        return traced

    def __call__(self, *tensors: Any) -> Any:
        with self.way.taken():
            made = self.made
            return made(tf.constant(self._constants.inputs(made.formulas)), *tensors)


class Making:
    """Counts the programs that a worker traces, and the seconds in which it makes programs."""

    def __init__(self) -> None:
        self.compiled = Compiled()

    @contextmanager
    def timed(self, programs: int = 0) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.compiled += Compiled(programs, time.perf_counter() - started)


class Programs:
    """The programs of a worker; the least recently used are dropped first.

    Args:
        folder: where the workers of a command find each other's graphs; None for none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._programs: list[tuple[str | None, Program]] = []
        self._making = Making()
        self._folder = folder

    def new(self) -> Compiled:
        """What was compiled since this was asked before."""
        new, self._making.compiled = self._making.compiled, Compiled()
        return new

    def __len__(self) -> int:
        return len(self._programs)

    def get(
        self,
        key: str | None,
        model: keras.Model,
        columns: Sequence[Any],
        any_shape: bool,
        weighed: bool,
    ) -> Program:
        """The program of this kind, started anew with the weights of `model`, or else `model`'s; a
        model of no kind (None) has one for itself."""

        def made() -> Program:
            with self._making.timed():
                return Program(
                    *(model, columns, any_shape, key, self._making, weighed), folder=self._folder
                )

        if key is None:
            return made()
        for number, (kind, program) in enumerate(self._programs):
            if kind == key and program.holds_for(model):
                del self._programs[number]
                program.restart(model)
                break
        else:
            program = made()
        self._programs.append((key, program))
        self._make_room()
        return program

    def forget(self, key: str) -> None:
        """Drops the programs of a kind, of which one has failed."""
        self._programs = [(kind, program) for kind, program in self._programs if kind != key]

    def _make_room(self) -> None:
        sizes = [program.bytes for _, program in self._programs]
        while len(sizes) > 1 and (len(sizes) > MOST_PROGRAMS or sum(sizes) > MOST_BYTES):
            del self._programs[0], sizes[0]


def forget_kernels() -> None:
    """Empties TensorFlow's cache of kernels, in which every variable ever made leaves one of its
    own, half a megabyte a trial; those that are needed again take 0.1 s."""
    context.context().clear_kernel_cache()


def _bytes(model: keras.Model) -> int:
    """What its weights and optimizer state take."""
    variables = [*model.variables, *model.optimizer.variables]
    return sum(v.value.dtype.size * math.prod(v.shape) for v in variables)


def _of_any_shape(variables: Sequence[keras.Variable]) -> None:
    """Lets each variable take values of other shapes later, with as many dimensions."""
    for variable in variables:
        shape = tf.TensorShape([None] * len(variable.shape))
        variable._value = tf.Variable(variable.value, shape=shape)


def _create_variables(
    model: keras.Model, x: Any, y: Any, any_shape: bool, constants: Constants
) -> None:
    """Metric counters and optimizer slots, which a loop in a graph can't create."""
    single = len(getattr(model, "outputs", ()) or ()) == 1
    measures = model._compile_metrics is not None and model._compile_loss is not None
    if single and measures and tf.is_tensor(y):
        labels = keras.KerasTensor((1, *y.shape[1:]), keras.backend.standardize_dtype(y.dtype))
        output = keras.KerasTensor((1, *model.outputs[0].shape[1:]), model.outputs[0].dtype)
        model._compile_metrics.build(labels, output)
        model._compile_loss.build(labels, output)
    else:
        model._symbolic_build(data_batch=tf.nest.map_structure(lambda own: own[:1], (x, y)))
    if any_shape:
        _of_any_shape(model.trainable_variables)
    with constants.building():
        model.optimizer.build(model.trainable_variables)
    if any_shape:
        _of_any_shape(model.optimizer.variables)

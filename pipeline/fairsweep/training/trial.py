"""Trains one `TrialSpec`: a trial of the search, a confirmation, or `fairsweep train`."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras

from fairsweep import judged
from fairsweep.config.schema import Data
from fairsweep.config.space import loss_params
from fairsweep.config.trust import has_parts, own_parts
from fairsweep.data.dataset import Rows
from fairsweep.data.memory.view import rows_of
from fairsweep.data.scaling import Scaling, measure
from fairsweep.data.split import SplitData
from fairsweep.errors import BadInput, is_full, unwritable
from fairsweep.files import TrialFolders
from fairsweep.metrics import VALIDATION, Metric, asked
from fairsweep.records import DISK_FULL, TrialResult, TrialSpec, derive_seed
from fairsweep.tasks import Output
from fairsweep.tasks.layer import ClassWeights, Form
from fairsweep.training.asked_data import as_file, asks_for_data, data_for
from fairsweep.training.best_epoch import Best, ByFit, Resident, Trained, best_epoch
from fairsweep.training.callbacks import callbacks_for, needs_fit
from fairsweep.training.checkpoint import CheckpointLost, Checkpoints
from fairsweep.training.failure import failure
from fairsweep.training.globals import Globals
from fairsweep.training.history import Emit, History, Keep
from fairsweep.training.judging import Judge
from fairsweep.training.kinds import Kind, kind_of
from fairsweep.training.layer_rates import optimizer_by_layer
from fairsweep.training.loops import Arrays, BatchOrder, OnEpoch, Table, run_fit, run_resident
from fairsweep.training.loss import build_loss
from fairsweep.training.metrics import (
    EVERY_EPOCH,
    build_metrics,
    compiled_metrics,
    is_compiled_by_user,
    not_a_number,
)
from fairsweep.training.model import build_model, is_of_keras
from fairsweep.training.optimizer import build_optimizer
from fairsweep.training.own import find_own
from fairsweep.training.programs import Program, Programs
from fairsweep.training.second import second_value
from fairsweep.training.seeds import seed_parts
from fairsweep.training.user_model import output_units
from fairsweep.training.weights import row_weights


class WorkerCache:
    """What a worker keeps from one trial to the next: compiled programs, the data in the forms that
    losses want, the parts of the last split of it, its scaling, and what Keras and TensorFlow were
    set to before the first.

    Args:
        graphs: the folder where the workers of a command find each other's graphs; None for none.
    """

    def __init__(self, graphs: Path | None = None) -> None:
        self.programs = Programs(graphs)
        self.globals = Globals()
        self._tables: dict[Form, Table] = {}
        self._parts: dict[tuple[str, ...], Arrays] = {}
        self._scaling: Scaling | None = None
        self._data: SplitData | None = None

    def scaling(self, data: SplitData, settings: Data) -> Scaling:
        """The scaling of features that the settings ask for, measured on training rows."""
        self._have(data)
        if self._scaling is None:
            self._scaling = measure(
                settings, rows_of(data.dataset.x, data.train), data.dataset.columns
            )
        return self._scaling

    def _have(self, data: SplitData) -> None:
        if self._data is not data:
            if self._data is None or self._data.dataset is not data.dataset:
                self._tables.clear()
            self._parts.clear()
            self._scaling, self._data = None, data

    def _table(self, data: SplitData, form: Form) -> Table:
        """All rows, with labels in a form."""
        if form not in self._tables:
            dataset = data.dataset
            targets = dataset.task.targets(dataset.y, form, len(dataset.class_names))
            self._tables[form] = Table(dataset.x, targets)
        return self._tables[form]

    def part(
        self, data: SplitData, name: str, form: Form, class_weight: ClassWeights = None
    ) -> Arrays:
        """The train, validation or test rows with labels in a form, and their weights."""
        self._have(data)
        key = (name, form, repr(class_weight))
        if key not in self._parts:
            rows: Rows = getattr(data, name)
            weights = row_weights(data.dataset, rows, class_weight)
            self._parts[key] = Arrays(self._table(data, form), rows, weights)
        return self._parts[key]

    def program(
        self, spec: TrialSpec, data: SplitData, model: keras.Model, train: Arrays
    ) -> Program:
        """The compiled program of a trial: that of an earlier trial of its kind, or a new one."""
        kind = self._kind(spec, data, train)
        floats = {variable.dtype for variable in model.trainable_variables} == {"float32"}
        own = has_parts(spec) or any(map(is_compiled_by_user, _metrics(spec)))
        own = own or output_of(spec, data).compiled or asks_for_data(spec.model)
        key = kind.key if is_of_keras(model) and floats and not own else None
        weighed = data.dataset.weights is not None
        return self.programs.get(key, model, train.tensors, kind.any_shape, weighed)

    def forget_program(self, spec: TrialSpec, data: SplitData, train: Arrays) -> None:
        """Drops the compiled program of a trial, which has failed."""
        self.programs.forget(self._kind(spec, data, train).key)

    def _kind(self, spec: TrialSpec, data: SplitData, train: Arrays) -> Kind:
        return kind_of(spec, self.scaling(data, spec.data), train, data.dataset)


def train_trial(
    spec: TrialSpec,
    data: SplitData,
    emit: Emit,
    keep: Keep,
    cache: WorkerCache | None = None,
    on_batch: Callable[[], None] = lambda: None,
    has_to_stop: Callable[[], bool] = lambda: False,
    folders: TrialFolders | None = None,
) -> TrialResult:
    """Trains a trial to its end, whatever that is; from its last checkpoint, if there is one.

    An exception of the model's, the optimizer's or the user's own code ends this trial as
    `failed`, with its traceback in the result; it isn't raised. If it means that the disk is full,
    the trial ends as `interrupted`.

    Args:
        spec: what to train.
        data: the rows, split as the spec's data settings say.
        emit: gets every finished epoch at once.
        keep: is asked one epoch after an epoch that the spec's schedule judges.
        cache: of the worker's earlier trials; results don't depend on it.
        on_batch: is called after every batch, in the loop that can do so.
        has_to_stop: is asked after every epoch whether to end now, as `interrupted`.
        folders: for the checkpoints and weights that the spec asks for; None keeps none.
    """
    history = History(spec, emit, keep)
    best, cache = Best(), cache or WorkerCache()
    error = cause = trace = ""
    second: float | None = None
    try:
        best = _train(data, history, cache, folders, on_batch, has_to_stop)
        if history.unmeasured:
            raise BadInput(not_a_number(spec, spec.objective.metric, EVERY_EPOCH))
        second = second_value(history, data)
    except CheckpointLost as lost:
        history.outcome, error = "interrupted", str(lost)
    except (Exception, SystemExit) as exception:  # in the user's code, too
        if is_full(exception):
            file = folders.weights_of(spec.weights) if folders and spec.weights else "."
            path = getattr(exception, "filename", None) or file
            history.outcome, error = "interrupted", str(unwritable(Path(path), exception))
            cause = DISK_FULL
        else:
            history.outcome, trace = "failed", traceback.format_exc()
            described = failure(exception)
            error, cause = described.line, described.cause
    return TrialResult(
        key=spec.key,
        outcome=history.outcome,
        epochs=history.epochs,
        seconds=history.seconds,
        best_epoch=None if spec.last_epoch else history.best_epoch,
        best_value=None if spec.last_epoch else history.best_value,
        test=best.test,
        tested=best.tested,
        second=second,
        weights=spec.weights if best.weights else "",
        judged=spec.judged if best.judged else "",
        earlier=history.earlier,
        loop=history.loop,
        loop_reason=history.loop_reason,
        error=error,
        cause=cause,
        traceback=trace,
        compiled=cache.programs.new(),
    )


def _train(
    data: SplitData,
    history: History,
    cache: WorkerCache,
    folders: TrialFolders | None,
    on_batch: Callable[[], None],
    has_to_stop: Callable[[], bool],
) -> Best:
    """Trains, then tests and stores the best epoch as the spec asks."""
    spec, training = history.spec, history.spec.training
    checkpoints = Checkpoints(spec, folders)
    model, form = compiled(spec, data, cache)
    train = cache.part(data, "train", form, training.class_weights)
    validation = cache.part(data, "validation", form) if len(data.validation) else None
    shuffle = derive_seed(spec.seed, "shuffle")
    batches = BatchOrder(training.epochs, training.batch_size, training.shuffle, shuffle)

    def on_epoch(epoch: int, values: dict[str, float]) -> bool:
        goes_on = history.on_epoch(epoch, values)
        if goes_on and has_to_stop():
            history.outcome = "interrupted"
            checkpoints.leave(history)
            return False
        if goes_on:
            checkpoints.offer(history)
        return goes_on

    judge = judge_of(spec, data)

    def scored(trained: Trained) -> OnEpoch:
        """What gets the epochs of a model and adds the scores, for which it is asked once more."""
        parts = {"": train} if validation is None else {"": train, VALIDATION: validation}

        def with_scores(epoch: int, values: dict[str, float]) -> bool:
            for prefix, part in parts.items():
                for name, value in judge.score(part, trained.predict(part)).items():
                    values[f"{prefix}{name}"] = value
            return on_epoch(epoch, values)

        return with_scores if judge.names else on_epoch

    def begin(model: keras.Model) -> None:
        """Begins to train a model, or goes on from where it was stopped."""
        history.model, history.callbacks = model, callbacks_for(spec)
        history.callbacks.begin(model, training.epochs, batches.steps(len(train)))
        checkpoints.resume(history)

    checkpoints.prefer(history)
    if training.loop == "auto" and (reason := needs_fit(spec, train)):
        history.use_fit(reason)
    if history.loop == "resident":
        try:
            program = cache.program(spec, data, model, train)
            begin(program.model)
            trained: Trained = Resident(program)
            run_resident(
                program,
                train,
                validation,
                batches,
                scored(trained),
                history.epochs,
                history.callbacks.epoch_begin,
            )
            return _best(spec, data, history, cache, form, folders, trained)
        except CheckpointLost:
            raise
        except Exception as error:
            cache.forget_program(spec, data, train)
            if training.loop != "auto" or history.epochs:
                raise
            history.use_fit(f"the model can't be compiled: {type(error).__name__}: {error}")
            model, _ = compiled(spec, data, cache)
    # `fit` would do so inside its graph, where ScheduleFreeAdamW's copy of the initial weights
    # comes out as zeros.
    model.optimizer.build(model.trainable_variables)
    begin(model)
    trained = ByFit(model, on_batch)
    on_end, called = scored(trained), history.callbacks.in_fit()
    run_fit(model, train, validation, batches, on_end, history.epochs, on_batch, called)
    return _best(spec, data, history, cache, form, folders, trained)


def _best(
    spec: TrialSpec,
    data: SplitData,
    history: History,
    cache: WorkerCache,
    form: Form,
    folders: TrialFolders | None,
    trained: Trained,
) -> Best:
    """Tests and stores the best epoch of a training that has ended, if the spec asks for it."""
    history.callbacks.end()
    if not history.best_weights or history.model is None or history.outcome == "interrupted":
        return Best()
    for weight, best in zip(history.model.weights, history.best_weights, strict=True):
        weight.value.assign(best)
    test = cache.part(data, "test", form) if len(data.test) else None
    file = str(folders.weights_of(spec.weights)) if folders and spec.weights else ""
    whole = as_file(history.model) if file and asks_for_data(spec.model) else b""
    own = best_epoch(trained, history.best_weights, test, file, whole)
    dataset, output, judge = data.dataset, output_of(spec, data), judge_of(spec, data)
    if folders and spec.judged and len(data.validation):
        part = cache.part(data, "validation", form)
        if output.compiled:
            said = judge.unknown(part)
        else:
            values = history.metrics[(history.best_epoch or 1) - 1].values
            penalty = sum(map(float, history.model.losses))
            said = judge.rows(part, trained.predict(part), penalty, values)
        judged.write(folders.judged_of(spec.judged), said)
        own = replace(own, judged=spec.judged)
    if test is None or not (dataset.task.tested or judge.names):
        return own
    outputs = trained.predict(test)
    scores = {f"test_{name}": value for name, value in judge.score(test, outputs).items()}
    own = replace(own, test={**own.test, **scores})
    if not dataset.task.tested:
        return own
    tested = output.test_artifact(outputs, dataset.y[data.test], dataset.class_names)
    return replace(own, tested=tested)


def output_of(spec: TrialSpec, data: SplitData) -> Output:
    """What a trial's model ends in."""
    return data.output(spec.training)


def judge_of(spec: TrialSpec, data: SplitData) -> Judge:
    """What judges a trial's model."""
    output = output_of(spec, data)
    wanted = () if output.compiled else _metrics(spec)
    return Judge(data.dataset, output, wanted, loss_params(spec.training))


def _metrics(spec: TrialSpec) -> tuple[Metric, ...]:
    return asked(spec.training.metrics, spec.objective.metric)


def compiled(spec: TrialSpec, data: SplitData, cache: WorkerCache) -> tuple[keras.Model, Form]:
    """A trial's compiled model before training, and the form of labels that its loss wants.

    Raises:
        BadInput: the model, the loss and the data don't fit.
    """
    training, output = spec.training, output_of(spec, data)
    seed = derive_seed(spec.seed, "model")
    scaling, rows = cache.scaling(data, spec.data), data.dataset.x[data.train[:8]]
    for part in own_parts(spec):
        find_own(*part)  # importing it may change globals, in its first trial only
    cache.globals.restore()
    if training.precision is not None:
        keras.config.set_dtype_policy(training.precision)
    own = data_for(spec.model, data.dataset, data.train, scaling)
    model = build_model(spec.model, scaling, rows, output, seed, own)
    if has_parts(spec):
        seed_parts(seed)
    steps = -(-len(data.train) // training.batch_size)
    factors = spec.model.layer_learning_rates or {}
    optimizer = optimizer_by_layer(
        model, factors, lambda factor: build_optimizer(spec.optimizer, training, steps, factor)
    )
    if output.compiled:
        scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        model.optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if scales else optimizer
        return model, output.form(0)
    units = output_units(model, rows)
    wanted, loss = _metrics(spec), build_loss(output, loss_params(training))
    metrics = [*build_metrics(output, units, wanted), *compiled_metrics(model, wanted)]
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics)
    return model, output.form(units)

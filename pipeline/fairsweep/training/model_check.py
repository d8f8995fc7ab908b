"""Checks that an arm can be trained: builds and compiles its model, and takes one step.

In: a `TrialSpec` of the arm's defaults, and the data. Out: a `TrialResult` without epochs, whose
`error` has one problem per line. The compiled program is kept for the arm's trials.
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec

import keras
import numpy as np
import tensorflow as tf

from fairsweep.config.guess import nearest
from fairsweep.config.trust import own_parts
from fairsweep.costs import COSTS
from fairsweep.data.several import Several, plain, row_shape
from fairsweep.data.split import SplitData
from fairsweep.errors import BadInput
from fairsweep.machine import available_bytes
from fairsweep.metrics import VALIDATION, asked, base_name, known_metric
from fairsweep.own import is_own
from fairsweep.records import TrialResult, TrialSpec, derive_seed
from fairsweep.tasks.layer import Form
from fairsweep.training.asked_data import data_for
from fairsweep.training.callbacks import Callbacks, callbacks_for, needs_fit
from fairsweep.training.failure import failure
from fairsweep.training.ids import extreme_rows, id_problems, looks_up, lookups_of
from fairsweep.training.large_values import beyond_floats, senseless_loss, unscaled
from fairsweep.training.layer_rates import unmatched_patterns
from fairsweep.training.loops import Arrays, BatchOrder, run_fit
from fairsweep.training.metrics import FIRST_ROWS, compiled_metrics, not_a_number
from fairsweep.training.model import parameter_count
from fairsweep.training.models.transfer import read_base, transfer_notes
from fairsweep.training.own import find_own, own_problem
from fairsweep.training.own_metrics import metric_problems
from fairsweep.training.part_check import (
    has_to_step,
    loss_problems,
    loss_warnings,
    optimizer_problems,
)
from fairsweep.training.seeds import fixed_seeds
from fairsweep.training.trial import WorkerCache, compiled, judge_of, output_of
from fairsweep.training.user_model import (
    build_own,
    builder_problem,
    file_problems,
    shares_weights,
)

FEW_ROWS = 8
SOME_ROWS = 1024
TRIED_EPOCHS = 2  # in the second one callbacks that wait for something compare
# A parameter, its gradient, and two values of an optimizer's state, 4 bytes each.
BYTES_A_PARAMETER = 16
NOTHING_TO_TRAIN = (
    "model: it has no weights to train; add a layer such as Dense, or raise a layer's factor in "
    "model.layer_learning_rates above 0"
)
UPDATING = (
    "don't override its metrics property, and update every metric in its steps: for m in "
    'self.metrics: m.update_state(loss) if m.name == "loss" else m.update_state(y, y_pred)'
)
LOGGING = "compile it with that metric, or set objective.metric to one that it reports"
KEEPING = (
    "have the model keep a keras.metrics.Mean of that name and update it in train_step and "
    "test_step, or use training.loop=fit, which takes what these return for the last batch"
)
KEPT = (
    "must build a new model on every call, but returns one that shares weights with an earlier "
    "one; create all layers inside the function"
)
COMPILED = (
    "compiles its model, which has no effect: optimizer and training.loss are used instead; "
    "remove the compile call, or name its metrics in training.metrics to have them measured"
)
ON_IMPORT = (
    "is in a module that changes settings of Keras or TensorFlow when it is imported, which would "
    "change other models too; inside the function, call"
)
LOGITS_TWICE = (
    "has a loss of its own with from_logits=True, but its last activation gives probabilities, "
    "not logits; remove one of the two"
)


def check(spec: TrialSpec, data: SplitData, cache: WorkerCache) -> TrialResult:
    """Checks an arm. An exception in its model's code is a problem in the result."""
    started, trace = time.monotonic(), ""
    notes: list[str] = []
    try:
        problems = _problems(spec, data, cache, notes)
    except BadInput as error:
        problems = error.problems
    except (Exception, SystemExit) as error:  # in the user's code
        problems, trace = [_failed(spec, error)], traceback.format_exc()
    return TrialResult(
        key=spec.key,
        outcome="failed" if problems else "complete",
        epochs=0,
        seconds=time.monotonic() - started,
        error="\n".join(problems),
        traceback=trace,
        notes=notes,
    )


def _failed(spec: TrialSpec, error: BaseException) -> str:
    own = failure(error)
    place = "model: the first training step fails"
    if own.file:
        parts = [(key, find_spec(name.partition(":")[0])) for key, name in own_parts(spec)]
        keys = [key for key, module in parts if module and module.origin == own.file]
        place = [*keys, *(key for key, _ in parts), place][0]
    return f"{place}: {own.line}; HYDRA_FULL_ERROR=1 shows the traceback"


def _problems(
    spec: TrialSpec, data: SplitData, cache: WorkerCache, notes: list[str]
) -> Sequence[str]:
    scaling = cache.scaling(data, spec.data)
    row, names = row_shape(data.dataset.x), data.dataset.class_names
    ours = parameter_count(spec.model, scaling, row, len(names))
    if problem := beyond_floats(data.dataset, scaling) or _too_large(ours or 0):
        return [problem]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        if problem := _changed_on_import(spec, cache):
            return [problem]
        model, form = compiled(spec, data, cache)
        if problem := _too_large(model.count_params()):
            return [problem]
        if problems := list(unmatched_patterns(model, spec.model.layer_learning_rates or {})):
            return problems
        if not model.trainable_variables:
            return [NOTHING_TO_TRAIN]
        if ours is None and (problems := list(_own(spec, data, cache, model, notes))):
            return problems
        if problems := list(_own_parts(spec, data, cache, model, form, notes)):
            return problems
        before = [weight.numpy() for weight in model.trainable_weights]
        callbacks = callbacks_for(spec)
        values, model = _step(spec, data, cache, model, form, callbacks)
        after = [weight.numpy() for weight in model.trainable_weights]

        def has_to() -> bool:
            first = cache.part(data, "train", form).first(spec.training.batch_size)
            table = first.table
            return has_to_step(model, plain(table.x[first.rows]), table.y[first.rows])

        if problems := list(optimizer_problems(spec, before, after, has_to)):
            return problems
    if any("from_logits" in str(warning.message) for warning in warned):
        return [f"model.builder: {spec.model.builder} {LOGITS_TWICE}"]
    measured = _measured(spec, data, cache, model, form)
    if missing := list(_missing(spec, measured, values)):
        reported = f"reports {', '.join(values) or 'nothing'} after an epoch"
        known = any(map(known_metric, map(base_name, missing)))
        remedy = UPDATING if known else KEEPING
        remedy = LOGGING if output_of(spec, data).compiled else remedy
        lacking = f"{reported}, but not {', '.join(missing)}; {remedy}"
        return [builder_problem(spec.model.builder, lacking)]
    if problems := list(_tried(spec, callbacks, model, {**values, **measured})):
        return problems
    notes.extend(_not_numbers(spec, {**values, **measured}))
    notes.extend(callbacks.warnings())
    notes.extend(_of_base(spec))
    if note := senseless_loss(values["loss"], data.dataset, scaling) or unscaled(
        data.dataset, scaling
    ):
        notes.append(note)
    return []


def _measured(
    spec: TrialSpec, data: SplitData, cache: WorkerCache, model: keras.Model, form: Form
) -> Mapping[str, float]:
    """What isn't measured by Keras, on some rows that are spread over the data."""
    judge, found = judge_of(spec, data), dict[str, float]()
    for prefix, name in {"": "train", VALIDATION: "validation"}.items() if judge.names else ():
        part = cache.part(data, name, form)
        if len(part):
            places = np.linspace(0, len(part) - 1, min(len(part), SOME_ROWS)).astype(np.int64)
            some = Arrays(part.table, part.rows[places])
            outputs = np.asarray(model(plain(some.table.x[some.rows]), training=False))
            found |= {f"{prefix}{own}": value for own, value in judge.score(some, outputs).items()}
    return found


def _missing(
    spec: TrialSpec, measured: Mapping[str, float], values: Mapping[str, float]
) -> Iterator[str]:
    """What a model should report after an epoch, and doesn't: the loss, the objective, and what
    `training.metrics` has that only the model itself can measure."""
    wanted = asked(spec.training.metrics, spec.objective.metric)
    logged = (metric.name for metric in wanted if metric.is_users)
    second = spec.objective.second
    measured_second = () if second is None or second.metric in COSTS else (second.metric,)
    for name in dict.fromkeys(("loss", spec.objective.metric, *measured_second, *logged)):
        if name not in measured and name not in values:
            meant = nearest(name, values)
            yield f"{name} (did you mean {meant}?)" if meant else name


def _not_numbers(spec: TrialSpec, values: Mapping[str, float]) -> Iterator[str]:
    """The metrics that are NaN on every part, though the loss is a number."""
    if not np.isfinite(values["loss"]):
        return
    for metric in asked(spec.training.metrics, spec.objective.metric):
        names = [name for name in values if base_name(name) == metric.name]
        if names and all(np.isnan(values[name]) for name in names):
            objective = spec.objective.metric
            name = objective if objective in names else names[0]
            yield not_a_number(spec, name, FIRST_ROWS)


def _of_base(spec: TrialSpec) -> Iterator[str]:
    """What is good to know of the trained model that a model begins with."""
    if spec.model.builder == "transfer":
        params = spec.model.params
        yield from transfer_notes(read_base(params["path"], params["sha256"]), params["freeze"])


def _own(
    spec: TrialSpec, data: SplitData, cache: WorkerCache, model: keras.Model, notes: list[str]
) -> Iterator[str]:
    """What is wrong with a model of the user's own that runs."""
    builder, dataset = spec.model.builder, data.dataset
    scaling, output = cache.scaling(data, spec.data), output_of(spec, data)
    shape, few = scaling.shape(row_shape(dataset.x)), dataset.x[:1]
    wanted = asked(spec.training.metrics, spec.objective.metric)
    given = data_for(spec.model, data.dataset, data.train, scaling)

    def build() -> keras.Model:
        again = build_own(builder, spec.model.params, shape, output, given)
        if not again.built:
            again(plain(few) if isinstance(few, Several) else np.zeros((1, *shape), np.float32))
        return again

    seeds = derive_seed(spec.seed, "model"), derive_seed(spec.seed, "another model")
    again, fixed = fixed_seeds(build, seeds, cache.globals)
    if shares_weights(model, again):
        yield builder_problem(builder, KEPT)
    else:
        in_vain = again.compiled and not output.compiled
        told = [COMPILED] if in_vain and not compiled_metrics(again, wanted) else []
        notes.extend(builder_problem(builder, text) for text in [*told, *fixed.warnings()])
        yield from (builder_problem(builder, text) for text in fixed.problems())
    if given is not None:
        yield from (builder_problem(builder, text) for text in file_problems(model, dataset.x[:2]))
    if looks_up(model):
        with lookups_of(model) as noted:
            model(plain(dataset.x[extreme_rows(dataset.x)]), training=False)
        yield from (builder_problem(builder, text) for text in id_problems(noted, scaling))


def _own_parts(
    spec: TrialSpec,
    data: SplitData,
    cache: WorkerCache,
    model: keras.Model,
    form: Form,
    notes: list[str],
) -> Iterator[str]:
    """What is wrong with metrics, of Keras's kind, and a loss of the user's own."""
    wanted = asked(spec.training.metrics, spec.objective.metric)
    by_builder = output_of(spec, data).compiled
    metrics = [] if by_builder else [own for own in wanted if own.own]
    if not (metrics or is_own(spec.training.loss)):
        return
    part = cache.part(data, "train", form).first(FEW_ROWS)
    y, x = part.table.y[part.rows], plain(part.table.x[part.rows])
    outputs = np.asarray(model(x, training=False))
    yield from metric_problems(metrics, y, outputs)
    if not is_own(spec.training.loss):
        return
    name, layer = spec.training.loss, output_of(spec, data).layer
    problems = list(loss_problems(name, model.loss, y, outputs, layer))
    yield from problems
    if not problems:
        notes.extend(loss_warnings(name, model.loss, y, layer))


def _tried(
    spec: TrialSpec,
    callbacks: Callbacks,
    model: keras.Model,
    values: Mapping[str, float],
) -> Iterator[str]:
    """What is wrong with callbacks, which are told of epochs with these metrics."""
    problems = list(callbacks.problems(spec))
    yield from problems
    if not problems:
        callbacks.begin(model, TRIED_EPOCHS, 1)
        for epoch in range(1, TRIED_EPOCHS + 1):
            callbacks.epoch_begin(epoch)
            callbacks.epoch_end(epoch, dict(values))
            if epoch == 1:
                yield from callbacks.unwatched
        callbacks.end()
        yield from callbacks.overwriting


def _changed_on_import(spec: TrialSpec, cache: WorkerCache) -> str:
    """The problem with a module that changes globals when it is imported, which a worker does once,
    before the first trial that needs it; empty if none does."""
    for key, name in own_parts(spec):
        cache.globals.restore()
        find_own(key, name)
        if changed := cache.globals.changed():
            return own_problem(key, name, f"{ON_IMPORT} {', '.join(changed)}")
    return ""


def _too_large(parameters: int) -> str:
    """The problem with a model that doesn't fit in memory; empty if it does."""
    needed, free = BYTES_A_PARAMETER * parameters, available_bytes()
    if needed <= free:
        return ""
    sizes = [f"{size / 2**30:,.1f} GiB" for size in (needed, free)]
    return (
        f"model: it has {parameters:,} parameters, which take about {sizes[0]} with gradients and "
        f"optimizer state, but only {sizes[1]} are free; make it smaller"
    )


def _step(
    spec: TrialSpec,
    data: SplitData,
    cache: WorkerCache,
    model: keras.Model,
    form: Form,
    callbacks: Callbacks,
) -> tuple[Mapping[str, float], keras.Model]:
    """The metrics of one step on the first batch and of validation rows, by the loop that will
    train, and the model that took it; a few rows are predicted too."""
    training = spec.training
    train = cache.part(data, "train", form, training.class_weights)
    held = cache.part(data, "validation", form) if len(data.validation) else None
    batch = min(training.batch_size, len(train))
    if training.loop == "resident" or (training.loop == "auto" and not needs_fit(spec, train)):
        try:
            program = cache.program(spec, data, model, train)
            validation = None if held is None else held.held
            size = tf.constant(training.batch_size)
            values = program.train(train.tensors, train.places[:batch], size, validation)
            program.predict(train.tensors[0], train.places[:FEW_ROWS])
            return values, program.model
        except Exception:
            cache.forget_program(spec, data, train)
            if training.loop != "auto":
                raise
            model, _ = compiled(spec, data, cache)
    held = None if held is None else held.first(FEW_ROWS)
    callbacks.begin(model, 1, 1)
    return _step_of_fit(model, train.first(batch), held, callbacks), model


def _step_of_fit(
    model: keras.Model, train: Arrays, held: Arrays | None, callbacks: Callbacks
) -> Mapping[str, float]:
    values: dict[str, float] = {}
    model.optimizer.build(model.trainable_variables)
    batches = BatchOrder(1, len(train), shuffle=False, seed=0)

    def on_epoch(_: int, given: dict[str, float]) -> bool:
        values.update(given)
        return True

    run_fit(model, train, held, batches, on_epoch, callbacks=callbacks.in_fit())
    model.predict_on_batch(plain(train.table.x[train.rows[:FEW_ROWS]]))
    return values

"""Whether an arm can be trained at all: its model is built, compiled, and takes one step.

In: a `TrialSpec` of the arm's defaults, and the data. Out: a `TrialResult` without epochs, whose
`error` is all that is wrong, a problem a line. What was compiled is left for the arm's trials.
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from fairsweep.data.split import SplitData
from fairsweep.errors import BadInput
from fairsweep.machine import available_bytes
from fairsweep.records import TrialResult, TrialSpec
from fairsweep.training.failure import failure
from fairsweep.training.ids import asked, extreme_rows, id_problems, looks_up
from fairsweep.training.large_values import beyond_floats, senseless_loss
from fairsweep.training.layer_rates import meaningless
from fairsweep.training.loops import Arrays, Rhythm, fits_in_memory, run_fit
from fairsweep.training.loss import Form
from fairsweep.training.model import parameter_count
from fairsweep.training.trial import WorkerCache, compiled, task_of
from fairsweep.training.user_model import build_own, shares_weights, told_of

FEW_ROWS = 8
# A parameter, its gradient, and two values that an optimizer keeps of it, 4 bytes each.
BYTES_A_PARAMETER = 16
NOTHING_TO_TRAIN = (
    "model: it has no weight to train; it needs a layer such as Dense, and one whose factor in "
    "model.layer_learning_rates, if it has one, is above 0"
)
UPDATING = (
    "leave its metrics property to Keras, and have its steps update each of them: for m in "
    'self.metrics: m.update_state(loss) if m.name == "loss" else m.update_state(y, y_pred)'
)
KEPT = (
    "must build a new model each time, and what it returns has weights of one that it returned "
    "before; make all layers inside of the function"
)
COMPILED = (
    "compiles its model, and that is replaced: optimizer and training.loss say how it is trained; "
    "leave compile out"
)
LOGITS_TWICE = (
    "has a loss of its own with from_logits=True, and its last activation gives probabilities, no "
    "logits; leave one of the two out"
)


def check(spec: TrialSpec, data: SplitData, cache: WorkerCache) -> TrialResult:
    """Tries an arm; no exception of its model's code is raised."""
    started, trace = time.monotonic(), ""
    notes: list[str] = []
    try:
        problems = _problems(spec, data, cache, notes)
    except BadInput as error:
        problems = error.problems
    except (Exception, SystemExit) as error:  # of the user's own code: told, not lost
        problems, trace = [_told(error)], traceback.format_exc()
    return TrialResult(
        key=spec.key,
        outcome="failed" if problems else "complete",
        epochs=0,
        seconds=time.monotonic() - started,
        error="\n".join(problems),
        traceback=trace,
        notes=notes,
    )


def _told(error: BaseException) -> str:
    own = failure(error)
    told = f"model.builder: {own.line}" if own.users else f"model: a first step fails: {own.line}"
    return f"{told}; HYDRA_FULL_ERROR=1 shows how it came to that"


def _problems(
    spec: TrialSpec, data: SplitData, cache: WorkerCache, notes: list[str]
) -> Sequence[str]:
    scaling = cache.scaling(data, spec.data)
    if problem := beyond_floats(data.dataset, scaling):
        return [problem]
    shape = scaling.shape(data.dataset.x.shape[1:])
    ours = parameter_count(spec.model, shape, len(data.dataset.class_names))
    if ours is not None and (problem := _too_large(ours)):
        return [problem]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model, form = compiled(spec, data, cache)
        if ours is None and (problem := _too_large(model.count_params())):
            return [problem]
        if problems := list(meaningless(model, spec.model.layer_learning_rates or {})):
            return problems
        if not model.trainable_variables:
            return [NOTHING_TO_TRAIN]
        if ours is None and (problems := list(_own(spec, data, cache, model, notes))):
            return problems
        values = _step(spec, data, cache, model, form)
    if any("from_logits" in str(warning.message) for warning in told):
        return [f"model.builder: {spec.model.builder} {LOGITS_TWICE}"]
    wanted = dict.fromkeys(("loss", spec.objective.metric))
    if lacking := [name for name in wanted if name not in values]:
        given = f"gives {', '.join(values) or 'nothing'} of an epoch and not {', '.join(lacking)}"
        return [told_of(spec.model.builder, f"{given}; {UPDATING}")]
    if note := senseless_loss(values["loss"], data.dataset, scaling):
        notes.append(note)
    return []


def _own(
    spec: TrialSpec, data: SplitData, cache: WorkerCache, model: keras.Model, notes: list[str]
) -> Iterator[str]:
    """What is wrong of a model of the user's own that runs."""
    builder, dataset = spec.model.builder, data.dataset
    scaling = cache.scaling(data, spec.data)
    again = build_own(
        builder, spec.model.params, scaling.shape(dataset.x.shape[1:]), task_of(spec, data)
    )
    if shares_weights(model, again):
        yield told_of(builder, KEPT)
    elif again.compiled:
        notes.append(told_of(builder, COMPILED))
    if looks_up(model):
        with asked(model) as noted:
            model(dataset.x[extreme_rows(dataset.x)], training=False)
        yield from (told_of(builder, text) for text in id_problems(noted, scaling))


def _too_large(parameters: int) -> str:
    """What to say of a model that memory has no room for; nothing else."""
    needed, free = BYTES_A_PARAMETER * parameters, available_bytes()
    if needed <= free:
        return ""
    sizes = [f"{size / 2**30:,.1f} GiB" for size in (needed, free)]
    return (
        f"model: it has {parameters:,} parameters; with their gradients and what an optimizer "
        f"keeps of them they take about {sizes[0]}, and {sizes[1]} are free; make it smaller"
    )


def _step(
    spec: TrialSpec, data: SplitData, cache: WorkerCache, model: keras.Model, form: Form
) -> Mapping[str, float]:
    """One step on the first batch, a look at validation rows, and outputs for a few rows, by the
    loop that will train; gives its metrics."""
    training = spec.training
    train = cache.part(data, "train", form, training.class_weight is not None)
    held = cache.part(data, "validation", form) if len(data.validation) else None
    batch = min(training.batch_size, len(train.x))
    if training.loop == "resident" or (training.loop == "auto" and fits_in_memory(train, held)):
        try:
            program = cache.program(spec, data, model, train)
            order = tf.constant(np.arange(batch, dtype=np.int32))
            size = tf.constant(training.batch_size)
            validation = None if held is None else held.tensors
            values = program.train(train.tensors, order, size, validation)
            program.predict(train.tensors[0][:FEW_ROWS])
            return values
        except Exception:
            cache.forget_program(spec, data)
            if training.loop != "auto":
                raise
            model, _ = compiled(spec, data, cache)
    held = None if held is None else _first(held, FEW_ROWS)
    return _step_of_fit(model, _first(train, batch), held)


def _step_of_fit(model: keras.Model, train: Arrays, held: Arrays | None) -> Mapping[str, float]:
    values: dict[str, float] = {}
    model.optimizer.build(model.trainable_variables)
    rhythm = Rhythm(1, len(train.x), shuffle=False, seed=0)
    run_fit(model, train, held, rhythm, lambda _, told: values.update(told) is None)
    model.predict_on_batch(train.x[:FEW_ROWS])
    return values


def _first(arrays: Arrays, rows: int) -> Arrays:
    x, y, *weights = (column[:rows] for column in arrays.columns)
    return Arrays(x, y, *weights)

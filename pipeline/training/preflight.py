"""Whether an arm can be trained at all: its model is built, compiled, and takes one step.

In: a `TrialSpec` of the arm's defaults, and the data. Out: a `TrialResult` without epochs, whose
`error` is all that is wrong, a problem a line. What was compiled is left for the arm's trials.
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from pipeline.data.memory import available_bytes
from pipeline.data.split import SplitData
from pipeline.errors import BadInput
from pipeline.records import TrialResult, TrialSpec
from pipeline.training.failure import failure
from pipeline.training.layer_rates import meaningless
from pipeline.training.loops import fits_in_memory
from pipeline.training.loss import Form
from pipeline.training.model import parameter_count
from pipeline.training.trial import Bench, compiled

FEW_ROWS = 8
# A parameter, its gradient, and two values that an optimizer keeps of it, 4 bytes each.
BYTES_A_PARAMETER = 16
NOTHING_TO_TRAIN = (
    "model: it has no weight to train; it needs a layer such as Dense, and one whose factor in "
    "model.layer_learning_rates, if it has one, is above 0"
)
LOGITS_TWICE = (
    "has a loss of its own with from_logits=True, and its last activation gives probabilities, no "
    "logits; leave one of the two out"
)


def check(spec: TrialSpec, data: SplitData, bench: Bench) -> TrialResult:
    """Tries an arm; no exception of its model's code is raised."""
    started, trace = time.monotonic(), ""
    try:
        problems = _problems(spec, data, bench)
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
    )


def _told(error: BaseException) -> str:
    return (
        f"a first step fails: {failure(error).line}; HYDRA_FULL_ERROR=1 shows how it came to that"
    )


def _problems(spec: TrialSpec, data: SplitData, bench: Bench) -> Sequence[str]:
    shape = bench.scaling(data, spec.data).shape(data.dataset.x.shape[1:])
    ours = parameter_count(spec.model, shape, len(data.dataset.class_names))
    if ours is not None and (problem := _too_large(ours)):
        return [problem]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model, form = compiled(spec, data, bench)
        if ours is None and (problem := _too_large(model.count_params())):
            return [problem]
        if problems := list(meaningless(model, spec.model.layer_learning_rates or {})):
            return problems
        if not model.trainable_variables:
            return [NOTHING_TO_TRAIN]
        _step(spec, data, bench, model, form)
    if any("from_logits" in str(warning.message) for warning in told):
        return [f"model.builder: {spec.model.builder} {LOGITS_TWICE}"]
    return []


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


def _step(spec: TrialSpec, data: SplitData, bench: Bench, model: keras.Model, form: Form) -> None:
    """One step on the first batch, and outputs for a few rows, by the loop that will train."""
    training = spec.training
    train = bench.part(data, "train", form, training.class_weight is not None)
    held = bench.part(data, "validation", form) if len(data.validation) else None
    batch = min(training.batch_size, len(train.x))
    if training.loop == "resident" or (training.loop == "auto" and fits_in_memory(train, held)):
        try:
            program = bench.program(spec, data, model, train)
            order = tf.constant(np.arange(batch, dtype=np.int32))
            size = tf.constant(training.batch_size)
            program.train(train.tensors, order, size, None if held is None else held.tensors)
            program.predict(train.tensors[0][:FEW_ROWS])
            return
        except Exception:
            bench.forget_program(spec, data)
            if training.loop != "auto":
                raise
            model, _ = compiled(spec, data, bench)
    model.optimizer.build(model.trainable_variables)
    model.train_on_batch(*(column[:batch] for column in train.columns))
    model.predict_on_batch(train.x[:FEW_ROWS])

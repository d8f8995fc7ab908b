"""What is measured after every epoch, by name.

A metric is measured on training rows by its name, and on validation rows as `val_<name>`. Which of
them a sweep has follows from `training.metrics`, the objective, and the forms that its models want
answers in, and is stored with it. There are those of the table, Keras's own, the user's functions,
and what a model logs itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.costs import COSTS, SECOND
from fairsweep.judged import Judged
from fairsweep.metrics.metric import LOSS, PLAIN, UNBOUNDED, Digits, KerasMetric, Metric, Told
from fairsweep.metrics.of_keras import DIGITS, IN_UNITS, KERAS, KERAS_CLASSES, LIMITS
from fairsweep.metrics.table import METRICS, top
from fairsweep.tasks import AUTO, Task
from fairsweep.tasks.layer import Form

__all__ = [
    "KERAS",
    "KERAS_CLASSES",
    "METRICS",
    "PLAIN",
    "UNBOUNDED",
    "Digits",
    "KerasMetric",
    "Metric",
    "Told",
]

VALIDATION = "val_"
TEST = "test_"
OF_RUNS = ("epochs", "seconds")
BESIDE = (TEST, "best_", SECOND)
"""What a run stores beside the metrics of epochs: names, and what names begin with."""
TOLERANCE = 1e-4
TOP = re.compile(r"top_([2-9]|[1-9][0-9]+)")
CURVES = "Solid is validation, dashed is training."
"""The caption of a metric that nothing is known of."""
USUAL = ("accuracy",)
"""The metrics of a training that doesn't say which it wants, beside the loss."""
USUAL_OBJECTIVE = f"{VALIDATION}accuracy"
"""What selects where a task has no objective of its own."""
EARLIEST = ("loss", "accuracy")
"""The metrics of a sweep that doesn't say which it has: an older version stored it."""


def metric_named(name: str) -> Metric:
    """The metric of this name, as `training.metrics` has it: one of the table, or of Keras's own,
    for which its class stands, too; a function of the user's, of a name with a colon; or else what
    a model logs itself."""
    if (found := known_metric(name)) is not None:
        return found
    last = name.rpartition(":")[2]
    return Metric(last, None, _words(last), CURVES, own=name if last != name else "")


def known_metric(name: str) -> Metric | None:
    """The same; None where only the user's code knows it."""
    if name in METRICS:
        return METRICS[name]
    if (most := TOP.fullmatch(name)) is not None:
        return top(int(most[1]))
    own = KERAS_CLASSES.get(name, name)
    return _of_keras(own) if own in KERAS else None


def _of_keras(name: str) -> Metric:
    own = KERAS[name]
    better = "Higher" if own.direction == "maximize" else "Lower"
    caption = f"{better} is better. Keras's {own.name}."
    return Metric(
        name,
        own.direction,
        _words(name),
        caption,
        keras=own.forms,
        bounds=own.bounds,
        digits=DIGITS.get(name, PLAIN),
        unit=name in IN_UNITS,
        limit=LIMITS.get(name),
    )


def asked(names: Sequence[str] | None, objective: str) -> tuple[Metric, ...]:
    """What a training is to be measured by: the loss, the objective, and what `training.metrics`
    names (None: the usual). Those of the table come first, in its order."""
    wanted = [LOSS, *(USUAL if names is None else names)]
    chosen = {metric.name: metric for metric in map(metric_named, wanted)}
    chosen.setdefault(base_name(objective), metric_named(base_name(objective)))
    order = [*METRICS, *chosen]
    return tuple(sorted(chosen.values(), key=lambda metric: order.index(metric.name)))


def measured(metrics: Iterable[Metric], forms: Iterable[Form]) -> tuple[str, ...]:
    """The names of those of the metrics that can be measured in each of these forms."""
    wanted = set(forms)
    return tuple(metric.name for metric in metrics if metric.fits(wanted))


def stored(about: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of a stored sweep, by what its run says of it."""
    return tuple(about.get("metrics", EARLIEST))


def of_epoch(names: Sequence[str], validation: bool = True) -> tuple[str, ...]:
    """What an epoch of these metrics is stored as."""
    return (*names, *(f"{VALIDATION}{name}" for name in names if validation))


def known(metric: str, direction: str) -> tuple[str, str]:
    """The objective and its direction, either of which may be auto: the usual one, and the one that
    the metric has, if anybody but the user knows it."""
    chosen = USUAL_OBJECTIVE if metric == AUTO else metric
    return chosen, direction_of(chosen, direction)


def direction_of(objective: str, given: str = AUTO) -> str:
    """Which way what selects is better, by `objective.direction`; `auto` where nobody knows."""
    if objective in COSTS:
        return "minimize" if given == AUTO else given
    found = known_metric(base_name(objective))
    return given if given != AUTO or found is None else found.direction or AUTO


def scored(judged: Judged, metrics: Iterable[Metric], task: Task) -> Judged:
    """The same with each row's share of the metrics that are scores, where it isn't there yet and
    follows from what is.

    Args:
        judged: what a model says of rows.
        metrics: those wanted; others than scores are passed over.
        task: of the data.
    """
    told, shares = Told(judged, task), {}
    for metric in metrics:
        known = judged.outputs or not metric.outputs
        if metric.score is not None and known and metric.name not in judged.metrics:
            shares[metric.name] = metric.score(told)
    return replace(judged, metrics={**judged.metrics, **shares})


def is_shared(name: str) -> bool:
    """Whether a metric is judged as what each row has a share of, rather than as a mean."""
    found = metric_named(name)
    return found.score is not None and not found.of_rows


def is_mean(values: npt.NDArray[np.float64], measured: float | None) -> bool:
    """Whether a metric is the mean of what its rows have, up to the 32-bit floats that it is summed
    up in: a model of the user's own may measure otherwise."""
    if measured is None or not np.isfinite(values).all():
        return False
    return abs(float(values.mean()) - measured) <= TOLERANCE * max(1.0, abs(measured))


def measured_on_validation(name: str) -> bool:
    """Whether a metric is one of rows that a model wasn't trained on."""
    return name.startswith(VALIDATION)


def base_name(name: str) -> str:
    """A metric's name without the part of the data that it was measured on."""
    return name.removeprefix(VALIDATION)


def is_of_run(name: str) -> bool:
    """Whether a run has something else than a metric of an epoch under a name."""
    return name in OF_RUNS or name.startswith(BESIDE)


def bounds_of(name: str) -> tuple[float, float]:
    """The lowest and highest value that a metric can have at all."""
    return metric_named(base_name(name)).bounds


def title_of(name: str) -> str:
    """How a metric is called."""
    return metric_named(name).title


def caption_of(name: str) -> str:
    """What its learning curves say."""
    return metric_named(name).caption


def digits_of(name: str) -> Digits:
    """How a metric's values are written, on whatever part of the data."""
    return metric_named(base_name(name.removeprefix(TEST))).digits


def has_unit(name: str) -> bool:
    """Whether a metric has the unit of the target."""
    return metric_named(base_name(name)).unit


def falls_by_much(name: str) -> bool:
    """Whether its learning curves may need a log axis."""
    return metric_named(name).log


def _words(name: str) -> str:
    words = name.replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}"

"""What is measured after every epoch: one table, in which another metric is another entry.

A metric is measured on training rows by its name, and on validation rows as `val_<name>`. Which of
them a sweep has follows from `training.metrics`, the objective, and the forms that its models want
answers in, and is stored with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fairsweep import scores
from fairsweep.judged import Judged, Values
from fairsweep.records import Direction
from fairsweep.tasks import AUTO, Task
from fairsweep.tasks.layer import Form
from fairsweep.tasks.values import VALUES_FORM

VALIDATION = "val_"
TEST = "test_"
TOLERANCE = 1e-4
UNBOUNDED = (-math.inf, math.inf)


Digits = Literal["four decimals", "three decimals", "four digits"]
"""How a value is written: the first two are for what is near 1, the last for what has a unit."""
PLAIN: Digits = "four decimals"


@dataclass(frozen=True)
class KerasMetric:
    """A class of `keras.metrics` by its name, and the arguments that it is made with. `threshold`
    is what it calls the output from which a unit says yes, where it asks for that."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    threshold: str = ""


Score = Callable[[Judged, Task], Values]
"""From what a model says of rows, and the task of the data, to each row's share (see `scores`)."""


Shares = Callable[[Values, Values], Values]
"""From the numbers that rows have, and those that a model gives, both (rows, targets), to each
row's share."""


@dataclass(frozen=True)
class Metric:
    """A metric by its name. `title` and `caption` stand with its learning curves, which have a log
    axis where it is `log` and falls by much.

    Attributes:
        bounds: The lowest and the highest value that it can have at all.
        keras: What measures it in each form of answers that it can be measured in; the loss has
            none.
        score: What measures it from what a model says of all rows at once, where it isn't a mean
            of what each has alone; `forms` are then those of answers that it can be measured in.
        outputs: Whether the score takes what the model gives for each class or label, too.
        digits: How its values are written.
        unit: Whether it has the unit of the target.
        shares: Of one that Keras measures, but isn't a mean: each row's share of it (see `scores`),
            from what rows are and what the model gives for them.
    """

    name: str
    direction: Direction
    title: str
    caption: str
    log: bool = False
    bounds: tuple[float, float] = UNBOUNDED
    keras: Mapping[Form, KerasMetric] = field(default_factory=dict)
    score: Score | None = None
    forms: frozenset[Form] = frozenset()
    outputs: bool = False
    digits: Digits = PLAIN
    unit: bool = False
    shares: Shares | None = None

    def fits(self, forms: Iterable[Form]) -> bool:
        """Whether it can be measured in each of these forms of answers."""
        return self is LOSS or set(forms) <= self.forms.union(self.keras)


OF_NAMES = frozenset({"sparse", "one-hot", "labels", "column"})
"""The forms of answers that are classes or labels."""


def _f1(judged: Judged, task: Task) -> Values:
    _, marks = task.marks([*judged.true, *judged.predicted])
    true, said = np.split(marks, 2)
    return scores.macro_f1(true, said)


def _auc(judged: Judged, task: Task) -> Values:
    names, marks = task.marks(judged.true)
    having = dict(zip(names, marks.T, strict=True))
    nobody = np.zeros(len(marks), bool)
    true = np.column_stack([having.get(name, nobody) for name in judged.outputs])
    return scores.roc_auc(true, np.column_stack([*judged.outputs.values()]))


LOSS = Metric(
    "loss",
    "minimize",
    "Loss",
    "Lower is better. Where the solid line (validation) turns up while the dashed one (training) "
    "still falls, the network has begun to overfit.",
    log=True,
)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        LOSS,
        Metric(
            "accuracy",
            "maximize",
            "Accuracy",
            "Higher is better. A solid line far below its dashed one is overfitting. Where the "
            "bands of two arms overlap, trainings of the same arm differ as much as the arms do.",
            bounds=(0.0, 1.0),
            # Of several labels a row it is the share of right answers to whether a row has one;
            # by the name "accuracy" Keras would ask which of them is the likeliest.
            keras={
                "sparse": KerasMetric("SparseCategoricalAccuracy"),
                "one-hot": KerasMetric("CategoricalAccuracy"),
                "labels": KerasMetric("BinaryAccuracy", threshold="threshold"),
                "column": KerasMetric("BinaryAccuracy", threshold="threshold"),
            },
        ),
        Metric(
            "f1",
            "maximize",
            "Macro F1",
            "Higher is better. The mean of every class's F1 score, so rare classes count as much "
            "as others.",
            bounds=(0.0, 1.0),
            score=_f1,
            forms=OF_NAMES,
        ),
        Metric(
            "auc",
            "maximize",
            "Area under the ROC curve",
            "Higher is better; 0.5 is chance. How often a row of a class gets a higher probability "
            "of it than a row of another class.",
            bounds=(0.0, 1.0),
            score=_auc,
            forms=OF_NAMES,
            outputs=True,
        ),
        Metric(
            "mae",
            "minimize",
            "Mean absolute error",
            "Lower is better. How far predictions are off, in the units of the target.",
            log=True,
            bounds=(0.0, math.inf),
            keras={VALUES_FORM: KerasMetric("MeanAbsoluteError")},
            digits="four digits",
            unit=True,
        ),
        Metric(
            "rmse",
            "minimize",
            "Root mean squared error",
            "Lower is better. How far predictions are off, in the units of the target; a large "
            "error counts for more than several small ones.",
            log=True,
            bounds=(0.0, math.inf),
            keras={VALUES_FORM: KerasMetric("RootMeanSquaredError")},
            shares=scores.rmse,
            digits="four digits",
            unit=True,
        ),
        Metric(
            "r2",
            "maximize",
            "R²",
            "Higher is better. The share of the target's variance that is predicted: 1 is all of "
            "it, 0 is as good as its mean, below 0 is worse.",
            bounds=(-math.inf, 1.0),
            keras={VALUES_FORM: KerasMetric("R2Score")},
            shares=scores.r2,
            digits="three decimals",
        ),
        Metric(
            "mape",
            "minimize",
            "Mean absolute percentage error",
            "Lower is better. How far predictions are off, in percent of the true value; a value "
            "near 0 makes it enormous.",
            log=True,
            bounds=(0.0, math.inf),
            keras={VALUES_FORM: KerasMetric("MeanAbsolutePercentageError")},
            digits="four digits",
        ),
    )
}
USUAL = ("accuracy",)
"""The metrics of a training that doesn't say which it wants, beside the loss."""
USUAL_OBJECTIVE = f"{VALIDATION}accuracy"
"""What selects where a task has no objective of its own."""
EARLIEST = ("loss", "accuracy")
"""The metrics of a sweep that doesn't say which it has: an older version stored it."""


def asked(names: Sequence[str] | None, objective: str) -> tuple[str, ...]:
    """What a training is to be measured by: the loss, the objective, and what `training.metrics`
    names (None: the usual)."""
    chosen = {LOSS.name, *(USUAL if names is None else names), base_name(objective)}
    return tuple(name for name in METRICS if name in chosen)


def measured(names: Iterable[str], forms: Iterable[Form]) -> tuple[str, ...]:
    """Those of the metrics that can be measured in each of these forms."""
    wanted = set(forms)
    return tuple(name for name in names if METRICS[name].fits(wanted))


def stored(about: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of a stored sweep, by what its run says of it."""
    return tuple(about.get("metrics", EARLIEST))


def of_epoch(names: Sequence[str], validation: bool = True) -> tuple[str, ...]:
    """What an epoch of these metrics is stored as."""
    return (*names, *(f"{VALIDATION}{name}" for name in names if validation))


def objectives() -> Mapping[str, Direction]:
    """Everything that can select, and which way it is better."""
    return {name: METRICS[base_name(name)].direction for name in of_epoch(tuple(METRICS))}


def known(metric: str, direction: str) -> tuple[str, str]:
    """The objective and its direction, either of which may be auto: the usual one, and the one that
    the metric has."""
    chosen = USUAL_OBJECTIVE if metric == AUTO else metric
    return chosen, {AUTO: objectives().get(chosen, direction)}.get(direction, direction)


def scored(judged: Judged, names: Iterable[str], task: Task) -> Judged:
    """The same with each row's share of the metrics that are scores, where it isn't there yet and
    follows from what is.

    Args:
        judged: what a model says of rows.
        names: of metrics, also of others.
        task: of the data.
    """
    shares = {}
    for metric in (METRICS[name] for name in names if is_score(name)):
        known = judged.outputs or not metric.outputs
        if metric.score is not None and known and metric.name not in judged.metrics:
            shares[metric.name] = metric.score(judged, task)
    return replace(judged, metrics={**judged.metrics, **shares})


def is_score(name: str) -> bool:
    """Whether a metric takes all rows at once: it isn't the mean of what each has alone."""
    return name in METRICS and METRICS[name].score is not None


def is_shared(name: str) -> bool:
    """Whether each row has a share of a metric that isn't the mean of what rows have alone."""
    return name in METRICS and (METRICS[name].score or METRICS[name].shares) is not None


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


def bounds_of(name: str) -> tuple[float, float]:
    """The lowest and highest value that a metric can have at all."""
    known = METRICS.get(base_name(name))
    return UNBOUNDED if known is None else known.bounds


def title_of(name: str) -> str:
    """How a metric is called; one that isn't in the table was stored by another version."""
    if name in METRICS:
        return METRICS[name].title
    words = name.replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}"


def caption_of(name: str) -> str:
    """What its learning curves say."""
    return METRICS[name].caption if name in METRICS else "Solid is validation, dashed is training."


def digits_of(name: str) -> Digits:
    """How a metric's values are written, on whatever part of the data."""
    known = METRICS.get(base_name(name.removeprefix(TEST)))
    return PLAIN if known is None else known.digits


def has_unit(name: str) -> bool:
    """Whether a metric has the unit of the target."""
    known = METRICS.get(base_name(name))
    return known is not None and known.unit


def falls_by_much(name: str) -> bool:
    """Whether its learning curves may need a log axis."""
    return name in METRICS and METRICS[name].log

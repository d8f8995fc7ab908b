"""What is measured after every epoch: one table, in which another metric is another entry.

A metric is measured on training rows by its name, and on validation rows as `val_<name>`. Which of
them a sweep has follows from the forms that its models want answers in, and is stored with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.records import Direction
from fairsweep.tasks.layer import Form

VALIDATION = "val_"
TOLERANCE = 1e-4
UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True)
class KerasMetric:
    """A class of `keras.metrics` by its name, and the arguments that it is made with. `threshold`
    is what it calls the output from which a unit says yes, where it asks for that."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    threshold: str = ""


@dataclass(frozen=True)
class Metric:
    """A metric by Keras's name. `title` and `caption` stand with its learning curves, which have a
    log axis where it is `log` and falls by much.

    `bounds` are the lowest and highest value that it can have at all. `keras` is what measures it
    in each form of answers that it can be measured in; the loss has none.
    """

    name: str
    direction: Direction
    title: str
    caption: str
    log: bool = False
    bounds: tuple[float, float] = UNBOUNDED
    keras: Mapping[Form, KerasMetric] = field(default_factory=dict)


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
    )
}
EARLIEST = ("loss", "accuracy")
"""The metrics of a sweep that doesn't say which it has: an older version stored it."""


def measured(forms: Iterable[Form]) -> tuple[str, ...]:
    """The metrics that can be measured in each of these forms: those of a sweep that has them."""
    wanted = set(forms)
    return tuple(m.name for m in METRICS.values() if m is LOSS or wanted <= set(m.keras))


def stored(about: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of a stored sweep, by what its run says of it."""
    return tuple(about.get("metrics", EARLIEST))


def of_epoch(names: Sequence[str], validation: bool = True) -> tuple[str, ...]:
    """What an epoch of these metrics is stored as."""
    return (*names, *(f"{VALIDATION}{name}" for name in names if validation))


def objectives() -> Mapping[str, Direction]:
    """Everything that can select, and which way it is better."""
    return {name: METRICS[base_name(name)].direction for name in of_epoch(tuple(METRICS))}


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


def falls_by_much(name: str) -> bool:
    """Whether its learning curves may need a log axis."""
    return name in METRICS and METRICS[name].log

"""Checks of what is measured, and of what selects.

In: settings. Out: a `Problem` for each check that fails. What only a model can show, such as
whether it logs what is asked for, workers find before the first trial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from fairsweep.config.checks.data import may_give_validation
from fairsweep.config.checks.values import Problem, hint, one_of, own_name
from fairsweep.config.schema import Config, Model, Training
from fairsweep.config.space import ArmSettings
from fairsweep.metrics import (
    KERAS,
    KERAS_CLASSES,
    METRICS,
    TEST,
    VALIDATION,
    base_name,
    known_metric,
    measured_on_validation,
    metric_named,
)
from fairsweep.own import is_own
from fairsweep.tasks import AUTO

KEY = "training.metrics"
OBJECTIVE = "objective.metric"
DIRECTION = "objective.direction"
DIRECTIONS = ("maximize", "minimize")
ALL_NAMES = (*METRICS, *KERAS, *KERAS_CLASSES)
PARTS = (VALIDATION, TEST, "best_")
OF_RUNS = ("epochs", "seconds")
"""What a run stores of its training, and what its names begin with, beside the names of metrics."""
OWN = "a function of your own (package.module:name)"


def metrics_problems(training: Training, model: Model) -> Iterator[Problem]:
    """Checks of `training.metrics`; a model of the user's own may log what no table has."""
    wanted = training.metrics or ()
    for name in wanted:
        known = known_metric(base_name(name)) is not None
        if measured_on_validation(name) and (known or is_own(model.builder)):
            yield (
                KEY,
                f"need {base_name(name)}, which is measured on training and on validation rows; "
                f"got {name!r}",
            )
        elif metric_named(name).own:
            yield from own_name(KEY, name)
            yield from _own(name)
        elif not known and not is_own(model.builder):
            yield (
                KEY,
                f"need one of {', '.join(METRICS)}; a metric of Keras by its name, or {OWN}; got "
                f"{name!r}{hint(name, ALL_NAMES)}",
            )
    logged = Counter(metric_named(name).name for name in wanted if metric_named(name).own)
    for name, count in logged.items():
        if count > 1:
            yield KEY, f"{count} of your own are logged as {name}; give each another name"


def _own(name: str) -> Iterator[Problem]:
    logged = metric_named(name).name
    if known_metric(logged) is not None:
        yield (
            KEY,
            f"{name} would be logged as {logged}, which is the name of another metric; "
            "rename your function",
        )
    elif logged in OF_RUNS or logged.startswith(PARTS):
        yield (
            KEY,
            f"{name} would be logged as {logged}, which is what a run has beside metrics; rename "
            "your function",
        )


def objective_problems(config: Config, arms: Sequence[ArmSettings]) -> Iterator[Problem]:
    """Checks of `objective`: that something measures it, and that it is known which way is better.

    Args:
        config: what arms share.
        arms: the settings of each.
    """
    metric, direction = config.objective.metric, config.objective.direction
    known = known_metric(base_name(metric))
    prefix = VALIDATION if measured_on_validation(metric) else ""
    if known is None and not all(_may_log(base_name(metric), arm) for arm in arms):
        yield from _unknown(metric)
    elif known is not None and known.name != base_name(metric):
        yield OBJECTIVE, f"need {prefix}{known.name}, which it is logged as; got {metric!r}"
    elif known is None and direction == AUTO:
        yield (
            DIRECTION,
            f"nothing is known of {metric} but its name; say which way it is better: "
            "objective.direction=maximize or objective.direction=minimize",
        )
    elif known is None or known.direction is None:
        yield from one_of(DIRECTION, direction, DIRECTIONS)
    elif direction not in (AUTO, known.direction):
        yield (
            DIRECTION,
            f"{metric} is better when you {known.direction} it, got {direction!r}; "
            f"use objective.direction={known.direction}",
        )
    elif (
        measured_on_validation(metric)
        and config.data.validation == 0
        and not config.search.folds
        and not may_give_validation(config.data)
    ):
        yield (
            OBJECTIVE,
            f"{metric} needs validation rows, and data.validation is 0; use "
            f"data.validation=0.2 or objective.metric={base_name(metric)}",
        )


def _may_log(name: str, arm: ArmSettings) -> bool:
    """Whether the user's own code may measure what is asked for: a metric, or the model."""
    own = {metric_named(entry).name for entry in arm.training.metrics or ()}
    return name in own or (is_own(arm.model.builder) and not is_own(name))


def _unknown(metric: str) -> Iterator[Problem]:
    if is_own(metric):
        entry = base_name(metric)
        yield (
            OBJECTIVE,
            f"need the name that it is logged as; use training.metrics=[{entry}] "
            f"objective.metric={VALIDATION}{metric_named(entry).name}",
        )
        return
    there = [*ALL_NAMES, *(f"{VALIDATION}{name}" for name in ALL_NAMES)]
    yield (
        OBJECTIVE,
        f"need one of {', '.join(METRICS)}, with {VALIDATION} before it on validation rows; a "
        f"metric of Keras by its name, or what training.metrics or a model of your own has; got "
        f"{metric!r}{hint(metric, there)}",
    )

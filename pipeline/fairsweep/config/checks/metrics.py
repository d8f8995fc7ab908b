"""Checks of what is measured, and of what selects.

In: settings. Out: a `Problem` for each check that fails. What only a model can show, such as
whether it logs what is asked for, workers find before the first trial.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fairsweep.config.checks.data import may_give_validation
from fairsweep.config.checks.values import Problem, hint, one_of, own_name
from fairsweep.config.schema import Config, Model, Training
from fairsweep.config.space import ArmSettings
from fairsweep.costs import COSTS, PARAMETERS
from fairsweep.metrics import (
    KERAS,
    KERAS_CLASSES,
    METRICS,
    VALIDATION,
    base_name,
    bounds_of,
    direction_of,
    is_of_run,
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
SECOND_OBJECTIVE = "objective.second"
SECOND_DIRECTION = "objective.second_direction"
TOLERANCE = "objective.tolerance"
FROM_CALLBACKS = (
    "; what a callback adds can be watched, but selects nothing: name a function in "
    "training.metrics=[package.module:name]"
)
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
    elif is_of_run(logged) or measured_on_validation(logged):
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
    given = config.objective
    yield from _selecting(OBJECTIVE, DIRECTION, given.metric, given.direction, config, arms)
    if given.second is None:
        for key, value, usual in (
            (TOLERANCE, given.tolerance, None),
            (SECOND_DIRECTION, given.second_direction, AUTO),
        ):
            if value != usual:
                yield (
                    key,
                    f"got {value}, and there is no second objective; name one, as "
                    f"{SECOND_OBJECTIVE}={PARAMETERS}, or leave this out",
                )
        return
    key, direction = SECOND_DIRECTION, given.second_direction
    yield from _selecting(SECOND_OBJECTIVE, key, given.second, direction, config, arms)
    tolerance = given.tolerance
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance >= 0):
        yield (
            TOLERANCE,
            f"need a number from 0, how much of {given.metric} may be given up, got {tolerance}; "
            f"for example {TOLERANCE}=0.005",
        )


def too_tolerant(metric: str, tolerance: float | None) -> Iterator[str]:
    """What is wrong with a tolerance that leaves no difference of the objective."""
    low, high = bounds_of(metric)
    if tolerance is not None and tolerance >= high - low:
        yield (
            f"{TOLERANCE}: need a number below {high - low:g}, for {metric} is between {low:g} and "
            f"{high:g}, so that all trials would count as equal; got {tolerance:g}; for example "
            f"{TOLERANCE}=0.005"
        )


def _selecting(
    key: str,
    direction_key: str,
    metric: str,
    direction: str,
    config: Config,
    arms: Sequence[ArmSettings],
) -> Iterator[Problem]:
    """Checks of one that selects, and of its direction."""
    cost = key == SECOND_OBJECTIVE and metric in COSTS
    known = known_metric(base_name(metric))
    prefix = VALIDATION if measured_on_validation(metric) else ""
    way = direction_of(metric) if cost or known is not None else AUTO
    if not cost and known is None and not all(_may_log(base_name(metric), arm) for arm in arms):
        yield from _unknown(key, metric, any(_has_callbacks(arm.training) for arm in arms))
    elif known is not None and known.name != base_name(metric):
        yield key, f"need {prefix}{known.name}, which it is logged as; got {metric!r}"
    elif way == AUTO and direction == AUTO:
        yield (
            direction_key,
            f"nothing is known of {key}={metric} but its name; say which way it is better: "
            f"{direction_key}=maximize or {direction_key}=minimize",
        )
    elif way == AUTO:
        yield from one_of(direction_key, direction, DIRECTIONS)
    elif direction not in (AUTO, way):
        yield (
            direction_key,
            f"{key}={metric} is better when you {way} it, got {direction!r}; use "
            f"{direction_key}={way}",
        )
    elif (
        measured_on_validation(metric)
        and config.data.validation == 0
        and not config.search.folds
        and not may_give_validation(config.data)
    ):
        yield (
            key,
            f"{metric} needs validation rows, and data.validation is 0; use "
            f"data.validation=0.2 or {key}={base_name(metric)}",
        )


def _may_log(name: str, arm: ArmSettings) -> bool:
    """Whether the user's own code may measure what is asked for: a metric, or the model."""
    own = {metric_named(entry).name for entry in arm.training.metrics or ()}
    return name in own or (is_own(arm.model.builder) and not is_own(name))


def _has_callbacks(training: Training) -> bool:
    """Whether a callback of the user's own may add numbers to what an epoch has."""
    given = training.callbacks or ()
    names = (entry.get("name") if isinstance(entry, Mapping) else entry for entry in given)
    return any(isinstance(name, str) and is_own(name) for name in names)


def _unknown(key: str, metric: str, callbacks: bool) -> Iterator[Problem]:
    if is_own(metric):
        entry = base_name(metric)
        yield (
            key,
            f"need the name that it is logged as; use training.metrics=[{entry}] "
            f"{key}={VALIDATION}{metric_named(entry).name}",
        )
        return
    if metric in COSTS:
        yield key, f"{metric} is no metric of an epoch; it can be {SECOND_OBJECTIVE}={metric}"
        return
    costs = COSTS if key == SECOND_OBJECTIVE else ()
    there = [*costs, *ALL_NAMES, *(f"{VALIDATION}{name}" for name in ALL_NAMES)]
    yield (
        key,
        f"need one of {', '.join([*costs, *METRICS])}, with {VALIDATION} before a metric on "
        "validation rows; a metric of Keras by its name, or what training.metrics or a model of "
        f"your own has; got {metric!r}{hint(metric, there)}"
        f"{FROM_CALLBACKS if callbacks else ''}",
    )

"""Whether values of the loss are of one and the same loss, so that they can be compared.

In: a metric, and the settings of arms. Out: why one value of it means something else than another,
or nothing. It is asked where a metric is chosen, and where it is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairsweep.config.space import (
    TUNABLE_TRAINING,
    ArmSettings,
    dimensions,
    loss_params,
    place_of,
)
from fairsweep.costs import PARAMETERS
from fairsweep.metrics import base_name, measured_on_validation
from fairsweep.metrics.metric import LOSS
from fairsweep.own import is_own
from fairsweep.tasks.values import QUANTILE, QUANTILES

PENALTY = "l2"
"""The param of our models that the loss has in it."""


def incomparable(metric: str, arms: Mapping[str, ArmSettings]) -> str:
    """Why values of a metric can't be compared, as the end of a sentence that begins with it; empty
    where they can.

    Args:
        metric: that selects.
        arms: the settings of each by its name, with the loss that it is trained by.
    """
    if base_name(metric) != LOSS:
        return ""
    if changed := [own for arm in arms.values() for own in _searched(arm)]:
        return f"of which {changed[0]} is a part, and the search changes it"
    losses = {name: _loss(arm, measured_on_validation(metric)) for name, arm in arms.items()}
    told = [f"{own} in {name}" for name, own in _first_of_each(losses)]
    return f"which is not the same in all arms: {', '.join(told)}" if len(told) > 1 else ""


def comparison_problems(
    selecting: Sequence[tuple[str, str]], arms: Mapping[str, ArmSettings], usual: str
) -> Iterator[str]:
    """What is wrong with metrics that select.

    Args:
        selecting: the keys that name them, and these, the objective first.
        arms: see `incomparable`.
        usual: a metric that doesn't depend on a loss.
    """
    for place, (key, metric) in enumerate(selecting):
        if why := incomparable(metric, arms):
            instead = usual if measured_on_validation(metric) else base_name(usual)
            if place and instead == selecting[0][1]:
                instead = PARAMETERS
            yield (
                f"{key}: need a metric that measures all alike, got {metric}, {why}; use "
                f"{key}={instead}"
            )


def _searched(arm: ArmSettings) -> Iterator[str]:
    """The keys of what is searched and enters the value of the loss."""
    names = dict.fromkeys(own.name.partition(".")[::2] for own in dimensions(arm))
    for group, name in names:
        penalty = group == "model" and name == PENALTY and not is_own(arm.model.builder)
        if penalty or (group == "training" and name not in TUNABLE_TRAINING):
            yield place_of(group, name)


def _loss(arm: ArmSettings, validation: bool) -> str:
    """What the loss of an arm is, on validation or on training rows: only there it has weights."""
    training, params = arm.training, dict[str, Any](loss_params(arm.training))
    if training.loss == QUANTILE:
        params["quantiles"] = list(training.quantiles or QUANTILES)
    if not validation and training.class_weights:
        params["class_weight"] = training.class_weights
    if not is_own(arm.model.builder) and (penalty := arm.model.params.get(PENALTY)):
        params[PENALTY] = penalty
    own = ", ".join(f"{name}={value}" for name, value in sorted(params.items()))
    return f"{training.loss} ({own})" if own else training.loss


def _first_of_each(losses: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The first arm of each loss."""
    seen = set[str]()
    for name, own in losses.items():
        if own not in seen:
            seen.add(own)
            yield name, own

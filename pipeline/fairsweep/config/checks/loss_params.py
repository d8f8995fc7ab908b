"""Checks of `training.loss_params`, and of the spaces beside them.

In: a training. Out: a `Problem` for each check that fails. Whether a loss has a parameter at all,
and what one of the user's own takes, workers find before the first trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from fairsweep.config.checks.values import Problem, is_number
from fairsweep.config.schema import Spec, Training
from fairsweep.config.space import loss_params
from fairsweep.own import is_own

# Arguments of Keras's losses that follow from the rest.
LOSS_SETTINGS = {
    "from_logits": "models end in probabilities, which are no logits",
    "reduction": "the loss is the mean over rows",
    "axis": "the classes are the last axis",
    "ignore_class": "every row has a class; leave other rows out of the data",
    "name": "it is measured as loss",
    "dtype": "it is computed in the model's",
}


@dataclass(frozen=True)
class Bounds:
    """Between which numbers a parameter is, as `text` says. `low` is one of them where it is
    `closed`, `high` never."""

    text: str
    low: float = 0.0
    high: float = math.inf
    closed: bool = False
    several: bool = False
    """Whether a list, of one number for each class, stands for one."""

    def hold(self, value: Any) -> bool:
        """Whether a value is between them."""
        if self.several and isinstance(value, list):
            return bool(value) and all(map(self.hold, value))
        if not is_number(value):
            return False
        return self.low < value < self.high or (self.closed and value == self.low)


ABOVE_0, FROM_0 = Bounds("a number above 0"), Bounds("a number from 0", closed=True)
INSIDE = Bounds("a number between 0 and 1", high=1.0)
SMOOTHING = Bounds("a number from 0, and below 1", high=1.0, closed=True)
FACTORS = Bounds("a number above 0, or a list with one for each class", several=True)
FOCAL = {"gamma": FROM_0, "label_smoothing": SMOOTHING}
BOUNDS: Mapping[str, Mapping[str, Bounds]] = {
    "huber": {"delta": ABOVE_0},
    "categorical_crossentropy": {"label_smoothing": SMOOTHING},
    "binary_crossentropy": {"label_smoothing": SMOOTHING},
    "categorical_focal_crossentropy": {**FOCAL, "alpha": FACTORS},
    "binary_focal_crossentropy": {**FOCAL, "alpha": INSIDE},
    "categorical_generalized_cross_entropy": {"q": INSIDE},
    "tversky": {"alpha": FROM_0, "beta": FROM_0},
}
"""Of Keras's losses, as it documents them or the papers that it names; beyond them a loss has its
least value for wrong answers, or no gradient."""


def loss_param_problems(training: Training) -> Iterator[Problem]:
    """Checks of the arguments of a loss."""
    if not isinstance(training.loss_params or {}, Mapping):
        yield (
            "training.loss_params",
            f"need arguments by name, got {training.loss_params!r}; for example {{gamma: 2.0}}",
        )
    own = {field.name for field in fields(Training)}
    for name, value in loss_params(training).items():
        key, bounds = f"training.loss_params.{name}", BOUNDS.get(training.loss, {}).get(name)
        if name in LOSS_SETTINGS and not is_own(training.loss):
            yield key, f"need other parameters: {LOSS_SETTINGS[name]}"
        elif name in own:
            yield (
                key,
                f"need a name that is no other setting of a training, for both would be stored as "
                f"training.{name}; rename the argument of {training.loss}",
            )
        elif bounds is not None:
            if not bounds.hold(value):
                yield key, f"need {bounds.text} for {training.loss}, got {value!r}"
            elif wrong := [end for end in _ends(training.space.get(name)) if not bounds.hold(end)]:
                yield f"training.space.{name}", f"need {bounds.text} everywhere, got {wrong[0]!r}"


def _ends(spec: Spec | None) -> list[Any]:
    """What a space can give at most: its ends, or its choices."""
    if spec is None:
        return []
    if spec.choices is not None:
        return list(spec.choices)
    return [end for end in (spec.low, spec.high) if end is not None]

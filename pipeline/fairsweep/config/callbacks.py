"""What `training.callbacks` says: Keras's callbacks by name, and the user's own.

In: the entries of the list. Out: a `Callback` each, and what they mean for the rest of a sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fairsweep.config.schema import Training
from fairsweep.metrics import VALIDATION, measured_on_validation
from fairsweep.own import is_own

KEY = "training.callbacks"
USUAL_MONITOR = f"{VALIDATION}loss"
"""What Keras's own watch that aren't told what to."""
STOPS, REDUCES, SCHEDULES = "EarlyStopping", "ReduceLROnPlateau", "LearningRateScheduler"
KERAS = (STOPS, REDUCES, SCHEDULES, "TerminateOnNaN")
SET_THE_RATE = (REDUCES, SCHEDULES)


@dataclass(frozen=True)
class Callback:
    """A class of Keras's by its name, or `package.module:Class`, and its keywords."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def monitor(self) -> str:
        """What one of Keras's watches."""
        return str(self.params.get("monitor", USUAL_MONITOR))


def callbacks_of(training: Training) -> Sequence[Callback]:
    """The callbacks of a training, in order."""
    found = []
    for entry in training.callbacks or ():
        given: Mapping[str, Any] = {"name": entry} if isinstance(entry, str) else entry
        found.append(Callback(str(given["name"]), given.get("params") or {}))
    return found


def own_names(training: Training) -> Iterator[str]:
    """The user's own among them, and the functions that others are given."""
    for callback in callbacks_of(training):
        if is_own(callback.name):
            yield callback.name
        elif callback.name == SCHEDULES:
            yield str(callback.params["schedule"])


def need_validation(training: Training) -> Sequence[str]:
    """The names of those that can't do without validation rows, or may not be able to. What only
    stops a training isn't asked where its number of epochs is known."""
    return [
        callback.name
        for callback in callbacks_of(training)
        if is_own(callback.name)
        or (callback.name == REDUCES and measured_on_validation(callback.monitor))
    ]

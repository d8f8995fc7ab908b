"""Studies on a journal file, and trainings whose curves are scripted."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.plan import Plan
from fairsweep.records import Outcome, TrialKey, TrialResult
from fairsweep.search.journal import open_storage
from fairsweep.search.samplers import decision_schedule
from fairsweep.search.study import ArmStudy, Candidate

# Two ranges and a choice: enough to tell samplers apart, few enough to be quick.
SMALL = (
    "optimizer=adam",
    "model.space.hidden_units=null",
    "optimizer.space.beta_2=null",
)


@functools.cache
def plan(*overrides: str) -> Plan:
    """The plan of one small arm."""
    return compose_sweep([*SMALL, *overrides])


def open_study(folder: Path, of: Plan) -> ArmStudy:
    """The study of the plan's arm, as a new process opens it."""
    return ArmStudy(open_storage(folder / "studies.log"), of, of.arms[0], {})


def value_of(values: Mapping[str, Any]) -> float:
    """What a training of these values gives, in [0, 1]: a peak somewhere in the space."""
    rate = math.log10(values["optimizer.learning_rate"])
    return math.exp(-((rate + 2.5) ** 2)) * (0.5 + values["training.batch_size"] / 512)


def result(
    study: ArmStudy,
    trial: int,
    value: float | None,
    outcome: Outcome = "complete",
    epochs: int | None = None,
) -> TrialResult:
    """The result of a training that came to `value`."""
    epochs = study.arm.settings.training.epochs if epochs is None else epochs
    key = TrialKey(study.arm.name, "search", trial)
    return TrialResult(key, outcome, epochs, 0.1, epochs if value is not None else None, value)


def begin(study: ArmStudy) -> Candidate:
    """Asks for a trial and begins it."""
    candidate = study.ask()
    study.begin(candidate.trial, candidate.attempt)
    return candidate


def tell(
    study: ArmStudy,
    candidate: Candidate,
    value: float | None = None,
    outcome: Outcome = "complete",
    epochs: int | None = None,
) -> None:
    """Ends a trial; without a value it is that of its values."""
    if value is None and outcome == "complete":
        value = value_of(candidate.values)
    study.tell(candidate.trial, result(study, candidate.trial, value, outcome, epochs))


def search(study: ArmStudy, trials: float = math.inf) -> Iterator[Candidate]:
    """Trains up to `trials` candidates, one after the other, as far as the budget goes."""
    left_over = study.take_up()
    while trials > 0 and (left_over or study.wants_trial()):
        candidate = left_over.pop(0) if left_over else study.ask()
        study.begin(candidate.trial, candidate.attempt)
        yield candidate
        tell(study, candidate)
        trials -= 1


def train(
    study: ArmStudy, candidate: Candidate, of: Plan, curve: Callable[[int], float]
) -> TrialResult:
    """Trains a candidate along a scripted curve, pruned as a worker is: at the epoch after the one
    that was judged. Tells and returns the result."""
    schedule = decision_schedule(of.config.pruner)
    length = study.arm.settings.training.epochs
    values: Sequence[float] = [curve(epoch) for epoch in range(1, length + 1)]
    epochs, outcome = length, "complete"
    for epoch in range(1, length):
        if (
            schedule
            and schedule.judged(epoch)
            and not study.keep(candidate.trial, epoch, values[epoch - 1])
        ):
            epochs, outcome = epoch + 1, "pruned"
            break
    ended = result(study, candidate.trial, max(values[:epochs]), outcome, epochs)  # type: ignore[arg-type]
    study.tell(candidate.trial, ended)
    return ended

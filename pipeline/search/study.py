"""An arm's study: asks the sampler for trials, asks the pruner for verdicts, keeps the budget.

All studies of a sweep stand in one journal file, which only the sweep process opens.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import FrozenTrial, TrialState

from pipeline.config.plan import Arm, Plan
from pipeline.config.space import dimensions, trial_values
from pipeline.errors import StorageError
from pipeline.records import Objective, TrialResult
from pipeline.search.samplers import (
    from_drawn,
    grid_size,
    make_pruner,
    make_sampler,
    suggest,
    to_drawn,
)

# The trial's attribute that ends its drawing: how often its training was begun.
ATTEMPT = "attempt"
STATES = {
    "complete": TrialState.COMPLETE,
    # As a trial that ended early and badly, so that the sampler learns to stay away; a failed one
    # says nothing about its values.
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


@dataclass(frozen=True)
class Candidate:
    """A trial to train: its number, its values by public name, the attempt that this will be."""

    trial: int
    values: Mapping[str, Any]
    attempt: int


@dataclass(frozen=True)
class Tally:
    """An arm's trials so far: `unfinished` were begun and have no outcome yet."""

    outcomes: Mapping[str, int]
    unfinished: int
    epochs: int
    best_value: float | None
    best_trial: int | None

    @property
    def finished(self) -> int:
        return sum(self.outcomes.values())


class _HeldLock(JournalFileOpenLock):  # type: ignore[misc]
    """The sweep's lock already keeps every other process away, and no crash leaves it behind."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        """Nothing was taken."""


def open_storage(path: Path) -> JournalStorage:
    """The journal of a sweep's studies; what a crash left unfinished at its end is taken off first.

    Raises:
        StorageError: the journal can't be read.
    """
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    try:
        _mend_end(path)
        return JournalStorage(JournalFileBackend(str(path), lock_obj=_HeldLock(str(path))))
    except (ValueError, TypeError, KeyError, OSError) as error:  # a line that is no record
        raise StorageError(
            f"{path} is damaged ({error}); restore it or use another sweep.name"
        ) from error


def _mend_end(path: Path) -> None:
    """Takes off a last record cut short, and a last trial that hasn't drawn all of its values:
    some samplers draw one after the other, so only the whole trial can be drawn again."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    end = start = whole
    for line in reversed(content[:whole].splitlines(keepends=True)):
        start -= len(line)
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError(f"{record} is no record")
        if ATTEMPT in record.get("user_attr", ()):
            break
        if record["op_code"] == JournalOperation.CREATE_TRIAL:
            end = start
            break
    if end < len(content):
        logging.getLogger(__name__).warning("%s: took off what a crash left unfinished", path)
        os.truncate(path, end)


def identities(storage: JournalStorage) -> dict[str, Mapping[str, Any]]:
    """What the results of each stored study depend on, by its name."""
    return {
        study.study_name: study.user_attrs["identity"]
        for study in optuna.get_all_study_summaries(storage, include_best_trial=False)
        if "identity" in study.user_attrs
    }


class ArmStudy:
    """The study of one arm."""

    def __init__(
        self, storage: JournalStorage, plan: Plan, arm: Arm, identity: Mapping[str, Any]
    ) -> None:
        self.arm = arm
        self._search = plan.config.search
        self._objective: Objective = plan.objective
        self._seed = arm.settings.training.seed
        self._dimensions = dimensions(arm.settings)
        pruner = make_pruner(plan.config.pruner, arm.settings.training.epochs)
        if arm.name in optuna.get_all_study_names(storage):
            self._study = optuna.load_study(study_name=arm.name, storage=storage, pruner=pruner)
        else:
            self._study = optuna.create_study(
                study_name=arm.name,
                storage=storage,
                pruner=pruner,
                direction=plan.objective.direction,
            )
        if "identity" not in self._study.user_attrs:
            self._study.set_user_attr("identity", identity)
        self._running: dict[int, optuna.Trial] = {}
        self._reported: dict[int, Set[int]] = {}

    @property
    def limit(self) -> int:
        """How many trials the budget allows: a grid ends when its combinations do."""
        if self._search.name != "grid":
            return self._search.trials
        size = grid_size(self._dimensions, self._search.params["points"])
        return min(self._search.trials, 1 + size)

    def tally(self) -> Tally:
        trials = self._study.get_trials(deepcopy=False)
        outcomes: dict[str, int] = {}
        epochs = 0
        for trial in trials:
            if trial.state.is_finished():
                result = trial.user_attrs["result"]
                outcomes[result["outcome"]] = outcomes.get(result["outcome"], 0) + 1
                epochs += result["epochs"]
        complete = [t for t in trials if t.state == TrialState.COMPLETE]
        best = self._objective.best([t.value for t in complete if t.value is not None])
        return Tally(
            outcomes,
            sum(t.state == TrialState.RUNNING for t in trials),
            epochs,
            None if best is None else complete[best].value,
            None if best is None else complete[best].number,
        )

    @property
    def begun(self) -> int:
        """How many trials have been begun."""
        return len(self._study.get_trials(deepcopy=False))

    @property
    def is_open(self) -> bool:
        """Whether a trial is left to train, a new one or one that was begun."""
        return self.wants_trial() or self.tally().unfinished > 0

    def wants_trial(self) -> bool:
        """Whether the budget has room for one more trial, those that run counted in full."""
        tally = self.tally()
        if tally.finished + tally.unfinished >= self.limit:
            return False
        if self._search.epochs is None:
            return True
        length = self.arm.settings.training.epochs
        return tally.epochs + (tally.unfinished + 1) * length <= self._search.epochs

    def settle(self, ended: Mapping[int, TrialResult]) -> None:
        """Ends the trials, by number, whose training ended before the study was told."""
        for frozen in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            if frozen.number in ended:
                self._take_up(frozen)
                self.tell(frozen.number, ended[frozen.number])

    def take_up(self) -> list[Candidate]:
        """Trials that an earlier process drew and never finished, to train again: same number,
        same values, one attempt more if it was begun."""
        unfinished = self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        return [self._take_up(frozen) for frozen in unfinished]

    def ask(self) -> Candidate:
        """A new trial: the first one of an arm is its defaults."""
        number = len(self._study.get_trials(deepcopy=False))
        if number == 0:
            self._study.enqueue_trial({d.name: to_drawn(d, d.default) for d in self._dimensions})
        self._set_sampler(number)
        trial = self._study.ask()
        for dimension in self._dimensions:
            suggest(trial, dimension)
        trial.set_user_attr(ATTEMPT, 0)
        return self._candidate(trial, 1)

    def begin(self, number: int, attempt: int) -> None:
        """Counts an attempt: its training begins."""
        self._running[number].set_user_attr(ATTEMPT, attempt)

    def values(self, number: int) -> Mapping[str, Any]:
        """The values of a trial by public name."""
        trial = next(t for t in self._study.get_trials(deepcopy=False) if t.number == number)
        return self._values(trial.params)

    def keep(self, number: int, epoch: int, value: float) -> bool:
        """Reports a judged epoch's objective; whether the pruner lets the trial go on."""
        trial = self._running[number]
        if epoch not in self._reported.get(number, ()):
            trial.report(value, epoch)
        return not trial.should_prune()

    def tell(self, number: int, result: TrialResult) -> None:
        """Ends a trial."""
        trial = self._running.pop(number)
        trial.set_user_attr("result", {"outcome": result.outcome, "epochs": result.epochs})
        state = STATES[result.outcome]
        self._study.tell(
            trial, values=result.best_value if state == TrialState.COMPLETE else None, state=state
        )

    def _take_up(self, unfinished: FrozenTrial) -> Candidate:
        self._set_sampler(unfinished.number)
        trial = optuna.trial.Trial(self._study, unfinished._trial_id)
        self._reported[unfinished.number] = unfinished.intermediate_values.keys()
        return self._candidate(trial, 1 + int(unfinished.user_attrs[ATTEMPT]))

    def _set_sampler(self, number: int) -> None:
        self._study.sampler = make_sampler(
            self._search, self._dimensions, self._seed, self.arm.name, number
        )

    def _candidate(self, trial: optuna.Trial, attempt: int) -> Candidate:
        self._running[trial.number] = trial
        return Candidate(trial.number, self._values(trial.params), attempt)

    def _values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        drawn = {d.name: from_drawn(d, params[d.name]) for d in self._dimensions}
        return trial_values(self.arm.settings, drawn)

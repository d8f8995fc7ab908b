"""An arm's study: asks the sampler for trials, asks the pruner what to stop, keeps the budget.

A trial on folds is judged like one long training (`step`, `value_so_far`). Its folds are trained
one after the other, and epoch e of fold f (from 0) is step f × epochs + e, however early an earlier
fold stopped: a pruner compares trials that are at the same place, and Optuna keeps one value a
step. The value there is the mean of the best values of the folds that have ended and of what the
running one has now: the objective, were the trial to end there. A fold that has ended stands at the
step of its last epoch, which is never judged within a fold, with its best value. So a trial can be
stopped at the epochs that the pruner asks for, as any training can, and between two folds. The
median pruner takes the best value of the fold that the trial is at; what it was worth on fewer
folds is no longer a part of it.
"""

from __future__ import annotations

import functools
import math
import statistics
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, TrialState

from fairsweep.config.plan import Arm, Plan, store_name
from fairsweep.config.space import dimensions, trial_values
from fairsweep.configurations import best_configurations
from fairsweep.records import Objective, SearchKey, TrialResult
from fairsweep.search.journal import ATTEMPT
from fairsweep.search.samplers import (
    from_drawn,
    grid_size,
    make_pruner,
    make_sampler,
    suggest,
    to_drawn,
)

STATES = {
    "complete": TrialState.COMPLETE,
    # As a trial that ended early and badly, so that the sampler learns to stay away; a failed one
    # says nothing about its values.
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


# An arm whose first trials all fail for the same cause has a fault that no other trial avoids.
ALIKE = 3
STOPPED = "stopped"
STORE = "store"
"""The study's attribute that says which store its runs are in; older versions didn't note it."""
# The trial's attribute with the epoch at which the pruner decided to stop it.
HOPELESS_AT = "hopeless_at"


@dataclass(frozen=True)
class Candidate:
    """A trial to train: its number, its values by public name, and which attempt it will be."""

    trial: int
    values: Mapping[str, Any]
    attempt: int


@dataclass(frozen=True)
class Tally:
    """An arm's trials so far: `unfinished` ones were begun and have no outcome yet."""

    outcomes: Mapping[str, int]
    unfinished: int
    epochs: int
    best_value: float | None

    @property
    def finished(self) -> int:
        return sum(self.outcomes.values())


def step(epoch: int, fold: int, epochs: int) -> int:
    """Where an epoch of a fold stands in its trial.

    Args:
        epoch: from 1.
        fold: from 0.
        epochs: of the longest training that its arm can have.
    """
    return fold * epochs + epoch


def value_so_far(ended: Sequence[float], value: float) -> float:
    """The objective of a trial on folds: of those that have `ended` their best, and what the
    running one has now."""
    return statistics.fmean([*ended, value])


def search_of(study: str) -> SearchKey:
    """The search that a study is named after."""
    arm, found, number = study.rpartition("/search-")
    return SearchKey(arm, int(number)) if found else SearchKey(study)


def identities(storage: JournalStorage) -> dict[SearchKey, Mapping[str, Any]]:
    """Everything that the results of each stored study depend on."""
    return {
        search_of(study.study_name): study.user_attrs["identity"]
        for study in optuna.get_all_study_summaries(storage, include_best_trial=False)
        if "identity" in study.user_attrs
    }


def _hopeless(trial: optuna.Trial) -> bool:
    """Whether the pruner would stop a trial; of one without a number so far numpy warns as well."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
        return bool(trial.should_prune())


def as_told(result: TrialResult) -> dict[str, Any]:
    """The part of a result that a study keeps beside Optuna's state and value."""
    stored: dict[str, Any] = {"outcome": result.outcome, "epochs": result.epochs}
    if result.cause:
        stored["cause"] = result.cause
    if result.second is not None:
        stored["second"] = result.second
    return stored


class ArmStudy:
    """The study of one search of an arm."""

    def __init__(
        self,
        storage: JournalStorage,
        plan: Plan,
        arm: Arm,
        identity: Mapping[str, Any],
        number: int = 0,
    ) -> None:
        self.arm = arm
        self.key = SearchKey(arm.name, number)
        self._search = plan.config.search
        self._objective: Objective = plan.objective
        self._seed = arm.settings.training.seed
        self._dimensions = dimensions(arm.settings)
        if self._search.repeats > 1:
            # What arms share is drawn first, and so alike, however many dimensions follow.
            own = f"{plan.group}."
            self._dimensions = tuple(sorted(self._dimensions, key=lambda d: d.name.startswith(own)))
        self._folds = plan.search_folds
        self._longest = arm.settings.longest
        pruner = make_pruner(plan.config.pruner, self._longest, self._folds)
        name = str(self.key)
        if name in optuna.get_all_study_names(storage):
            self._study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
        else:
            self._study = optuna.create_study(
                study_name=name,
                storage=storage,
                pruner=pruner,
                direction=plan.objective.direction,
            )
        if "identity" not in self._study.user_attrs:
            self._study.set_user_attr("identity", identity)
            self._study.set_user_attr(STORE, store_name(plan.config.tracking.uri))
        self.store: str = self._study.user_attrs.get(STORE, "")
        self._running: dict[int, optuna.Trial] = {}
        self._reported: defaultdict[int, set[int]] = defaultdict(set)
        self._hopeless_at: dict[int, int] = {}
        self._unfinished: set[int] = set()
        self._outcomes: Counter[str] = Counter()
        self._epochs = 0
        self._best: float | None = None
        self._causes: dict[int, str] = {}
        for stored in self._study.get_trials(deepcopy=False):
            if stored.state.is_finished():
                result = stored.user_attrs["result"]
                self._count(stored.number, result["outcome"], result["epochs"], stored.value)
                self._causes[stored.number] = result.get("cause", "")
            elif stored.state == TrialState.RUNNING:
                self._unfinished.add(stored.number)
        self._stopped: str = self._study.user_attrs.get(STOPPED, "")
        self._stop_if_alike()

    @functools.cached_property
    def limit(self) -> int:
        """How many trials the budget allows: a grid ends when its combinations do."""
        if self._search.name != "grid":
            return self._search.trials
        return min(self._search.trials, grid_size(self._dimensions, self._search.params["points"]))

    def tally(self) -> Tally:
        """The arm's trials so far."""
        return Tally(dict(self._outcomes), len(self._unfinished), self._epochs, self._best)

    def _count(self, number: int, outcome: str, epochs: int, value: float | None) -> None:
        """Adds a finished trial to the tally. Adding all of them up at every trial would sooner or
        later take longer than training one."""
        self._unfinished.discard(number)
        self._outcomes[outcome] += 1
        self._epochs += epochs
        best = math.nan if self._best is None else self._best
        if outcome == "complete" and value is not None and self._objective.better(value, best):
            self._best = value

    @property
    def stopped(self) -> str:
        """The cause for which all of the first trials failed, so that the arm gets no more; empty
        otherwise."""
        return self._stopped

    def _stop_if_alike(self) -> None:
        """Stops the arm for good, whatever becomes of trials under way."""
        ended, causes = self._outcomes.total(), set(self._causes.values())
        if self._stopped or ended < ALIKE or self._outcomes["failed"] < ended:
            return
        if self.begun < self.limit and len(causes) == 1:
            self._stopped = causes.pop()
            self._study.set_user_attr(STOPPED, self._stopped)

    @property
    def unfinished(self) -> Set[int]:
        """The trials that were drawn and have no outcome yet."""
        return frozenset(self._unfinished)

    @property
    def begun(self) -> int:
        """How many trials have been drawn."""
        return self._outcomes.total() + len(self._unfinished)

    @property
    def is_open(self) -> bool:
        """Whether a trial is left to train, a new one or one that was begun."""
        return self.wants_trial() or bool(self._unfinished)

    def wants_trial(self) -> bool:
        """Whether the budget allows one more trial; running ones count with all their epochs."""
        if self.begun >= self.limit or self.stopped:
            return False
        if self._search.epochs is None:
            return True
        length = self._longest * max(1, self._folds)
        return self._epochs + (len(self._unfinished) + 1) * length <= self._search.epochs

    @property
    def cut_off(self) -> str:
        """Which limit came before the last trial of a search that has ended; empty for none."""
        if self.begun >= self._search.trials or self.stopped:
            return ""
        if self.begun >= self.limit:
            return "its grid has no more combinations"
        if not self.wants_trial():
            return f"search.epochs={self._search.epochs} has no room for another"
        return f"search.minutes={self._search.minutes:g} came first"

    def settle(self, ended: Mapping[int, TrialResult]) -> None:
        """Ends the trials, by number, whose training ended before the study was told."""
        for frozen in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            if frozen.number in ended:
                self._take_up(frozen)
                self.tell(frozen.number, ended[frozen.number])

    def take_up(self) -> list[Candidate]:
        """The trials that an earlier process drew and never finished, to be trained again: same
        number, same values, one more attempt if it was begun."""
        unfinished = self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        return [self._take_up(frozen) for frozen in unfinished]

    def ask(self) -> Candidate:
        """A new trial; the first one of an arm trains its defaults."""
        number = self.begun
        if number == 0:
            self._study.enqueue_trial({d.name: to_drawn(d, d.default) for d in self._dimensions})
        self._set_sampler(number)
        trial = self._study.ask()
        for dimension in self._dimensions:
            suggest(trial, dimension)
        trial.set_user_attr(ATTEMPT, 0)
        self._unfinished.add(number)
        return self._candidate(trial, 1)

    def begin(self, number: int, attempt: int) -> None:
        """Counts an attempt: its training begins, or that on one of its folds."""
        if attempt > self._running[number].user_attrs[ATTEMPT]:
            self._running[number].set_user_attr(ATTEMPT, attempt)

    def best_trials(self, count: int) -> list[tuple[int, Mapping[str, Any]]]:
        """The numbers and the values (by public name) of the trials that are confirmed:
        `best_configurations`."""
        complete = {
            trial.number: trial
            for trial in self._study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
            if trial.value is not None
        }

        def values(number: int) -> Mapping[str, Any]:
            return self._values(complete[number].params)

        best = best_configurations(
            {number: trial.value for number, trial in complete.items()},
            lambda number: repr(values(number)),
            self._objective,
            count,
            {n: trial.user_attrs["result"].get("second") for n, trial in complete.items()},
        )
        return [(number, values(number)) for number in best]

    def keep(self, number: int, epoch: int, value: float) -> bool:
        """Reports a judged epoch's objective, and returns whether the pruner lets the trial go on.
        What was decided before, in whichever attempt, stands. Of a trial on folds, `epoch` is its
        `step`."""
        new, trial = self.report(number, epoch, value), self._running[number]
        if new and number not in self._hopeless_at and _hopeless(trial):
            trial.set_user_attr(HOPELESS_AT, epoch)
            self._hopeless_at[number] = epoch
        return epoch < self._hopeless_at.get(number, math.inf)

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Reports a judged epoch's objective; False if it had been reported before."""
        if epoch in self._reported[number]:
            return False
        self._reported[number].add(epoch)
        self._running[number].report(value, epoch)
        return True

    def tell(self, number: int, result: TrialResult) -> None:
        """Ends a trial."""
        trial = self._running.pop(number)
        self._reported.pop(number, None)
        trial.set_user_attr("result", as_told(result))
        self._causes[number] = result.cause
        state = STATES[result.outcome]
        self._study.tell(
            trial, values=result.best_value if state == TrialState.COMPLETE else None, state=state
        )
        self._count(number, result.outcome, result.epochs, result.best_value)
        self._stop_if_alike()

    def _take_up(self, unfinished: FrozenTrial) -> Candidate:
        self._set_sampler(unfinished.number)
        trial = optuna.trial.Trial(self._study, unfinished._trial_id)
        self._reported[unfinished.number] = set(unfinished.intermediate_values)
        if HOPELESS_AT in unfinished.user_attrs:
            self._hopeless_at[unfinished.number] = unfinished.user_attrs[HOPELESS_AT]
        return self._candidate(trial, 1 + int(unfinished.user_attrs[ATTEMPT]))

    def _set_sampler(self, number: int) -> None:
        self._study.sampler = make_sampler(
            self._search, self._dimensions, self._seed, self.key, number
        )

    def _candidate(self, trial: optuna.Trial, attempt: int) -> Candidate:
        self._running[trial.number] = trial
        return Candidate(trial.number, self._values(trial.params), attempt)

    def _values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        drawn = {d.name: from_drawn(d, params[d.name]) for d in self._dimensions}
        return trial_values(self.arm.settings, drawn)

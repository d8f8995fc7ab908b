"""The search: every arm gets its trials in turn, until its budget is spent.

In: a study per arm and search. Out: studies whose trials all have an outcome.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping

from fairsweep.config.plan import Arm, Plan
from fairsweep.folds import search_fold
from fairsweep.records import (
    EpochMetrics,
    PruningDecision,
    SearchKey,
    TrialKey,
    TrialResult,
    TrialSpec,
    derive_seed,
)
from fairsweep.search.samplers import decision_schedule
from fairsweep.search.study import ArmStudy, Candidate
from fairsweep.stages.dispatch import Dispatcher, SweepStage
from fairsweep.stages.folds import TrialOnFolds, taken_up
from fairsweep.tracking.write import Tracker


class SearchStage(SweepStage):
    """Decides which arm's trial comes next, and what becomes of those that run.

    Args:
        plan: the sweep.
        studies: by search.
        dispatcher: trains.
        tracker: stores what becomes of trials.
        ended: what is stored of the sweep, as first attempts.
    """

    def __init__(
        self,
        plan: Plan,
        studies: Mapping[SearchKey, ArmStudy],
        dispatcher: Dispatcher,
        tracker: Tracker,
        ended: Mapping[TrialKey, TrialResult],
    ) -> None:
        self._plan = plan
        self._studies = studies
        self._dispatcher = dispatcher
        self._tracker = tracker
        self._ended = ended
        self._on_folds: dict[TrialKey, TrialOnFolds] = {}
        self._waiting: deque[TrialSpec] = deque()
        self._left_over = deque(
            (study, candidate) for study in studies.values() for candidate in study.take_up()
        )
        for key in studies:
            self._stop_if_alike(key)
        self._best = self._best_of(studies.values())
        minutes = plan.config.search.minutes
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes

    def next(self) -> TrialSpec | None:
        """The next fold of a trial, what an earlier process left unfinished, then a trial of the
        search that has begun fewest: arms and searches keep abreast, so that any limit cuts all of
        them alike."""
        while not self._waiting:
            if self._crowded:
                return None
            if self._left_over:
                self._take_up(*self._left_over.popleft())
            elif self._late:
                return None
            elif wanting := [s for s in self._studies.values() if s.wants_trial()]:
                study = min(wanting, key=lambda s: s.begun)
                self._take_up(study, study.ask())
            else:
                return None
        return self._waiting.popleft()

    @property
    def _crowded(self) -> bool:
        """Whether every worker has a trial with folds to come. Another one then waits: a trial that
        has ended is what the sampler learns from and the pruner compares with."""
        folds = self._plan.search_folds
        busy = sum(len(trial.ended) + 1 < folds for trial in self._on_folds.values())
        return folds > 0 and busy >= self._dispatcher.workers

    def _take_up(self, study: ArmStudy, candidate: Candidate) -> None:
        spec = self._spec(study, candidate)
        if not self._plan.search_folds:
            self._waiting.append(spec)
            return
        longest = study.arm.settings.longest
        trial = taken_up(spec, self._plan.search_folds, longest, self._ended)
        self._on_folds[spec.key.first] = trial
        self._go_on(trial)

    def _spec(self, study: ArmStudy, candidate: Candidate) -> TrialSpec:
        arm, number = study.arm, study.key.number
        key = TrialKey(arm.name, "search", candidate.trial, 0, candidate.attempt, search=number)
        path = (number, candidate.trial) if number else (candidate.trial,)
        seed = derive_seed(arm.settings.training.seed, "search", *path)
        return trial_spec(self._plan, arm, key, candidate.values, seed)

    def begun(self, key: TrialKey) -> None:
        """Counts the attempt in its study."""
        self._studies[key.of].begin(key.trial, key.attempt)
        if key.whole is not None:
            self._open(self._on_folds[key.whole.first])

    def take(self, event: EpochMetrics | TrialResult) -> None:
        """Judges an epoch, tells a result."""
        if isinstance(event, EpochMetrics):
            self._judge(event)
        elif event.key.whole is not None:
            trial = self._on_folds[event.key.whole.first]
            trial.ended.append(event)
            self._go_on(trial)
        else:
            self._tell(event)

    def settled(self, search: SearchKey) -> bool:
        """Whether all trials of a search have an outcome, and no other will come."""
        study = self._studies[search]
        return study.tally().unfinished == 0 and (self._late or not study.wants_trial())

    def note_limits(self) -> None:
        """Stores of each arm which limit came before the last of its trials; all have ended."""
        for search, study in self._studies.items():
            if why := study.cut_off:
                self._tracker.cut_off(search.arm, why)

    @property
    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _judge(self, metrics: EpochMetrics) -> None:
        spec = self._dispatcher.spec(metrics.key)
        schedule = spec.pruning
        if schedule is None or not schedule.judged(metrics.epoch):
            return
        if metrics.epoch >= spec.training.epochs:
            return
        study, value = self._studies[metrics.key.of], metrics.values[spec.objective.metric]
        step = metrics.epoch
        if metrics.key.whole is not None:
            trial = self._on_folds[metrics.key.whole.first]
            step, value = trial.judged(metrics.epoch, value)
        if metrics.settled:
            study.report(metrics.key.trial, step, value)
            return
        keep = study.keep(metrics.key.trial, step, value)
        self._dispatcher.judge(PruningDecision(metrics.key, metrics.epoch, keep))

    def _go_on(self, trial: TrialOnFolds) -> None:
        """Has a trial trained on its next fold, or ends it."""
        if trial.goes_on and self._keeps(trial):
            self._waiting.append(trial.next_fold)
            return
        result = trial.result(pruned=trial.goes_on)
        self._open(trial)
        self._dispatcher.conclude(result)
        del self._on_folds[result.key.first]
        self._tell(result)

    def _keeps(self, trial: TrialOnFolds) -> bool:
        """Whether the pruner lets a trial go on between two folds."""
        if not trial.ended or trial.spec.pruning is None:
            return True
        return self._studies[trial.spec.key.of].keep(trial.spec.key.trial, *trial.between())

    def _open(self, trial: TrialOnFolds) -> None:
        """Opens a trial's run, once: those of its folds are inside it."""
        key = trial.spec.key
        if not trial.opened:
            self._studies[key.of].begin(key.trial, key.attempt)
            now = time.time_ns() // 1_000_000
            self._tracker.begin(trial.spec, now, goes_on=key.attempt > 1)
            trial.opened = True

    def _tell(self, result: TrialResult) -> None:
        study, arm = self._studies[result.key.of], result.key.arm
        own = [study for study in self._studies.values() if study.key.arm == arm]
        before, stopped = self._best_of(own), study.stopped
        study.tell(result.key.trial, result)
        if not stopped:
            self._stop_if_alike(result.key.of)
        best = self._best_of(own)
        if best is not None and best != before:
            self._tracker.progress(arm, _finished(own), best)
        best = self._best_of(self._studies.values())
        if best is not None and best != self._best:
            self._best = best
            self._tracker.progress(None, _finished(self._studies.values()), best)

    def _stop_if_alike(self, search: SearchKey) -> None:
        """Tells that a search gets no more trials, for its first ones failed alike."""
        study = self._studies[search]
        if cause := study.stopped:
            why = f"its first three trials failed alike ({cause})"
            self._dispatcher.stopped(search, why, study.limit - study.begun)
            self._tracker.stopped(search.arm, why)

    def _best_of(self, studies: Iterable[ArmStudy]) -> float | None:
        values = [study.tally().best_value for study in studies]
        found = [value for value in values if value is not None]
        index = self._plan.objective.best(found)
        return None if index is None else found[index]


def _finished(studies: Iterable[ArmStudy]) -> int:
    return sum(study.tally().finished for study in studies)


def trial_spec(
    plan: Plan, arm: Arm, key: TrialKey, values: Mapping[str, object], seed: int
) -> TrialSpec:
    """An arm's settings with a trial's values put in, on the split of the search: that of its first
    fold, if it has any."""
    settings = arm.settings.with_values(values)
    searching = key.stage == "search"
    folds = plan.search_folds
    return TrialSpec(
        key=key,
        data=settings.data,
        model=settings.model,
        optimizer=settings.optimizer,
        training=settings.training,
        objective=plan.objective,
        seed=seed,
        pruning=decision_schedule(plan.config.pruner) if searching else None,
        fold=search_fold(folds, 0) if folds else None,
        test=key.stage in ("confirm", "refit"),
    )

"""Picks from a stored sweep what the report speaks about.

In: a `SweepRecord`, at any moment of its life (nothing finished yet, running, interrupted, done).
Out: a `Selection` with one `ArmSelection` per arm: its default, its best trial, the confirmation
runs of that best trial, and what is still missing.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fairsweep.configurations import best_configurations, configuration, ranked
from fairsweep.metrics import UNBOUNDED, base_name, bounds_of, is_shared, measured_on_validation
from fairsweep.records import (
    Confirmation,
    Objective,
    RunRecord,
    SweepRecord,
    TrialKey,
)
from fairsweep.report.analysis.differences import Sample, interval_of
from fairsweep.report.analysis.statistics import Verdict, judge

OUTCOMES = ("complete", "pruned", "diverged", "failed", "running")


@dataclass(frozen=True)
class ArmSelection:
    """What one arm brought.

    Attributes:
        arm: Its name.
        trials: Its search runs, search by search by trial number, the last attempt of each.
        default: Trial 0, which trains the arm's defaults; None before it has begun.
        best: The best complete search run, the first of equals; None when none is complete.
        chosen: The search run whose configuration stands for the arm: of those confirmed the one
            with the best mean, one that never diverged first; until one is, the first that will
            be. A second objective chooses among those that count as equal.
        confirmations: The confirmation runs by their place and of any outcome: those of `chosen`,
            and where the arm was searched several times, of what each other search found.
        empty: How many searches ended without a complete trial.
        pending: Whether runs are still to come, so that its numbers may change.
    """

    arm: str
    trials: tuple[RunRecord, ...]
    default: RunRecord | None
    best: RunRecord | None
    chosen: RunRecord | None
    confirmations: tuple[RunRecord, ...]
    empty: int
    pending: bool

    @property
    def confirmed(self) -> tuple[RunRecord, ...]:
        """The confirmation runs that ended well, by place."""
        return tuple(run for run in self.confirmations if has_result(run))

    @property
    def retrained(self) -> tuple[RunRecord, ...]:
        """Those that trained `chosen`, by place."""
        if self.chosen is None:
            return ()
        return tuple(run for run in self.confirmed if run.key.of == self.chosen.key.of)

    def sample(self, metric: str) -> Sample:
        """What the confirmation runs that ended well gave, by the objective's metric."""
        name = base_name(metric)
        values = {run.key.place: value_of(run) for run in self.confirmed}
        low, high = bounds_of(metric)
        inside = all(low <= value <= high for value in values.values())
        return Sample(
            values,
            {
                run.key.place: (run.judged.rows, run.judged.metrics[name])
                for run in self.confirmed
                if run.judged is not None and name in run.judged.metrics
            }
            if measured_on_validation(metric)
            else {},
            (low, high) if inside else UNBOUNDED,  # a user's own model may measure in percent
            is_shared(name),
        )

    @property
    def second(self) -> float:
        """The mean of the second objective over the confirmation runs that ended well; NaN where
        one has none."""
        return _second(self.confirmed)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many search runs ended in each of `OUTCOMES`."""
        return _count(self.trials)

    @property
    def confirmation_counts(self) -> Mapping[str, int]:
        """How many confirmation runs ended in each of `OUTCOMES`."""
        return _count(self.confirmations)

    @property
    def epochs(self) -> int:
        """Epochs the search trained, those of pruned and diverged trials included."""
        return sum(run.epochs for run in self.trials)

    @property
    def seconds(self) -> float:
        """Seconds the search trained, those of pruned and diverged trials included."""
        return sum(run.seconds for run in self.trials)

    @property
    def eligible(self) -> bool:
        """Whether the arm may win: each of its searches found something, and no confirmation
        diverged."""
        steady = self.confirmation_counts["diverged"] == 0
        return bool(self.confirmed) and steady and not self.empty


@dataclass(frozen=True)
class Selection:
    """The arms in the sweep's order.

    Attributes:
        arms: One entry for every arm of the sweep, in its order.
        objective: What "best" means here.
        running: How many runs are training at this moment.
        scheme: How the sweep asks each arm to be confirmed.
        sampler: What drew the trials.
        metrics: What each epoch is measured by.
    """

    arms: tuple[ArmSelection, ...]
    objective: Objective
    running: int
    scheme: Confirmation
    sampler: str = ""
    metrics: tuple[str, ...] = ()

    def __getitem__(self, arm: str) -> ArmSelection:
        return next(entry for entry in self.arms if entry.arm == arm)

    @property
    def pending(self) -> tuple[str, ...]:
        """The arms with runs still to come."""
        return tuple(entry.arm for entry in self.arms if entry.pending)

    @property
    def confirmed(self) -> bool:
        """Whether any confirmation run has ended well."""
        return any(entry.confirmed for entry in self.arms)

    @property
    def samples(self) -> Mapping[str, Sample]:
        """What confirmations gave, of the arms that may win."""
        metric = self.objective.metric
        return {entry.arm: entry.sample(metric) for entry in self.arms if entry.eligible}

    @cached_property
    def verdict(self) -> Verdict:
        """What they allow to say."""
        return judge(self.samples, self.objective, self.scheme, final=not self.pending)

    @property
    def equals(self) -> tuple[str, ...]:
        """The arms that count as equal to the best one, which is the first of them."""
        verdict, objective = self.verdict, self.objective
        if verdict.best is None or objective.tolerance is None:
            return verdict.tied
        means = {arm: sample.mean for arm, sample in self.samples.items()}
        order = (verdict.best, *(item.arm for item in verdict.comparisons))
        best = means[verdict.best]
        return tuple(arm for arm in order if objective.tolerates(means[arm], best))

    @cached_property
    def recommended(self) -> str | None:
        """The arm whose model is published: the best one, or with a second objective the best by
        that of those that count as equal; None where none may win."""
        second = self.objective.second
        if second is None or self.verdict.kind == "open":
            return self.verdict.best
        index = second.best([self[arm].second for arm in self.equals])
        return self.verdict.best if index is None else self.equals[index]

    def interval(self, entry: ArmSelection) -> tuple[float, float] | None:
        """The 95 % interval of an arm's confirmed mean; None where nothing tells."""
        return interval_of(entry.sample(self.objective.metric), self.scheme)

    def leader(self) -> ArmSelection | None:
        """The arm whose best search run is the best of all; None when no trial is complete."""
        found = [entry for entry in self.arms if entry.best is not None]
        index = self.objective.best([value_of(entry.best) for entry in found])
        return None if index is None else found[index]


def select(sweep: SweepRecord) -> Selection:
    """Picks default, best trial and confirmation runs of each arm.

    Runs of arms that the sweep doesn't name are left out, and of a trial trained more than once
    only the last attempt counts.

    Args:
        sweep: The stored sweep; no run needs to be there, or to have ended.

    Returns:
        One entry per arm, in the order of `sweep.arms`.
    """
    runs = _last_attempts(sweep.runs)
    arms = tuple(_select_arm(sweep, arm, runs) for arm in sweep.arms)
    running = sum(
        run.outcome == "running" for entry in arms for run in (*entry.trials, *entry.confirmations)
    )
    return Selection(
        arms, sweep.objective, running, sweep.confirmation, sweep.sampler, sweep.metrics
    )


def value_of(run: RunRecord | None) -> float:
    """The run's best value of the objective; NaN where there is none."""
    return math.nan if run is None or run.best_value is None else run.best_value


def has_result(run: RunRecord) -> bool:
    """Whether the run is complete and its objective a finite number."""
    return run.outcome == "complete" and math.isfinite(value_of(run))


def _count(runs: Iterable[RunRecord]) -> Mapping[str, int]:
    found: Counter[str] = Counter(run.outcome for run in runs)
    return {outcome: found[outcome] for outcome in OUTCOMES}


def _last_attempts(runs: Iterable[RunRecord]) -> list[RunRecord]:
    last: dict[TrialKey, RunRecord] = {}
    for run in runs:
        if run.outcome == "interrupted":
            continue
        key = run.key.first
        if key not in last or run.key.attempt > last[key].key.attempt:
            last[key] = run
    return sorted(last.values(), key=lambda run: (run.key.of, run.key.trial, run.key.place))


def _select_arm(sweep: SweepRecord, arm: str, runs: Iterable[RunRecord]) -> ArmSelection:
    own, wanted = [run for run in runs if run.key.arm == arm], sweep.confirmation
    trials = tuple(run for run in own if run.key.stage == "search")
    confirmations: defaultdict[Place, list[RunRecord]] = defaultdict(list)
    for run in own:
        if run.key.stage == "confirm":
            confirmations[_place(run)].append(run)
    tops = [
        _top([run for run in trials if run.key.search == number], sweep.objective, wanted.top)
        for number in range(wanted.searches)
    ]
    found = list(filter(None, tops))
    firsts = [top[0] for top in found]
    order = ranked(list(map(value_of, firsts)), [run.second for run in firsts], sweep.objective)
    leaders = [_chosen(found[place], confirmations, sweep.objective) for place in order]
    trained = sum(len(confirmations[_place(run)]) for top in tops for run in top)
    needed = sum(map(len, tops)) * wanted.trainings // wanted.searches
    pending = _pending(sweep, own, trained < needed)
    return ArmSelection(
        arm=arm,
        trials=trials,
        default=next((run for run in trials if run.key.trial == 0), None),
        best=_best(trials, sweep.objective),
        chosen=_chosen(leaders, confirmations, sweep.objective) if leaders else None,
        confirmations=tuple(
            sorted(
                (other for run in leaders for other in confirmations[_place(run)]),
                key=lambda run: run.key.place,
            )
        ),
        empty=0 if pending else tops.count([]),
        pending=pending,
    )


Place = tuple[int, int]
"""The search and the trial of a configuration."""


def _place(run: RunRecord) -> Place:
    return run.key.search, run.key.trial


def _top(trials: Iterable[RunRecord], objective: Objective, count: int) -> list[RunRecord]:
    """The runs of the best configurations, best first."""
    complete = {run.key.trial: run for run in trials if has_result(run)}
    best = best_configurations(
        {number: value_of(run) for number, run in complete.items()},
        lambda number: configuration(complete[number].params),
        objective,
        count,
        {number: run.second for number, run in complete.items()},
    )
    return [complete[number] for number in best]


def _best(trials: Sequence[RunRecord], objective: Objective) -> RunRecord | None:
    index = objective.best([value_of(run) if has_result(run) else math.nan for run in trials])
    return None if index is None else trials[index]


def _chosen(
    top: list[RunRecord], runs: Mapping[Place, list[RunRecord]], objective: Objective
) -> RunRecord:
    """The best of some configurations by their confirmed means; the first while none is
    confirmed."""
    confirmed = [run for run in top if any(map(has_result, runs[_place(run)]))]
    steady = [
        run
        for run in confirmed
        if not any(other.outcome == "diverged" for other in runs[_place(run)])
    ]
    candidates = steady or confirmed or top
    good = [[own for own in runs[_place(run)] if has_result(own)] for run in candidates]
    means = [statistics.fmean(list(map(value_of, own)) or [math.nan]) for own in good]
    order = ranked(means, [_second(own) for own in good], objective)
    return candidates[order[0] if order else 0]


def _second(runs: Sequence[RunRecord]) -> float:
    """The mean of the second objective; NaN where one of the runs has none, or there are none."""
    values = [math.nan if run.second is None else run.second for run in runs]
    return statistics.fmean(values or [math.nan])


def _pending(sweep: SweepRecord, own: list[RunRecord], unconfirmed: bool) -> bool:
    """Whether runs of this arm are still to come, as far as the stored runs tell.

    Confirmation follows the search, so once it has begun a search with fewer trials than its
    budget was ended by another limit (epochs, minutes), and isn't waited for.
    """
    if sweep.finished:
        return False
    if not own or any(run.outcome == "running" for run in own):
        return True
    trained = Counter(run.key.search for run in own if run.key.stage == "search")
    confirming = {run.key.search for run in own if run.key.stage == "confirm"}
    searching = any(
        number not in confirming and trained[number] < sweep.trials
        for number in range(sweep.confirmation.searches)
    )
    return searching or unconfirmed

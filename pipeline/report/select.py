"""Picks from a stored sweep what the report speaks about.

In: a `SweepRecord`, at any moment of its life (nothing finished yet, running, interrupted, done).
Out: a `Selection` with one `ArmSelection` per arm: its default, its best trial, the confirmation
runs of that best trial, and what is still missing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.records import Objective, RunRecord, SweepRecord

OUTCOMES = ("complete", "pruned", "diverged", "failed", "running")


@dataclass(frozen=True)
class ArmSelection:
    """What one arm brought.

    Attributes:
        arm: Its name.
        trials: Its search runs, by trial number, the last attempt of each.
        default: Trial 0, which trains the arm's defaults; None before it has begun.
        best: The best complete search run, the first of equals; None when none is complete.
        seeds: The confirmation runs of `best`, by repeat and of any outcome.
        pending: Whether runs are still to come, so that its numbers may change.
    """

    arm: str
    trials: tuple[RunRecord, ...]
    default: RunRecord | None
    best: RunRecord | None
    seeds: tuple[RunRecord, ...]
    pending: bool

    @property
    def confirmed(self) -> tuple[RunRecord, ...]:
        """The confirmation runs that ended well, by repeat."""
        return tuple(run for run in self.seeds if has_result(run))

    @property
    def values(self) -> Mapping[int, float]:
        """The confirmed value of the objective by seed."""
        return {run.seed: value_of(run) for run in self.confirmed}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many search runs ended in each of `OUTCOMES`."""
        return _count(self.trials)

    @property
    def seed_counts(self) -> Mapping[str, int]:
        """How many confirmation runs ended in each of `OUTCOMES`."""
        return _count(self.seeds)

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
        """Whether the arm may win: confirmed, and no seed of its best trial diverged."""
        return bool(self.confirmed) and self.seed_counts["diverged"] == 0


@dataclass(frozen=True)
class Selection:
    """The arms in the sweep's order.

    Attributes:
        arms: One entry for every arm of the sweep, in its order.
        objective: What "best" means here.
        running: How many runs are training at this moment.
        seeds: How many confirmation seeds the sweep asks of each arm.
        sampler: What drew the trials.
    """

    arms: tuple[ArmSelection, ...]
    objective: Objective
    running: int
    seeds: int
    sampler: str = ""

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
    def samples(self) -> Mapping[str, Mapping[int, float]]:
        """Confirmed values by arm and seed, of the arms that may win."""
        return {entry.arm: entry.values for entry in self.arms if entry.eligible}

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
    confirming = any(run.key.stage == "confirm" for run in runs)
    arms = tuple(_select_arm(sweep, arm, runs, confirming) for arm in sweep.arms)
    running = sum(
        run.outcome == "running" for entry in arms for run in (*entry.trials, *entry.seeds)
    )
    return Selection(arms, sweep.objective, running, sweep.confirm_seeds, sweep.sampler)


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
    last: dict[tuple[str, str, int, int], RunRecord] = {}
    for run in runs:
        if run.outcome == "interrupted":
            continue
        place = (run.key.arm, run.key.stage, run.key.trial, run.key.repeat)
        if place not in last or run.key.attempt > last[place].key.attempt:
            last[place] = run
    return [last[place] for place in sorted(last)]


def _select_arm(
    sweep: SweepRecord, arm: str, runs: Iterable[RunRecord], confirming: bool
) -> ArmSelection:
    own = [run for run in runs if run.key.arm == arm]
    trials = tuple(run for run in own if run.key.stage == "search")
    finished = [run for run in trials if has_result(run)]
    index = sweep.objective.best([value_of(run) for run in finished])
    best = None if index is None else finished[index]
    seeds = tuple(
        run
        for run in own
        if best is not None and run.key.stage == "confirm" and run.key.trial == best.key.trial
    )
    return ArmSelection(
        arm=arm,
        trials=trials,
        default=next((run for run in trials if run.key.trial == 0), None),
        best=best,
        seeds=seeds,
        pending=_pending(sweep, own, trials, best, seeds, confirming),
    )


def _pending(
    sweep: SweepRecord,
    own: list[RunRecord],
    trials: tuple[RunRecord, ...],
    best: RunRecord | None,
    seeds: tuple[RunRecord, ...],
    confirming: bool,
) -> bool:
    """Whether runs of this arm are still to come, as far as the stored runs tell.

    Confirmation follows the search, so once it has begun a search with fewer trials than its
    budget was ended by another limit (epochs, minutes), and isn't waited for.
    """
    if sweep.finished:
        return False
    if not own or any(run.outcome == "running" for run in own):
        return True
    if not confirming and len(trials) < sweep.trials:
        return True
    return best is not None and len(seeds) < sweep.confirm_seeds

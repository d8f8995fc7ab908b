"""A trial of a search on folds: one configuration, trained on each fold, one after the other.

In: the trial, and what its trainings on folds came to. Out: the training that comes next, or the
result of the whole trial, whose value is the mean over its folds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fairsweep.folds import search_fold
from fairsweep.records import TrialKey, TrialResult, TrialSpec, derive_seed
from fairsweep.search.study import step, value_so_far


@dataclass
class TrialOnFolds:
    """A trial under way.

    Attributes:
        spec: The trial: its key has no fold.
        folds: How many there are.
        longest: The epochs of the longest training that its arm can have.
        ended: What the folds that have ended came to, the first one first.
        opened: Whether this process has its run open.
    """

    spec: TrialSpec
    folds: int
    longest: int
    ended: list[TrialResult] = field(default_factory=list)
    opened: bool = False

    @property
    def next_fold(self) -> TrialSpec:
        """The training on the first fold that hasn't ended."""
        return on_fold(self.spec, self.folds, len(self.ended))

    def judged(self, epoch: int, value: float) -> tuple[int, float]:
        """The step of an epoch of the running fold, and the trial's value there."""
        return step(epoch, len(self.ended), self.longest), value_so_far(self._best, value)

    def between(self) -> tuple[int, float]:
        """The step at which the last fold has ended, and the trial's value there."""
        *before, last = self._best
        return step(self.longest, len(before), self.longest), value_so_far(before, last)

    @property
    def goes_on(self) -> bool:
        """Whether another fold is to be trained, unless the trial is pruned: as long as all before
        were trained to their end."""
        if any(result.outcome != "complete" for result in self.ended):
            return False
        return len(self.ended) < self.folds

    def result(self, *, pruned: bool = False) -> TrialResult:
        """What the trial came to, `pruned` if it is stopped between two folds."""
        return whole(self.spec.key, self.ended, pruned=pruned)

    @property
    def _best(self) -> Sequence[float]:
        return [best(result) for result in self.ended]


def whole(key: TrialKey, ended: Sequence[TrialResult], *, pruned: bool) -> TrialResult:
    """What a trial came to.

    Args:
        key: of the trial.
        ended: the trainings on its folds, the first one first.
        pruned: whether it was stopped after the last of them; else it ended as that did.
    """
    last, found = ended[-1], [r.best_epoch for r in ended if r.best_epoch is not None]
    measured = len(found) == len(ended)
    return replace(
        last,
        key=key,
        outcome="pruned" if pruned else last.outcome,
        epochs=sum(result.epochs for result in ended),
        seconds=sum(result.seconds for result in ended),
        earlier=0.0,
        best_epoch=statistics.median_low(found) if measured else None,
        best_value=value_so_far([best(r) for r in ended[:-1]], best(last)) if measured else None,
        second=None if pruned else _mean_of([result.second for result in ended]),
        traceback="",
    )


def _mean_of(values: Sequence[float | None]) -> float | None:
    """None where not all are there."""
    there = [value for value in values if value is not None]
    return statistics.fmean(there) if len(there) == len(values) else None


def best(result: TrialResult) -> float:
    """The best value of a training; NaN where it has none."""
    return math.nan if result.best_value is None else result.best_value


def on_fold(spec: TrialSpec, folds: int, fold: int) -> TrialSpec:
    """A trial's training on one of its folds. The first has the trial's seed: `fairsweep train`
    repeats it with that one."""
    seed = derive_seed(spec.seed, "fold", fold) if fold else spec.seed
    key = replace(spec.key, fold=fold)
    return replace(spec, key=key, fold=search_fold(folds, fold), seed=seed)


def taken_up(
    spec: TrialSpec, folds: int, longest: int, ended: Mapping[TrialKey, TrialResult]
) -> TrialOnFolds:
    """A trial that an earlier process may have begun.

    Args:
        spec: of the trial.
        folds: how many it is trained on.
        longest: see `TrialOnFolds`.
        ended: what is stored of the sweep, as first attempts.
    """
    trial = TrialOnFolds(spec, folds, longest)
    while (key := replace(spec.key.first, fold=len(trial.ended))) in ended:
        trial.ended.append(ended[key])
    return trial

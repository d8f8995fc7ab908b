"""One training in this process: from overrides to its epochs, through the room that workers use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from fairsweep.commands.train import prepare
from fairsweep.data.split import SplitData
from fairsweep.records import EpochMetrics, PruningSchedule, TrialKey, TrialResult, TrialSpec
from fairsweep.stages.job import Job
from fairsweep.stages.search import trial_spec

if TYPE_CHECKING:
    from fairsweep.training.trial import WorkerCache

FEW_ROWS = ("data.validation=0.1", "data.test=0.7")
"""Digits with 359 rows to train on: their last batch is short for every batch size used here."""

_loaded: dict[str, SplitData] = {}
_composed: dict[tuple[str, ...], Job] = {}


@dataclass(frozen=True)
class Trained:
    """A training that has ended: the metrics of its epochs in order, and its result."""

    epochs: Sequence[dict[str, float]]
    result: TrialResult

    def curve(self, name: str) -> list[float]:
        return [epoch[name] for epoch in self.epochs]


def compose(*overrides: str, seed: int = 0) -> tuple[TrialSpec, SplitData]:
    """The spec and the data that `fairsweep train` with these overrides trains on."""
    job = _composed.get(overrides) or _composed.setdefault(overrides, prepare(overrides, None))
    arm = job.plan.arms[0]
    data = _loaded.setdefault(repr(job.plan.config.data), job.data)  # a worker loads it once
    return trial_spec(job.plan, arm, TrialKey(arm.name, "train", 0), {}, seed), data


def train(
    *overrides: str,
    seed: int = 0,
    pruning: PruningSchedule | None = None,
    keep: Callable[[int], bool] = lambda _: True,
    test: bool = False,
    cache: WorkerCache | None = None,
) -> Trained:
    """Trains in this process; `keep` decides on the epochs that `pruning` judges, and
    `cache` is what earlier trainings left."""
    return run(*compose(*overrides, seed=seed), pruning, keep, test, cache)


def both_loops(*overrides: str, test: bool = False) -> tuple[Trained, Trained]:
    """The same training by the compiled loop and by `fit`."""
    spec, data = compose(*overrides)
    resident, fit = (
        run(replace(spec, training=replace(spec.training, loop=loop)), data, test=test)
        for loop in ("resident", "fit")
    )
    return resident, fit


def assert_same(resident: Trained, fit: Trained) -> None:
    """To a few units in the last place of a float32: sums may be taken in another order."""
    assert (resident.result.loop, fit.result.loop) == ("resident", "fit")
    assert resident.result.outcome == fit.result.outcome == "complete", resident.result.error
    assert len(resident.epochs) == len(fit.epochs) > 1
    for ours, theirs in zip(resident.epochs, fit.epochs, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-6)
    assert resident.result.test == pytest.approx(fit.result.test, rel=1e-6)


def run(
    spec: TrialSpec,
    data: SplitData,
    pruning: PruningSchedule | None = None,
    keep: Callable[[int], bool] = lambda _: True,
    test: bool = False,
    cache: WorkerCache | None = None,
) -> Trained:
    """Trains a spec in this process."""
    from fairsweep.training.trial import train_trial

    heard: list[EpochMetrics] = []
    result = train_trial(replace(spec, pruning=pruning, test=test), data, heard.append, keep, cache)
    assert [metrics.epoch for metrics in heard] == list(range(1, len(heard) + 1))
    return Trained([dict(metrics.values) for metrics in heard], result)

"""One draw of a world: its arms trained as a sweep confirms them, and judged.

In: a world and a number. Out: an `Outcome`. Every training goes through the rooms that a worker and
the report use; only the search is left out, and the store.
"""

from __future__ import annotations

import functools
import gc
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fairsweep import judged
from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.plan import Arm, Plan
from fairsweep.data.dataset import Dataset
from fairsweep.data.folds import FOLDS, confirmation
from fairsweep.data.split import split_rows
from fairsweep.files import TrialFolders
from fairsweep.metrics import base_name, objectives
from fairsweep.records import Confirmation, TrialResult, derive_seed
from fairsweep.report.analysis.differences import Sample
from fairsweep.report.analysis.statistics import judge
from fairsweep.stages.confirm import confirming
from tests.calibration.worlds import WORLDS, World

TRAININGS = (5, 10, 20)
"""Of each arm, by which it is judged: the first of those that were trained."""


@dataclass(frozen=True)
class Outcome:
    """What one draw came to.

    Attributes:
        world: Its name.
        seed: Of the whole calibration.
        draw: Its number.
        winners: By how many trainings an arm had, the arm that was named; empty for none.
        truth: Of each arm the mean of the metric on fresh rows, over the trained models.
        seconds: How long it took.
    """

    world: str
    seed: int
    draw: int
    winners: Mapping[str, str]
    truth: Mapping[str, float]
    seconds: float


def drawn(task: tuple[str, int, int]) -> Outcome:
    """The outcome of (world, seed, draw)."""
    name, seed, draw = task
    return outcome(WORLDS[name], seed, draw)


@functools.cache
def _plan(world: World, trainings: int) -> Plan:
    return compose_sweep(
        [
            *("data=npz", "data.path=drawn.npz", "optimizer=adam"),
            f"training.batch_size={world.batch_size}",
            f"objective.metric={world.metric}",
            f"objective.direction={objectives()[world.metric]}",
            f"confirm.repeats={trainings // FOLDS}",  # on folds
            f"confirm.seeds={trainings}",  # on a given split
        ]
    )


def outcome(world: World, seed: int, draw: int, trainings: Sequence[int] = TRAININGS) -> Outcome:
    """Trains and judges a draw, always with the same result.

    Raises:
        RuntimeError: a training didn't complete.
    """
    started, most = time.monotonic(), max(trainings)
    plan, metric = _plan(world, most), base_name(world.metric)
    datasets = world.datasets(np.random.default_rng([seed, draw]))
    own = derive_seed(seed, world.name, draw)
    samples: dict[str, Sample] = {}
    truth: dict[str, float] = {}
    scheme = _scheme(plan, datasets[world.names[0]])
    with tempfile.TemporaryDirectory(prefix="calibration-") as temporary:
        folders = TrialFolders(Path(temporary), Path(temporary))
        for name, dataset in datasets.items():
            results = _confirmed(plan, scheme, _arm(plan, name, own), dataset, folders)
            samples[name] = _sample(results, metric, folders)
            truth[name] = statistics.fmean(result.test[f"test_{metric}"] for result in results)
    winners = {str(count): _winner(samples, plan, scheme, count) for count in trainings}
    _tidy()
    return Outcome(world.name, seed, draw, winners, truth, time.monotonic() - started)


def _arm(plan: Plan, name: str, seed: int) -> Arm:
    """An arm of the sweep: the seeds of its split and of its trainings are those of the draw."""
    (arm,) = plan.arms
    data, training = arm.settings.data, arm.settings.training
    settings = replace(
        arm.settings, data=replace(data, seed=seed), training=replace(training, seed=seed)
    )
    return replace(arm, name=name, settings=settings)


def _scheme(plan: Plan, dataset: Dataset) -> Confirmation:
    data = plan.config.data
    return confirmation(plan.config.confirm, data, split_rows(dataset, data), plan.objective)


def _confirmed(
    plan: Plan, scheme: Confirmation, arm: Arm, dataset: Dataset, folders: TrialFolders
) -> Sequence[TrialResult]:
    from fairsweep.training.trial import train_trial

    results = []
    for key in scheme.keys(arm.name, 0):
        spec = replace(confirming(plan, scheme, arm, {}, key), judged=key.files)
        data = split_rows(dataset, spec.data, spec.fold)
        result = train_trial(spec, data, lambda _: None, lambda _: True, _cache(), folders=folders)
        if result.outcome != "complete":
            raise RuntimeError(f"{key}: {result.outcome} {result.error}\n{result.traceback}")
        results.append(result)
    return results


@functools.cache
def _cache() -> Any:
    """Of this process: what one draw has compiled serves the next."""
    from fairsweep.training.trial import WorkerCache

    return WorkerCache()


def _sample(results: Sequence[TrialResult], metric: str, folders: TrialFolders) -> Sample:
    values, rows = {}, {}
    for result in results:
        assert result.best_value is not None
        found = judged.read(folders.judged_of(result.judged).read_bytes())
        values[result.key.place] = result.best_value
        rows[result.key.place] = found.rows, found.metrics[metric]
    return Sample(values, rows)


def _winner(samples: Mapping[str, Sample], plan: Plan, scheme: Confirmation, trainings: int) -> str:
    """The arm that is named by the first trainings of each; empty where none is."""
    repeats = trainings // max(1, scheme.folds)
    first = {
        name: Sample(
            {place: value for place, value in own.values.items() if place[0] < repeats},
            {place: rows for place, rows in own.rows.items() if place[0] < repeats},
        )
        for name, own in samples.items()
    }
    verdict = judge(first, plan.objective, replace(scheme, repeats=repeats))
    return verdict.best or "" if verdict.kind == "winner" else ""


def _tidy() -> None:
    """As a worker does between trials."""
    from fairsweep.training.programs import forget_kernels

    gc.collect()
    forget_kernels()

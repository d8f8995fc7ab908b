"""One draw of a world: its arms trained as a sweep confirms them, and judged.

In: a world and a number. Out: what its trainings left, and an `Outcome`. Every training goes
through the rooms that a worker and the report use; only the search is left out, and the store.
"""

from __future__ import annotations

import functools
import gc
import json
import statistics
import tempfile
import time
import zipfile
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
from fairsweep.files import TrialFolders, replaced
from fairsweep.metrics import base_name, is_shared, metric_named, scored
from fairsweep.records import Confirmation, Objective, SearchKey, TrialResult, derive_seed
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


Archive = Mapping[str, bytes]
"""What the trainings of a draw left, by file name: `about.json`, and of each training the file of
what it said of its rows."""
ABOUT = "about.json"


def drawn(task: tuple[str, int, int, Path]) -> Outcome:
    """The outcome of (world, seed, draw); its trainings are kept in the folder, and found there, so
    that another rule judges the same ones."""
    name, seed, draw, folder = task
    world = WORLDS[name]
    source = WORLDS[world.of or name]
    file = folder / f"{source.name}-{seed}-{draw}.zip"
    if not file.exists():
        archive = trained(source, seed, draw)
        with replaced(file) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as target:
            for entry, content in archive.items():
                target.writestr(entry, content)
    with zipfile.ZipFile(file) as stored:
        kept = {entry: stored.read(entry) for entry in stored.namelist()}
    return outcome(world, seed, draw, kept)


@functools.cache
def _plan(world: World, trainings: int) -> Plan:
    return compose_sweep(
        [
            *("data=npz", "data.path=drawn.npz", "optimizer=adam"),
            *(f"data.task={world.task.name}", f"training.loss={world.task.losses[0]}"),
            *(f"training.batch_size={world.batch_size}", "training.space.batch_size=null"),
            f"objective.metric={world.metric}",
            f"confirm.repeats={trainings // FOLDS}",  # on folds
            f"confirm.seeds={trainings}",  # on a given split
        ]
    )


def trained(world: World, seed: int, draw: int, trainings: int = max(TRAININGS)) -> Archive:
    """Trains a draw, always with the same results.

    Raises:
        RuntimeError: a training didn't complete.
    """
    started, plan, metric = time.monotonic(), _plan(world, trainings), base_name(world.metric)
    datasets = world.datasets(np.random.default_rng([seed, draw]))
    own = derive_seed(seed, world.name, draw)
    scheme = _scheme(plan, datasets[world.names[0]])
    archive, values, truth = dict[str, bytes](), dict[str, list[float | None]](), {}
    with tempfile.TemporaryDirectory(prefix="calibration-") as temporary:
        folders = TrialFolders(Path(temporary), Path(temporary))
        for name, dataset in datasets.items():
            results = _confirmed(plan, scheme, _arm(plan, name, own), dataset, folders)
            values[name] = [result.best_value for result in results]
            truth[name] = statistics.fmean(result.test[f"test_{metric}"] for result in results)
            for result in results:
                archive[result.judged] = folders.judged_of(result.judged).read_bytes()
    _tidy()
    seconds = time.monotonic() - started
    about = {"scheme": vars(scheme), "values": values, "truth": truth, "seconds": seconds}
    return {ABOUT: json.dumps(about).encode(), **archive}


def outcome(
    world: World, seed: int, draw: int, archive: Archive, trainings: Sequence[int] = TRAININGS
) -> Outcome:
    """Judges the trainings of a draw, by the first of each arm."""
    about = json.loads(archive[ABOUT])
    scheme, metric = Confirmation(**about["scheme"]), base_name(world.metric)
    samples, wanted = {}, metric_named(metric)
    for name in world.names:
        keys = list(scheme.keys(SearchKey(name), 0))
        found = {
            key.place: scored(judged.read(archive[key.files]), [wanted], world.task) for key in keys
        }
        samples[name] = Sample(
            {key.place: value for key, value in zip(keys, about["values"][name], strict=True)},
            {place: (own.rows, own.metrics[metric]) for place, own in found.items()},
            scored=is_shared(metric),
        )
    objective = _plan(world, max(trainings)).objective
    winners = {str(count): _winner(samples, objective, scheme, count) for count in trainings}
    truth = {name: about["truth"][name] for name in world.names}
    return Outcome(world.name, seed, draw, winners, truth, about["seconds"])


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
    for key in scheme.keys(SearchKey(arm.name), 0):
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


def _winner(
    samples: Mapping[str, Sample], objective: Objective, scheme: Confirmation, trainings: int
) -> str:
    """The arm that is named by the first trainings of each; empty where none is."""
    repeats = trainings // max(1, scheme.folds)
    first = {
        name: replace(
            own,
            values={place: value for place, value in own.values.items() if place[0] < repeats},
            rows={place: rows for place, rows in own.rows.items() if place[0] < repeats},
        )
        for name, own in samples.items()
    }
    verdict = judge(first, objective, replace(scheme, repeats=repeats))
    return verdict.best or "" if verdict.kind == "winner" else ""


def _tidy() -> None:
    """As a worker does between trials."""
    from fairsweep.training.programs import forget_kernels

    gc.collect()
    forget_kernels()

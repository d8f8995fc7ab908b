"""The files of a stored sweep: those that were promised are there and whole (V5), and no process
that was killed left any behind (V6)."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from fairsweep import judged, tested
from fairsweep.data.recipe import WEIGHTS as MODEL_WEIGHTS
from fairsweep.doctor.problems import AGAIN, DELETE, RESTORE, Problem
from fairsweep.doctor.runs import StoredModel, StoredRun, artifact
from fairsweep.doctor.sweep import StoredSweep
from fairsweep.files import locked
from fairsweep.machine import process_start
from fairsweep.metrics import base_name, is_mean, measured_on_validation, metric_named, scored
from fairsweep.records import SearchKey
from fairsweep.shown import unpacked
from fairsweep.stages.checkpoints import may_go_on
from fairsweep.tasks import task_in
from fairsweep.tracking import names
from fairsweep.tracking.published import DATA, damage_in_model
from fairsweep.tracking.store import Store
from fairsweep.tracking.store.database import DRAFT

Content = TypeVar("Content")
TEMPORARY = (".probe-*", ".*.tmp*", "studies/.*.tmp", "studies/*.tmp")
"""Files of no sweep in particular, in the store's folder, that any command may have left."""
PROCESS = re.compile(r"[.-](\d+)(?:\.tmp)?$")
"""The number of the process that made one, at the end of its name."""


def check_files(store: Store, sweep: StoredSweep) -> Iterator[Problem]:
    """What breaks V5 and V6 in a sweep, for the holder of its lock."""
    yield from _check_promised(store, sweep)
    for path in _left_behind(store, sweep):
        yield Problem("V6", sweep.name, f"{path} {LEFT}", AGAIN)


def check_store(store: Store) -> Iterator[Problem]:
    """What breaks V6 in the store's folder, of no sweep in particular."""
    found = {path for pattern in TEMPORARY for path in store.root.glob(pattern)}
    for path in sorted(found):
        if not _in_use(path):
            yield Problem("V6", "the store", f"{path} {LEFT}", DELETE)


LEFT = "was left behind by a process that was killed"


def _check_promised(store: Store, sweep: StoredSweep) -> Iterator[Problem]:
    """Files of the sweep that are missing or damaged."""
    if not sweep.about:
        return
    seeds: defaultdict[tuple[SearchKey, int], dict[tuple[int, int], StoredRun]] = defaultdict(dict)
    for key, runs in sweep.attempts.items():
        (run, *others) = runs
        ended = run.has_ended and not others
        if key.stage == "confirm" and ended and run.outcome == "complete":
            seeds[key.of, key.trial][key.place] = run
            yield from _check_tested(store, sweep, run)
            yield from _check_judged(store, sweep, run)
        if key.stage == "refit" and ended and run.outcome == "complete":
            yield from _check_weights(store, sweep, run, needed=True)
    for by_place in seeds.values():
        runs = [by_place[place] for place in sorted(by_place)]
        values = [run.latest.get(f"best_{sweep.objective.metric}", math.nan) for run in runs]
        best = sweep.objective.best(values)  # of equals the first, for they come by place
        for index, run in enumerate(runs):
            yield from _check_weights(store, sweep, run, needed=index == best)
    if sweep.champion is not None:
        yield from _check_champion(store, sweep, sweep.champion)
    elif store.local and sweep.closed and sweep.is_confirmed:
        what = "no version of its model has the alias champion, although it is stored as complete"
        yield Problem("V5", sweep.name, what, AGAIN)
    yield from _check_rows(store, sweep)


def _check_rows(store: Store, sweep: StoredSweep) -> Iterator[Problem]:
    """What the rows of the report look like can be read, where it is stored."""
    for run in sweep.runs:
        if run.stage == "sweep" and artifact(store, run, names.ROWS) is not None:
            found = _content(store, sweep, run, names.ROWS, unpacked)
            if isinstance(found, Problem):
                yield replace(found, remedy=AGAIN)


def _check_tested(store: Store, sweep: StoredSweep, run: StoredRun) -> Iterator[Problem]:
    """What is kept of test rows is there, can be read, and is of all of them."""
    kind = task_in(sweep.about["data"]).tested
    if kind is None or not any(name.startswith("test_") for name in run.metrics):
        return
    name = tested.FILES[kind]
    kept = _content(store, sweep, run, name, tested.read)
    if isinstance(kept, Problem):
        yield kept
    elif kept.rows != sweep.about["data"].get("test rows", kept.rows):
        what = f"{name} counts {kept.rows} of {sweep.about['data']['test rows']} test rows"
        yield Problem("V5", sweep.place(run), what, RESTORE)


def _content(
    store: Store, sweep: StoredSweep, run: StoredRun, name: str, read: Callable[[bytes], Content]
) -> Content | Problem:
    """What a file of a run holds; or what is wrong with it, if it is missing or can't be read."""
    content = artifact(store, run, name)
    if content is None:
        return Problem("V5", sweep.place(run), f"{name} is missing", RESTORE)
    try:
        return read(content)
    except ValueError as error:
        what = f"{name} can't be read ({error})"
        return Problem("V5", sweep.place(run), what, RESTORE)


def _check_judged(store: Store, sweep: StoredSweep, run: StoredRun) -> Iterator[Problem]:
    """What a training said of its rows is there, can be read, and is what its metric says."""
    if sweep.about["format"] == names.EARLIEST_FORMAT:
        return
    if not sweep.about["data"].get("validation rows"):
        return
    task = task_in(sweep.about["data"])

    def read(content: bytes) -> judged.Judged:
        found = judged.read(content)
        task.numbers([*found.true, *found.predicted])
        return found

    said = _content(store, sweep, run, names.JUDGED, read)
    if isinstance(said, Problem):
        yield said
        return
    metric = sweep.objective.metric
    if not measured_on_validation(metric):
        return
    name, value = base_name(metric), run.latest.get(f"best_{metric}")
    own = scored(said, [metric_named(name)], task).metrics.get(name)
    most = judged.most_rows(len(said.outputs))
    all_rows = 2 * len(said.rows) < most  # a drawn part of them has a mean of its own
    if own is not None and all_rows and not is_mean(own, value):
        what = f"{names.JUDGED} has a mean of {own.mean():.6g}, but best_{metric} is {value!r}"
        yield Problem("V5", sweep.place(run), what, RESTORE)


def _check_weights(
    store: Store, sweep: StoredSweep, run: StoredRun, needed: bool
) -> Iterator[Problem]:
    """What is published has its weights, and the best training of a configuration, from which it
    may be; whatever weights there are can be read."""
    content = artifact(store, run, names.WEIGHTS)
    if content is None and needed:
        whose = "what is published" if run.stage == "refit" else "the configuration's best training"
        what = f"{names.WEIGHTS} of {whose} is missing"
        yield Problem("V5", sweep.place(run), what, RESTORE)
    if content is not None and (damage := damage_in(content)):
        what = f"{names.WEIGHTS} is damaged ({damage})"
        yield Problem("V5", sweep.place(run), what, RESTORE)


def damage_in(archive: bytes) -> str:
    """What is wrong with an .npz file by its own checksums; empty if it is whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as arrays:
            bad = arrays.testzip()
    except Exception as error:  # those of zipfile and zlib are of a dozen kinds
        return str(error) or repr(error)
    return "" if bad is None else f"{bad} fails its checksum"


def _check_champion(store: Store, sweep: StoredSweep, model: StoredModel) -> Iterator[Problem]:
    """Its files are those that were published, and its weights those of its run."""
    place = f"{sweep.name} champion version {model.version}"
    run = next((run for run in sweep.runs if run.run_id == model.run_id), None)
    stored = None if run is None else artifact(store, run, names.WEIGHTS)
    lost = stored is None or damage_in(stored)  # which is told of the run
    if damage := damage_in_model(model.folder):
        yield Problem("V5", place, damage, RESTORE if lost else AGAIN)
    elif run is None:
        yield Problem("V5", place, f"its run {model.run_id} is missing", RESTORE)
    elif not lost and stored != (weights := model.folder / DATA / MODEL_WEIGHTS).read_bytes():
        what = f"{weights} hasn't the weights of its run {model.run_id}"
        yield Problem("V5", place, what, RESTORE)


def _left_behind(store: Store, sweep: StoredSweep) -> list[Path]:
    """Files on their way into the store, and checkpoints of trainings that have ended."""
    found = [path for path in [store.scratch(sweep.name)] if path.exists()]
    checkpoints = store.checkpoints(sweep.name)
    if not checkpoints.is_dir():
        return found
    folders = sorted(checkpoints.iterdir())
    needed = [
        not sweep.closed and may_go_on(folder.name, sweep.unfinished, sweep.ended)
        for folder in folders
    ]
    if not any(needed):
        return [*found, checkpoints]
    return [*found, *(path for path, kept in zip(folders, needed, strict=True) if not kept)]


def _in_use(path: Path) -> bool:
    """Whether the process lives that the file is named after, or a database is being made of it."""
    if path.name.startswith(DRAFT):
        with locked(path.parent) as free:
            return not free
    named = PROCESS.search(path.name)
    return named is not None and process_start(int(named[1])) is not None

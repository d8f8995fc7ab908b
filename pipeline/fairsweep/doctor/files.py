"""The files of a stored sweep: those that are promised are there and whole (V5), and nothing is
left of what was on its way (V6)."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from fairsweep.data.recipe import WEIGHTS as MODEL_WEIGHTS
from fairsweep.data.recipe import read_model
from fairsweep.doctor.invariants import AGAIN, RESTORE, Examined, Finding
from fairsweep.doctor.mending import is_being_made
from fairsweep.doctor.runs import InspectedRun, artifact
from fairsweep.errors import StorageError
from fairsweep.records import TrialKey
from fairsweep.stages.checkpoints import NAME as CHECKPOINT
from fairsweep.tracking import names
from fairsweep.tracking.store import Store
from fairsweep.tracking.store.database import DRAFT

ON_THEIR_WAY = (".probe-*", ".*.tmp*", "studies/.*.tmp", "studies/*.tmp")
"""Of no sweep in particular, in the store's folder; any command may have left them."""
PROCESS = re.compile(r"[.-](\d+)(?:\.tmp)?$")


def broken_files(store: Store, sweep: Examined) -> Iterator[Finding]:
    """Promised files of the sweep that are missing or damaged."""
    if not sweep.about:
        return
    seeds: defaultdict[tuple[str, int], list[InspectedRun]] = defaultdict(list)
    for key, runs in sweep.standing.items():
        if key.stage == "confirm" and len(runs) == 1 and runs[0].outcome == "complete":
            if runs[0].status == "FINISHED":
                seeds[key.arm, key.trial].append(runs[0])
            yield from _confusion(store, sweep, runs[0])
    for runs in seeds.values():
        yield from _weights(store, sweep, runs)
    if sweep.champion is not None:
        yield from _champion(store, sweep)


def _confusion(store: Store, sweep: Examined, run: InspectedRun) -> Iterator[Finding]:
    if not any(name.startswith("test_") for name in run.metrics) or run.status != "FINISHED":
        return
    if "labels" in sweep.about["data"]:  # of which a row can have several
        return
    content = artifact(store, run, names.CONFUSION)
    if content is None:
        yield Finding("V5", sweep.place(run), f"{names.CONFUSION} is missing", RESTORE)
        return
    try:
        counts = json.loads(content)["counts"]
        rows = sum(sum(row) for row in counts)
    except (ValueError, KeyError, TypeError) as error:
        what = f"{names.CONFUSION} can't be read ({error!r})"
        yield Finding("V5", sweep.place(run), what, RESTORE)
        return
    if rows != sweep.about["data"].get("test rows", rows):
        what = f"{names.CONFUSION} counts {rows} rows of {sweep.about['data']['test rows']}"
        yield Finding("V5", sweep.place(run), what, RESTORE)


def _weights(store: Store, sweep: Examined, runs: Sequence[InspectedRun]) -> Iterator[Finding]:
    """A configuration's best seed has its weights; whatever weights there are can be read."""
    values = [run.latest.get(f"best_{sweep.objective.metric}", float("nan")) for run in runs]
    index = sweep.objective.best(values)
    stored = {run.run_id: artifact(store, run, names.WEIGHTS) for run in runs}
    best = [run for run, value in zip(runs, values, strict=True) if value == values[index or 0]]
    if index is not None and all(stored[run.run_id] is None for run in best):
        what = f"{names.WEIGHTS} of the configuration's best seed is missing"
        yield Finding("V5", sweep.place(best[0]), what, RESTORE)
    for run in runs:
        content = stored[run.run_id]
        if content is not None and (problem := _damage(content)):
            what = f"{names.WEIGHTS} is damaged ({problem})"
            yield Finding("V5", sweep.place(run), what, RESTORE)


def _damage(archive: bytes) -> str:
    """What is wrong with an .npz, by the checksums in it; nothing if it is whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as arrays:
            bad = arrays.testzip()
    except (zipfile.BadZipFile, ValueError) as error:
        return str(error)
    return "" if bad is None else f"{bad} isn't what was written"


def _champion(store: Store, sweep: Examined) -> Iterator[Finding]:
    """Its files are those that were published, and its weights those of its run."""
    model = sweep.champion
    assert model is not None
    place = f"{sweep.name} champion version {model.version} ({model.folder})"
    folder = model.folder / "data" / "model"
    try:
        read_model(folder)
    except StorageError as error:
        yield Finding("V5", place, str(error), RESTORE)
        return
    run = next((run for run in sweep.runs if run.run_id == model.run_id), None)
    if run is None:
        yield Finding("V5", place, f"its run {model.run_id} is missing", RESTORE)
    elif artifact(store, run, names.WEIGHTS) != (folder / MODEL_WEIGHTS).read_bytes():
        yield Finding("V5", place, f"its weights aren't those of its run {model.run_id}", RESTORE)


def leftovers(store: Store, sweep: Examined) -> list[Path]:
    """What a process that was killed left on its way for this sweep, and checkpoints of trainings
    that have ended. For the holder of the sweep's lock."""
    studies = store.root / "studies"
    found = [path for path in [studies / f"{sweep.name}.files"] if path.exists()]
    checkpoints = studies / f"{sweep.name}.checkpoints"
    if not checkpoints.is_dir():
        return found
    ended = [path for path in sorted(checkpoints.iterdir()) if not _goes_on(path, sweep)]
    if len(ended) == len(list(checkpoints.iterdir())):
        return [*found, checkpoints]
    return [*found, *ended]


def _goes_on(folder: Path, sweep: Examined) -> bool:
    """Whether the training of a folder of checkpoints may still go on from there."""
    named = CHECKPOINT.fullmatch(folder.name)
    if named is None or named["arm"] not in sweep.studies:
        return False
    trial, trials = int(named["trial"]), sweep.studies[named["arm"]]
    if named["stage"] == "search":
        untold = {(run.key.arm, run.key.trial) for run in sweep.untold}
        return (
            trial < len(trials)
            and not trials[trial].finished
            and (named["arm"], trial) not in untold
        )
    key = TrialKey(named["arm"], "confirm", trial, int(named["repeat"]))
    runs = sweep.standing.get(key, ())
    return not sweep.closed and all(run.status == "RUNNING" for run in runs)


def strays(store: Store) -> list[Path]:
    """What killed commands left in the store's folder, of no sweep in particular; what a process is
    at that lives isn't left."""
    found = {path for pattern in ON_THEIR_WAY for path in store.root.glob(pattern)}
    return sorted(path for path in found if not _in_use(path))


def _in_use(path: Path) -> bool:
    """Whether the process lives whose number the file has in its name, or a database is being made
    of it."""
    if path.name.startswith(DRAFT):
        return is_being_made(path.parent)
    named = PROCESS.search(path.name)
    if named is None:
        return False
    try:
        os.kill(int(named[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def left_over(place: str, path: Path) -> Finding:
    """The finding about something that is left over."""
    return Finding("V6", place, f"{path} is left of something that was killed", AGAIN)


def remove(path: Path) -> None:
    """Takes away a file or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()

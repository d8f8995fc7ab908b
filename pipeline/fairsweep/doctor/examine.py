"""Examines stored sweeps, one at a time, or what belongs to no sweep in particular.

In: a store, and the name of a sweep whose lock the caller holds. Out: its problems.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairsweep.doctor.checks import check_rows
from fairsweep.doctor.files import check_files
from fairsweep.doctor.problems import AGAIN, RESTORE, Problem
from fairsweep.doctor.runs import StoredRun, has_trainings, read_runs, sweep_names
from fairsweep.doctor.studies import StoredStudies, read_studies
from fairsweep.doctor.sweep import StoredSweep
from fairsweep.errors import BadInput, StorageError
from fairsweep.files import locked
from fairsweep.stages.continuing import runs_elsewhere, without_runs
from fairsweep.tracking import names
from fairsweep.tracking.store import Store, being_run, lock_file, no_store


@dataclass(frozen=True)
class Examination:
    """A sweep as it is stored, and what is wrong with it."""

    sweep: StoredSweep
    problems: tuple[Problem, ...]


def find_sweeps(store: Store, name: str | None) -> list[str]:
    """The sweep of this name, None for all there are.

    Raises:
        BadInput: there is no such store or sweep; the message lists those there are.
        StorageError: the database is damaged.
    """
    if not (store.root / "studies").is_dir():
        raise no_store(store)
    found = sweep_names(store)
    if name is None:
        return found
    if name not in found:
        there_are = ", ".join(found) or "none yet"
        raise BadInput(
            f"sweep.name: there is no sweep {name!r} in {store.root}; there are: {there_are}"
        )
    return [name]


def check_continues(store: Store, name: str) -> None:
    """Checks, before anything is written, that a sweep with a journal has runs in a local store if
    it has finished trials; on a server they are looked for as it starts.

    Raises:
        StorageError: it has none, so that nothing of it could be reported; or something is damaged.
    """
    if not store.local or _waiting(store.spool(name)) or has_trainings(store, name):
        return
    studies = read_studies(store.journal(name))
    if StoredSweep(name, {}, (), studies.searches).lost_runs:
        raise StorageError(f"the sweep {without_runs(studies.store, store)}")


def examine(store: Store, name: str) -> Examination:
    """What is wrong with a sweep, for the holder of its lock.

    Raises:
        BadInput: its runs or its journal are elsewhere, so it can't be examined here.
        StorageError: the database is damaged.
    """
    runs, champion = read_runs(store, name)
    journal, problems = store.journal(name), list[Problem]()
    try:
        studies = read_studies(journal)
    except StorageError as error:
        studies = StoredStudies()
        problems.append(Problem("V1", name, str(error), RESTORE))
    else:
        _check_place(store, name, runs, studies)
        if not journal.exists() and any(run.stage in ("search", "confirm") for run in runs):
            problems.append(Problem("V1", name, f"{journal} is missing", RESTORE))
    sweep = StoredSweep(name, _about(runs), runs, studies.searches, champion)
    if waiting := _waiting(store.spool(name)):  # until they are written, runs are behind studies
        writes = "1 write is" if waiting == 1 else f"{waiting} writes are"
        what = f"{writes} in {store.spool(name)} and not yet in MLflow"
        return Examination(sweep, (*problems, Problem("V3", name, what, AGAIN)))
    if studies.unfinished:
        what = f"a crash left {studies.unfinished} unfinished bytes at the end of {journal}"
        problems.append(Problem("V1", name, what, AGAIN))
    if studies.searches or not problems:
        problems += check_rows(sweep)
    return Examination(sweep, (*problems, *check_files(store, sweep)))


def _check_place(
    store: Store, name: str, runs: Sequence[StoredRun], studies: StoredStudies
) -> None:
    """Checks that runs and studies of a sweep are both here.

    Raises:
        BadInput: the runs are in another store, or a server has runs of another folder's sweep.
    """
    if not runs and studies.store not in ("", store.name):
        raise BadInput(f"sweep {name} {runs_elsewhere(studies.store, store)}")
    if not store.local and not store.journal(name).exists():
        raise BadInput(
            f"sweep {name} has runs in {store.uri}, but {store.root / 'studies'} has no journal of "
            "it; give the folder that it was started with as tracking.root=…"
        )


def _waiting(spool: Path) -> int:
    """How many writes a process left that it had yet to carry out."""
    return spool.read_bytes().count(b"\n") if spool.exists() else 0


def _about(runs: Sequence[StoredRun]) -> Mapping[str, Any]:
    """What the sweep's run says of it; nothing where there is none yet."""
    for run in runs:
        if run.stage == "sweep" and names.SWEEP_TAG in run.tags:
            about: Mapping[str, Any] = json.loads(run.tags[names.SWEEP_TAG])
            return about
    return {}


@contextmanager
def held_still(store: Store, sweep: str) -> Iterator[None]:
    """Keeps a sweep from being run while it is examined; unlike its own lock it writes nothing.

    Raises:
        AlreadyRunning: a process runs the sweep.
    """
    path = lock_file(store, sweep)
    if not path.exists():
        yield
        return
    with locked(path) as held:
        if not held:
            raise being_run(path, sweep, "stop it")
        yield

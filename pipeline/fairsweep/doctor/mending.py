"""Closes what a killed process left open in MLflow, and keeps copies of what a mending changes."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from fairsweep.files import locked
from fairsweep.tracking.store import Store, being_run, lock_file
from fairsweep.tracking.write.run import TrainingRun


def interrupt(store: Store, runs: Sequence[str]) -> list[Path]:
    """Closes runs as interrupted, as the next start of their sweep would.

    Args:
        store: where they are.
        runs: their ids.

    Returns:
        Copies of what was changed, of the local database.
    """
    copies = [keep_copy(store.root / "mlflow.db")] if store.local else []
    client = store.client()
    for run_id in runs:
        TrainingRun(client, run_id).interrupt()
    return copies


def keep_copy(path: Path) -> Path:
    """A copy of a file beside it, named after the time; of a database, one that is whole."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    copy = path.with_name(f"{path.name}.kept-{stamp}-{time.time_ns() % 1_000_000_000:09}")
    if path.suffix != ".db":
        shutil.copy(path, copy)
        return copy
    with closing(sqlite3.connect(path, timeout=60)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    return copy


@contextmanager
def held_still(store: Store, sweep: str) -> Iterator[None]:
    """Keeps a sweep from being run while it is read; nothing is written, not even who does it.

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


def is_being_made(folder: Path) -> bool:
    """Whether a process is making the database of the folder now (tracking.store.database)."""
    with locked(folder) as free:
        return not free

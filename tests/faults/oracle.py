"""The judge of a store after faults: the doctor's own examination, and a second reading of the raw
rows that shares no code with it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fairsweep.config.schema import Tracking
from fairsweep.doctor.examine import examine, find_sweeps
from fairsweep.doctor.files import check_store
from fairsweep.doctor.problems import Problem
from fairsweep.tracking.store import Store, find_store

PER_EPOCH = ("loss", "accuracy", "val_loss", "val_accuracy")


def open_root(root: Path) -> Store:
    """The store in a folder."""
    return find_store(Tracking("local", str(root)))


def problems(root: Path) -> list[Problem]:
    """All problems that the doctor sees in a store."""
    store = open_root(root)
    found = [p for name in find_sweeps(store, None) for p in examine(store, name).problems]
    return [*found, *check_store(store)]


def assert_whole(root: Path) -> None:
    """Every sweep of a store is finished, and nothing is wrong with it: V1 to V6, and V3 again."""
    store = open_root(root)
    sweeps = find_sweeps(store, None)
    assert sweeps
    for name in sweeps:
        examination = examine(store, name)
        assert [str(problem) for problem in examination.problems] == []
        assert examination.sweep.closed, name
        assert not any(examination.sweep.unfinished.values()), name
    assert [str(problem) for problem in check_store(store)] == []
    rows = raw_rows(root)
    assert (rows.lost, rows.doubled) == (0, 0)
    assert rows.stored == rows.promised > 0


@dataclass(frozen=True)
class RawRows:
    """Rows of epochs' metrics, in runs that stand for a training: how many there should be, how
    many there are, and how many (run, metric, epoch) have none or more than one. `stuck` runs are
    open."""

    promised: int
    stored: int
    lost: int
    doubled: int
    stuck: int


def raw_rows(root: Path) -> RawRows:
    """Counts the rows of a store, by SQL alone."""
    standing = (
        "SELECT run_uuid FROM runs r WHERE lifecycle_stage = 'active' AND EXISTS (SELECT 1 FROM "
        "tags s WHERE s.run_uuid = r.run_uuid AND s.key = 'stage' AND s.value IN ('search', "
        "'confirm')) AND NOT EXISTS (SELECT 1 FROM tags o WHERE o.run_uuid = r.run_uuid AND "
        "o.key = 'outcome' AND o.value = 'interrupted')"
    )
    # To be read after a kill, a transaction that it cut off has to be rolled back.
    database = f"file:{root / 'mlflow.db'}?mode=rw"
    with closing(sqlite3.connect(database, uri=True)) as connection:
        runs = {row[0] for row in connection.execute(standing)}
        epochs = dict(
            connection.execute(
                "SELECT run_uuid, max(value) FROM metrics WHERE key = 'epochs' GROUP BY run_uuid"
            )
        )
        counts = Counter(
            {
                row[:3]: row[3]
                for row in connection.execute(
                    "SELECT run_uuid, key, step, count(*) FROM metrics GROUP BY 1, 2, 3"
                )
                if row[0] in runs and row[1] in PER_EPOCH
            }
        )
        (stuck,) = connection.execute(
            "SELECT count(*) FROM runs WHERE status = 'RUNNING'"
        ).fetchone()
    keys = sorted({key for _, key, _ in counts})
    promised = [
        (run, key, step) for run in runs for key in keys for step in range(1, _whole(epochs, run))
    ]
    return RawRows(
        len(promised),
        sum(counts.values()),
        sum(row not in counts for row in promised),
        sum(count - 1 for count in counts.values()),
        stuck,
    )


def _whole(epochs: dict[str, float], run: str) -> int:
    return int(epochs.get(run, 0)) + 1

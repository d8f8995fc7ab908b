"""What a contestant has left in its MLflow store: every training with all its epochs, read from
SQLite as it is."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.work import Work


@dataclass(frozen=True)
class Training:
    """A run with epochs. `first` and `last` are when those ended, in seconds since 1970; `best` is
    its best val_accuracy, None without validation rows; `stage` is search in every peer's store;
    `values` are empty there if the work is a list."""

    arm: str
    stage: str
    values: dict[str, Any]
    epochs: int
    first: float
    last: float
    best: float | None
    fold: int | None = None


def trainings(store: Path, work: Work) -> list[Training]:
    """Every training of a store, in the order of their ends.

    Raises:
        ValueError: an epoch is missing between two others of a run.
    """
    with closing(sqlite3.connect(store)) as database:
        rows = database.execute("SELECT run_uuid, step, timestamp FROM metrics WHERE key = 'loss'")
        ended: defaultdict[str, dict[int, float]] = defaultdict(dict)
        for run, step, milliseconds in rows:
            ended[run][step] = milliseconds / 1000
        best = dict(
            database.execute(
                "SELECT run_uuid, MAX(value) FROM metrics WHERE key = 'val_accuracy' "
                "AND NOT is_nan GROUP BY run_uuid"
            )
        )
        params, tags = _pairs(database, "params"), _pairs(database, "tags")
    found = []
    for run, steps in ended.items():
        if sorted(steps) != list(range(min(steps), max(steps) + 1)) or min(steps) > 1:
            raise ValueError(f"run {run} has epochs {sorted(steps)}: one is missing")
        if "stage" in tags[run]:  # ours
            arm = tags[run]["arm"]
            values = work.logged(arm, params[run])
        else:
            arm = params[run]["arm"]
            values = {} if work.listed else work.put_together(arm, params[run])
        fold = tags[run].get("fold")
        found.append(
            Training(
                arm,
                tags[run].get("stage", "search"),
                values,
                len(steps),
                min(steps.values()),
                max(steps.values()),
                best.get(run),
                None if fold is None else int(fold),
            )
        )
    return sorted(found, key=lambda training: training.last)


def _pairs(database: sqlite3.Connection, table: str) -> defaultdict[str, dict[str, str]]:
    pairs: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for run, key, value in database.execute(f"SELECT run_uuid, key, value FROM {table}"):
        pairs[run][key] = value
    return pairs


def best_so_far(found: Sequence[Training], epochs: int) -> list[Training]:
    """The trials that were the best when they ended, of those that weren't pruned; each of them
    was its tool's answer until the next."""
    leaders: list[Training] = []
    for own in found:
        whole = own.stage == "search" and own.epochs == epochs and own.best is not None
        if whole and (not leaders or own.best > leaders[-1].best):  # type: ignore[operator]
            leaders.append(own)
    return leaders


def replay(found: Sequence[Training], train: int, validation: int) -> list[dict[str, Any]]:
    """What it takes to train the same again: `train` and `validation` are the rows of the search;
    the folds of a confirmation are cut from both."""
    folds = 1 + max((own.fold for own in found if own.fold is not None), default=0)
    rows = train + validation
    sizes = {"refit": 0, "search": validation}
    listed = []
    for own in found:
        held = rows // folds if own.fold is not None else sizes.get(own.stage, validation)
        listed.append(
            {
                "arm": own.arm,
                "values": own.values,
                "epochs": own.epochs,
                "best": own.best,
                "train": rows - held,
                "validation": held,
            }
        )
    return listed

"""Reads all that MLflow has of a sweep: its runs, every row of their metrics, and its champion."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from fairsweep.doctor.database import database
from fairsweep.errors import StorageError
from fairsweep.records import TrialKey
from fairsweep.tracking import names
from fairsweep.tracking.read import key_of
from fairsweep.tracking.store import Store

Rows = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class StoredRun:
    """A run: `metrics` has all rows (step, value) of each metric in the order of steps, `latest`
    the value that MLflow shows; `folder` holds its files, None where a server has them."""

    run_id: str
    name: str
    status: str
    tags: Mapping[str, str]
    metrics: Mapping[str, Rows] = field(default_factory=dict)
    latest: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def stage(self) -> str:
        return self.tags.get("stage", "")

    @property
    def outcome(self) -> str:
        return self.tags.get("outcome", "")

    @property
    def has_ended(self) -> bool:
        """Whether it holds a whole training."""
        return names.has_ended(self.status, self.tags)

    @property
    def key(self) -> TrialKey:
        """Which training it is of."""
        return key_of(self.tags)


@dataclass(frozen=True)
class StoredModel:
    """The champion of a sweep: the folder of the model, and the run that its weights are from."""

    version: str
    folder: Path
    run_id: str


def sweep_names(store: Store) -> list[str]:
    """The sweeps of the store: those that have runs, and those that have a journal.

    Raises:
        StorageError: the database is damaged.
    """
    found = {path.stem for path in (store.root / "studies").glob("*.journal")}
    if not store.local:
        client = store.client()
        sweeps = names.search(client, names.all_experiments(client), None, "tags.stage = 'sweep'")
        return sorted(found | {run.data.tags["sweep"] for run in sweeps})
    with database(store) as connection:
        rows = connection.execute(
            "SELECT DISTINCT name.value FROM tags name JOIN tags stage USING (run_uuid) "
            "WHERE name.key = 'sweep' AND stage.key = 'stage' AND stage.value = 'sweep'"
        ).fetchall()
    return sorted(found | {name for (name,) in rows})


def check_begins(store: Store, sweep: str) -> None:
    """Checks that a sweep without a journal is a new one.

    Raises:
        StorageError: trainings of it are stored, so its journal is lost; or the database is
            damaged.
    """
    if has_trainings(store, sweep):
        raise StorageError(
            f"{store.journal(sweep)} is gone, but {store.uri} has trainings of sweep {sweep}: they "
            "would all be trained again; restore the file, or start another sweep with sweep.name=…"
        )


def has_trainings(store: Store, sweep: str) -> bool:
    """Whether the store has a training of the sweep's search or confirmation.

    Raises:
        StorageError: the database is damaged.
    """
    if not store.local:
        client = store.client()
        found = names.search(client, names.all_experiments(client), sweep, names.TRAININGS)
        return any(True for _ in found)
    with database(store) as connection:
        row = connection.execute(
            f"SELECT 1 FROM tags JOIN runs USING (run_uuid) WHERE {OF_SWEEP} AND key = 'stage' AND "
            "tags.value IN ('search', 'confirm') AND lifecycle_stage = 'active' LIMIT 1",
            (sweep,),
        ).fetchone()
    return row is not None


def read_runs(store: Store, sweep: str) -> tuple[list[StoredRun], StoredModel | None]:
    """The runs of a sweep, and its champion where the store is local.

    Raises:
        StorageError: the database is damaged.
    """
    if not store.local:
        return _from_server(store, sweep), None
    with database(store) as connection:
        home = _home(connection)

        def folder(uri: str) -> Path:
            here = store.artifacts.as_uri()
            moved = here + uri[len(home) :] if home and uri.startswith(f"{home}/") else uri
            return Path(unquote(urlparse(moved).path))

        tags, params = (_texts(connection, table, sweep) for table in ("tags", "params"))
        rows, latest = _rows(connection, sweep), _latest(connection, sweep)
        found = connection.execute(
            f"SELECT run_uuid, name, status, artifact_uri FROM runs WHERE {OF_SWEEP} "
            "AND lifecycle_stage = 'active' ORDER BY start_time, rowid",
            (sweep,),
        ).fetchall()
        runs = [
            StoredRun(i, name, status, tags[i], rows[i], latest[i], params[i], folder(uri))
            for i, name, status, uri in found
            if tags[i].get("stage") != "train"
        ]
        model = connection.execute(
            "SELECT v.version, coalesce(v.storage_location, v.source), v.run_id "
            "FROM registered_model_aliases a JOIN model_versions v USING (name, version) "
            "WHERE a.name = ? AND a.alias = 'champion'",
            (sweep,),
        ).fetchone()
    if model is None:
        return runs, None
    return runs, StoredModel(str(model[0]), folder(model[1]), model[2])


OF_SWEEP = "run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'sweep' AND value = ?)"


def _texts(connection: sqlite3.Connection, table: str, sweep: str) -> Mapping[str, dict[str, str]]:
    """The tags or params of the sweep's runs, by run."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for run_id, key, value in connection.execute(
        f"SELECT run_uuid, key, value FROM {table} WHERE {OF_SWEEP}", (sweep,)
    ):
        found[run_id][key] = value
    return found


def _rows(
    connection: sqlite3.Connection, sweep: str
) -> Mapping[str, dict[str, list[tuple[int, float]]]]:
    """All rows of the metrics of the sweep's runs, by run."""
    found: defaultdict[str, dict[str, list[tuple[int, float]]]] = defaultdict(dict)
    for run_id, key, step, value, is_nan in connection.execute(
        f"SELECT run_uuid, key, step, value, is_nan FROM metrics WHERE {OF_SWEEP} "
        "ORDER BY step, timestamp",
        (sweep,),
    ):
        row = (step, math.nan if is_nan else value)
        found[run_id].setdefault(key, []).append(row)
    return found


def _latest(connection: sqlite3.Connection, sweep: str) -> Mapping[str, dict[str, float]]:
    """The values that MLflow shows of the sweep's runs, by run."""
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for run_id, key, value, is_nan in connection.execute(
        f"SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE {OF_SWEEP}", (sweep,)
    ):
        found[run_id][key] = math.nan if is_nan else value
    return found


def _home(connection: sqlite3.Connection) -> str:
    """The address of the artifacts where the store was when it was written."""
    row = connection.execute(
        "SELECT value FROM experiment_tags WHERE key = ?", (names.ARTIFACTS_TAG,)
    ).fetchone()
    return "" if row is None else str(row[0])


def _from_server(store: Store, sweep: str) -> list[StoredRun]:
    client = store.client()

    def rows(run_id: str, metric: str) -> Rows:
        history: Any = client.get_metric_history(run_id, metric)
        return sorted(((m.step, m.value) for m in history), key=lambda row: row[0])

    return [
        StoredRun(
            run.info.run_id,
            run.info.run_name,
            run.info.status,
            run.data.tags,
            {metric: rows(run.info.run_id, metric) for metric in run.data.metrics},
            run.data.metrics,
            run.data.params,
        )
        for run in names.search(
            client, names.all_experiments(client), sweep, "tags.stage != 'train'"
        )
    ]


def artifact(store: Store, run: StoredRun, name: str) -> bytes | None:
    """The content of a file among a run's artifacts; None where there is none of that name."""
    if run.folder is not None:
        path = run.folder / name
        return path.read_bytes() if path.is_file() else None
    client = store.client()
    return store.artifact(client, client.get_run(run.run_id), name)

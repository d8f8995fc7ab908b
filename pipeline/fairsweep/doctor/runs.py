"""Reads what the store holds of a sweep for a diagnosis: every row as it is; nothing is changed.

A local database is read by SQL, not through MLflow, which would migrate it and mend paths. A copy
is read where SQLite itself would have to write first, to take back what a crash left half done.
"""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlparse

from fairsweep.errors import StorageError
from fairsweep.records import TrialKey
from fairsweep.tracking import names
from fairsweep.tracking.read import key_of
from fairsweep.tracking.store import Store
from fairsweep.tracking.store.database import BUSY_SECONDS, check_pages, unusable

Rows = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class InspectedRun:
    """A run: `metrics` has all rows, (step, value), of each metric in the order of steps, `latest`
    the value that MLflow shows of each; `folder` holds its files, None where a server has them."""

    run_id: str
    name: str
    status: str
    tags: Mapping[str, str]
    metrics: Mapping[str, Rows]
    latest: Mapping[str, float]
    folder: Path | None

    @property
    def stage(self) -> str:
        return self.tags.get("stage", "")

    @property
    def outcome(self) -> str:
        return self.tags.get("outcome", "")

    @property
    def counts(self) -> bool:
        """Whether it stands for its training: an attempt that was interrupted doesn't."""
        return self.outcome != "interrupted"

    @property
    def key(self) -> TrialKey:
        """Which training it is of."""
        return key_of(self.tags)


@dataclass(frozen=True)
class InspectedModel:
    """The champion of a sweep: the folder of the model, and the run that its weights are of."""

    version: str
    folder: Path
    run_id: str


@dataclass(frozen=True)
class Inspected:
    """What the store holds of one sweep."""

    runs: Sequence[InspectedRun]
    champion: InspectedModel | None = None


def sweep_names(store: Store) -> list[str]:
    """The sweeps of the store, by runs or by journals.

    Raises:
        StorageError: the database is damaged.
    """
    found = {path.stem for path in (store.root / "studies").glob("*.journal")}
    if not store.local:
        client = store.client()
        every = [e.experiment_id for e in client.search_experiments()]
        sweeps = names.search(client, every, None, "tags.stage = 'sweep'")
        return sorted(found | {run.data.tags["sweep"] for run in sweeps})
    with database(store) as connection:
        rows = connection.execute(
            "SELECT DISTINCT name.value FROM tags name JOIN tags stage USING (run_uuid) "
            "WHERE name.key = 'sweep' AND stage.key = 'stage' AND stage.value = 'sweep'"
        ).fetchall()
    return sorted(found | {name for (name,) in rows})


def check_begins(store: Store, sweep: str) -> None:
    """Checks that a sweep without studies is one that begins.

    Raises:
        StorageError: trainings of it are stored, and the studies that know of them are gone; or
            the database is damaged.
    """
    if _has_trainings(store, sweep):
        raise StorageError(
            f"{store.journal(sweep)} is gone, and {store.uri} has trainings of sweep {sweep}: they "
            "would all be trained again; restore the file, or start another sweep with sweep.name=…"
        )


def _has_trainings(store: Store, sweep: str) -> bool:
    if not store.local:
        client = store.client()
        every = [e.experiment_id for e in client.search_experiments()]
        return any(True for _ in names.search(client, every, sweep, names.TRAININGS))
    with database(store) as connection:
        found = connection.execute(
            f"SELECT 1 FROM tags JOIN runs USING (run_uuid) WHERE {OF_SWEEP} AND key = 'stage' AND "
            "tags.value IN ('search', 'confirm') AND lifecycle_stage = 'active' LIMIT 1",
            (sweep,),
        )
        return found.fetchone() is not None


def inspect(store: Store, sweep: str) -> Inspected:
    """The runs of a sweep, and its champion where the store is local.

    Raises:
        StorageError: the database is damaged.
    """
    if not store.local:
        return Inspected(_from_server(store, sweep))
    with database(store) as connection:
        home = _home(connection)

        def folder(uri: str) -> Path:
            here = store.artifacts.as_uri()
            moved = here + uri[len(home) :] if home and uri.startswith(f"{home}/") else uri
            return Path(unquote(urlparse(moved).path))

        tags, rows, latest = _of_runs(connection, sweep)
        found = connection.execute(
            f"SELECT run_uuid, name, status, artifact_uri FROM runs WHERE {OF_SWEEP} "
            "AND lifecycle_stage = 'active' ORDER BY start_time, rowid",
            (sweep,),
        ).fetchall()
        runs = [
            InspectedRun(i, name, status, tags[i], rows[i], latest[i], folder(uri))
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
        return Inspected(runs)
    return Inspected(runs, InspectedModel(str(model[0]), folder(model[1]), model[2]))


OF_SWEEP = "run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'sweep' AND value = ?)"


def _of_runs(
    connection: sqlite3.Connection, sweep: str
) -> tuple[
    Mapping[str, dict[str, str]],
    Mapping[str, dict[str, list[tuple[int, float]]]],
    Mapping[str, dict[str, float]],
]:
    """Tags, rows and latest values of the sweep's runs, by run."""
    tags: defaultdict[str, dict[str, str]] = defaultdict(dict)
    rows: defaultdict[str, dict[str, list[tuple[int, float]]]] = defaultdict(dict)
    latest: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for run_id, key, value in connection.execute(
        f"SELECT run_uuid, key, value FROM tags WHERE {OF_SWEEP}", (sweep,)
    ):
        tags[run_id][key] = value
    for run_id, key, step, value, is_nan in connection.execute(
        f"SELECT run_uuid, key, step, value, is_nan FROM metrics WHERE {OF_SWEEP} "
        "ORDER BY step, timestamp",
        (sweep,),
    ):
        row = (step, math.nan if is_nan else value)
        rows[run_id].setdefault(key, []).append(row)
    for run_id, key, value, is_nan in connection.execute(
        f"SELECT run_uuid, key, value, is_nan FROM latest_metrics WHERE {OF_SWEEP}", (sweep,)
    ):
        latest[run_id][key] = math.nan if is_nan else value
    return tags, rows, latest


def _home(connection: sqlite3.Connection) -> str:
    """The address of the artifacts where the store was when it was written."""
    row = connection.execute(
        "SELECT value FROM experiment_tags WHERE key = ?", (names.ARTIFACTS_TAG,)
    ).fetchone()
    return "" if row is None else str(row[0])


def _from_server(store: Store, sweep: str) -> list[InspectedRun]:
    client = store.client()
    every = [e.experiment_id for e in client.search_experiments()]
    runs = names.search(client, every, sweep, "tags.stage != 'train'")
    return [
        InspectedRun(
            run.info.run_id,
            run.info.run_name,
            run.info.status,
            run.data.tags,
            {
                key: sorted(
                    ((m.step, m.value) for m in client.get_metric_history(run.info.run_id, key)),
                    key=lambda row: row[0],
                )
                for key in run.data.metrics
            },
            run.data.metrics,
            None,
        )
        for run in runs
    ]


def artifact(store: Store, run: InspectedRun, name: str) -> bytes | None:
    """What a file among a run's artifacts holds; None where there is none of that name."""
    if run.folder is not None:
        path = run.folder / name
        return path.read_bytes() if path.is_file() else None
    client = store.client()
    return store.artifact(client, client.get_run(run.run_id), name)


@contextmanager
def database(store: Store) -> Iterator[sqlite3.Connection]:
    """The local database for reading, checked; an empty one where no sweep has made any yet.

    Raises:
        StorageError: it is damaged; a copy of it is beside it.
    """
    path = store.root / "mlflow.db"
    with TemporaryDirectory() as folder:
        if not path.exists() or not path.stat().st_size:
            yield _empty()
            return
        try:
            with closing(_open(path, Path(folder))) as connection:
                check_pages(connection)
                has_tables = _has_tables(connection)
                if has_tables:
                    yield connection
        except sqlite3.DatabaseError as error:
            raise unusable(path, error) from error
        if not has_tables:
            yield _empty()


def _has_tables(connection: sqlite3.Connection) -> bool:
    """Whether all of it is there: a crash may come while MLflow makes its tables."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return tables >= TABLES.keys()


TABLES = {
    "runs": "run_uuid, name, status, artifact_uri, lifecycle_stage, start_time",
    "tags": "run_uuid, key, value",
    "metrics": "run_uuid, key, step, value, is_nan, timestamp",
    "latest_metrics": "run_uuid, key, value, is_nan",
    "experiment_tags": "key, value",
    "registered_model_aliases": "name, alias, version",
    "model_versions": "name, version, storage_location, source, run_id",
}


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
    return connection


def _open(path: Path, folder: Path) -> sqlite3.Connection:
    """Opens for reading; a copy in the folder where a crash left a transaction to take back."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if not path.with_name("mlflow.db-journal").exists():
            raise sqlite3.DatabaseError(str(error)) from error
        for name in ("mlflow.db", "mlflow.db-journal"):
            shutil.copy(path.with_name(name), folder / name)
        return sqlite3.connect(folder / "mlflow.db")
    return connection

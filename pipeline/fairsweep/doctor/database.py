"""Reads MLflow's SQLite database as it is, for a diagnosis.

By SQL and not through MLflow, which would migrate it and rewrite paths. Where SQLite itself would
have to write first, to roll back what a crash left half done, a copy is read. The schema is private
to MLflow: tests compare `TABLES` with what the installed version makes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fairsweep.tracking.store import Store
from fairsweep.tracking.store.database import BUSY_SECONDS, check_pages, unusable

TABLES = {
    "runs": "run_uuid, name, status, artifact_uri, lifecycle_stage, start_time",
    "tags": "run_uuid, key, value",
    "params": "run_uuid, key, value",
    "metrics": "run_uuid, key, step, value, is_nan, timestamp",
    "latest_metrics": "run_uuid, key, value, is_nan",
    "experiment_tags": "key, value",
    "registered_model_aliases": "name, alias, version",
    "model_versions": "name, version, storage_location, source, run_id",
}
"""The tables and columns that queries may name: an empty store has these and no others."""


@contextmanager
def database(store: Store) -> Iterator[sqlite3.Connection]:
    """The local database, checked and open for reading; an empty one where there is none yet.

    Raises:
        StorageError: it is damaged; a copy of it was put beside it.
    """
    path = store.database
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
    """Whether all tables are there: a crash may come while MLflow makes them."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return tables >= TABLES.keys()


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
    return connection


def _open(path: Path, folder: Path) -> sqlite3.Connection:
    """Opens it for reading, or a copy in `folder` where a crash left a transaction to roll back."""
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

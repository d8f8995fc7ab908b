"""MLflow's private schema, which the doctor and a store that was moved rely on: the installed
version has whatever our SQL names."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from fairsweep.config.schema import Tracking
from fairsweep.doctor.database import TABLES
from fairsweep.doctor.runs import check_begins, read_runs, sweep_names
from fairsweep.tracking.names import ARTIFACTS_TAG
from fairsweep.tracking.store import Store, find_store
from fairsweep.tracking.store.moved import PLACES, settle_in

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture(scope="module")
def database(
    empty_store: Callable[[Path], Store], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the installed MLflow makes, with an experiment of a store that was moved."""
    store = empty_store(tmp_path_factory.mktemp("schema") / "mlruns")
    store.client().create_experiment("moved", "file:///old/1", {ARTIFACTS_TAG: "file:///old"})
    return store.root / "mlflow.db"


@pytest.fixture(scope="module")
def columns(database: Path) -> Mapping[str, Collection[str]]:
    """The columns of each of its tables."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        return {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for table in tables
        }


@pytest.mark.parametrize("table", TABLES)
def test_it_has_what_the_doctor_reads(table: str, columns: Mapping[str, Collection[str]]) -> None:
    assert set(TABLES[table].split(", ")) <= set(columns[table])


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_it_has_the_paths_that_a_move_changes(
    table: str, column: str, columns: Mapping[str, Collection[str]]
) -> None:
    assert column in columns[table]
    assert {"key", "value"} <= set(columns["experiment_tags"])


def test_it_has_no_paths_elsewhere(columns: Mapping[str, Collection[str]]) -> None:
    """A new column with a place of artifacts would be left behind by a move."""
    paths = {
        (table, column)
        for table, names in columns.items()
        for column in names
        if re.search(r"artifact_(uri|location)|storage_location", column)
    }
    assert paths <= set(PLACES)


def test_the_doctor_reads_nothing_besides(tmp_path: Path) -> None:
    """Its queries work where there is only what `TABLES` names: on the database of no sweep yet."""
    store = find_store(Tracking("local", str(tmp_path)))
    assert read_runs(store, "none") == ([], None)
    assert sweep_names(store) == []
    check_begins(store, "none")


def test_a_move_changes_the_installed_database(database: Path) -> None:
    settle_in(database, "file:///new")
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT artifact_location FROM experiments WHERE name = 'moved'"
        assert connection.execute(query).fetchall() == [("file:///new/1",)]

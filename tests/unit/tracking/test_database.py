"""A damaged database is told before anything is written to it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fairsweep.config.schema import Tracking
from fairsweep.errors import StorageError
from fairsweep.tracking.store import LEAST_FREE, head_start, open_store
from fairsweep.tracking.store.database import DRAFT, check_database
from fairsweep.tracking.store.head_start import HeadStart


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of some hundred pages."""
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE metrics (key TEXT PRIMARY KEY, value REAL)")
        rows = [(f"{i:050}", i / 7) for i in range(4000)]
        connection.executemany("INSERT INTO metrics VALUES (?, ?)", rows)
        connection.commit()
    return path


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def overwritten(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(4096 * 20) + content[middle + 4096 * 20 :]


def replaced(_: bytes) -> bytes:
    return b"not a database, but long enough to be read as if it were one of SQLite" * 100


DAMAGES: list[Callable[[bytes], bytes]] = [cut, overwritten, replaced]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_told_and_a_copy_kept(path: Path, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(path.read_bytes()))
    content = path.read_bytes()
    for _ in range(2):
        with pytest.raises(
            StorageError, match=r"mlflow\.db is damaged \(.*restore it from a backup"
        ):
            check_database(path)
    assert path.read_bytes() == content
    (copy,) = path.parent.glob("mlflow.db.damaged-*")
    assert copy.read_bytes() == content


def test_a_whole_database_passes_and_none_is_made(path: Path) -> None:
    content = path.read_bytes()
    check_database(path)
    assert path.read_bytes() == content
    check_database(path.with_name("none.db"))
    assert [file.name for file in path.parent.iterdir()] == ["mlflow.db"]


def test_a_store_with_a_damaged_database_is_not_opened(path: Path) -> None:
    path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(StorageError, match="is damaged"):
        open_store(Tracking("local", str(path.parent)))


def test_a_disk_without_room_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly = LEAST_FREE - 1
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": nearly}))
    root = tmp_path / "a" / "mlruns"
    with pytest.raises(
        StorageError, match=r"has 32 MB free, but a sweep needs 32 MB; free some space"
    ):
        open_store(Tracking("local", str(root)))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database is a file with a word."""
    monkeypatch.setattr(head_start, "draft_database", lambda path: path.write_text("new"))


@pytest.mark.usefixtures("drafts")
def test_a_database_is_put_in_its_place_when_it_may_be_there(tmp_path: Path) -> None:
    store, logs = open_store(Tracking(root=str(tmp_path / "mlruns"))), tmp_path / "logs"
    logs.mkdir()
    with HeadStart(store, logs):
        pass
    assert [*logs.iterdir()] == []
    assert not store.database.exists()
    with HeadStart(store, logs) as ready:
        ready.place()
        assert store.database.read_text() == "new"
    assert [*logs.iterdir()] == []


@pytest.mark.usefixtures("drafts")
def test_what_a_killed_process_left_is_cleared_away_once_there_is_a_database(
    tmp_path: Path,
) -> None:
    store = open_store(Tracking(root=str(tmp_path)))
    folders = [tmp_path / "hydra" / "2026-11-27" / name for name in ("killed", "own")]
    for folder in folders:
        folder.mkdir(parents=True)
    left = folders[0] / DRAFT
    left.write_text("ha")
    with HeadStart(store, folders[1]) as ready:
        ready._ready.wait(60)
        assert left.exists()
        ready.place()
    assert store.database.read_text() == "new"
    assert [[*folder.iterdir()] for folder in folders] == [[], []]


@pytest.mark.usefixtures("drafts")
def test_a_database_does_not_wait_for_what_is_done_after_it(tmp_path: Path) -> None:
    store = open_store(Tracking(root=str(tmp_path)))
    placed, happened = threading.Event(), list[bool]()
    with HeadStart(store, store.artifacts, [lambda: happened.append(placed.wait(60))]) as ready:
        ready.place()
        assert (store.database.exists(), happened) == (True, [])
        placed.set()
    assert happened == [True]


@pytest.mark.usefixtures("drafts")
def test_who_leaves_waits_for_one_step_at_most(tmp_path: Path) -> None:
    store = open_store(Tracking(root=str(tmp_path)))
    begun, happened = threading.Event(), list[str]()

    def first() -> None:
        begun.set()
        assert ready._left.wait(60)

    ready = HeadStart(store, store.artifacts, [first, lambda: happened.append("second")])
    with ready:
        assert begun.wait(60)
    assert happened == []


@pytest.mark.usefixtures("drafts")
def test_a_database_that_another_process_has_made_stays(tmp_path: Path) -> None:
    store = open_store(Tracking(root=str(tmp_path)))
    with HeadStart(store, tmp_path / "artifacts") as ready:
        store.database.write_text("another")
        ready.place()
    assert store.database.read_text() == "another"
    assert [*store.artifacts.iterdir()] == []


def test_a_database_that_cannot_be_made_is_left_to_who_opens_the_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(path: Path) -> None:
        path.write_text("ha")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(head_start, "draft_database", full)
    store = open_store(Tracking(root=str(tmp_path)))
    with HeadStart(store, store.artifacts) as ready:
        ready.place()
        assert not store.database.exists()
        assert [*store.artifacts.iterdir()] == []

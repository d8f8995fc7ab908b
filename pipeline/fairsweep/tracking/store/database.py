"""MLflow's database, which is there whole or not at all.

MLflow builds it in some fifty migrations, and can't repeat one that was cut short. So it is built
under another name, and renamed when it is done. Damage is reported before anything is written:
SQLite itself would carry on with whatever it still finds.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from fairsweep.errors import StorageError, damaged
from fairsweep.files import locked

DRAFT = ".mlflow.db.tmp"
BUSY_SECONDS = 60


def make_database(path: Path) -> None:
    """Makes the database if there is none; takes seconds.

    Args:
        path: where it belongs; its folder is there.
    """
    if path.exists():
        return
    with locked(path.parent, wait=True):
        if path.exists():  # another process was faster
            return
        draft = path.with_name(DRAFT)
        for left in draft.parent.glob(f"{DRAFT}*"):
            left.unlink()
        draft_database(draft)
        draft.replace(path)
        clear_drafts(path.parent)


def clear_drafts(root: Path) -> None:
    """Removes the drafts in the log folders of a store that has its database: those of processes
    that were killed, and those of others, which need them no more."""
    for left in root.glob(f"hydra/*/*/{DRAFT}*"):
        left.unlink(missing_ok=True)


def draft_database(draft: Path) -> None:
    """Makes a database that isn't used before it is whole: so only then it waits for the disk, and
    not after each of a thousand steps.

    Args:
        draft: where; its folder is there.
    """
    from mlflow import MlflowClient
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    uri = f"sqlite:///{draft}"

    def hurry(connection: sqlite3.Connection, _: object) -> None:
        if connection.execute("PRAGMA database_list").fetchone()[2] == str(draft):
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA journal_mode=MEMORY")

    event.listen(Engine, "connect", hurry)
    try:
        MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
    finally:
        event.remove(Engine, "connect", hurry)
    with draft.open("rb") as file:
        os.fsync(file.fileno())


def check_database(path: Path) -> None:
    """Reads all pages of the database, if there is one.

    Raises:
        StorageError: it is damaged, or another process keeps it to itself.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            check_pages(connection)
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error


def check_pages(connection: sqlite3.Connection) -> None:
    """Reads all pages of a database.

    Raises:
        sqlite3.DatabaseError: there is something wrong.
    """
    problems = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    if problems != ["ok"]:
        raise sqlite3.DatabaseError("; ".join(problems).replace("\n", " "))


def unusable(path: Path, error: sqlite3.DatabaseError) -> StorageError:
    """The error about a database that can't be read; a damaged one is copied."""
    if "locked" in str(error):
        return StorageError(
            f"{path}: another process has kept the database locked for {BUSY_SECONDS} s; wait "
            "for it, or end it"
        )
    return damaged(
        path, error, "restore it from a backup, or give another folder with tracking.root=…"
    )

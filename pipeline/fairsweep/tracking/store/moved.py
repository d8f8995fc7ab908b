"""Has a store that was copied or moved find its artifacts where they are now.

MLflow stores the full path of every artifact. In a copy those paths lead to the folder that was
copied, or nowhere. No call of MLflow's changes them, so its private schema is used here: tests
compare `PLACES` with what the installed version makes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from fairsweep.errors import StorageError
from fairsweep.tracking.names import ARTIFACTS_TAG

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("experiment_tags", "value"),
)


def settle_in(database: Path, artifacts: str) -> None:
    """Rewrites the paths of artifacts below the folder where the store was before.

    Args:
        database: MLflow's; nothing is done while there is none.
        artifacts: address of the folder of all artifacts, where it is now.

    Raises:
        StorageError: the database can't be read or written.
    """
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
            tables = "SELECT 1 FROM sqlite_master WHERE name = 'experiment_tags'"
            if connection.execute(tables).fetchone() is None:
                return
            homes = "SELECT DISTINCT value FROM experiment_tags WHERE key = ? AND value != ?"
            for (home,) in connection.execute(homes, (ARTIFACTS_TAG, artifacts)).fetchall():
                for table, column in PLACES:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ? AND substr({column}, ?, 1) IN ('', '/')",
                        (artifacts, len(home) + 1, len(home), home, len(home) + 1),
                    )
    except sqlite3.Error as error:
        raise StorageError(f"the MLflow store {database} can't be opened: {error}") from error

"""What a store holds, read straight from its SQLite file: what MLflow shows can't hide a row here.

In: the path of `mlflow.db`. Out: `Run`s with all their rows of metrics.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EPOCH_METRICS = frozenset({"loss", "accuracy", "val_loss", "val_accuracy"})
TABLES = (
    *("experiments", "runs", "metrics", "latest_metrics", "params", "tags"),
    *("datasets", "inputs", "input_tags", "experiment_tags"),
    *("registered_models", "model_versions", "model_version_tags", "logged_models"),
)


@dataclass(frozen=True)
class Row:
    """One row of a metric: a NaN is NaN here, MLflow stores it as 0 and a mark."""

    step: int
    value: float
    timestamp: int


@dataclass(frozen=True)
class Run:
    """One run. `metrics` has every row of a metric, in the order of steps and times."""

    run_id: str
    name: str
    status: str
    started: int
    ended: int | None
    experiment: str
    experiment_id: str
    artifact_uri: str
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        return self.tags["stage"]

    @property
    def arm(self) -> str:
        return self.tags.get("arm", "")

    @property
    def trial(self) -> int:
        return int(self.tags["trial"])

    @property
    def outcome(self) -> str:
        return self.tags.get("outcome", "")

    @property
    def whole(self) -> bool:
        """Whether this run is its training's result: all that was interrupted is not."""
        return self.outcome != "interrupted"

    @property
    def curves(self) -> dict[str, list[float]]:
        """The metrics of epochs by name, in the order of steps."""
        return {
            key: [row.value for row in rows]
            for key, rows in self.metrics.items()
            if key in EPOCH_METRICS
        }

    def steps(self, key: str) -> list[int]:
        return [row.step for row in self.metrics.get(key, [])]

    def last(self, key: str) -> float:
        """A metric's value as the runs table shows it."""
        return max(self.metrics[key], key=lambda row: (row.step, row.timestamp)).value


class Stored:
    """Everything in one `mlflow.db`."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def runs(self, sweep: str | None = None, stage: str | None = None) -> list[Run]:
        """Runs, the oldest first; of one sweep, of one stage."""
        with self._open() as database:
            runs = {
                row[0]: Run(*row)
                for row in database.execute(
                    "SELECT r.run_uuid, r.name, r.status, r.start_time, r.end_time, e.name, "
                    "CAST(r.experiment_id AS TEXT), r.artifact_uri "
                    "FROM runs r JOIN experiments e USING (experiment_id) "
                    "WHERE r.lifecycle_stage = 'active' ORDER BY r.start_time, r.rowid"
                )
            }
            for run_id, key, value in database.execute("SELECT run_uuid, key, value FROM tags"):
                runs[run_id].tags[key] = value
            for run_id, key, value in database.execute("SELECT run_uuid, key, value FROM params"):
                runs[run_id].params[key] = value
            for run_id, key, step, value, is_nan, timestamp in database.execute(
                "SELECT run_uuid, key, step, value, is_nan, timestamp FROM metrics "
                "ORDER BY step, timestamp"
            ):
                row = Row(step, math.nan if is_nan else value, timestamp)
                runs[run_id].metrics.setdefault(key, []).append(row)
        return [
            run
            for run in runs.values()
            if sweep in (None, run.tags.get("sweep")) and stage in (None, run.tags.get("stage"))
        ]

    def twice(self, *stages: str) -> list[tuple[str, str, int, int]]:
        """(run, metric, step, count) of every metric that has more than one row of a step, in
        runs of these stages."""
        with self._open() as database:
            return [
                row[1:]
                for row in database.execute(
                    "SELECT t.value, r.name, m.key, m.step, count(*) FROM metrics m "
                    "JOIN runs r USING (run_uuid) JOIN tags t USING (run_uuid) "
                    "WHERE t.key = 'stage' "
                    "GROUP BY m.run_uuid, m.key, m.step HAVING count(*) > 1"
                )
                if row[0] in stages
            ]

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table that holds something of a run."""
        with self._open() as database:
            return {
                table: sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
                for table in TABLES
            }

    def epochs_so_far(self) -> int:
        """How many epochs of all runs are stored; 0 while there is no database."""
        return self._count("SELECT count(*) FROM metrics WHERE key = 'loss'")

    def epochs_under_way(self) -> int:
        """How many epochs are stored of trainings that haven't ended."""
        return self._count(
            "SELECT count(*) FROM metrics JOIN runs USING (run_uuid) "
            "WHERE key = 'loss' AND status = 'RUNNING'"
        )

    def _count(self, query: str) -> int:
        try:
            with self._open() as database:
                (count,) = database.execute(query).fetchone()
                return int(count)
        except sqlite3.OperationalError:
            return 0

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # To be read after a kill, a transaction that it cut off has to be rolled back.
        address = f"file:{self.database}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            yield connection


def whole(runs: Sequence[Run]) -> list[Run]:
    """The runs that count: attempts that were interrupted left out."""
    return [run for run in runs if run.whole]


def trainings(runs: Sequence[Run]) -> list[Run]:
    """The trainings of a sweep, without the runs that hold them."""
    return [run for run in runs if run.stage in {"search", "confirm"}]


def sql(root: Path, *statements: str) -> None:
    """Changes the database of a store behind everybody's back; one row at least."""
    with closing(sqlite3.connect(root / "mlflow.db")) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement

"""One training's run while it is written. Every call to MLflow is costly, so each takes all that
there is to write."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fairsweep import tested
from fairsweep.records import EpochMetrics, Objective, Outcome, TrialResult
from fairsweep.tracking import names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run, RunTag

BATCH = 1000  # metrics in one call, MLflow's limit
STATUS: Mapping[Outcome, str] = {
    "complete": "FINISHED",
    "pruned": "FINISHED",
    "diverged": "FINISHED",
    "failed": "FAILED",
    "interrupted": "KILLED",
}


class TrainingRun:
    """A run that is open.

    Args:
        client: of the store.
        run_id: of the run.
        stored: the last step of each metric that the run has already; rows up to it are left out,
            for they were stored before.
    """

    def __init__(
        self, client: MlflowClient, run_id: str, stored: Mapping[str, int] | None = None
    ) -> None:
        self._client = client
        self._run_id = run_id
        self._stored = stored or {}

    @property
    def run_id(self) -> str:
        return self._run_id

    @classmethod
    def found(cls, client: MlflowClient, run: Run) -> TrainingRun:
        """An existing run, with the steps that it has."""
        run_id = run.info.run_id
        stored = {
            name: max(metric.step for metric in client.get_metric_history(run_id, name))
            for name in run.data.metrics
        }
        return cls(client, run_id, stored)

    @classmethod
    def again(cls, client: MlflowClient, run: Run, attempt: int) -> TrainingRun:
        """Reopens an interrupted run, for another attempt that continues it."""
        client.set_tag(run.info.run_id, "attempt", str(attempt))
        client.update_run(run.info.run_id, status="RUNNING")
        client.delete_tag(run.info.run_id, "outcome")
        return cls.found(client, run)

    def log(self, epochs: Sequence[EpochMetrics], params: Mapping[str, str]) -> None:
        """Stores epochs, and params if any are given."""
        if epochs or params:
            self._log(_rows(epochs), params, ())

    def finish(
        self,
        result: TrialResult,
        objective: Objective,
        epochs: Sequence[EpochMetrics],
        params: Mapping[str, str],
        at: int,
    ) -> None:
        """Stores the last epochs and the result, and closes the run as ended `at` (milliseconds
        since 1970)."""
        from mlflow.entities import Metric, RunTag

        values: dict[str, float] = {"epochs": result.epochs, "seconds": result.seconds}
        if result.best_value is not None and result.best_epoch is not None:
            values[f"best_{objective.metric}"] = result.best_value
            values["best_epoch"] = result.best_epoch
        if result.second is not None:
            values[objective.stored_second] = result.second
        values |= result.test
        rows = [Metric(k, float(v), at, result.epochs) for k, v in values.items()]
        tags = {"outcome": result.outcome, "loop": result.loop}
        if result.loop_reason:
            tags["loop_reason"] = result.loop_reason[:5000]
        if result.error:
            tags["error"] = result.error[:5000]
        if result.cause:
            tags[names.CAUSE] = result.cause[:5000]
        self._log([*_rows(epochs), *rows], params, [RunTag(k, v) for k, v in tags.items()])
        self._store_files(result)
        self._client.set_terminated(self._run_id, STATUS[result.outcome], at)

    def _store_files(self, result: TrialResult) -> None:
        if result.traceback:
            self._client.log_text(self._run_id, result.traceback, "traceback.txt")
        if result.tested is not None:
            kept = asdict(result.tested)
            self._client.log_dict(self._run_id, kept, tested.FILES[type(result.tested)])
        for given in filter(None, (result.weights, result.judged)):
            file = Path(given)
            if file.exists():  # else it went with an earlier try
                self._client.log_artifact(self._run_id, str(file))
                file.unlink()

    def interrupt(self) -> None:
        """Closes the run of a training that was cut off."""
        self._client.set_tag(self._run_id, "outcome", "interrupted")
        self._client.set_terminated(self._run_id, STATUS["interrupted"])

    def _log(
        self, rows: Sequence[Metric], params: Mapping[str, str], tags: Sequence[RunTag]
    ) -> None:
        from mlflow.entities import Param

        rows = [row for row in rows if row.step > self._stored.get(row.key, -1)]
        left = [Param(name, value) for name, value in params.items()]
        for start in range(0, max(1, len(rows)), BATCH):
            last = start + BATCH >= len(rows)
            part = rows[start : start + BATCH]
            self._client.log_batch(self._run_id, part, left, tags if last else ())
            left = []


def _rows(epochs: Sequence[EpochMetrics]) -> list[Metric]:
    from mlflow.entities import Metric

    return [
        Metric(name, value, epoch.timestamp, epoch.epoch)
        for epoch in epochs
        for name, value in epoch.values.items()
    ]


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000

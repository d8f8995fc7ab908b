"""Writes a sweep to MLflow: one run for the sweep, one for each arm, one for each training.

Every call to MLflow is made by one thread of its own, in order, so the sweep never waits for a
write but at the end of a trial: what a study is told of is stored before.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pipeline.config.plan import Plan
from pipeline.errors import StorageError
from pipeline.records import EpochMetrics, Outcome, TrialKey, TrialResult, TrialSpec
from pipeline.tracking import frame, names
from pipeline.tracking.run import STATUS, TrainingRun, now
from pipeline.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

FLUSH_SECONDS = 0.5


@dataclass
class _Waiting:
    """What of a run isn't stored yet, its params too when no epoch was, and since when."""

    epochs: list[EpochMetrics] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class Tracker:
    """The one writer of a sweep's runs.

    Args:
        store: where to.
        plan: what is being run.
        data: facts about the data set, flat.
        data_sha256: fingerprint of data and split.
    """

    def __init__(
        self, store: Store, plan: Plan, data: Mapping[str, object], data_sha256: str
    ) -> None:
        self._store = store
        self._plan = plan
        self._data = data
        self._data_sha256 = data_sha256
        self._arms = {arm.name: arm for arm in plan.arms}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        self._pending: list[Future[Any]] = []
        self._waiting: dict[TrialKey, _Waiting] = {}
        self._runs: dict[TrialKey, TrainingRun] = {}
        self._arm_runs: dict[str, str] = {}
        self._sweep_run = ""

    def __enter__(self) -> Tracker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            for key, waiting in self._waiting.items():
                self._thread.submit(self._log_epochs, key, waiting.epochs)
            self._thread.submit(self._interrupt)
        self._thread.shutdown(wait=True)

    def open(self) -> Future[Any]:
        """Opens the runs of the sweep and of its arms, those of an earlier process again, and
        closes what that process left running."""
        return self._post(self._open)

    def open_single(self) -> None:
        """Opens the store for a training that belongs to no sweep."""
        self._post(self._open_store)

    def begin(self, spec: TrialSpec, started: int, goes_on: bool = False) -> None:
        """Opens the run of a training that began at `started` (milliseconds since 1970); one that
        goes on from a checkpoint has its interrupted run again, where there is one."""
        self._post(self._begin, spec, started, goes_on)
        self._waiting[spec.key] = _Waiting()

    def epoch(self, metrics: EpochMetrics) -> None:
        """Takes an epoch; it is stored within about half a second."""
        self._waiting.setdefault(metrics.key, _Waiting()).epochs.append(metrics)
        self.tick()

    def tick(self) -> None:
        """Stores what has waited long enough; to be called at least that often. A training that is
        shorter than that is stored by one call, at its end."""
        now = time.monotonic()
        self._flush([key for key, w in self._waiting.items() if now - w.since > FLUSH_SECONDS])

    def finish(self, result: TrialResult) -> Future[Any]:
        """Closes the run of a training; done when all of it is stored."""
        own = self._waiting.pop(result.key, _Waiting())
        return self._post(self._finish, result, own.epochs)

    def lose(self, key: TrialKey) -> None:
        """Closes the run of an attempt whose worker died."""
        self._flush([key] if key in self._waiting else [])
        self._post(self._lose, key)

    def progress(self, arm: str | None, finished: int, best: float) -> None:
        """Shows the best value after `finished` trials on an arm's run, or the sweep's (None)."""
        self._post(self._progress, arm, finished, best)

    def stopped(self, arm: str, why: str) -> None:
        """Says on an arm's run why it got no more trials."""
        self._post(self._tag_arm, arm, names.STOPPED, why)

    def close(self, utilisation: float) -> None:
        """Ends the runs of the sweep and its arms; everything is stored when it returns.

        Args:
            utilisation: of the workers; NaN where nothing was trained.
        """
        self._flush(list(self._waiting))
        if not math.isnan(utilisation):
            self._post(self._tag_utilisation, utilisation)
        self.wait(self._post(self._close, "complete"))

    def _post(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        for future in self._pending:
            if future.done():
                self.wait(future)
        self._pending = [future for future in self._pending if not future.done()]
        future = self._thread.submit(call, *arguments)
        self._pending.append(future)
        return future

    def wait(self, future: Future[Any]) -> None:
        """Waits for a write; of several that failed, the first one is told.

        Raises:
            StorageError: it failed.
        """
        if future.exception() is not None:
            future = next(f for f in (*self._pending, future) if f.done() and f.exception())
        try:
            future.result()
        except StorageError:
            raise
        except Exception as error:
            raise StorageError(f"writing to {self._store.uri} failed: {error}") from error

    def _flush(self, keys: Sequence[TrialKey]) -> None:
        for key in keys:
            self._post(self._log_epochs, key, self._waiting.pop(key).epochs)

    # What follows runs on the writing thread.

    def _open_store(self) -> None:
        self._client: MlflowClient = self._store.client()
        self._experiment = self._open_experiment()

    def _open(self) -> None:
        self._open_store()
        found = {
            (run.data.tags.get("stage"), run.data.tags.get("arm", "")): run
            for run in names.search(self._client, [self._experiment], self._plan.name, names.FRAME)
        }
        self._sweep_run = self._open_frame(found, "sweep", "", None)
        for arm in self._plan.arms:
            self._arm_runs[arm.name] = self._open_frame(found, "arm", arm.name, self._sweep_run)
        for run in names.search(self._client, [self._experiment], self._plan.name, names.RUNNING):
            if run.data.tags.get("stage") not in ("sweep", "arm"):
                self._client.set_tag(run.info.run_id, "outcome", "interrupted")
                self._client.set_terminated(run.info.run_id, "KILLED")

    def _open_experiment(self) -> str:
        name = self._plan.experiment
        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        if not self._store.local:
            return str(self._client.create_experiment(name, tags=names.EXPERIMENT_TAGS))
        location = self._store.artifacts.as_uri()
        tags = {**names.EXPERIMENT_TAGS, names.ARTIFACTS_TAG: location}
        return str(self._client.create_experiment(name, location, tags))

    def _open_frame(
        self, found: Mapping[Any, Any], stage: str, arm: str, parent: str | None
    ) -> str:
        """The run of the sweep or an arm; its tags say what the report needs to know."""
        tags = frame.common_tags(self._plan, self._data_sha256, stage, arm, parent) | (
            frame.sweep_tags(self._plan, self._data)
            if stage == "sweep"
            else frame.arm_tags(self._arms[arm])
        )
        run = found.get((stage, arm))
        if run is not None:
            run_id = str(run.info.run_id)
            self._client.update_run(run_id, status="RUNNING")
            for name, value in tags.items():
                if run.data.tags.get(name) != value:
                    self._client.set_tag(run_id, name, value)
        else:
            run_id = self._create(arm or self._plan.name, tags, now())
        if stage == "arm":
            if run is None or not run.data.params:
                params = names.flat_params(self._arms[arm].choices, self._arms[arm].settings)
                TrainingRun(self._client, run_id, params).log(())
        elif run is None or not frame.is_described(self._client, run_id):
            frame.describe_sweep(self._client, run_id, self._plan, self._data, self._data_sha256)
        return run_id

    def _create(self, name: str, tags: Mapping[str, str], started: int) -> str:
        run = self._client.create_run(
            self._experiment, start_time=started, tags=dict(tags), run_name=name
        )
        return str(run.info.run_id)

    def _begin(self, spec: TrialSpec, started: int, goes_on: bool) -> None:
        key = spec.key
        params = names.flat_params(self._arms[key.arm].choices, spec) | {"seed": str(spec.seed)}
        if goes_on and (run := self._interrupted(key)) is not None:
            self._runs[key] = TrainingRun.again(self._client, run, params, key.attempt)
            return
        parent = self._arm_runs.get(key.arm)
        tags = frame.common_tags(self._plan, self._data_sha256, key.stage, key.arm, parent) | {
            "trial": str(key.trial),
            "attempt": str(key.attempt),
            "seed": str(spec.seed),
        }
        if key.stage == "confirm":
            tags["repeat"] = str(key.repeat)
        name = str(key) if key.attempt == 1 else f"{key} (attempt {key.attempt})"
        run_id = self._create(name, tags, started)
        self._runs[key] = TrainingRun(self._client, run_id, params)

    def _interrupted(self, key: TrialKey) -> Run | None:
        """The run of the last attempt at a training, if it was interrupted."""
        found = [
            run
            for run in names.search(
                self._client,
                [self._experiment],
                self._plan.name,
                f"tags.stage = '{key.stage}' AND tags.arm = '{key.arm}' "
                f"AND tags.trial = '{key.trial}'",
            )
            if int(run.data.tags.get("repeat", 0)) == key.repeat
        ]
        if not found or found[-1].data.tags.get("outcome") != "interrupted":
            return None
        return found[-1]

    def _log_epochs(self, key: TrialKey, epochs: Sequence[EpochMetrics]) -> None:
        self._runs[key].log(epochs)

    def _finish(self, result: TrialResult, epochs: Sequence[EpochMetrics]) -> None:
        self._runs.pop(result.key).finish(result, self._plan.objective.metric, epochs)

    def _lose(self, key: TrialKey) -> None:
        self._runs.pop(key).interrupt()

    def _progress(self, arm: str | None, finished: int, best: float) -> None:
        from mlflow.entities import Metric

        run_id = self._sweep_run if arm is None else self._arm_runs[arm]
        name = f"best_{self._plan.objective.metric}"
        self._client.log_batch(run_id, metrics=[Metric(name, best, now(), finished)])

    def _tag_arm(self, arm: str, name: str, value: str) -> None:
        self._client.set_tag(self._arm_runs[arm], name, value)

    def _tag_utilisation(self, share: float) -> None:
        self._client.set_tag(self._sweep_run, names.UTILISATION, f"{share:.3f}")

    def _close(self, outcome: Outcome) -> None:
        for run_id in (*self._arm_runs.values(), self._sweep_run):
            if run_id:
                self._client.set_tag(run_id, "outcome", outcome)
                self._client.set_terminated(run_id, STATUS[outcome])

    def _interrupt(self) -> None:
        for key in list(self._runs):
            self._lose(key)
        self._close("interrupted")

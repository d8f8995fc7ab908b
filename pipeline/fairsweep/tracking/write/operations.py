"""Carries out a tracker's writes on MLflow, in order: one run for the sweep, one for each arm, one
for each training.

In: operations of plain data, for they may come from an earlier process. Out: nothing; an operation
that is carried out twice adds nothing the second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fairsweep import tested
from fairsweep.config.plan import Plan
from fairsweep.errors import StorageError
from fairsweep.folds import mean_over_folds
from fairsweep.metrics import of_epoch
from fairsweep.records import EpochMetrics, Outcome, TrialKey, TrialResult
from fairsweep.tracking import names
from fairsweep.tracking.store import Store
from fairsweep.tracking.write import frame
from fairsweep.tracking.write.process import close_cut_off
from fairsweep.tracking.write.run import STATUS, TrainingRun, now
from fairsweep.tracking.write.spool import Operation
from fairsweep.work import Compiled

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class Writer:
    """Writes a sweep's runs.

    Args:
        store: where to.
        plan: what is being run.
        facts: about the data set.
    """

    def __init__(self, store: Store, plan: Plan, facts: frame.Facts) -> None:
        self._store = store
        self._plan = plan
        self._facts = facts
        self._arms = {arm.name: arm for arm in plan.arms}
        self._runs: dict[TrialKey, TrainingRun] = {}
        self._arm_runs: dict[str, str] = {}
        self._sweep_run = ""

    def open_single(self) -> None:
        """Opens the store for a single training, which belongs to no sweep."""
        self._open_store()
        close_cut_off(self._client, self._experiment)

    def _open_store(self) -> None:
        self._client: MlflowClient = self._store.client()
        self._experiment = self._open_experiment()

    def open(self) -> None:
        """Opens the runs of the sweep and of its arms, those of an earlier process again."""
        self._open_store()
        found = {
            (run.data.tags.get("stage"), run.data.tags.get("arm", "")): run
            for run in names.search(self._client, [self._experiment], self._plan.name, names.FRAME)
        }
        self._arm_runs = {arm: run.info.run_id for (stage, arm), run in found.items() if arm}
        self._sweep_run = self._open_frame(found, "sweep", "", None)
        for arm in self._plan.arms:
            self._arm_runs[arm.name] = self._open_frame(found, "arm", arm.name, self._sweep_run)

    def close_left_open(self) -> None:
        """Closes the runs of trainings that an earlier process left running."""
        for run in names.search(self._client, [self._experiment], self._plan.name, names.RUNNING):
            if run.data.tags.get("stage") not in ("sweep", "arm"):
                TrainingRun(self._client, run.info.run_id).interrupt()

    def carry_out(self, operation: Operation, again: bool) -> None:
        """Carries out an operation.

        Args:
            operation: one of `tracking.write.Tracker`'s.
            again: whether it may have been carried out before, wholly or in part.
        """
        values = operation.values
        if again and self._is_past(values.get("key", values.get("result", {}).get("key"))):
            return
        if operation.name == "begin":
            self._begin(values, again)
        elif operation.name == "epochs":
            self._run(_key(values["key"])).log(_epochs(values), values["params"])
        elif operation.name == "finish":
            self._finish(values)
        elif operation.name == "lose":
            self._lose(_key(values["key"]))
        elif operation.name == "progress":
            self._progress(values)
        elif operation.name == "tag":
            run_id = self._arm_runs[values["arm"]] if values["arm"] else self._sweep_run
            self._client.set_tag(run_id, values["name"], values["value"])
        elif operation.name == "close":
            self._close(values["outcome"])
        else:
            raise ValueError(f"no operation {operation.name}")

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
        """The run of the sweep or of an arm, with the tags that a report needs."""
        tags = frame.common_tags(self._plan, self._facts.sha256, stage, arm, parent) | (
            frame.sweep_tags(self._plan, self._facts)
            if stage == "sweep"
            else frame.arm_tags(self._arms[arm])
        )
        run = found.get((stage, arm))
        if run is not None:
            code = frame.stored_code(run.data.tags) if stage == "sweep" else {}
            if frame.changed_code(code, self._plan):
                tags[names.CODE_CHANGED] = "true"
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
                TrainingRun(self._client, run_id).log((), params)
        elif run is None or not frame.is_described(self._client, run_id):
            frame.describe_sweep(self._client, run_id, self._plan, self._facts)
        return run_id

    def _create(self, name: str, tags: Mapping[str, str], started: int) -> str:
        run = self._client.create_run(
            self._experiment, start_time=started, tags=dict(tags), run_name=name
        )
        return str(run.info.run_id)

    def _begin(self, values: Mapping[str, Any], again: bool) -> None:
        key = _key(values["key"])
        last = self._last_run(key) if again or values["goes_on"] else None
        if last is not None and last.data.tags["attempt"] == str(key.attempt):
            self._runs[key] = TrainingRun.found(self._client, last)
            return
        if values["goes_on"] and last is not None and _was_interrupted(last):
            self._runs[key] = TrainingRun.again(self._client, last, key.attempt)
            return
        tags, parent = dict(values["tags"]), self._parent(key)
        if parent is not None:
            tags[names.PARENT] = parent
        # Of a trial that goes on, a fold may not have been begun before.
        first = key.attempt == 1 or (key.whole is not None and self._last_run(key) is None)
        name = str(key) if first else f"{key} (attempt {key.attempt})"
        run_id = self._create(name, tags, values["started"])
        self._runs[key] = TrainingRun(self._client, run_id)

    def _parent(self, key: TrialKey) -> str | None:
        """The run that a training's is inside of: its trial's where it is on a fold of one, else
        its arm's."""
        if key.whole is None:
            return self._arm_runs.get(key.arm)
        for other, open_run in self._runs.items():
            if replace(other, attempt=key.attempt) == key.whole:
                return open_run.run_id
        trial = self._last_run(key.whole)
        return None if trial is None else str(trial.info.run_id)

    def _run(self, key: TrialKey) -> TrainingRun:
        """The run of an attempt, which an earlier process may have begun."""
        if key not in self._runs:
            last = self._last_run(key)
            if last is None or last.data.tags["attempt"] != str(key.attempt):
                raise StorageError(
                    f"{self._store.uri} has no run for attempt {key.attempt} of {key}, although it "
                    "was begun: the run was deleted, or the sweep was started in another store"
                )
            self._runs[key] = TrainingRun.found(self._client, last)
        return self._runs[key]

    def _is_past(self, key: Mapping[str, Any] | None) -> bool:
        """Whether a later attempt at a training has begun: then all before it was carried out."""
        if key is None or (own := _key(key)) in self._runs:
            return False
        last = self._last_run(own)
        return last is not None and int(last.data.tags["attempt"]) > own.attempt

    def _last_run(self, key: TrialKey) -> Run | None:
        """The run of the last attempt at a training."""
        condition = (
            f"tags.stage = '{key.stage}' AND tags.arm = '{key.arm}' AND tags.trial = '{key.trial}'"
        )
        found = [
            run
            for run in names.search(self._client, [self._experiment], self._plan.name, condition)
            if run.data.tags.get("repeat", "0") == str(key.repeat)
            and run.data.tags.get("fold", "None") == str(key.fold)
            and run.data.tags.get("search", "0") == str(key.search)
        ]
        # Not the last one by its start: a clock may have been set back meanwhile.
        return max(found, key=lambda run: int(run.data.tags["attempt"]), default=None)

    def _finish(self, values: Mapping[str, Any]) -> None:
        result = _result(values["result"])
        run = self._run(result.key)
        epochs = _epochs(values)
        if self._plan.search_folds and (result.key.stage, result.key.fold) == ("search", None):
            epochs = self._mean_over_folds(result.key, run.run_id, values["at"])
        run.finish(result, self._plan.objective, epochs, values["params"], values["at"])
        del self._runs[result.key]

    def _mean_over_folds(self, key: TrialKey, run_id: str, at: int) -> Sequence[EpochMetrics]:
        """The epochs of a trial on folds: the mean over those that it was trained on, as far as all
        of them got."""
        inside = f"tags.`{names.PARENT}` = '{run_id}'"
        curves = [
            {
                name: names.by_epoch(self._client.get_metric_history(run.info.run_id, name))
                for name in of_epoch(self._facts.metrics)
                if name in run.data.metrics
            }
            for run in names.search(self._client, [self._experiment], self._plan.name, inside)
            if names.has_ended(run.info.status, run.data.tags)
        ]
        return [
            EpochMetrics(key, epoch, values, at)
            for epoch, values in enumerate(mean_over_folds(curves), start=1)
        ]

    def _lose(self, key: TrialKey) -> None:
        self._run(key).interrupt()
        del self._runs[key]

    def _progress(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Metric

        arm, name = values["arm"], f"best_{self._plan.objective.metric}"
        run_id = self._sweep_run if arm is None else self._arm_runs[arm]
        best = Metric(name, values["best"], values["at"], values["finished"])
        self._client.log_batch(run_id, metrics=[best])

    def _close(self, outcome: Outcome) -> None:
        """Ends the runs of the sweep and its arms, and of trainings that didn't end."""
        for key in list(self._runs):
            self._lose(key)
        for run_id in (*self._arm_runs.values(), self._sweep_run):
            if run_id:
                self._client.set_tag(run_id, "outcome", outcome)
                self._client.set_terminated(run_id, STATUS[outcome])


def _was_interrupted(run: Run) -> bool:
    return bool(run.data.tags.get("outcome") == "interrupted")


def _key(values: Mapping[str, Any]) -> TrialKey:
    return TrialKey(**values)


def _epochs(values: Mapping[str, Any]) -> Sequence[EpochMetrics]:
    key = _key(values["key"])
    return [EpochMetrics(key, epoch, own, at) for epoch, at, own in values["epochs"]]


def _result(values: Mapping[str, Any]) -> TrialResult:
    own = dict(values)
    own["key"] = _key(own["key"])
    own["compiled"] = Compiled(**own.get("compiled", {}))  # an older sweep's spool has none
    kept = own.pop("confusion", None) or own.get("tested")  # an older sweep's spool has the first
    own["tested"] = None if kept is None else tested.of(kept)
    return TrialResult(**own)

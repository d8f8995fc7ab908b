"""Workers that train nothing and follow a script, as workers of this machine would.

In: `TrialSpec`s. Out: the events that a worker sends while it trains, is judged, is asked to stop,
dies, and goes on from its last checkpoint. Nothing depends on the time of day or on threads, so the
same script gives the same sweep.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from fairsweep import judged
from fairsweep.config import schema
from fairsweep.costs import COSTS
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import load
from fairsweep.data.split import SplitData, split_rows
from fairsweep.executor import Event, OpenExecutor
from fairsweep.files import TrialFolders
from fairsweep.judged import Judged
from fairsweep.metrics import VALIDATION, base_name, measured_on_validation, metric_named
from fairsweep.records import (
    EpochMetrics,
    Outcome,
    PruningDecision,
    TrialKey,
    TrialResult,
    TrialSpec,
    WorkerLost,
    WorkerReady,
    derive_seed,
)
from fairsweep.tested import Tested
from fairsweep.testing.scripts import Script, addressed, learning, passing

EPOCH_SECONDS = 1.0
"""What an epoch of a script counts as."""


class ScriptedExecutor:
    """An `Executor` whose workers take turns: each call of `events` gives the next event of the
    next worker that has one. A worker is ready once `events` has said so.

    Args:
        script: what a training does.
        workers: how many.
        folders: for checkpoints, weights and what is said of rows; None keeps none.
        checks: what a trial of a model before the sweep does, for trainings of the stage `check`.
        at_once: how many events a call of `events` gives at most.
    """

    def __init__(
        self,
        script: Script = learning,
        workers: int = 1,
        folders: TrialFolders | None = None,
        checks: Script = passing,
        at_once: int = 1,
    ) -> None:
        self.given: list[TrialSpec] = []
        self.closed = False
        self._script = script
        self._checks = checks
        self._folders = folders
        self._at_once = at_once
        self._workers = [_Worker() for _ in range(workers)]

    def __enter__(self) -> ScriptedExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed = True
        self._workers.clear()

    @property
    def size(self) -> int:
        return len(self._workers)

    @property
    def idle(self) -> int:
        return sum(worker.ready and worker.training is None for worker in self._workers)

    def submit(self, spec: TrialSpec) -> None:
        worker = next(w for w in self._workers if w.ready and w.training is None)
        self.given.append(spec)
        script = self._checks if spec.key.stage == "check" else self._script
        worker.training = _Training(spec, script, self._folders)

    def judge(self, decision: PruningDecision) -> None:
        for worker in self._workers:
            if worker.training is not None and worker.training.spec.key == decision.key:
                worker.training.decisions[decision.epoch] = decision.keep

    def stop(self) -> set[TrialKey]:
        trainings = [w.training for w in self._workers if w.training is not None]
        for training in trainings:
            training.has_to_stop = True
        return {training.spec.key for training in trainings}

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        if starting := [worker for worker in self._workers if not worker.ready]:
            for worker in starting:
                worker.ready = True
                yield WorkerReady()
            return
        for given in range(self._at_once):
            event = self._next()
            if event is None:
                if not given:  # every training that there is waits for something
                    time.sleep(min(timeout or 0.0, 0.01))
                return
            yield event

    def _next(self) -> Event | None:
        for worker in list(self._workers):
            if worker.training is None or (event := worker.training.next()) is None:
                continue
            self._workers.remove(worker)  # its turn is over
            self._workers.append(worker)
            if isinstance(event, TrialResult | WorkerLost):
                worker.training = None
            worker.ready = not isinstance(event, WorkerLost)
            return event
        return None


def scripted(
    script: Script = learning,
    checks: Script = passing,
    opened: list[ScriptedExecutor] | None = None,
) -> OpenExecutor:
    """What starts scripted workers for `run_sweep` or `run_training`.

    Args:
        script: what a training does.
        checks: what a trial of a model before the sweep does.
        opened: gets the executors that are started.
    """

    def start(
        settings: schema.Executor, workers: int, logs: Path, folders: TrialFolders
    ) -> ScriptedExecutor:
        del settings, logs
        executor = ScriptedExecutor(script, workers, folders, checks)
        if opened is not None:
            opened.append(executor)
        return executor

    return start


class _Worker:
    def __init__(self) -> None:
        self.ready = False
        self.training: _Training | None = None


class _Training:
    """One training as a worker goes through it."""

    def __init__(self, spec: TrialSpec, script: Script, folders: TrialFolders | None) -> None:
        self.spec = spec
        self.decisions: dict[int, bool] = {}
        self.has_to_stop = False
        self._folders = folders
        self._steps = iter(script(spec))
        self._history: list[EpochMetrics] = []
        self._earlier = 0
        self._events = self._run()

    def next(self) -> Event | None:
        return next(self._events)

    def _run(self) -> Iterator[Event | None]:
        yield from self._go_on()
        for step in self._steps:
            if step is None:
                yield None
            elif isinstance(step, TrialResult | WorkerLost):
                yield addressed(step, self.spec.key, len(self._history))
            else:
                metrics = EpochMetrics(
                    self.spec.key, len(self._history) + 1, dict(step), time.time_ns() // 1_000_000
                )
                self._history.append(metrics)
                yield metrics
                if (outcome := (yield from self._outcome(metrics))) is not None:
                    yield self._result(outcome)
        yield self._result("complete")

    def _go_on(self) -> Iterator[Event]:
        """Emits the epochs of the last checkpoint again, of which the sweep may not know."""
        stored = self._stored()
        for values in stored:
            next(self._steps)
            epoch = len(self._history) + 1
            metrics = EpochMetrics(
                self.spec.key, epoch, values, time.time_ns() // 1_000_000, epoch < len(stored)
            )
            self._history.append(metrics)
            yield metrics
        self._earlier = len(stored)

    def _outcome(self, metrics: EpochMetrics) -> Generator[None, None, Outcome | None]:
        """How the training ends after an epoch; None where it goes on."""
        losses = [metrics.values[name] for name in ("loss", "val_loss") if name in metrics.values]
        if not all(map(math.isfinite, losses)):
            return "diverged"
        epoch, schedule = metrics.epoch, self.spec.pruning
        if epoch >= self.spec.training.epochs:
            return None
        if schedule is not None and schedule.judged(epoch - 1):
            while epoch - 1 not in self.decisions:
                yield None
            if not self.decisions[epoch - 1]:
                return "pruned"
        if self.has_to_stop or self.spec.training.checkpoint_seconds <= EPOCH_SECONDS:
            self._leave_checkpoint()
        return "interrupted" if self.has_to_stop else None

    def _result(self, outcome: Outcome) -> TrialResult:
        spec, metric = self.spec, self.spec.objective.metric
        values = [metrics.values.get(metric, math.nan) for metrics in self._history]
        best = len(values) - 1 if spec.last_epoch else spec.objective.best(values)
        whole = best is not None and outcome != "interrupted"
        counts = best is not None and not spec.last_epoch
        return TrialResult(
            spec.key,
            outcome,
            len(self._history),
            EPOCH_SECONDS * len(self._history),
            best + 1 if counts and best is not None else None,
            values[best] if counts and best is not None else None,
            test=self._tested(best) if whole and spec.test and best is not None else {},
            tested=_all_right(spec) if whole and spec.test else None,
            second=self._second(best) if outcome == "complete" and best is not None else None,
            weights=self._weights() if whole else "",
            judged=self._judged(best) if whole and best is not None else "",
            earlier=EPOCH_SECONDS * self._earlier,
            loop="resident",
        )

    def _second(self, best: int) -> float | None:
        """What a model costs depends on its hyperparameters alone."""
        second = self.spec.objective.second
        if second is None:
            return None
        if second.metric in COSTS:
            return float(1000 + derive_seed(0, repr(self.spec.model.params)) % 100_000)
        return self._history[best].values.get(second.metric)

    def _tested(self, best: int) -> dict[str, float]:
        """Test rows are as good as training rows."""
        values = self._history[best].values
        return {f"test_{n}": v for n, v in values.items() if not n.startswith("val_")}

    def _weights(self) -> str:
        if self._folders is None or not self.spec.weights:
            return ""
        file = self._folders.weights_of(self.spec.weights)
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, np.asarray([metrics.epoch for metrics in self._history], np.float32))
        return self.spec.weights

    def _judged(self, best: int) -> str:
        """Every row is told right, and has the metrics of all of them, but for the user's own, of
        whose rows nothing is known."""
        if self._folders is None or not self.spec.judged:
            return ""
        split = _split(self.spec)
        dataset, rows = split.dataset, split.validation
        true = dataset.task.words(dataset.y[rows], dataset.class_names)
        own = {
            name.removeprefix(VALIDATION): np.full(len(rows), value)
            for name, value in self._history[best].values.items()
            if measured_on_validation(name) and not metric_named(base_name(name)).is_users
        }
        file = self._folders.judged_of(self.spec.judged)
        judged.write(file, Judged(rows, true, true, own))
        return self.spec.judged

    def _leave_checkpoint(self) -> None:
        folder = self._checkpoints()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            epochs = [dict(metrics.values) for metrics in self._history]
            (folder / f"{len(epochs):08}-scripted.npz").write_text(json.dumps(epochs))

    def _stored(self) -> Sequence[dict[str, float]]:
        folder = self._checkpoints()
        found = sorted(folder.glob("*-scripted.npz")) if folder is not None else []
        return json.loads(found[-1].read_text()) if found else []

    def _checkpoints(self) -> Path | None:
        if self._folders is None or not self.spec.checkpoints:
            return None
        return self._folders.checkpoints_of(self.spec.checkpoints)


def _all_right(spec: TrialSpec) -> Tested | None:
    """What a model that is always right leaves of the test rows; None where its task stores nothing
    of them, or there are none."""
    split = _split(spec)
    task, names, y = split.dataset.task, split.dataset.class_names, split.dataset.y[split.test]
    if not (task.tested and len(y)):
        return None
    outputs = task.targets(y, "one-hot", len(names))
    return task.output(spec.training.loss, len(names)).test_artifact(outputs, y, names)


def _split(spec: TrialSpec) -> SplitData:
    """The rows of a training; data is loaded once."""
    key = repr(spec.data)
    if key not in _loaded:
        _loaded[key] = load(spec.data)
    return split_rows(_loaded[key], spec.data, spec.fold)


_loaded: dict[str, Dataset] = {}

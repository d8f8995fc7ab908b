"""The order in which a search hears of things, whatever the speed of the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.composing import compose_sweep
from pipeline.records import (
    EpochMetrics,
    Outcome,
    TrialKey,
    TrialResult,
    TrialSpec,
    WorkerLost,
)
from pipeline.stages.checkpoints import Checkpoints
from pipeline.stages.dispatch import UNSTORED, Dispatcher, Part
from pipeline.stages.search import trial_spec

PLAN = compose_sweep(["optimizer=adam"])


def spec(trial: int) -> TrialSpec:
    key = TrialKey("adam", "search", trial)
    return trial_spec(PLAN, PLAN.arms[0], key, {}, seed=trial)


Event = EpochMetrics | TrialResult | WorkerLost


class Workers:
    """Workers whose events are scripted: one batch for each time they are asked."""

    def __init__(self, size: int, batches: Sequence[Sequence[Event]]) -> None:
        self.size = size
        self.idle = size
        self.batches = list(batches)
        self.given: list[TrialKey] = []
        self.checkpoints: list[bool] = []

    def submit(self, spec: TrialSpec) -> None:
        self.given.append(spec.key)
        self.checkpoints.append(bool(spec.checkpoints) and any(Path(spec.checkpoints).glob("*")))
        self.idle = max(0, self.idle - 1)

    def events(self, timeout: float) -> Iterator[Event]:
        if self.batches:
            yield from self.batches.pop(0)
        else:
            time.sleep(timeout)


class SlowStore:
    """Stores a result in a tenth of a second."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)

    def finish(self, _: TrialResult) -> Future[Any]:
        return self.pool.submit(time.sleep, 0.1)

    def wait(self, future: Future[Any]) -> None:
        future.result()

    def tick(self) -> None: ...

    def begin(self, *_: object) -> None: ...

    def epoch(self, _: EpochMetrics) -> None: ...

    def lose(self, _: object) -> None: ...


class Blind:
    def began(self, _: object) -> None: ...

    def epoch(self, _: object) -> None: ...

    def ended(self, _: object) -> None: ...

    def lost(self, *_: object) -> None: ...

    def began_anew(self, _: object) -> None: ...


def heard(
    workers: Workers, trials: int, checkpoints: Checkpoints | None = None
) -> list[EpochMetrics | TrialResult]:
    store = SlowStore()
    with store.pool:
        dispatcher = Dispatcher(workers, store, Blind(), checkpoints)  # type: ignore[arg-type]
        waiting = [spec(trial) for trial in range(trials)]
        found: list[EpochMetrics | TrialResult] = []
        while waiting or dispatcher.running:
            while waiting and dispatcher.has_room:
                dispatcher.submit(waiting.pop(0), Part())
            found += dispatcher.events()
        return found


def result(trial: int) -> TrialResult:
    return TrialResult(TrialKey("adam", "search", trial), "complete", 1, 0.1, 1, 0.5)


def epoch(trial: int) -> EpochMetrics:
    return EpochMetrics(TrialKey("adam", "search", trial), 1, {"loss": 1.0}, 1)


@pytest.mark.parametrize("together", [True, False], ids=["in-one-batch", "one-by-one"])
def test_with_one_worker_a_result_is_told_before_any_epoch_after_it(together: bool) -> None:
    events = [epoch(0), result(0), epoch(1), result(1)]
    batches = [[events[0]], events[1:]] if together else [[event] for event in events]
    assert heard(Workers(1, batches), 2) == events


def test_several_workers_go_on_while_a_result_is_stored() -> None:
    workers = Workers(2, [[epoch(0)], [result(0)], [epoch(2)], [result(1)], [result(2)]])
    told = heard(workers, 3)
    assert told.index(epoch(2)) < told.index(result(0))
    assert [key.trial for key in workers.given] == [0, 1, 2]
    assert [event for event in told if isinstance(event, TrialResult)] == [
        result(0),
        result(1),
        result(2),
    ]


def test_results_wait_for_the_disk_while_workers_go_on_to_a_limit() -> None:
    store = SlowStore()
    held = threading.Event()
    store.finish = lambda _: store.pool.submit(held.wait)  # type: ignore[assignment, return-value]
    batches = [[result(trial)] for trial in range(2 * UNSTORED)]
    workers = Workers(2, batches)
    with store.pool:
        dispatcher = Dispatcher(workers, store, Blind())  # type: ignore[arg-type]
        trial = 0
        while batches := workers.batches:
            while dispatcher.has_room:
                dispatcher.submit(spec(trial), Part())
                trial += 1
            list(dispatcher.events())
        assert not batches
        assert len(workers.given) == 2 * UNSTORED + 2
        assert not dispatcher.has_room
        held.set()


# Trainings that begin again.


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    """Trial 0 has left a checkpoint."""
    found = Checkpoints(tmp_path)
    folder = found.folder(TrialKey("adam", "search", 0))
    folder.mkdir()
    (folder / "00000001-0.npz").write_bytes(b"")
    return found


def attempt(number: int, outcome: Outcome = "complete") -> TrialResult:
    return TrialResult(TrialKey("adam", "search", 0, attempt=number), outcome, 1, 0.1, 1, 0.5)


def test_a_training_whose_worker_died_goes_on_from_its_checkpoint(checkpoints: Checkpoints) -> None:
    lost = WorkerLost(TrialKey("adam", "search", 0), -9, "worker-1.log")
    workers = Workers(1, [[lost], [attempt(2)]])
    workers.idle = 2  # the one that died is replaced
    assert heard(workers, 1, checkpoints) == [attempt(2)]
    assert [key.attempt for key in workers.given] == [1, 2]
    assert workers.checkpoints == [True, True]
    assert not checkpoints.folder(attempt(2).key).exists()


def test_a_training_whose_checkpoints_are_of_no_use_begins_anew(checkpoints: Checkpoints) -> None:
    workers = Workers(1, [[attempt(1, "interrupted")], [attempt(2)]])
    workers.idle = 2
    assert heard(workers, 1, checkpoints) == [attempt(2)]
    assert [key.attempt for key in workers.given] == [1, 2]
    assert workers.checkpoints == [True, False]


def test_time_trained_before_a_checkpoint_is_not_of_this_process(tmp_path: Path) -> None:
    store, workers = SlowStore(), Workers(1, [[replace(attempt(1), seconds=1e6, earlier=1e6)]])
    with store.pool:
        dispatcher = Dispatcher(workers, store, Blind(), Checkpoints(tmp_path))  # type: ignore[arg-type]
        dispatcher.submit(spec(0), Part())
        while dispatcher.running:
            list(dispatcher.events())
    assert not dispatcher.utilisation > 0

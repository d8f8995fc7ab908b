"""The order in which a search hears of things, whatever the speed of the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from pipeline.config.composing import compose_sweep
from pipeline.records import EpochMetrics, TrialKey, TrialResult, TrialSpec
from pipeline.stages.dispatch import UNSTORED, Dispatcher, Part
from pipeline.stages.search import trial_spec

PLAN = compose_sweep(["optimizer=adam"])


def spec(trial: int) -> TrialSpec:
    key = TrialKey("adam", "search", trial)
    return trial_spec(PLAN, PLAN.arms[0], key, {}, seed=trial)


class Workers:
    """Workers whose events are scripted: one batch for each time they are asked."""

    def __init__(self, size: int, batches: Sequence[Sequence[EpochMetrics | TrialResult]]) -> None:
        self.size = size
        self.idle = size
        self.batches = list(batches)
        self.given: list[TrialKey] = []

    def submit(self, spec: TrialSpec) -> None:
        self.given.append(spec.key)
        self.idle = max(0, self.idle - 1)

    def events(self, timeout: float) -> Iterator[EpochMetrics | TrialResult]:
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


class Blind:
    def began(self, _: object) -> None: ...

    def epoch(self, _: object) -> None: ...

    def ended(self, _: object) -> None: ...


def heard(workers: Workers, trials: int) -> list[EpochMetrics | TrialResult]:
    store = SlowStore()
    with store.pool:
        dispatcher = Dispatcher(workers, store, Blind())  # type: ignore[arg-type]
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

"""What the sweep's process makes of what its workers send, and of when they send it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar, cast

import pytest

from fairsweep.executor import Event, local
from fairsweep.executor.liveness import EPOCHS, Heartbeat
from fairsweep.executor.local import LocalExecutor, Worker
from fairsweep.executor.processes import Spawning
from fairsweep.files import TrialFolders
from fairsweep.records import EpochMetrics, TrialKey, TrialResult, WorkerLost
from tests.unit.test_dispatch import spec

KEY = TrialKey("adam", "search", 0)
E = TypeVar("E")

# A worker that imports nothing: it trains trial 0 for three epochs, and dies of any other.
WORKER = """
import sys
from multiprocessing.connection import Connection
from fairsweep.records import EpochMetrics, TrialResult, WorkerReady
connection = Connection(int(sys.argv[1]))
connection.send(WorkerReady())
while (spec := connection.recv()).key.trial == 0:
    connection.send([EpochMetrics(spec.key, epoch, {"loss": 1.0}, 0) for epoch in (1, 2, 3)])
    connection.send(TrialResult(spec.key, "complete", 3, 0.1))
sys.exit(1)
"""


@pytest.fixture
def executor(tmp_path: Path) -> LocalExecutor:
    starter = Spawning((sys.executable, "-c", WORKER))
    return LocalExecutor(1, 1, tmp_path, TrialFolders(tmp_path, tmp_path), starter)


def give(executor: LocalExecutor, trial: int) -> None:
    while not executor.idle:
        list(executor.events(60))
    executor.submit(spec(trial))


def first(kind: type[E], executor: LocalExecutor) -> E:
    while True:
        for event in executor.events(60):
            if isinstance(event, kind):
                return event


def test_a_death_counts_the_epochs_of_its_own_trial(executor: LocalExecutor) -> None:
    with executor:
        give(executor, 0)
        assert first(TrialResult, executor).epochs == 3
        give(executor, 1)
        assert first(WorkerLost, executor).epochs == 0


def test_a_result_that_came_just_now_is_not_thrown_away_with_a_worker_that_hung(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the sockets were looked at, and before the silence is judged."""
    with executor:
        give(executor, 0)
        (worker,) = executor._workers
        assert worker.connection.poll(60)
        assert worker.heartbeat is not None
        worker.heartbeat.silent = 1e9
        with monkeypatch.context() as patched:
            patched.setattr(local, "wait", cast(Callable[..., list[Event]], lambda *_: []))
            assert list(executor.events(0)) == []
        assert first(TrialResult, executor).outcome == "complete"


def test_epochs_told_again_after_a_checkpoint_say_nothing_of_how_long_one_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They come all at once; the minute of the next epoch is what a silence is measured by."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(local, "time", SimpleNamespace(monotonic=lambda: clock.now))
    worker = Worker(None, None, Path(), None)  # type: ignore[arg-type]
    worker.heartbeat = Heartbeat(limit=300.0, now=0.0)
    clock.now = 1.0
    worker.heard([EpochMetrics(KEY, epoch, {}, 0, settled=True) for epoch in range(1, 100)])
    clock.now = 61.0
    worker.heard([EpochMetrics(KEY, 100, {}, 0)])
    worker.heartbeat.silent = EPOCHS * 60.0
    assert not worker.heartbeat.hangs

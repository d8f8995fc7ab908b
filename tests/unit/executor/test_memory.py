"""A worker that dies: for want of memory if the kernel counts such a kill, else not."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairsweep.executor import local
from fairsweep.executor.local import LocalExecutor
from fairsweep.executor.processes import Spawning
from fairsweep.files import TrialFolders
from fairsweep.records import TrialKey, WorkerLost
from tests.unit.test_dispatch import spec


class Counter:
    """Stands for the kernel's count."""

    def __init__(self, kills: int | None) -> None:
        self.kills = kills

    def __call__(self) -> int | None:
        return self.kills


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter(7)
    monkeypatch.setattr(local, "out_of_memory_kills", counter)
    return counter


# A worker that is ready at once and waits, for ever: it imports nothing.
IDLE = """
import sys, time
from multiprocessing.connection import Connection
from fairsweep.records import WorkerReady
connection = Connection(int(sys.argv[1]))
connection.send(WorkerReady())
time.sleep(3600)
"""


@contextmanager
def workers(count: int, folder: Path) -> Iterator[LocalExecutor]:
    """Workers that are ready, each given a trial of its number."""
    starter = Spawning((sys.executable, "-c", IDLE))
    with LocalExecutor(count, 1, folder, TrialFolders(folder, folder), starter) as executor:
        for trial in range(count):
            give(executor, trial)
        yield executor


def give(executor: LocalExecutor, trial: int) -> None:
    while not executor.idle:
        list(executor.events(60))
    executor.submit(spec(trial))


def deaths(executor: LocalExecutor, number: int = 1) -> list[WorkerLost]:
    found: list[WorkerLost] = []
    while len(found) < number:
        found += [event for event in executor.events(60) if isinstance(event, WorkerLost)]
    return found


def end(executor: LocalExecutor, trial: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Has the worker of a trial end so."""
    (worker,) = [w for w in executor._workers if w.key == TrialKey("adam", "search", trial)]
    os.kill(worker.process.pid, how)


def test_a_kill_that_the_kernel_counts_is_want_of_memory(counter: Counter, tmp_path: Path) -> None:
    with workers(1, tmp_path) as executor:
        counter.kills = 8
        end(executor, 0)
        (death,) = deaths(executor)
        assert death.out_of_memory
        assert death.exit_code == -9
        assert death.peak > 2**20
        # The next death isn't explained by the same count.
        give(executor, 1)
        end(executor, 1)
        (other,) = deaths(executor)
        assert not other.out_of_memory
        assert other.why == "its worker died (exit code -9)"


@pytest.mark.parametrize(("before", "after"), [(7, 7), (None, None), (None, 8)])
def test_a_kill_that_the_kernel_does_not_count_is_a_death(
    before: int | None, after: int | None, counter: Counter, tmp_path: Path
) -> None:
    counter.kills = before
    with workers(1, tmp_path) as executor:
        counter.kills = after
        end(executor, 0)
        (death,) = deaths(executor)
    assert not death.out_of_memory


def test_another_end_is_a_death_whatever_the_kernel_counts(
    counter: Counter, tmp_path: Path
) -> None:
    with workers(1, tmp_path) as executor:
        counter.kills = 8
        end(executor, 0, signal.SIGABRT)
        (death,) = deaths(executor)
    assert (death.exit_code, death.out_of_memory) == (-6, False)


def test_of_two_that_die_one_was_counted(counter: Counter, tmp_path: Path) -> None:
    with workers(2, tmp_path) as executor:
        counter.kills = 8
        for trial in range(2):
            end(executor, trial)
        assert sorted(death.out_of_memory for death in deaths(executor, 2)) == [False, True]

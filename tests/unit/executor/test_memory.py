"""A worker that dies: for want of memory if the kernel counts such a kill, else not."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from fairsweep.executor import local
from fairsweep.executor.local import LocalExecutor
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
    with LocalExecutor(1, 1, tmp_path) as executor:
        executor.submit(spec(0))
        counter.kills = 8
        end(executor, 0)
        (death,) = deaths(executor)
        assert death.out_of_memory
        assert death.exit_code == -9
        assert death.peak > 2**20
        # The next death isn't explained by the same count.
        executor.submit(spec(1))
        end(executor, 1)
        (other,) = deaths(executor)
        assert not other.out_of_memory
        assert other.why == "its worker died (exit code -9)"


@pytest.mark.parametrize(("before", "after"), [(7, 7), (None, None), (None, 8)])
def test_a_kill_that_the_kernel_does_not_count_is_a_death(
    before: int | None, after: int | None, counter: Counter, tmp_path: Path
) -> None:
    counter.kills = before
    with LocalExecutor(1, 1, tmp_path) as executor:
        executor.submit(spec(0))
        counter.kills = after
        end(executor, 0)
        (death,) = deaths(executor)
    assert not death.out_of_memory


def test_another_end_is_a_death_whatever_the_kernel_counts(
    counter: Counter, tmp_path: Path
) -> None:
    with LocalExecutor(1, 1, tmp_path) as executor:
        executor.submit(spec(0))
        counter.kills = 8
        end(executor, 0, signal.SIGABRT)
        (death,) = deaths(executor)
    assert (death.exit_code, death.out_of_memory) == (-6, False)


def test_of_two_that_die_one_was_counted(counter: Counter, tmp_path: Path) -> None:
    with LocalExecutor(2, 1, tmp_path) as executor:
        for trial in range(2):
            executor.submit(spec(trial))
        counter.kills = 8
        for trial in range(2):
            end(executor, trial)
        assert sorted(death.out_of_memory for death in deaths(executor, 2)) == [False, True]

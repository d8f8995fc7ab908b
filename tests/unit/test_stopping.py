"""What the first signal does, and the second, and time."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairsweep.stages import run
from fairsweep.stages.dispatch import SweepStage
from fairsweep.stages.run import run_stages
from fairsweep.stages.stopping import Stopping

ROOT = Path(__file__).parents[2]
GENTLE = """
import sys, time
from fairsweep.stages import stopping
stopping.LONGEST = float(sys.argv[1])
with stopping.Stopping(print) as asked, asked.gently():
    print("ready", flush=True)
    while not asked.asked:
        time.sleep(0.01)
    print("asked", flush=True)
    time.sleep(600)
"""
each_signal = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


@contextmanager
def asked_once(number: signal.Signals, longest: float) -> Iterator[subprocess.Popen[str]]:
    """A process that has seen a first signal, and never comes to an end by itself."""
    with subprocess.Popen(
        [sys.executable, "-c", GENTLE, str(longest)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "asked\n"
        yield process
        process.kill()


@each_signal
def test_asked_twice_it_stops_at_once(number: signal.Signals) -> None:
    with asked_once(number, longest=600) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert said == "error: stopped at once, asked twice; the same command continues\n"


def test_asked_once_it_has_a_limit() -> None:
    with asked_once(signal.SIGTERM, longest=0.1) as process:
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "it took too long" in said


@each_signal
def test_outside_of_gentleness_a_signal_interrupts(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), Stopping(print) as stopping:
        signal.raise_signal(number)
    assert stopping.asked
    assert signal.getsignal(number) == before


def test_a_signal_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may come while the main thread starts one, and the lock of that is held."""

    def refuse(_: threading.Thread) -> None:
        raise AssertionError("a thread is started")

    with Stopping(print) as stopping, stopping.gently():
        monkeypatch.setattr(threading.Thread, "start", refuse)
        signal.raise_signal(signal.SIGTERM)
        assert stopping.asked


@pytest.mark.parametrize("asked", [False, True])
def test_nothing_goes_on_when_it_is_left(asked: bool) -> None:
    before = {*threading.enumerate()}
    with Stopping(print) as stopping, stopping.gently():
        (own,) = {*threading.enumerate()} - before
        if asked:
            signal.raise_signal(signal.SIGTERM)
    own.join(timeout=300)
    assert not own.is_alive()


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping(print):
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


class Dispatcher:
    """Trainings that end so many calls after they were told to, or never."""

    def __init__(self, stopping: Stopping, ends_after: int | None) -> None:
        self.stopping, self.left = stopping, ends_after
        self.notes: list[str] = []
        self.waited: list[float] = []
        self.running = 2
        self.has_room = True

    def stop(self) -> None:
        self.notes.append("stop")

    def events(self, wait: float) -> Sequence[object]:
        self.waited.append(wait)
        self.notes.append("events")
        self.has_room = False
        if "stop" not in self.notes:
            signal.raise_signal(signal.SIGINT)
        elif self.left is not None:
            self.left -= 1
            self.running = self.left
        return ()


@pytest.mark.parametrize("ends_after", [1, 3])
def test_asked_once_what_runs_may_end_its_epoch(ends_after: int) -> None:
    said: list[str] = []
    with Stopping(said.append) as stopping:
        dispatcher = Dispatcher(stopping, ends_after)
        with pytest.raises(KeyboardInterrupt):
            run_stages({"search": SweepStage()}, dispatcher, stopping)  # type: ignore[arg-type]
    assert said == ["finishing what is being stored; Ctrl-C again stops now"]
    assert dispatcher.notes == ["events", "stop", *["events"] * ends_after]


def test_an_epoch_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PARTING_SECONDS", 0.0)
    with Stopping(lambda _: None) as stopping:
        dispatcher = Dispatcher(stopping, None)
        with pytest.raises(KeyboardInterrupt):
            run_stages({"search": SweepStage()}, dispatcher, stopping)  # type: ignore[arg-type]
    assert dispatcher.notes == ["events", "stop"]


def test_what_is_done_meanwhile_is_left_when_it_was_asked() -> None:
    parts = iter([None, None])
    with Stopping(lambda _: None) as stopping:
        dispatcher = Dispatcher(stopping, 1)
        with pytest.raises(KeyboardInterrupt):
            run_stages({"search": SweepStage()}, dispatcher, stopping, parts)  # type: ignore[arg-type]
    assert list(parts) == [None]
    assert (dispatcher.waited[0], dispatcher.waited[1] > 0) == (0, True)

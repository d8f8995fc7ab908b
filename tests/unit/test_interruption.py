"""An interruption inside of an import comes when that has ended."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from fairsweep import interruption
from fairsweep.interruption import interrupt
from fairsweep.stages.stopping import Stopping

SIGNALS = (signal.SIGINT, signal.SIGALRM)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def interrupting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module that is interrupted while it is imported."""
    text = "import signal\nsignal.raise_signal(signal.SIGINT)\nwhole = True\n"
    (tmp_path / "interrupting.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield "interrupting"
    sys.modules.pop("interrupting", None)


@contextmanager
def handled() -> Iterator[None]:
    signal.signal(signal.SIGINT, interrupt)
    yield


def stopping() -> Stopping:
    return Stopping(print)


@pytest.mark.parametrize("ready", [handled, stopping])
def test_an_import_comes_to_its_end_and_then_it_is_interrupted(
    ready: Callable[[], AbstractContextManager[object]], interrupting: str
) -> None:
    with pytest.raises(KeyboardInterrupt), ready():
        importlib.import_module(interrupting)
        while True:
            signal.pause()
    assert sys.modules[interrupting].whole


def test_outside_of_imports_it_comes_at_once() -> None:
    signal.signal(signal.SIGINT, interrupt)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_import_that_hangs_is_interrupted_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import signal\nsignal.raise_signal(signal.SIGINT)\nwhile True:\n    signal.pause()\n"
    (tmp_path / "hanging.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(interruption.raise_outside_imports, "__defaults__", (lambda: True, 2))
    signal.signal(signal.SIGINT, interrupt)
    with pytest.raises(KeyboardInterrupt):
        importlib.import_module("hanging")


def test_what_has_become_gentle_is_not_interrupted(interrupting: str) -> None:
    """It looks by itself whether it was asked to stop."""
    with stopping() as asked:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        try:
            importlib.import_module(interrupting)
            with asked.gently():
                assert signal.sigwait([signal.SIGALRM]) == signal.SIGALRM
                signal.raise_signal(signal.SIGALRM)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
                assert asked.asked
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])

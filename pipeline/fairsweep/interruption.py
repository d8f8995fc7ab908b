"""An interruption, which never comes inside of an import.

In: what a signal handler gets. Out: `KeyboardInterrupt`, at once or when the import has ended.
Python takes and gives back a module's lock in code that an exception can cut off. Another thread
that imports the same module, as MLflow's does, then waits for ever, and so does who joins it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

IMPORTING = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
"""The files of Python's own frames inside of an import."""
WAIT = 0.02  # seconds until it is looked again
MOST = 1000  # looks, 20 seconds: what takes longer hangs by itself


def interrupt(_: int, frame: FrameType | None) -> None:
    """The handler of a signal that interrupts.

    Raises:
        KeyboardInterrupt: outside of imports.
    """
    raise_outside_imports(frame)


def raise_outside_imports(
    frame: FrameType | None, wanted: Callable[[], bool] = lambda: True, most: int = MOST
) -> None:
    """Raises `KeyboardInterrupt`; inside of an import it returns, and it is raised later on.

    Args:
        frame: where the main thread is, as the handler of a signal gets it.
        wanted: says whether it is still to be raised, if that is later.
        most: how many more times it may wait.

    Raises:
        KeyboardInterrupt: outside of imports.
    """
    if not most or not _importing(frame):
        raise KeyboardInterrupt

    def again(_: int, now: FrameType | None) -> None:
        if wanted():
            raise_outside_imports(now, wanted, most - 1)

    # A thread that waits could not be started here: the import may be starting one itself.
    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, WAIT)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename in IMPORTING:
            return True
        frame = frame.f_back
    return False

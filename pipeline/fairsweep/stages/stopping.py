"""What Ctrl-C and SIGTERM do while a sweep runs: the first ends it well, the second at once.

In: signals. Out: a wish to stop, which is looked at where nothing is half done. Whatever moment a
process ends at, the same command goes on; what the first signal is for is to lose less.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any

from fairsweep.errors import Interrupted
from fairsweep.interruption import raise_outside_imports

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Kubernetes and Slurm kill 30 seconds after they have asked.
LONGEST = 25.0
SHOW_CURSOR = "\x1b[?25h"


class Stopping:
    """Handles these signals while it is entered, those that are ignored left so.

    Args:
        say: tells the user.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.asked = False
        self._say = say
        self._gentle = False
        self._before: dict[signal.Signals, Any] = {}
        # Starting a thread takes a lock that the main thread may hold when the signal comes, and so
        # does an event; what is put into this queue may come inside of another put.
        self._told: SimpleQueue[bool] = SimpleQueue()

    def __enter__(self) -> Stopping:
        threading.Thread(target=self._limit, daemon=True).start()
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._told.put(False)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def gently(self) -> Iterator[None]:
        """Within it a first signal interrupts nothing: `asked` has to be looked at."""
        self._gentle = True
        try:
            yield
        finally:
            self._gentle = False

    def announce(self) -> None:
        """Tells what is going on after the first signal."""
        self._say("finishing what is being stored; Ctrl-C again stops now")

    def _handle(self, _: int, frame: FrameType | None) -> None:
        if self.asked:
            self._at_once("asked twice")
        self.asked = True
        self._told.put(True)
        if not self._gentle:
            raise_outside_imports(frame, wanted=lambda: not self._gentle)

    def _limit(self) -> None:
        """Waits for a first signal, and from there for the end, but not for ever."""
        if not self._told.get():
            return
        try:
            self._told.get(timeout=LONGEST)
        except Empty:
            self._at_once("it took too long")

    def _at_once(self, why: str) -> None:
        """Ends this process; its workers end with it."""
        if sys.stdout.isatty():
            os.write(1, SHOW_CURSOR.encode())
        os.write(2, f"error: stopped at once, {why}; the same command continues\n".encode())
        os._exit(Interrupted.exit_code)

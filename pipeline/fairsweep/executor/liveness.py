"""Whether a worker still trains: it has to be heard of, by what its training loop sends.

In: when a worker was heard of, and for how long it was listened to. Out: whether it hangs, and
where in the code, by the dump of its threads.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from fairsweep.errors import is_users

EPOCHS = 20  # so many times as long as an epoch takes is no hanging
# However long this process was kept from listening, as by a machine that slept: it counts as this.
LONGEST_STEP = 5.0
DUMP_SECONDS = 2.0
THREAD = re.compile(r"^(?:Current t|T)hread 0x[0-9a-f]+.*:$", re.MULTILINE)
FRAME = re.compile(r'^ +File "([^"]+)", line (\d+)', re.MULTILINE)


class Heartbeat:
    """The signs of life of one training. Times are of the monotonic clock, in seconds.

    Args:
        limit: so long it may be silent before its first epoch has ended, and after that if `EPOCHS`
            epochs don't take longer.
        now: its begin.
    """

    def __init__(self, limit: float, now: float) -> None:
        self._limit = limit
        self._began = self._last_epoch = now
        self._epochs: list[float] = []
        self.silent = 0.0

    def heard(self, now: float, epochs: int) -> None:
        """Takes in a message, that so many epochs have ended."""
        self.silent = 0.0
        if epochs:
            self._epochs.append((now - self._last_epoch) / epochs)
            self._last_epoch = now

    def listened(self, seconds: float) -> None:
        """Nothing came for so long."""
        self.silent += min(seconds, LONGEST_STEP)

    @property
    def hangs(self) -> bool:
        if self.silent <= self._limit:
            return False
        epoch = statistics.median(self._epochs) if self._epochs else 0.0
        return self.silent > EPOCHS * epoch

    def seconds(self, now: float) -> float:
        """Since its begin."""
        return now - self._began


@dataclass(frozen=True)
class Place:
    """A line of code that a process is at, and the dump that says so; no file where it doesn't."""

    file: str
    line: int
    dump: str

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}" if self.file else "an unknown place"


def whereabouts(pid: int, log: Path) -> Place:
    """Has a worker dump its threads, which it does whatever it is at, and reads where it is.

    Args:
        pid: of the worker.
        log: where its errors go.
    """
    before = log.stat().st_size
    os.kill(pid, signal.SIGUSR1)
    deadline, dump = time.monotonic() + DUMP_SECONDS, b""
    while time.monotonic() < deadline:
        time.sleep(0.05)
        with log.open("rb") as file:
            file.seek(before)
            more = file.read()
        if more and more == dump:
            break
        dump = more
    return place_in(dump.decode(errors="replace"))


def place_in(dump: str) -> Place:
    """The innermost line of the user's own code, on the main thread, which a dump has last, if it
    is there; without one the main thread's innermost line."""
    threads = [
        [(file, int(line)) for file, line in FRAME.findall(part)]
        for part in reversed(THREAD.split(dump)[1:])
    ]
    frames = [frame for thread in threads for frame in thread]
    for file, line in [frame for frame in frames if is_users(frame[0])] or frames:
        return Place(file, line, dump)
    return Place("", 0, dump)

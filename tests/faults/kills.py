"""Processes that are run again and again, and killed at moments that a seed draws.

The moments are relative to what the processes do, so that the same schedule means the same to a
fast contestant and to a slow one: some seconds after a start, after the first epoch that is trained
then, or after the last worker has gone.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

Moment = Literal["start", "work", "end"]
POLL = 0.02
HANGS = 600.0
"""Seconds without an epoch or an end, after which a process is taken to hang."""


@dataclass(frozen=True)
class Strike:
    """When to kill, and which process; `dice`, below 1, chooses among workers. A moment at work is
    after the next epoch, or when so much of the work is done as `share` says."""

    moment: Moment
    seconds: float
    worker: bool
    dice: float
    share: float | None = None


def strikes(count: int, seed: int, start: float, work: float) -> list[Strike]:
    """A schedule of kills: most of them while work is done, the last ones when it ends.

    Args:
        count: how many.
        seed: decides all of them.
        start: seconds that a start takes; kills at a start come within them.
        work: kills at work come within so many seconds after the first epoch.
    """
    dice, schedule = random.Random(seed), []
    for i in range(count):
        late = i >= 0.85 * count
        moment: Moment = dice.choice(("start", "end") if late else ("start", "work", "work"))
        seconds = dice.uniform(0, {"start": start, "work": work, "end": 4.0}[moment])
        worker = moment == "work" and dice.random() < 0.5
        schedule.append(Strike(moment, seconds, worker, dice.random()))
    return schedule


def spread(count: int, seed: int, start: float) -> list[Strike]:
    """A schedule of kills that is spread over the work: one in four at a start, the others when the
    next equal share of the work is done, half of them of a worker."""
    dice, schedule = random.Random(seed), []
    for i in range(count):
        share = (i + dice.random()) / (count + 1)
        if i % 4 == 3:
            schedule.append(Strike("start", dice.uniform(0, start), False, 0.0))
        else:
            schedule.append(Strike("work", 0.0, i % 2 == 1, dice.random(), share))
    return schedule


@dataclass
class Struck:
    """What was killed, and what the processes said that ended by themselves."""

    sweeps: int = 0
    workers: int = 0
    starts: int = 0
    ends: list[int] = field(default_factory=list)
    left: int = 0

    @property
    def kills(self) -> int:
        return self.sweeps + self.workers


@dataclass
class Arena:
    """How to start a contestant, and where to look.

    `start` gets a file for all that is said; `workers` lists the processes that train, by the id
    of the first one; `progress` grows with every epoch; `clear` ends what a kill left running.
    """

    start: Callable[[Path], subprocess.Popen[bytes]]
    workers: Callable[[int], Sequence[int]]
    progress: Callable[[], float]
    clear: Callable[[int], int]
    done: Callable[[int], bool] = lambda code: code in (0, 1)


class Executioner:
    """Carries out a schedule on a contestant, and then lets it come to its end."""

    def __init__(self, arena: Arena, schedule: Sequence[Strike], logs: Path) -> None:
        self._arena = arena
        self._schedule = list(schedule)
        self._logs = logs
        self.struck = Struck()

    def run(self, tries: int) -> Struck:
        """Runs until every kill is done and the contestant has ended well by itself.

        Args:
            tries: how often it may end otherwise.
        """
        bad = 0
        while True:
            code = self._life()
            if code is None:
                continue
            self.struck.ends.append(code)
            if self._arena.done(code):  # nothing is left but starts that find nothing to do
                self._schedule = [
                    replace(strike, moment="start", seconds=strike.seconds / 2, worker=False)
                    for strike in self._schedule
                ]
            else:
                bad += 1
            if bad > tries or (not self._schedule and self._arena.done(code)):
                return self.struck

    def _life(self) -> int | None:
        """One process from its start; its exit code, None if it was killed."""
        self.struck.starts += 1
        process = self._arena.start(self._logs / f"life-{self.struck.starts}.log")
        try:
            while self._schedule and process.poll() is None:
                if not self._wait(process, self._schedule[0]):
                    break
                strike = self._schedule.pop(0)
                workers = list(self._arena.workers(process.pid)) if strike.worker else []
                if workers:
                    os.kill(workers[int(strike.dice * len(workers))], signal.SIGKILL)
                    self.struck.workers += 1
                    continue
                process.kill()
                process.wait()
                self.struck.sweeps += 1
                return None
            return process.wait(HANGS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            self.struck.left += self._arena.clear(process.pid)

    def _wait(self, process: subprocess.Popen[bytes], strike: Strike) -> bool:
        """Waits for the moment of a strike; False if the process ends before."""
        begun = self._arena.progress()
        seen_workers = False
        hangs = time.monotonic() + HANGS
        while process.poll() is None and time.monotonic() < hangs:
            workers = self._arena.workers(process.pid)
            seen_workers = seen_workers or bool(workers)
            if (
                strike.moment == "start"
                or (strike.moment == "work" and self._worked(begun, strike))
                or (strike.moment == "end" and seen_workers and not workers)
            ):
                break
            time.sleep(POLL)
        try:
            process.wait(strike.seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def _worked(self, begun: float, strike: Strike) -> bool:
        now = self._arena.progress()
        return now > begun if strike.share is None else now >= strike.share

"""Writes a sweep to MLflow: every write is spooled to disk first, and carried out in order by a
thread of its own.

So a sweep never waits for MLflow. While the server is down, writes stay on disk, for this process
or the next one.
"""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from fairsweep.config.plan import Plan
from fairsweep.errors import StorageError, is_full, unwritable
from fairsweep.records import EpochMetrics, TrialKey, TrialResult, TrialSpec
from fairsweep.tracking import names
from fairsweep.tracking.store import Store
from fairsweep.tracking.store.head_start import HeadStart
from fairsweep.tracking.store.outage import gone, is_away
from fairsweep.tracking.write import frame
from fairsweep.tracking.write.operations import Writer
from fairsweep.tracking.write.process import PROCESS, own_process
from fairsweep.tracking.write.run import now
from fairsweep.tracking.write.spool import Operation, Spool
from fairsweep.work import Work

FLUSH_SECONDS = 0.5
# How long to wait before a store that was away is asked again: at first, and at most.
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
PARTING_SECONDS = 5.0  # that a store has to come back when the sweep ends early

OnAway = Callable[[int], None]
"""Called with the number of writes that wait for a store that is down; with 0 when it is back."""


@dataclass
class _Waiting:
    """Epochs of a run that aren't spooled yet, and since when; its params until the first is."""

    params: Mapping[str, str] = field(default_factory=dict)
    epochs: list[EpochMetrics] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


def _nobody(_: int) -> None:
    """Nobody has to know."""


class Tracker:
    """Spools what is to be written, and has it carried out.

    Args:
        store: where to.
        plan: what is being run.
        facts: about the data set.
        spool: the file of writes that aren't carried out yet.
        on_away: called while the store is down.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        facts: frame.Facts,
        spool: Path,
        on_away: OnAway = _nobody,
    ) -> None:
        self._store = store
        self._plan = plan
        self._facts = facts
        self._writer = Writer(store, plan, facts)
        self._spool = Spool(spool)
        self._on_away = on_away
        self._told_away = False
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._waiting: dict[TrialKey, _Waiting] = {}
        self._error: BaseException | None = None
        self._away = threading.Event()
        self._parting = threading.Event()
        self._patience = PARTING_SECONDS
        self._thread = threading.Thread(target=self._carry_out_all, name="mlflow", daemon=True)
        self._thread.start()

    def __enter__(self) -> Tracker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is not None and self._error is None:
                self._flush(list(self._waiting))
                self._put("close", {"outcome": "interrupted"}, sync=True)
        finally:
            self._parting.set()
            self._queue.put(None)
            self._thread.join()

    def open(self, head_start: HeadStart | None = None) -> None:
        """Opens the runs of the sweep and of its arms, those of an earlier process again, and
        closes what that process left running.

        Args:
            head_start: what has got the store ready.
        """
        if head_start is not None:
            self._soon(head_start.place)
        self._soon(self._writer.open)
        self._soon(self._writer.close_left_open)

    def open_single(self, head_start: HeadStart) -> None:
        """Opens the store for a single training, which belongs to no sweep, and closes the runs of
        earlier ones that were cut off."""
        self._soon(head_start.place)
        self._soon(self._writer.open_single)

    def _soon(self, call: Callable[[], None]) -> None:
        """Makes a call as soon as the store answers."""
        self._queue.put(functools.partial(self._patiently, lambda _: call()))

    def catch_up(self) -> None:
        """Carries out what an earlier process spooled and didn't carry out.

        Raises:
            StorageError: the store doesn't take it.
        """
        left = self._spool.left()
        if not left:
            return
        self._queue.put(self._writer.open)
        for operation in left:
            self._queue.put(functools.partial(self._writer.carry_out, operation, again=True))
        self._queue.put(self._writer.close_left_open)
        self.drain()

    def begin(self, spec: TrialSpec, started: int, goes_on: bool = False) -> None:
        """Opens the run of a training that began at `started` (milliseconds since 1970); one that
        goes on from a checkpoint has its interrupted run again, where there is one."""
        key = spec.key
        tags = frame.common_tags(self._plan, self._facts.sha256, key.stage, key.arm, None) | {
            "trial": str(key.trial),
            "attempt": str(key.attempt),
            "seed": str(spec.seed),
        }
        if key.stage == "confirm":
            tags["repeat"] = str(key.repeat)
        if key.fold is not None:
            tags["fold"] = str(key.fold)
        if key.search:
            tags["search"] = str(key.search)
        if key.stage == "train":
            tags[PROCESS] = own_process()
        choices = next(arm.choices for arm in self._plan.arms if arm.name == key.arm)
        params = names.flat_params(choices, spec) | {"seed": str(spec.seed)}
        own = {"key": asdict(key), "tags": tags, "started": started, "goes_on": goes_on}
        self._put("begin", own)
        self._waiting[key] = _Waiting(params)

    def epoch(self, metrics: EpochMetrics) -> None:
        """Takes an epoch; it is spooled within about half a second."""
        self._waiting.setdefault(metrics.key, _Waiting()).epochs.append(metrics)
        self.tick()

    def tick(self) -> None:
        """Spools what has waited for half a second; call it at least that often. A training that is
        shorter is stored by one call, at its end."""
        now = time.monotonic()
        self._flush([key for key, w in self._waiting.items() if now - w.since > FLUSH_SECONDS])
        self._tell_away()

    def finish(self, result: TrialResult) -> None:
        """Closes the run of a training: all of it is on disk when this returns."""
        own = _plain(result.key, self._waiting.pop(result.key, _Waiting()))
        self._put("finish", {**own, "result": asdict(result), "at": now()}, sync=True)

    def lose(self, key: TrialKey) -> None:
        """Closes the run of an attempt whose worker died."""
        self._flush([key] if key in self._waiting else [])
        self._put("lose", {"key": asdict(key)})

    def progress(self, arm: str | None, finished: int, best: float) -> None:
        """Shows the best value after `finished` trials on an arm's run, or the sweep's (None)."""
        self._put("progress", {"arm": arm, "finished": finished, "best": best, "at": now()})

    def stopped(self, arm: str, why: str) -> None:
        """Notes on an arm's run why it gets no more trials."""
        self._put("tag", {"arm": arm, "name": names.STOPPED, "value": why})

    def cut_off(self, arm: str, why: str) -> None:
        """Notes on an arm's run which limit came before the last of its trials."""
        self._put("tag", {"arm": arm, "name": names.CUT_OFF, "value": why})

    def close(self, work: Work) -> None:
        """Ends the runs of the sweep and its arms; everything is stored when it returns.

        Args:
            work: of the workers in this process.
        """
        self._flush(list(self._waiting))
        for name, value in names.work_tags(work):
            self._put("tag", {"arm": "", "name": name, "value": value})
        self._put("close", {"outcome": "complete"}, sync=True)
        self.drain()

    def _flush(self, keys: Sequence[TrialKey]) -> None:
        for key in keys:
            self._put("epochs", _plain(key, self._waiting.pop(key)))

    def _put(self, operation: str, values: Mapping[str, Any], sync: bool = False) -> None:
        self._check()
        put_down = Operation(operation, values)
        self._spool.append(put_down, sync)
        self._queue.put(functools.partial(self._carry_out, put_down))

    def drain(self) -> None:
        """Waits until everything is stored, however long the store is away.

        Raises:
            StorageError: it doesn't take it.
        """
        done = threading.Event()
        self._queue.put(done.set)
        while self._thread.is_alive() and not done.wait(FLUSH_SECONDS):
            self._tell_away()
        self._tell_away()
        self._check()
        self._spool.clear()

    def _check(self) -> None:
        """Raises what has stopped the writing thread."""
        if isinstance(self._error, StorageError):
            raise self._error
        if self._error is not None and is_full(self._error):
            raise unwritable(self._store.root, self._error) from self._error
        if self._error is not None and is_away(self._error):
            raise gone(self._store, self._error, self._spool.waiting) from self._error
        if self._error is not None:
            raise StorageError(
                f"writing to {self._store.uri} failed: {self._error}"
            ) from self._error

    def _tell_away(self) -> None:
        if self._away.is_set() or self._told_away:
            self._told_away = self._away.is_set()
            self._on_away(max(1, self._spool.waiting) if self._told_away else 0)

    # What follows runs on the writing thread.

    def _carry_out_all(self) -> None:
        try:
            while (call := self._queue.get()) is not None:
                call()
        except Exception as error:  # told by the next call from the sweep
            self._error = error

    def _carry_out(self, operation: Operation) -> None:
        self._patiently(functools.partial(self._writer.carry_out, operation))
        self._spool.done()

    def _patiently(self, call: Callable[[bool], None]) -> None:
        """Makes a call until the store takes it; the argument says whether it was tried before.
        When the sweep ends early, the store has a few seconds left to come back."""
        wait, again = FIRST_WAIT, False
        while True:
            try:
                call(again)
            except Exception as error:
                if not is_away(error) or self._patience <= 0:
                    raise
                self._away.set()
                again = True
                if self._parting.wait(wait):
                    time.sleep(FIRST_WAIT)
                    self._patience -= FIRST_WAIT
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                self._away.clear()
                return


@contextmanager
def caught_up(store: Store, plan: Plan, facts: frame.Facts, spool: Path) -> Iterator[None]:
    """Stores what an earlier process of the sweep spooled and didn't carry out."""
    if spool.exists():
        with Tracker(store, plan, facts, spool) as tracker:
            tracker.catch_up()
    yield


def _plain(key: TrialKey, waiting: _Waiting) -> dict[str, Any]:
    rows = [[epoch.epoch, epoch.timestamp, dict(epoch.values)] for epoch in waiting.epochs]
    return {"key": asdict(key), "epochs": rows, "params": dict(waiting.params)}

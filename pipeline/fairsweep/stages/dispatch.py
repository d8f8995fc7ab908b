"""Runs trainings on the executor and has each of them tracked; a lost worker costs what was
trained since the last checkpoint.

In: `TrialSpec`s. Out: their epochs and results, each stored before it is handed on.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from fairsweep.errors import PipelineError, StorageError
from fairsweep.executor import Executor
from fairsweep.records import (
    DISK_FULL,
    EpochMetrics,
    PruningDecision,
    SearchKey,
    TrialKey,
    TrialResult,
    TrialSpec,
    WorkerLost,
    WorkerReady,
)
from fairsweep.stages.checkpoints import CheckpointFolders
from fairsweep.tracking.write import FLUSH_SECONDS, Tracker
from fairsweep.work import Compiled, Work

ATTEMPTS = 3
STARVED_ATTEMPTS = 2  # memory that wasn't enough twice won't be the third time


class Watch(Protocol):
    """Sees what happens in a sweep; the terminal is one."""

    def began(self, key: TrialKey) -> None: ...

    def epoch(self, metrics: EpochMetrics) -> None: ...

    def ended(self, result: TrialResult) -> None: ...

    def lost(self, event: WorkerLost, goes_on: bool) -> None: ...

    def began_anew(self, result: TrialResult) -> None: ...

    def stopped(self, search: SearchKey, why: str, left_out: int) -> None: ...


class SweepStage:
    """One stage of a sweep: what it wants trained, and what it makes of what comes of that."""

    def next(self) -> TrialSpec | None:
        """The training that comes next; None while there is none, which may change."""
        return None

    def begun(self, key: TrialKey) -> None:
        """A worker has begun a training of this stage."""

    def ended(self, result: TrialResult) -> TrialResult:
        """What is to be stored of a training that has ended."""
        return result

    def take(self, event: EpochMetrics | TrialResult) -> None:
        """An epoch, or a result that is stored."""


@dataclass(frozen=True)
class _Training:
    """What to train, for which stage, whether it goes on from a checkpoint, how many workers died
    of it, and how many of them for want of memory."""

    spec: TrialSpec
    stage: SweepStage
    goes_on: bool = False
    deaths: int = 0
    starved: int = 0


class Dispatcher:
    """The trainings under way; without `checkpoints` none of them leaves any."""

    def __init__(
        self,
        executor: Executor,
        tracker: Tracker,
        watch: Watch,
        checkpoints: CheckpointFolders | None = None,
    ) -> None:
        self._checkpoints = checkpoints
        self._executor = executor
        self._tracker = tracker
        self._watch = watch
        self._trainings: dict[TrialKey, _Training] = {}
        self._ready: deque[_Training] = deque()
        self._starved: deque[_Training] = deque()
        self._alone: TrialKey | None = None
        self._stopping = False
        self._stillborn = 0
        self._busy, self._compiled = 0.0, Compiled()
        self._first, self._last = math.inf, -math.inf

    @property
    def has_room(self) -> bool:
        """Whether to submit another. One for each worker is taken ahead, to be at hand when the
        worker has finished."""
        if self._starved or self._alone is not None:
            return False
        return len(self._ready) < self._executor.size

    @property
    def workers(self) -> int:
        """How many trainings can be under way at once."""
        return self._executor.size

    @property
    def running(self) -> int:
        return len(self._trainings)

    @property
    def work(self) -> Work:
        """What workers did from the first training's begin to the last one's end."""
        span = self._last - self._first
        share = self._busy / (span * self._executor.size) if span > 0 else math.nan
        return Work(share, self._compiled)

    def submit(self, spec: TrialSpec, stage: SweepStage) -> None:
        """Takes a training for a stage, which is told of every attempt at it."""
        if self._checkpoints is not None:
            spec = replace(spec, checkpoints=spec.key.files)
        self._ready.append(self._taken(_Training(spec, stage)))
        self._begin_all(self._hand_over())

    def _taken(self, training: _Training) -> _Training:
        training = replace(training, goes_on=self._can_go_on(training.spec.key))
        self._trainings[training.spec.key] = training
        return training

    def _can_go_on(self, key: TrialKey) -> bool:
        return self._checkpoints is not None and self._checkpoints.exist(key)

    def _hand_over(self) -> list[tuple[_Training, int]]:
        """Gives idle workers what they are to train; says when, in milliseconds since 1970."""
        handed = []
        while self._executor.idle and (training := self._next()) is not None:
            started = time.time_ns() // 1_000_000  # before a quick worker ends its first epoch
            self._executor.submit(training.spec)
            handed.append((training, started))
        return handed

    def _next(self) -> _Training | None:
        """What a worker is to train next. A training that ran out of memory has all of it when it
        is tried again: nothing else is trained meanwhile."""
        if self._alone is not None:
            return None
        if not self._starved:
            return self._ready.popleft() if self._ready else None
        if len(self._trainings) > len(self._ready) + len(self._starved):
            return None
        training = self._starved.popleft()
        self._alone = training.spec.key
        return training

    def _begin_all(self, handed: Iterable[tuple[_Training, int]]) -> None:
        for training, started in handed:
            key = training.spec.key
            training.stage.begun(key)
            self._tracker.begin(training.spec, started, training.goes_on)
            self._watch.began(key)

    def spec(self, key: TrialKey) -> TrialSpec:
        return self._trainings[key].spec

    def stopped(self, search: SearchKey, why: str, left_out: int) -> None:
        """Tells that a search gets no more trials, and how many it would have got."""
        self._watch.stopped(search, why, left_out)

    def conclude(self, result: TrialResult) -> None:
        """Has the result of a trial stored whose trainings have all ended."""
        self._tracker.finish(result)
        self._watch.ended(result)

    def judge(self, decision: PruningDecision) -> None:
        self._executor.judge(decision)

    def stop(self) -> None:
        """Begins nothing more, and has those under way end after the epoch that each is at."""
        self._stopping = True
        self._ready.clear()
        self._starved.clear()
        asked = self._executor.stop()
        self._trainings = {key: t for key, t in self._trainings.items() if key in asked}

    def events(self, wait: float = FLUSH_SECONDS) -> Iterator[EpochMetrics | TrialResult]:
        """What comes next from the workers; a result comes once all of its training is on disk.

        Args:
            wait: seconds to wait for the first.

        Raises:
            StorageError: the disk is full.
        """
        self._tracker.tick()
        for event in self._executor.events(wait):
            if isinstance(event, EpochMetrics):
                self._tracker.epoch(event)
                self._watch.epoch(event)
                if event.key in self._trainings:
                    yield event
            elif self._stopping and not self._is_result(event):
                continue
            elif isinstance(event, TrialResult):
                if event.cause == DISK_FULL:
                    raise StorageError(f"{event.key}: {event.error}")
                if event.outcome == "interrupted":  # its checkpoints are of no use
                    self._watch.began_anew(event)
                    if self._checkpoints is not None:
                        self._checkpoints.drop(event.key)
                    self._again(self._trainings[event.key])
                else:
                    yield self._end(event)
            elif isinstance(event, WorkerLost):
                yield from self._lost(event)
            else:  # a worker is ready
                self._stillborn = 0
                self._begin_all(self._hand_over())

    def _is_result(self, event: TrialResult | WorkerLost | WorkerReady) -> bool:
        """Whether it is the result of a training; one that is stopped has none."""
        if isinstance(event, WorkerReady) or event.key not in self._trainings:
            return False
        if isinstance(event, TrialResult) and event.outcome != "interrupted":
            return True
        del self._trainings[event.key]
        return False

    def _end(self, result: TrialResult) -> TrialResult:
        """Has a result stored; its worker is at the next training already."""
        result = self._remove(result.key).stage.ended(result)
        handed = self._hand_over()
        self._tracker.finish(result)
        if self._checkpoints is not None:
            self._checkpoints.drop(result.key)
        self._begin_all(handed)
        self._watch.ended(result)
        self._last = time.monotonic()
        seconds = result.seconds - result.earlier
        self._busy += seconds
        self._compiled += result.compiled
        self._first = min(self._first, self._last - seconds)
        return result

    def _lost(self, event: WorkerLost) -> Iterator[TrialResult]:
        self._watch.lost(event, event.key is not None and self._can_go_on(event.key))
        self._stillborn += 1
        if self._stillborn > ATTEMPTS:
            raise PipelineError(
                f"workers die before they can train (exit code {event.exit_code}); their log is "
                f"{event.log}"
            )
        if event.key is None:
            return
        lost = self._trainings[event.key]
        lost = replace(lost, deaths=lost.deaths + 1, starved=lost.starved + event.out_of_memory)
        if lost.deaths < ATTEMPTS and lost.starved < STARVED_ATTEMPTS:
            self._again(lost)
            return
        error = f"{event.why}, as did {lost.deaths - 1} before; its log is {event.log}"
        if event.out_of_memory:
            batch = lost.spec.training.batch_size
            error = f"{event.why}; lower training.batch_size={batch} or executor.workers"
        cause = "out of memory" if event.out_of_memory else ""
        yield self._end(
            TrialResult(event.key, "failed", event.epochs, 0.0, error=error, cause=cause)
        )

    def _remove(self, key: TrialKey) -> _Training:
        if key == self._alone:
            self._alone = None
        return self._trainings.pop(key)

    def _again(self, lost: _Training) -> None:
        """Begins another attempt at a training: from its last checkpoint, if it has one."""
        key = lost.spec.key
        self._remove(key)
        self._tracker.lose(key)
        spec = replace(lost.spec, key=replace(key, attempt=key.attempt + 1))
        training = self._taken(replace(lost, spec=spec))
        if training.starved:
            self._starved.append(training)
        else:
            self._ready.appendleft(training)
        self._begin_all(self._hand_over())

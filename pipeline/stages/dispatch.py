"""Runs trainings on the executor and has each of them tracked; a lost worker costs one attempt.

In: `TrialSpec`s. Out: their epochs and results, each stored before it is handed on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.errors import PipelineError
from pipeline.executor.local import LocalExecutor
from pipeline.records import (
    EpochMetrics,
    TrialKey,
    TrialResult,
    TrialSpec,
    Verdict,
    WorkerLost,
)
from pipeline.tracking.write import FLUSH_SECONDS, Tracker

ATTEMPTS = 3


class Watch(Protocol):
    """Sees what happens in a sweep; the terminal is one."""

    def began(self, key: TrialKey) -> None: ...

    def epoch(self, metrics: EpochMetrics) -> None: ...

    def ended(self, result: TrialResult) -> None: ...

    def lost(self, event: WorkerLost) -> None: ...


@dataclass(frozen=True)
class _Training:
    """What to train, whom to tell when a worker begins it, and how many workers died of it."""

    spec: TrialSpec
    begun: Callable[[TrialKey], None]
    deaths: int = 0


def _untold(_: TrialKey) -> None:
    """Nobody has to know."""


class Dispatcher:
    """The trainings under way."""

    def __init__(self, executor: LocalExecutor, tracker: Tracker, watch: Watch) -> None:
        self._executor = executor
        self._tracker = tracker
        self._watch = watch
        self._trainings: dict[TrialKey, _Training] = {}
        self._next: _Training | None = None
        self._stillborn = 0

    @property
    def has_room(self) -> bool:
        """Whether to submit another: one more than there are workers is taken, to be at hand when
        a worker has finished, before that worker's result is stored and told."""
        return self._next is None

    @property
    def running(self) -> int:
        return len(self._trainings)

    def submit(self, spec: TrialSpec, begun: Callable[[TrialKey], None] = _untold) -> None:
        """Takes a training; every attempt at it is told to `begun` when a worker has it."""
        self._submit(_Training(spec, begun))

    def _submit(self, training: _Training) -> None:
        self._trainings[training.spec.key] = training
        if self._executor.idle:
            self._begin(training, self._hand_over(training))
        else:
            self._next = training

    def _hand_over(self, training: _Training) -> int:
        """Gives the training to a worker; says when, in milliseconds since 1970."""
        self._executor.submit(training.spec)
        return time.time_ns() // 1_000_000

    def _begin(self, training: _Training, started: int) -> None:
        key = training.spec.key
        training.begun(key)
        self._tracker.begin(training.spec, started)
        self._watch.began(key)

    def spec(self, key: TrialKey) -> TrialSpec:
        return self._trainings[key].spec

    def judge(self, verdict: Verdict) -> None:
        self._executor.judge(verdict)

    def events(self) -> Iterator[EpochMetrics | TrialResult]:
        """What comes next from the workers; a result comes once all of its training is stored."""
        self._tracker.tick()
        for event in self._executor.events(FLUSH_SECONDS):
            if isinstance(event, EpochMetrics):
                self._tracker.epoch(event)
                self._watch.epoch(event)
                yield event
            elif isinstance(event, TrialResult):
                yield self._end(event)
            elif isinstance(event, WorkerLost):
                yield from self._lost(event)
            else:
                self._stillborn = 0

    def _end(self, result: TrialResult) -> TrialResult:
        following, self._next = self._next, None
        started = 0 if following is None else self._hand_over(following)
        self._tracker.finish(result)
        del self._trainings[result.key]
        self._watch.ended(result)
        if following is not None:
            self._begin(following, started)
        return result

    def _lost(self, event: WorkerLost) -> Iterator[TrialResult]:
        self._watch.lost(event)
        self._stillborn += 1
        if self._stillborn > ATTEMPTS:
            raise PipelineError(
                f"workers die before they can train (exit code {event.exit_code}); their log is "
                f"{event.log}"
            )
        if event.key is None:
            return
        lost = self._trainings[event.key]
        deaths = lost.deaths + 1
        if deaths < ATTEMPTS:
            del self._trainings[event.key]
            self._tracker.lose(event.key)
            again = replace(event.key, attempt=event.key.attempt + 1)
            self._submit(replace(lost, spec=replace(lost.spec, key=again), deaths=deaths))
            return
        yield self._end(
            TrialResult(
                event.key,
                "failed",
                epochs=0,
                seconds=0.0,
                error=f"its worker died {ATTEMPTS} times, exit {event.exit_code} ({event.log})",
            )
        )

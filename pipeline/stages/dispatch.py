"""Runs trainings on the executor and has each of them tracked; a lost worker costs one attempt.

In: `TrialSpec`s. Out: their epochs and results, each stored before it is handed on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
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


class Dispatcher:
    """The trainings under way."""

    def __init__(self, executor: LocalExecutor, tracker: Tracker, watch: Watch) -> None:
        self._executor = executor
        self._tracker = tracker
        self._watch = watch
        self._specs: dict[TrialKey, TrialSpec] = {}
        self._next: TrialSpec | None = None
        self._stillborn = 0

    @property
    def has_room(self) -> bool:
        """Whether to submit another: one more than there are workers is taken, to be at hand when
        a worker has finished, before that worker's result is stored and told."""
        return self._next is None

    @property
    def running(self) -> int:
        return len(self._specs)

    def submit(self, spec: TrialSpec) -> None:
        self._specs[spec.key] = spec
        if self._executor.idle:
            self._begin(spec, self._hand_over(spec))
        else:
            self._next = spec

    def _hand_over(self, spec: TrialSpec) -> int:
        """Gives the spec to a worker; says when, in milliseconds since 1970."""
        self._executor.submit(spec)
        return time.time_ns() // 1_000_000

    def _begin(self, spec: TrialSpec, started: int) -> None:
        self._tracker.begin(spec, started)
        self._watch.began(spec.key)

    def spec(self, key: TrialKey) -> TrialSpec:
        return self._specs[key]

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
        spec, self._next = self._next, None
        started = 0 if spec is None else self._hand_over(spec)
        self._tracker.finish(result)
        del self._specs[result.key]
        self._watch.ended(result)
        if spec is not None:
            self._begin(spec, started)
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
        if event.key.attempt < ATTEMPTS:
            spec = self._specs.pop(event.key)
            self._tracker.lose(event.key)
            self.submit(replace(spec, key=replace(event.key, attempt=event.key.attempt + 1)))
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

"""Runs the stages of a sweep: a worker that one stage has nothing for trains for the next.

In: stages by name, and a dispatcher. Out: nothing; each stage has taken in its own events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipeline.records import EpochMetrics, Stage, TrialKey, TrialResult, TrialSpec
from pipeline.stages.dispatch import Dispatcher


class Part(Protocol):
    """One stage: what it wants trained, and what it makes of what comes of that."""

    def next(self) -> TrialSpec | None:
        """The training that comes next; None while there is none, which may change."""

    def begun(self, key: TrialKey) -> None:
        """A worker has begun a training of this stage."""

    def take(self, event: EpochMetrics | TrialResult) -> None:
        """An epoch or the result of a training of this stage."""


def run_stages(stages: Mapping[Stage, Part], dispatcher: Dispatcher) -> None:
    """Trains until no stage wants anything more; an earlier stage comes first."""
    while True:
        while dispatcher.has_room and _submit_next(stages, dispatcher):
            pass
        if not dispatcher.running:
            return
        for event in dispatcher.events():
            stages[event.key.stage].take(event)


def _submit_next(stages: Mapping[Stage, Part], dispatcher: Dispatcher) -> bool:
    for stage in stages.values():
        spec = stage.next()
        if spec is not None:
            dispatcher.submit(spec, stage.begun)
            return True
    return False

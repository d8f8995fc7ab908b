"""Runs the stages of a sweep: a worker that one stage has nothing for trains for the next.

In: stages by name, and a dispatcher. Out: nothing; each stage has taken in its own events.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.records import Stage
from pipeline.stages.dispatch import Dispatcher, Part


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
    for part in stages.values():
        spec = part.next()
        if spec is not None:
            dispatcher.submit(spec, part)
            return True
    return False

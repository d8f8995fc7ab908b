"""Runs the stages of a sweep: a worker that one stage has nothing for trains for the next.

In: stages by name, and a dispatcher. Out: nothing; each stage has taken in its own events.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from fairsweep.records import Stage
from fairsweep.stages.dispatch import Dispatcher, SweepStage
from fairsweep.stages.stopping import Stopping

PARTING_SECONDS = 2.0  # in which a training may end the epoch that it is at when it has to stop


def run_stages(
    stages: Mapping[Stage, SweepStage], dispatcher: Dispatcher, stopping: Stopping
) -> None:
    """Trains until no stage wants anything more; an earlier stage comes first.

    Raises:
        KeyboardInterrupt: it was asked to stop.
    """
    with stopping.gently():
        while not stopping.asked:
            while dispatcher.has_room and _submit_next(stages, dispatcher):
                pass
            if not dispatcher.running:
                return
            _take_events(stages, dispatcher)
        stopping.announce()
        dispatcher.stop()
        deadline = time.monotonic() + PARTING_SECONDS
        while dispatcher.running and time.monotonic() < deadline:
            _take_events(stages, dispatcher)
    raise KeyboardInterrupt


def _take_events(stages: Mapping[Stage, SweepStage], dispatcher: Dispatcher) -> None:
    for event in dispatcher.events():
        stages[event.key.stage].take(event)


def _submit_next(stages: Mapping[Stage, SweepStage], dispatcher: Dispatcher) -> bool:
    for stage in stages.values():
        spec = stage.next()
        if spec is not None:
            dispatcher.submit(spec, stage)
            return True
    return False

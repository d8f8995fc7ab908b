"""Runs the stages of a sweep: a worker that one stage has nothing for trains for the next.

In: stages by name, a dispatcher, and what may be done meanwhile. Out: nothing; each stage has taken
in its own events.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from fairsweep.records import Stage
from fairsweep.stages.dispatch import Dispatcher, SweepStage
from fairsweep.stages.stopping import Stopping
from fairsweep.tracking.write import FLUSH_SECONDS

PARTING_SECONDS = 2.0  # in which a training may end the epoch that it is at when it has to stop


def run_stages(
    stages: Mapping[Stage, SweepStage],
    dispatcher: Dispatcher,
    stopping: Stopping,
    meanwhile: Iterable[None] = (),
) -> None:
    """Trains until no stage wants anything more; an earlier stage comes first.

    Args:
        stages: by name.
        dispatcher: has trainings done.
        stopping: says when to end early.
        meanwhile: does a part of something else with each step. What workers send waits for it, so
            it is for when few trainings are to come; the last of them ends it, finished or not.

    Raises:
        KeyboardInterrupt: it was asked to stop.
    """
    parts = iter(meanwhile)
    with stopping.gently():
        while not stopping.asked:
            while dispatcher.has_room and _submit_next(stages, dispatcher):
                pass
            if not dispatcher.running:
                return
            wait = 0.0 if _does_a_part(parts) else FLUSH_SECONDS
            _take_events(stages, dispatcher, wait)
        stopping.announce()
        dispatcher.stop()
        deadline = time.monotonic() + PARTING_SECONDS
        while dispatcher.running and time.monotonic() < deadline:
            _take_events(stages, dispatcher, FLUSH_SECONDS)
    raise KeyboardInterrupt


def _does_a_part(of: Iterator[None]) -> bool:
    """Does the next part, and says whether there was any."""
    for _ in of:
        return True
    return False


def _take_events(stages: Mapping[Stage, SweepStage], dispatcher: Dispatcher, wait: float) -> None:
    for event in dispatcher.events(wait):
        stages[event.key.stage].take(event)


def _submit_next(stages: Mapping[Stage, SweepStage], dispatcher: Dispatcher) -> bool:
    for stage in stages.values():
        spec = stage.next()
        if spec is not None:
            dispatcher.submit(spec, stage)
            return True
    return False

"""One training, no search: tracked as a sweep's trials are, and shown epoch by epoch.

In: a `Job` of one arm. Out: an exit code, and a run in the store.
"""

from __future__ import annotations

from pathlib import Path

from fairsweep.data.warnings import data_warnings
from fairsweep.errors import DONE, TRIAL_FAILED, Interrupted
from fairsweep.executor import OpenExecutor, open_executor
from fairsweep.records import TrialKey, TrialResult
from fairsweep.stages.dispatch import Dispatcher, SweepStage
from fairsweep.stages.job import Job
from fairsweep.stages.preflight import tried_workers
from fairsweep.stages.search import trial_spec
from fairsweep.terminal import EpochLines
from fairsweep.tracking.store.head_start import HeadStart
from fairsweep.tracking.write import Tracker


def run_training(job: Job, logs: Path, start: OpenExecutor = open_executor) -> int:
    """Trains the job's arm with the seed of its settings.

    Args:
        job: what to train.
        logs: the folder for what the worker prints, and what waits for the store.
        start: starts the worker.

    Returns:
        The exit code: 0, or 1 when the training failed with an error.

    Raises:
        BadInput: the model can't be trained.
        Interrupted: the user stopped it.
    """
    plan, (arm,) = job.plan, job.plan.arms
    training = arm.settings.training
    terminal = EpochLines(plan.config.terminal, plan.objective.metric, training.epochs)
    if plan.chosen:
        terminal.say(plan.chosen)
    for warning in (*plan.warnings, *data_warnings(job.data, training.batch_size)):
        terminal.say(f"warning: {warning}")
    worker = start(plan.config.executor, job.workers, logs, job.folders)
    spool, head_start = logs / "tracking.spool", HeadStart(job.store, logs)
    with (
        tried_workers(worker, plan, job.store.root, logs, terminal.say, head_start) as executor,
        Tracker(job.store, plan, job.facts, spool, terminal.away) as tracker,
    ):
        tracker.open_single(head_start)
        dispatcher = Dispatcher(executor, tracker, terminal)
        spec = trial_spec(plan, arm, TrialKey(arm.name, "train", 0), {}, training.seed)
        dispatcher.submit(spec, SweepStage())
        result = _result(dispatcher)
        tracker.drain()
    return TRIAL_FAILED if result.outcome == "failed" else DONE


def _result(dispatcher: Dispatcher) -> TrialResult:
    try:
        while True:
            for event in dispatcher.events():
                if isinstance(event, TrialResult):
                    return event
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; its run is stored as such, and the same command begins another"
        ) from None

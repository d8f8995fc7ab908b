"""`fairsweep train`: one configuration, no search, tracked as a sweep's trials are.

`training.seed` is used as it is, so the command that a report prints trains the same again.
Exit codes are those of `fairsweep sweep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fairsweep.commands.sweep import Job, open_job
from fairsweep.config.compose.commands import compose_training
from fairsweep.config.compose.entry import command
from fairsweep.data.split import describe, fingerprint
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import DONE, TRIAL_FAILED, Interrupted


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    return open_job(compose_training(overrides, config_dir), workers=1)


def train(job: Job, logs: Path) -> int:
    from fairsweep.records import TrialKey, TrialResult
    from fairsweep.stages.dispatch import Dispatcher, SweepStage
    from fairsweep.stages.preflight import tried_workers
    from fairsweep.stages.search import trial_spec
    from fairsweep.terminal import EpochLines
    from fairsweep.tracking.write import Tracker

    plan, settings = job.plan, job.plan.config
    store, arm = job.store, plan.arms[0]
    key = TrialKey(arm.name, "train", 0)
    spec = trial_spec(plan, arm, key, {}, arm.settings.training.seed)
    epochs = arm.settings.training.epochs
    terminal = EpochLines(settings.terminal, plan.objective.metric, epochs)
    for remark in (*plan.notes, *data_warnings(job.data, arm.settings.training.batch_size)):
        terminal.say(f"warning: {remark}")
    with (
        tried_workers(1, plan, store.root, logs, terminal.say) as executor,
        Tracker(
            store,
            plan,
            describe(job.data, settings.data),
            fingerprint(job.data),
            logs / "tracking.spool",
            terminal.away,
        ) as tracker,
    ):
        tracker.open_single()
        dispatcher = Dispatcher(executor, tracker, terminal)
        dispatcher.submit(spec, SweepStage())
        results: list[TrialResult] = []
        try:
            while not results:
                results = [event for event in dispatcher.events() if isinstance(event, TrialResult)]
        except KeyboardInterrupt:
            raise Interrupted(
                "interrupted; its run is stored as such, and the same command begins another"
            ) from None
        tracker.drain()
    return TRIAL_FAILED if results[0].outcome == "failed" else DONE


def main() -> NoReturn:
    command("train", prepare, train)

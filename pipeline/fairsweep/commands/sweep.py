"""`fairsweep sweep`: search every arm, confirm each arm's best, report.

Exit codes: 0 done · 1 done, but a trial failed with an error · 2 bad input, nothing written ·
3 another process runs this sweep · 4 data, model or space changed · 5 storage · 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fairsweep.config.compose.commands import compose_sweep, narrowed
from fairsweep.config.compose.entry import command
from fairsweep.stages.job import Job, open_job, worker_count


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    plan = compose_sweep(overrides, config_dir)
    job = open_job(plan, worker_count(plan.config.executor.workers))
    name = job.plan.name
    if job.store.journal(name).exists():
        from fairsweep.doctor.examine import check_continues  # loads Optuna

        check_continues(job.store, name)
    else:
        from fairsweep.doctor.runs import check_begins  # loads MLflow

        check_begins(job.store, name)
    return job


def sweep(job: Job, logs: Path) -> int:
    from fairsweep.stages.sweep import run_sweep  # loads Optuna

    return run_sweep(job, logs)


def stand_in(job: Job) -> Sequence[str]:
    return job.plan.stand_in


def main() -> NoReturn:
    command("sweep", prepare, sweep, as_run=narrowed, chosen=stand_in)

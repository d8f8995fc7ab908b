"""`fairsweep doctor`: what is wrong of stored sweeps, and what of it can be mended.

Exit codes: 0 nothing wrong, or all of it mended · 1 something wrong is left · 2 no such store or
sweep · 3 a sweep is being run · 5 the database is damaged, or can't be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fairsweep.config.compose.commands import compose_doctor
from fairsweep.config.compose.entry import command
from fairsweep.errors import DONE, TRIAL_FAILED, AlreadyRunning
from fairsweep.tracking.store import Store, find_store


@dataclass(frozen=True)
class Job:
    """A store, the sweep to look at (None: all), and whether to mend."""

    store: Store
    name: str | None
    fix: bool


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    from fairsweep.doctor.examine import find_sweeps

    config = compose_doctor(overrides, config_dir)
    job = Job(find_store(config.tracking), config.sweep.name, config.fix)
    find_sweeps(job.store, job.name)
    return job


def doctor(job: Job, _: Path) -> int:
    from fairsweep.doctor.examine import find_sweeps
    from fairsweep.doctor.visit import Visit

    visit = Visit(job.store, job.fix)
    for name in find_sweeps(job.store, job.name):
        visit.sweep(name)
    visit.store()
    print(visit.summary)
    if visit.left:
        return TRIAL_FAILED
    return AlreadyRunning.exit_code if visit.running else DONE


def main() -> NoReturn:
    command("doctor", prepare, doctor, "doctor")

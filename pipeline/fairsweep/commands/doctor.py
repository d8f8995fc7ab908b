"""`fairsweep doctor`: what is wrong with stored sweeps.

Exit codes: 0 no problem · 1 there are problems · 2 no such store or sweep, or the sweep is stored
elsewhere · 3 a sweep is running, the others have no problem · 5 the database is damaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fairsweep.config.compose.commands import compose_doctor
from fairsweep.config.compose.entry import command
from fairsweep.tracking.store import Store, find_store


@dataclass(frozen=True)
class Job:
    """A store, and the sweep to examine (None: all)."""

    store: Store
    name: str | None


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    from fairsweep.doctor.examine import find_sweeps

    config = compose_doctor(overrides, config_dir)
    job = Job(find_store(config.tracking), config.sweep.name)
    find_sweeps(job.store, job.name)
    return job


def doctor(job: Job, _: Path) -> int:
    from fairsweep.doctor.visit import visit  # loads MLflow

    return visit(job.store, job.name)


def main() -> NoReturn:
    command("doctor", prepare, doctor, "doctor")

"""`fairsweep train`: one configuration, no search, tracked as a sweep's trials are.

`training.seed` is used as it is, so the command that a report prints trains the same again.
Exit codes are those of `fairsweep sweep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fairsweep.config.compose.commands import compose_training
from fairsweep.config.compose.entry import command
from fairsweep.stages.job import Job, open_job


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    return open_job(compose_training(overrides, config_dir), workers=1)


def train(job: Job, logs: Path) -> int:
    from fairsweep.stages.train import run_training  # loads Optuna

    return run_training(job, logs)


def main() -> NoReturn:
    command("train", prepare, train)

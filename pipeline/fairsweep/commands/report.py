"""`fairsweep report`: the report of a stored sweep, without TensorFlow.

Exit codes: 0 done · 2 no such sweep · 5 the store can't be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from fairsweep.config.command_schema import ReportConfig
from fairsweep.config.compose.commands import compose_report
from fairsweep.config.compose.entry import command
from fairsweep.records import SweepRecord
from fairsweep.tracking.read import read_sweep
from fairsweep.tracking.shown import shown_rows
from fairsweep.tracking.store import Store, find_store


@dataclass(frozen=True)
class Job:
    """A stored sweep, and how to show it."""

    config: ReportConfig
    store: Store
    sweep: SweepRecord


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    config = compose_report(overrides, config_dir)
    store = find_store(config.tracking)
    sweep = read_sweep(store, config.sweep.name)
    return Job(config, store, replace(sweep, shown=shown_rows(store, sweep)))


def report(job: Job, logs: Path) -> int:
    from fairsweep.stages.outcome import rebuild_report  # loads Optuna and plotly

    return rebuild_report(job.store, job.sweep, job.config.terminal, logs)


def main() -> NoReturn:
    command("report", prepare, report, "report")

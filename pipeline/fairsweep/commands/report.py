"""`fairsweep report`: the report of a stored sweep, without TensorFlow.

Exit codes: 0 done · 2 no such sweep · 5 the store can't be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fairsweep.config.compose.commands import compose_report
from fairsweep.config.compose.entry import command
from fairsweep.config.schema import ReportConfig
from fairsweep.errors import DONE
from fairsweep.records import SweepRecord
from fairsweep.tracking.read import read_sweep
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
    return Job(config, store, read_sweep(store, config.sweep.name))


def rebuild(job: Job, logs: Path) -> int:
    from fairsweep.stages.outcome import make_report, show_report
    from fairsweep.terminal import Terminal

    store, sweep = job.store, job.sweep
    terminal = Terminal(job.config.terminal, sweep.name, sweep.objective, {}, 0)
    report, folder = make_report(store, sweep, logs)
    show_report(report, folder, store, sweep, terminal)
    return DONE


def main() -> NoReturn:
    command("report", prepare, rebuild, "report")

"""`fairsweep ui`: the MLflow UI on a store, for this machine alone.

Exit codes: 0 ended by Ctrl-C · 2 no store there, or the port is taken · 5 the server ended itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fairsweep.config.compose.commands import compose_ui
from fairsweep.config.compose.entry import command
from fairsweep.errors import DONE
from fairsweep.tracking.store import Store, find_store
from fairsweep.tracking.ui.server import check_port, check_store, serve


@dataclass(frozen=True)
class Job:
    """A store, and the port that shows it."""

    store: Store
    port: int


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    config = compose_ui(overrides, config_dir)
    job = Job(find_store(config.tracking), config.port)
    check_store(job.store)
    check_port(job.port)
    return job


def show(job: Job, _: Path) -> int:
    serve(job.store, job.port)
    return DONE


def main() -> NoReturn:
    command("ui", prepare, show, "ui")

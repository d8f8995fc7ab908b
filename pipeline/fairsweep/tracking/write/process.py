"""Which process a single training belongs to: an open run whose process is gone was cut off, and
nothing else would ever close it."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from fairsweep.machine import process_start
from fairsweep.tracking import names
from fairsweep.tracking.write.run import TrainingRun

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROCESS = "process"
UNKNOWN = "+"
"""When a process began, in runs of before 2026-11-27 on systems other than Linux."""
SINGLE = f"tags.stage = 'train' AND {names.RUNNING}"


def own_process() -> str:
    """Names this process, unlike any other on any machine at any time."""
    return f"{platform.node()} {os.getpid()} {process_start(os.getpid())}"


def is_gone(process: str) -> bool:
    """Whether a process of this machine has ended; for those of other machines nobody knows."""
    node, pid, start = process.rsplit(" ", 2)
    if node != platform.node():
        return False
    now = process_start(int(pid))
    return now is None if start == UNKNOWN else str(now) != start


def close_cut_off(client: MlflowClient, experiment: str) -> None:
    """Closes the runs of single trainings that were cut off."""
    for run in client.search_runs([experiment], SINGLE):
        process = run.data.tags.get(PROCESS)
        if process is not None and is_gone(process):
            TrainingRun(client, run.info.run_id).interrupt()

"""Which process a single training belongs to: a run that is open and whose process is gone was cut
off, and nothing else would ever close it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from fairsweep.tracking import names
from fairsweep.tracking.write.run import TrainingRun

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROCESS = "process"
SINGLE = f"tags.stage = 'train' AND {names.RUNNING}"


def own_process() -> str:
    """This process, told from every other one on every machine, before and after it."""
    return f"{platform.node()} {os.getpid()} {_born(os.getpid())}"


def is_gone(process: str) -> bool:
    """Whether a process of this machine has ended; of another machine's nobody knows."""
    node, pid, born = process.rsplit(" ", 2)
    return node == platform.node() and _born(int(pid)) != born


def _born(pid: int) -> str:
    """When a process began, in the system's ticks, for numbers are given again; `-` where there is
    none, and `+` where the system doesn't say when."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        return stat.read_text().rpartition(")")[2].split()[19]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "-"
    except PermissionError:
        return "+"  # there is one, of another user
    return "+"


def close_cut_off(client: MlflowClient, experiment: str) -> None:
    """Closes the runs of single trainings that were cut off."""
    for run in client.search_runs([experiment], SINGLE):
        process = run.data.tags.get(PROCESS)
        if process is not None and is_gone(process):
            TrainingRun(client, run.info.run_id).interrupt()

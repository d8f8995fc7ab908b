"""Processes that tests look at, by their numbers. Any of them may end at any moment; one that has
ended and only waits to be counted is gone."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil

SERVER, WORKER = "fairsweep.training.fork_server", "fairsweep.training.worker"
NAME = "forks workers"
"""Of a fork server that is a fork itself (forked_workers.py)."""
ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def children(parent: int) -> list[int]:
    """Processes whose parent this is."""
    return _below(parent, recursive=False)


def descendants(parent: int) -> list[int]:
    """Children, their children, and so on."""
    return _below(parent, recursive=True)


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return psutil.Process(pid).status() not in ENDED
    except psutil.NoSuchProcess:
        return False


def command_of(pid: int) -> str:
    """The command line of a process; empty when there is none."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return ""


def name_of(pid: int) -> str:
    """What a process calls itself; empty when there is none."""
    try:
        return psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return ""


def workers_of(sweep: int) -> list[int]:
    """The worker processes of a sweep: forked from one of its children, or children themselves."""
    started = children(sweep)
    servers = [pid for pid in started if SERVER in command_of(pid) or name_of(pid) == NAME]
    forked = [child for pid in servers for child in children(pid)]
    return [*forked, *(pid for pid in started if WORKER in command_of(pid))]


def gone_within(seconds: float, pids: Sequence[int]) -> list[int]:
    """Waits for processes to end; those that haven't."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _below(parent: int, recursive: bool) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(parent).children(recursive)]
    except psutil.NoSuchProcess:
        return []

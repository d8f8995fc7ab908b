"""What this machine says of itself: free memory, processes killed for want of it, file systems,
who listens on a port, when a process began.

In: psutil, and files of the kernel about control groups, which psutil doesn't read. Out: plain
values, or None where the system doesn't tell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class _Names:
    """What the files of a version of control groups are called, and the numbers in them."""

    limit: str
    used: str
    cache: tuple[str, ...]
    events: str


V1 = _Names(
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_active_file", "total_inactive_file"),
    "memory.oom_control",
)
V2 = _Names("memory.max", "memory.current", ("active_file", "inactive_file"), "memory.events")


def available_bytes(own: Path = OWN_GROUPS, root: Path = GROUPS) -> int:
    """The memory that processes can still have: of the machine, or what the limits of their control
    groups leave, as in a container. What would be given back from file caches counts.

    Args:
        own: says which groups this process is in.
        root: where the groups are.
    """
    names, folders = _memory_groups(own, root)
    limits = (_left(folder, names) for folder in folders)
    return min([psutil.virtual_memory().available, *(n for n in limits if n is not None)])


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def out_of_memory_kills(own: Path = OWN_GROUPS, root: Path = GROUPS) -> int | None:
    """How many processes of this one's control group were killed for want of memory so far; None
    where that can't be read."""
    names, folders = _memory_groups(own, root)
    for folder in (*folders[:1], *folders[-1:]):  # in a container its own group is the root
        if (kills := _counts(folder / names.events).get("oom_kill")) is not None:
            return kills
    return None


def file_system(folder: Path) -> str:
    """The kind of file system that a folder is in, such as `ext4`; empty where the system doesn't
    say."""
    kinds = {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    inside = folder.resolve()
    return next((kinds[str(p)] for p in (inside, *inside.parents) if str(p) in kinds), "")


def listener(port: int) -> tuple[str, int] | None:
    """The name and the number of the process that listens on a port, if it is one of ours."""
    try:
        for connection in psutil.net_connections("tcp"):
            address, listens = connection.laddr, connection.status == psutil.CONN_LISTEN
            if listens and address and address.port == port and connection.pid is not None:
                return psutil.Process(connection.pid).name(), connection.pid
    except psutil.Error:  # macOS tells this to root alone; or the process has ended
        return None
    return None


def process_start(pid: int) -> int | None:
    """When a process began, in ticks of the system since it started: numbers are given again, and
    this tells two processes of the same number apart. None where there is no such process."""
    try:
        since_boot = psutil.Process(pid).create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None
    return round(since_boot * os.sysconf("SC_CLK_TCK"))


def _memory_groups(own: Path, root: Path) -> tuple[_Names, list[Path]]:
    """The folders of the control groups that count this process's memory, its own first, the root
    last; none where there are none."""
    groups = own.read_text().splitlines() if own.is_file() else []
    for hierarchy, controllers, group in (line.split(":", 2) for line in groups):
        if hierarchy == "0" or "memory" in controllers.split(","):
            names, top = (V2, root) if hierarchy == "0" else (V1, root / "memory")
            inside = Path(group.lstrip("/"))
            folders = [top / inside, *(top / parent for parent in inside.parents)]
            if any((folder / names.events).is_file() for folder in folders):
                return names, folders
    return V2, []


def _left(folder: Path, names: _Names) -> int | None:
    """What the limit of a group leaves; None where it has none."""
    limit, used = _number(folder / names.limit), _number(folder / names.used)
    if limit is None or used is None:
        return None
    counts = _counts(folder / "memory.stat")
    return max(0, limit - used + sum(counts.get(name, 0) for name in names.cache))


def _number(path: Path) -> int | None:
    text = path.read_text().strip() if path.is_file() else ""
    return int(text) if text.isdecimal() else None  # without a limit it is a word


def _counts(path: Path) -> Mapping[str, int]:
    """The numbers of a file that has one a line, after its name."""
    text = path.read_text() if path.is_file() else ""
    return {name: int(n) for name, n in re.findall(r"^(\w+) (\d+)$", text, re.MULTILINE)}

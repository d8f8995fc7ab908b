"""Whether the system ended a process because memory ran out: its control group counts that.

In: files of the kernel. Out: a count, or nothing where there is none to read; then nobody says that
memory was the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def out_of_memory_kills(
    own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """How many processes of this one's control group were ended for want of memory so far; None
    where that can't be read.

    Args:
        own: says which groups this process is in.
        root: where the groups are.
    """
    for path in _counters(own, root):
        if path.is_file() and (found := COUNT.search(path.read_text())) is not None:
            return int(found[1])
    return None


def _counters(own: Path, root: Path) -> Iterator[Path]:
    """The files that may have the count: in a container its own group is the root."""
    groups = own.read_text().splitlines() if own.is_file() else []
    for hierarchy, controllers, group in (line.split(":", 2) for line in groups):
        inside = group.lstrip("/")
        if hierarchy == "0":
            yield from (root / inside / "memory.events", root / "memory.events")
        elif "memory" in controllers.split(","):
            for folder in (root / "memory" / inside, root / "memory"):
                yield folder / "memory.oom_control"

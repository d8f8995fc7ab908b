"""How much memory there is, asked before it is taken."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fairsweep.errors import BadInput


def available_bytes() -> int:
    """The memory that processes can still have: what the system would give back from its file cache
    counts, where it says how much that is."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        found = re.search(r"^MemAvailable:\s*(\d+) kB", meminfo.read_text(), re.MULTILINE)
        if found is not None:
            return 1024 * int(found[1])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_room(place: str, needed: int, remedy: str) -> None:
    """Checks that as many bytes are there.

    Raises:
        BadInput: they aren't; the message has the estimate, and the remedy.
    """
    free = available_bytes()
    if needed > free:
        raise BadInput(
            f"{place} takes about {needed / 2**30:.1f} GiB of memory to read, and "
            f"{free / 2**30:.1f} GiB are free; {remedy}"
        )

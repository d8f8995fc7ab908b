"""Where features are kept, in memory or in a file, and views of their rows; here, whether memory
has room for what is about to be read."""

from __future__ import annotations

from fairsweep.errors import BadInput
from fairsweep.machine import available_bytes


def check_room(place: str, needed: int, remedy: str) -> None:
    """Checks that as many bytes are there.

    Raises:
        BadInput: they aren't; the message has the estimate, and the remedy.
    """
    free = available_bytes()
    if needed > free:
        raise BadInput(
            f"{place} needs about {needed / 2**30:.1f} GiB of memory to be read, and "
            f"{free / 2**30:.1f} GiB are free; {remedy}"
        )

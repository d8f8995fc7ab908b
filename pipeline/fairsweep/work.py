"""What workers did with their time, as the report tells it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Compiled:
    """Programs that were made, and the seconds of workers in which that was done."""

    programs: int = 0
    seconds: float = 0.0

    def __add__(self, more: Compiled) -> Compiled:
        return Compiled(self.programs + more.programs, self.seconds + more.seconds)


NOTHING_COMPILED = Compiled()


@dataclass(frozen=True)
class Work:
    """The share of their time that workers trained (NaN where nothing was trained), and what they
    compiled; None in a store that doesn't say so."""

    share: float = math.nan
    compiled: Compiled | None = None

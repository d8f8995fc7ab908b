"""How much each searched parameter mattered, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Importance:
    """What a searched parameter had to do with being among an arm's best trials: `share` is its
    part of that of all of them (0 to 1); `lucky` says that shuffled results bring as much in one
    case of twenty, or more often."""

    parameter: str
    share: float
    lucky: bool


@dataclass(frozen=True)
class Importances:
    """The importance of each searched parameter of an arm; without any, `missing` says why."""

    parameters: tuple[Importance, ...]
    missing: str = ""

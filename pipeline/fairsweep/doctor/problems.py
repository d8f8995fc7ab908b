"""What the doctor reports: a broken rule, its place, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass

AGAIN = "run the same command again: it settles this and continues the sweep"
RESTORE = "restore the store from a backup, or start another sweep with sweep.name=…"
DELETE = "delete it"


@dataclass(frozen=True)
class Problem:
    """A rule (V1 to V6) that doesn't hold: where, what is wrong, and what to do about it."""

    rule: str
    place: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.rule} {self.place}: {self.what}; {self.remedy}"

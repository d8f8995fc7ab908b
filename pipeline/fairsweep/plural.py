"""How a count is said in English."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """`1 trial`, `2,000 trials`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def times(count: int) -> str:
    """`once`, `2 times`."""
    return "once" if count == 1 else plural(count, "time")

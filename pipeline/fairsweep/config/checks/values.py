"""Checks of single values that many keys share.

In: a key and its value. Out: a `Problem` for each check that fails, or nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from fairsweep.config.guess import nearest
from fairsweep.config.trust import distrust, is_trusted
from fairsweep.own import is_well_formed

Problem = tuple[str, str]
"""A key, and what is wrong with its value, with the remedy."""

SEEDS = 2**32


def is_number(value: Any) -> bool:
    """An int or a float, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """An int, and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def plain_name(key: str, name: str) -> Iterator[Problem]:
    """A name that becomes part of others."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        yield (
            key,
            f"need 1 to 40 of A-Z a-z 0-9 _ -, got {name!r}; it becomes part of the sweep's name",
        )


def at_least(key: str, value: Any, least: int) -> Iterator[Problem]:
    """A whole number from `least`."""
    if not is_whole(value) or value < least:
        yield key, f"need a whole number from {least}, got {value!r}; for example {key}={least}"


def seed(key: str, value: Any) -> Iterator[Problem]:
    """A seed that every random number generator takes."""
    if not is_whole(value) or not 0 <= value < SEEDS:
        yield key, f"need a whole number from 0 to {SEEDS - 1}, got {value!r}; for example {key}=0"


def above_0(key: str, value: float) -> Iterator[Problem]:
    """Seconds above 0."""
    if not (math.isfinite(value) and value > 0):
        yield key, f"need a finite number of seconds above 0, got {value}; for example {key}=30"


def one_of(key: str, value: Any, allowed: Iterable[str]) -> Iterator[Problem]:
    """One of the allowed names; the closest one is suggested."""
    if value not in allowed:
        yield key, f"need one of {', '.join(allowed)}; got {value!r}{hint(value, allowed)}"


def own_name(key: str, name: str) -> Iterator[Problem]:
    """The name of code of the user's own, whose package is trusted."""
    if not is_well_formed(name):
        yield key, f"need package.module:name, got {name!r}"
    elif not is_trusted(name):
        yield key, distrust(name)


def hint(name: str, known: Iterable[str]) -> str:
    """Suggests the closest known name, if one is close."""
    close = nearest(str(name), known)
    return f"; did you mean {close}?" if close else ""

"""What scripted workers do in the scenarios of these tests.

`WORKBENCH` is the folder through which a test and a script talk, as it is for the models of
`workbench`.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from pathlib import Path

from fairsweep.records import TrialSpec
from fairsweep.testing import Step, died, failed, learning, passing

__all__ = [
    "dies_once",
    "diverging",
    "fragile",
    "halting",
    "learning",
    "passing",
    "tried_later",
    "waiting",
]

WAITS_AT = 3
HALTS_AT = 4


def waiting(spec: TrialSpec) -> Iterator[Step]:
    """The first training of all that comes to epoch `WAITS_AT` in its first attempt waits there: it
    says so by a file `waiting`, and goes on when there is a file `open`."""
    folder = Path(os.environ["WORKBENCH"])
    for epoch, metrics in enumerate(learning(spec), 1):
        if (epoch, spec.key.attempt) == (WAITS_AT, 1) and claim(folder / "waiting"):
            while not (folder / "open").exists():
                yield None
        yield metrics


def halting(spec: TrialSpec) -> Iterator[Step]:
    """As `waiting`; and each arm's trial `HALTS_AT` begins when there is a file `further`."""
    folder = Path(os.environ["WORKBENCH"])
    while spec.key.trial == HALTS_AT and not (folder / "further").exists():
        yield None
    yield from waiting(spec)


def tried_later(_: TrialSpec) -> Iterator[Step]:
    """A model of which nothing is known before there is a file `open`; `waiting` says so."""
    folder = Path(os.environ["WORKBENCH"])
    (folder / "waiting").touch()
    while not (folder / "open").exists():
        yield None


def dies_once(spec: TrialSpec) -> Iterator[Step]:
    """The first training of all that comes to epoch `WAITS_AT` dies; then as `waiting`."""
    folder = Path(os.environ["WORKBENCH"])
    if not (folder / "died").exists():
        yield from itertools.islice(learning(spec), WAITS_AT - 1)
        claim(folder / "died")
        yield died()
    yield from waiting(spec)


def fragile(spec: TrialSpec) -> Iterator[Step]:
    """A model that raises for 13 units, one that always does, and others that don't."""
    if spec.model.name == "broken":
        yield failed(
            "workbench.py:2: LookupError: no model for 2 classes",
            "LookupError at workbench.py:2",
            "Traceback (most recent call last):\n  in always_fails\nLookupError: no model",
        )
    if spec.model.params.get("units") == 13:
        yield failed(
            "workbench.py:1: ArithmeticError: thirteen units are too many for this model",
            "ArithmeticError at workbench.py:1",
            "Traceback (most recent call last):\n  in fails\n"
            "ArithmeticError: thirteen units are too many for this model",
        )
    yield from learning(spec)


def diverging(spec: TrialSpec) -> Iterator[Step]:
    """The loss is no number from the third epoch on."""
    for epoch, metrics in enumerate(learning(spec), 1):
        yield metrics if epoch < 3 else {**metrics, "loss": math.nan}


def claim(path: Path) -> bool:
    """Whether this caller is the first of all."""
    try:
        with path.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True

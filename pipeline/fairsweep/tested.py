"""What a training leaves of its test rows beside their metrics, and the file that holds it: how
often a class was taken for which, or values as they are and as they are predicted.

The file is the JSON of its fields, and each kind has a file of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_ROWS = 500
"""Test rows whose values are stored of a training; of more rows so many, evenly spread."""

Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Confusion:
    """How often a row of one class was taken for which: `counts[true][predicted]`, both in the
    order of `classes`."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(map(sum, self.counts))

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Confusion:
        """The same from its JSON; see `of`."""
        found = cls(tuple(stored["classes"]), tuple(map(tuple, stored["counts"])))
        if {len(found.counts), *map(len, found.counts)} != {len(found.classes)}:
            raise ValueError(f"its counts aren't those of {len(found.classes)} classes")
        return found


@dataclass(frozen=True)
class Target:
    """A target of some test rows in its own unit: what they have, and what the model predicts. Of
    several quantiles `predicted` is the middle one, and `low` and `high` are the outermost; both
    are empty otherwise."""

    name: str
    true: tuple[float, ...]
    predicted: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Residuals:
    """Values of test rows, as they are and as they are predicted.

    Attributes:
        rows: How many test rows there are.
        targets: The values of `MOST_ROWS` of them, the same ones in every training of a sweep.
        band: The levels of the outermost quantiles, 0 to 1; None where one value is predicted.
    """

    rows: int
    targets: tuple[Target, ...]
    band: tuple[float, float] | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Residuals:
        """The same from its JSON; see `of`."""
        low_high, targets = stored["band"], tuple(map(_target, stored["targets"]))
        band = None if low_high is None else (float(low_high[0]), float(low_high[1]))
        sampled = min(int(stored["rows"]), MOST_ROWS)
        for own in targets:
            banded = () if band is None else (own.low, own.high)
            if {*map(len, (own.true, own.predicted, *banded))} != {sampled}:
                raise ValueError(f"it hasn't {sampled} values of {own.name!r}")
        return cls(int(stored["rows"]), targets, band)


Tested = Confusion | Residuals
Kind = type[Confusion] | type[Residuals]
FILES: Mapping[Kind, str] = {Confusion: "confusion.json", Residuals: "residuals.json"}
"""The name of the file of each kind."""


def residuals(
    names: Sequence[str],
    true: Numbers,
    predicted: Numbers,
    band: tuple[float, float] | None = None,
    low: Numbers | None = None,
    high: Numbers | None = None,
) -> Residuals:
    """What is stored of values.

    Args:
        names: of the targets.
        true: what test rows have, (rows, targets).
        predicted: what the model says of them, (rows, targets).
        band: the levels of `low` and `high`.
        low: the lowest quantile, (rows, targets); None where one value is predicted.
        high: the highest one.
    """
    rows = len(true)
    kept = np.arange(min(rows, MOST_ROWS)) * rows // max(1, min(rows, MOST_ROWS))
    columns = [
        [_rounded(own[kept, i]) for own in (true, predicted, low, high) if own is not None]
        for i in range(len(names))
    ]
    targets = tuple(Target(name, *own) for name, own in zip(names, columns, strict=True))
    return Residuals(rows, targets, band)


def read(content: bytes) -> Tested:
    """What a file holds.

    Raises:
        ValueError: it isn't such a file.
    """
    return of(json.loads(content))


def of(stored: Mapping[str, Any]) -> Tested:
    """What `dataclasses.asdict` made of it, or JSON of that.

    Raises:
        ValueError: it is neither kind.
    """
    try:
        kind: Kind = Residuals if "targets" in stored else Confusion
        return kind.of(stored)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError("it has neither counts of classes nor values of targets") from error


def _target(stored: Mapping[str, Any]) -> Target:
    columns = (_numbers(stored[name]) for name in ("true", "predicted", "low", "high"))
    return Target(str(stored["name"]), *columns)


def _numbers(stored: Sequence[float]) -> tuple[float, ...]:
    return tuple(map(float, stored))


def _rounded(values: Numbers) -> tuple[float, ...]:
    """Six digits: as much as a 32-bit float holds."""
    return tuple(float(f"{value:.6g}") for value in values.tolist())

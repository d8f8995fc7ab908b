"""Warnings about numbers that are likely meant as something else: dates, times, a code for what is
missing, or ids that differ by less than 32-bit floats can tell apart.

In: features as they are read. Out: a line for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fairsweep.data.dataset import Column, Dataset, Features
from fairsweep.data.memory.view import pieces
from fairsweep.data.several import named
from fairsweep.invocation import typed
from fairsweep.plural import plural
from fairsweep.precision import STEPS, nearer, step_at

WHOLE = 2.0**24  # up to here 32-bit floats tell whole numbers apart
SHOWN = 5
FEWEST_DATES = 10  # that all look like dates by more than chance
FIRST_DATE, LAST_DATE = 1900_01_01, 2100_12_31
FIRST_SECOND, LAST_SECOND = 5 * 10**8, 42 * 10**8  # 1985 to 2103
UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6}
OF_TIME = re.compile(r"time|stamp|date|when|epoch|unix|(^|_)(ts|at|on)$", re.IGNORECASE)
CODES = (-99, -999, -9999, -99999, 999, 9999, 99999)
MUCH = 10  # times as large as all others


@dataclass(frozen=True)
class Numbers:
    """A feature of numbers, the smallest and the largest of them; of a table, its column."""

    called: str
    values: Features
    low: float
    high: float
    column: Column | None

    @property
    def largest(self) -> float:
        """The absolute value that is farthest from 0."""
        return max(abs(self.low), abs(self.high))

    @property
    def are_whole(self) -> bool:
        """Whether there are whole numbers alone."""
        there = self.values[~np.isnan(self.values)]
        return bool((there == np.rint(there)).all())


def numbers_in(dataset: Dataset) -> Iterator[Numbers]:
    """Those of tables, by their columns, and of arrays (rows, features)."""
    columns = [column for column in dataset.columns if not column.length]
    for name, x in named(dataset.x):
        if x.ndim != 2 or x.dtype.kind != "f":
            continue
        count = len(columns) if dataset.columns else x.shape[1]
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        for rows in pieces(x):
            low = np.fmin(low, np.fmin.reduce(x[rows, :count], axis=0))
            high = np.fmax(high, np.fmax.reduce(x[rows, :count], axis=0))
        for i in np.flatnonzero(low <= high):  # something is there
            column = columns[i] if columns else None
            called = f"feature {i}{name and f' of {name}'}"
            if column is not None:
                called = f"column {column.name}"
                if column.vocabulary or column.date:
                    continue
            yield Numbers(called, x[:, i], float(low[i]), float(high[i]), column)


def far_from_zero(numbers: Sequence[Numbers]) -> Sequence[Numbers]:
    """Features whose values are farther from 0 than 32-bit floats tell apart well."""
    return [
        own
        for own in numbers
        if own.largest > WHOLE and own.high - own.low < STEPS * step_at(own.largest)
    ]


def odd_numbers(numbers: Sequence[Numbers], far: Sequence[Numbers]) -> Iterator[str]:
    """What features may be meant as.

    Args:
        numbers: all of them.
        far: those that are far from 0.
    """
    known = set()
    for own in numbers:
        if own.column is not None and (told := _in_a_column(own, own.column.name)):
            known.add(own.column)
            yield f"{own.called} {told}"
    others = [own for own in far if own.column is None or own.column not in known]
    for own in others[:SHOWN]:
        ids = ""
        if own.column is not None:
            name = [own.column.name]
            ids = (
                f"if these are ids, drop it: {typed('data.drop', name)}; if they are codes: "
                f"{typed('data.categorical', name)}; else "
            )
        yield (
            f"{own.called} has values around {own.largest:.6g}, where 32-bit floats are "
            f"{step_at(own.largest):.2g} apart, so that few of them differ or none; {ids}"
            f"{nearer(own.low, own.high - own.low)}"
        )


def _in_a_column(own: Numbers, name: str) -> str:
    """What a column of numbers has; empty if that is nothing odd."""
    if _are_dates(own):
        return (
            "has numbers that look like dates, such as 20241231, which count as plain numbers, and "
            "are rounded; write them as 2024-12-31"
        )
    if unit := _time_unit(own, name):
        return (
            f"has numbers that look like {unit} since 1970, which count as plain numbers, and are "
            f"rounded to {step_at(own.largest):.3g}; write them as 2024-12-31 14:30"
        )
    if code := _code(own):
        count = plural(int((own.values == code).sum()), "row")
        return (
            f"has {code} in {count}, far from its other numbers; if it means missing, leave it "
            f"empty in the data (in a CSV, {typed('data.missing_words', [str(code)])} says so), "
            "and use data.missing=fill, indicate or drop"
        )
    return ""


def _are_dates(own: Numbers) -> bool:
    """Whether all look like 20241231; one beside it does where 32 bits have rounded it."""
    if not (own.low >= FIRST_DATE - 1 and own.high <= LAST_DATE + 1 and own.are_whole):
        return False
    numbers = np.unique(own.values[~np.isnan(own.values)]).astype(np.int64)
    near = numbers[:, np.newaxis] + (-1, 0, 1)
    month, day = near // 100 % 100, near % 100
    fits = ((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).any(axis=1)
    return len(numbers) >= FEWEST_DATES and bool(fits.all())


def _time_unit(own: Numbers, name: str) -> str | None:
    if OF_TIME.search(name) is None:
        return None
    fits = (
        unit
        for unit, many in UNITS.items()
        if many * FIRST_SECOND <= own.low and own.high <= many * LAST_SECOND and own.are_whole
    )
    return next(fits, None)


def _code(own: Numbers) -> int | None:
    """The smallest or largest number, if more than one row has it, it is one that often stands for
    what is missing, and all others are far from it."""
    for code in sorted({own.low, own.high} & set(CODES)):
        others = own.values[(own.values != code) & ~np.isnan(own.values)]
        often = np.count_nonzero(own.values == code) > 1
        if often and len(others) and np.abs(others).max() * MUCH < abs(code):
            return int(code)
    return None

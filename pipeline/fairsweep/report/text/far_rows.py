"""The section of hard rows where answers are numbers: sentences, and a table of each kind of them.

In: a sweep, and the rows that were predicted worst. Out: the same `Section` that hard rows of
classes have, in plain text; escaping is up to the page it goes into.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairsweep.plural import plural
from fairsweep.records import SweepRecord
from fairsweep.report.analysis.far_rows import FarRow, FarRows, Prediction
from fairsweep.report.text.listing import (
    ListedRow,
    Listing,
    Said,
    Section,
    look_notes,
    looked,
    section_of,
)
from fairsweep.report.text.numbers import MISSING, as_given, with_unit
from fairsweep.shown import Shown
from fairsweep.tasks import task_in

BETWEEN = "; "
"""Stands between the numbers of several targets."""


def far_section(sweep: SweepRecord, far: FarRows) -> Section:
    """The section of the rows that are predicted worst, of which there are some."""
    shown, several = sweep.shown, len(far.arms) > 1
    every = "every arm" if several else far.arms[0]
    listings = [_listing(f"Rows that {every} misses by most", _shared(far), far.shared, shown)]
    if several:
        listings.append(_listing("Rows on which the arms differ", _apart(far), far.apart, shown))
    true = f"true {sweep.data.get(task_in(sweep.data).name, 'value')}"
    return section_of(true, far.arms, shown, listings, _notes(far, shown))


def _shared(far: FarRows) -> str:
    several = len(far.arms) > 1
    if not far.shared:
        by = "some arm" if several else far.arms[0]
        return f"Each of the {far.rows:,} rows is predicted exactly by {by}."
    closest = "even the closest arm" if several else far.arms[0]
    return (
        f"Of {far.rows:,} rows, the {len(far.shared)} for which {closest} is furthest from the "
        "true value."
    )


def _apart(far: FarRows) -> str:
    if not far.apart:
        return f"The arms predict the same values for all {far.rows:,} rows."
    return (
        f"Of {far.rows:,} rows, the {len(far.apart)} for which the arms predict the most different "
        "values."
    )


def _listing(title: str, line: str, rows: Sequence[FarRow], shown: Shown) -> Listing:
    return Listing(title, line, tuple(_listed(row, shown) for row in rows))


def _listed(row: FarRow, shown: Shown) -> ListedRow:
    true = BETWEEN.join(map(as_given, row.true))
    said = tuple(_said(row.true, own) for own in row.predictions.values())
    return looked(row.row, true, said, shown)


def _said(true: Sequence[float], own: Prediction) -> Said:
    """The prediction, and how far it is from what is true."""
    off = [_off(mean - value, mean) for mean, value in zip(own.mean, true, strict=True)]
    return Said(BETWEEN.join(map(with_unit, own.mean)), BETWEEN.join(off))


def _off(error: float, like: float) -> str:
    text = with_unit(abs(error), like)
    if error == 0:
        return "exact"
    return f"{text} too {'high' if error > 0 else 'low'}" if text != MISSING else text


def _notes(far: FarRows, shown: Shown) -> Iterator[str]:
    """How to read the tables."""
    rows = (*far.shared, *far.apart)
    counts = {own.trainings for row in rows for own in row.predictions.values()}
    mean = "the prediction" if counts == {1} else "the mean prediction"
    trainings = ("up to " if len(counts) > 1 else "") + plural(max(counts), "training")
    yield (
        f"For each arm you see {mean} of {trainings} that didn't train on the row, and how far off "
        "it is. Where every arm is far off, the value in the data may be wrong."
    )
    yield from look_notes([row.row for row in rows], shown)

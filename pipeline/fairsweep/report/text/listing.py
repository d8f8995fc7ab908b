"""Tables of single rows: what each is, what each arm says of it, and what it looks like.

In: rows by their numbers, and how they look. Out: plain text, and pictures as they are stored;
escaping is up to the page they go into.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fairsweep.report.text.numbers import MISSING
from fairsweep.shown import NOTHING, Shown, ShownRow


@dataclass(frozen=True)
class Said:
    """What an arm said of a row: mostly, or on average; and what is to be known of that."""

    most: str
    beside: str = ""


@dataclass(frozen=True)
class ListedRow:
    """A row of a listing: its number from 1, its place where the number doesn't say it, its picture
    (base64 of a PNG, empty if it has none), what it is, what each arm took it for, and its
    values."""

    number: str
    place: str
    picture: str
    true: str
    said: tuple[Said, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """Hard rows of a kind: what they have in common, in a title and a sentence."""

    title: str
    line: str
    rows: tuple[ListedRow, ...]


@dataclass(frozen=True)
class Section:
    """All that is said of single rows.

    Attributes:
        answer: What the true answers of rows are called.
        arms: Whose answers are listed.
        columns: The names of the values.
        listings: A table each.
        notes: How to read them.
    """

    answer: str
    arms: tuple[str, ...]
    columns: tuple[str, ...]
    listings: tuple[Listing, ...]
    notes: tuple[str, ...]

    @property
    def drawn(self) -> bool:
        """Whether rows have pictures."""
        return any(row.picture for listing in self.listings for row in listing.rows)


def section_of(
    answer: str,
    arms: tuple[str, ...],
    shown: Shown,
    listings: Sequence[Listing],
    notes: Iterable[str],
) -> Section:
    """A section, whose notes are left out where no row is listed."""
    listed = any(listing.rows for listing in listings)
    return Section(answer, arms, shown.columns, tuple(listings), tuple(notes) if listed else ())


def looked(row: int, true: str, said: tuple[Said, ...], shown: Shown) -> ListedRow:
    """A row, by its number from 0, with what it looks like."""
    look = shown.rows.get(row, ShownRow(values=("",) * len(shown.columns)))
    return ListedRow(
        str(row + 1),
        look.place,
        base64.b64encode(look.picture).decode(),
        true,
        said,
        tuple(value or MISSING for value in look.values),
    )


def look_notes(rows: Sequence[int], shown: Shown) -> Iterator[str]:
    """How to read the numbers and columns of rows, by their numbers from 0."""
    places = any(shown.rows[row].place for row in rows if row in shown.rows)
    beside = "; beside each number is the row's place in the data" if places else ""
    yield f"Rows are counted from 1 in the order in which the data was read{beside}."
    if shown.more:
        columns = len(shown.columns)
        yield f"The first {columns} of {columns + shown.more} columns are listed."
    if shown == NOTHING:
        yield (
            "What these rows look like isn't stored with this sweep; its command, run again, "
            "stores it."
        )

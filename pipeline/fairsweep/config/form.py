"""How a table is written as text: what every command that reads a CSV is told of it.

In: the settings of `data` or `predict`. Out: a `Form`, or what is wrong with the settings.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fairsweep.config.command_schema import Predict
from fairsweep.config.schema import Data

TAB = r"\t"
BLANK, NUMBERED = "blank", "numbered"
THOUSANDS = {
    "comma": ",",
    "point": ".",
    "blank": " \u00a0\u2009\u202f",
    "apostrophe": "'\u2019",
}
"""What may stand between thousands, by its name: any of these characters."""


@dataclass(frozen=True)
class Form:
    """`delimiter` is one character, or `blank` for runs of blanks and tabs. `thousands` are the
    characters that may stand between thousands, or none. Lines that begin with `comment` are left
    out, and in others what stands behind it and a blank, where it isn't empty. `columns` name the
    columns of a file without a header, or are `numbered`; None where the first line has the names.
    `encoding` is that of the text, or empty for UTF-8."""

    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    comment: str = ""
    columns: Sequence[str] | None = None
    encoding: str = ""

    @property
    def mark(self) -> str:
        """The character between values, once runs of blanks are one."""
        return "\t" if self.delimiter == BLANK else self.delimiter

    @property
    def plain(self) -> bool:
        """Whether a file can be read as it is."""
        return self.delimiter != BLANK and not self.comment and not self.encoding


NO_FILES = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7")
"""What Python calls encodings of text, and no file has."""
PLAIN = Form()
EXAMPLE_PATHS = {
    "csv": "rows.csv",
    "parquet": "rows.parquet",
    "npz": "rows.npz",
    "images": "photos",
}
"""A path such as each source reads; a folder if it has no ending."""
WRITTEN = ("delimiter", "decimal", "thousands", "comment", "columns", "encoding")
"""The settings that say how a CSV is written, for `data` and `predict` alike."""


def setting_name(key: str, name: str) -> str:
    """The full name of a setting for the file that `key` names."""
    return f"data.{name}" if is_trained_on(key) else name


def is_trained_on(key: str) -> bool:
    """Whether a file is for training, not for prediction."""
    return key.startswith("data.")


def form_of(settings: Data | Predict) -> Form:
    """The form that settings without problems describe."""
    columns, given = settings.columns, settings.thousands
    between = [marks for name, marks in THOUSANDS.items() if given in (name, *marks)]
    return Form(
        "\t" if settings.delimiter == TAB else settings.delimiter or ",",
        settings.decimal or ".",
        between[0] if between else "",
        settings.comment or "",
        columns if columns in (None, NUMBERED) else tuple(str(name) for name in columns),
        _encoding_of(settings.encoding or "utf-8") or "",
    )


def form_problems(settings: Data | Predict) -> Iterator[tuple[str, str]]:
    """The name of each setting that is wrong, and why."""
    delimiter, decimal = settings.delimiter or ",", settings.decimal or "."
    if len(delimiter) != 1 and delimiter not in (TAB, BLANK):
        yield "delimiter", f"need one character, \\t for a tab, or blank, got {delimiter!r}"
    if len(decimal) != 1:
        yield "decimal", f"need one character, got {decimal!r}"
    if delimiter == decimal != ",":  # between commas such numbers are in quotes
        yield "decimal", "the delimiter and the decimal mark are the same; set decimal=','"
    yield from _thousands_problems(settings.thousands, delimiter, decimal)
    comment = settings.comment
    if comment is not None and (re.search(r'[\w\s"]', comment) or comment in ("", delimiter)):
        yield "comment", f"need a mark such as '#', with which such lines begin, got {comment!r}"
    yield from _column_problems(settings.columns)
    if settings.encoding is not None and _encoding_of(settings.encoding) is None:
        yield "encoding", f"need one such as cp1252, latin-1 or utf-16, got {settings.encoding!r}"


def _encoding_of(name: str) -> str | None:
    """Python's name of an encoding of text, empty for UTF-8; None where there is none."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if not getattr(found, "_is_text_encoding", True) or found.name in NO_FILES:
        return None
    return "" if found.name in ("utf-8", "utf-8-sig", "ascii") else found.name


def _thousands_problems(
    given: str | None, delimiter: str, decimal: str
) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    between = [(name, *marks) for name, marks in THOUSANDS.items() if given in (name, *marks)]
    if not between:
        yield "thousands", f"need {', '.join(THOUSANDS)} or null, got {given!r}"
    elif decimal in between[0]:
        other = "','" if decimal == "." else "'.'"
        yield (
            "thousands",
            f"{decimal!r} is the decimal mark, too; set decimal={other}, or thousands=null",
        )
    elif BLANK in between[0] and delimiter in (BLANK, " "):
        yield "thousands", "blanks stand between values already; use thousands=null"


def _column_problems(columns: Any) -> Iterator[tuple[str, str]]:
    """Names for the columns of a file without a header."""
    if columns is None or columns == NUMBERED:
        return
    if not isinstance(columns, list) or not all(
        isinstance(name, str | int | float) and str(name).strip() for name in columns
    ):
        yield (
            "columns",
            f"need a list of names, [width,height,label], or numbered for 1, 2, …, got {columns!r}",
        )
        return
    names = [str(name) for name in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield "columns", f"names must be unique, got {', '.join(twice)} more than once"
    elif not names:
        yield "columns", "need at least one name; null where the first line has them"

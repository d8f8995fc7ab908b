"""What a few rows of the data look like, and the file that holds it.

The file is JSON: the columns by name, how many more there are, and for each row, by its number from
1, its place, its values in these columns and its picture.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class ShownRow:
    """A row: where it is in the user's files, empty if its number says that; its values, one a
    column, empty if missing; and its picture (a PNG), empty if it has none."""

    place: str = ""
    values: tuple[str, ...] = ()
    picture: bytes = b""


@dataclass(frozen=True)
class Shown:
    """Rows by their numbers from 0. They are shown by `columns`, and have `more` columns that
    aren't."""

    columns: tuple[str, ...] = ()
    more: int = 0
    rows: Mapping[int, ShownRow] = field(default_factory=dict)


NOTHING = Shown()


def packed(shown: Shown) -> bytes:
    """The content of the file."""
    rows = {
        str(number + 1): {
            "place": row.place,
            "values": row.values,
            "picture": base64.b64encode(row.picture).decode(),
        }
        for number, row in shown.rows.items()
    }
    about = {"format": FORMAT, "columns": shown.columns, "more_columns": shown.more, "rows": rows}
    return json.dumps(about, indent=1, ensure_ascii=False).encode()


def unpacked(content: bytes) -> Shown:
    """What a file holds.

    Raises:
        ValueError: it isn't such a file.
    """
    try:
        about = json.loads(content)
        if about["format"] != FORMAT:
            raise ValueError(f"it has format {about['format']!r}, and this version reads {FORMAT}")
        columns = _texts(about["columns"])
        rows = {int(number) - 1: _row(row, columns) for number, row in about["rows"].items()}
        return Shown(columns, int(about["more_columns"]), rows)
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(repr(error)) from error


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> ShownRow:
    values, picture = _texts(row["values"]), base64.b64decode(row["picture"], validate=True)
    if len(values) != len(columns):
        raise ValueError(f"a row has {len(values)} values for {len(columns)} columns")
    if picture and not picture.startswith(PNG):
        raise ValueError("a picture isn't a PNG")
    (place,) = _texts([row["place"]])
    return ShownRow(place, values, picture)


def _texts(given: Sequence[Any]) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(text, str) for text in given):
        raise TypeError(f"need texts, got {given!r}")
    return tuple(given)

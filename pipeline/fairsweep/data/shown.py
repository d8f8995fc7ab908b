"""What a few rows of a data set look like: the values of a table, or a small picture.

In: a data set and the numbers of rows. Out: a `Shown`. Only these rows are read, wherever the data
is kept.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from fairsweep.data.dataset import Column, Dataset, Features, features_of
from fairsweep.data.inputs.encoding import said
from fairsweep.data.several import named
from fairsweep.shown import NOTHING, Shown, ShownRow

MOST_COLUMNS = 12
LONGEST = 60
"""Letters of a word, or of the name of a column, of which the start is shown where they are longer;
of a longer place it is the end."""
LONGEST_TEXT = 240
"""The same of a text, which is what its row is about."""
SIDE = 64
"""Pixels of a picture's longer side; a larger one is made smaller."""
CHANNELS = (1, 3)
"""Of what is a picture, grey or in colour."""
EIGHT_BITS = 255.0


def shown(dataset: Dataset, rows: Sequence[int]) -> Shown:
    """What rows of a data set look like. Those of neither a table nor pictures have no look, only a
    place.

    Args:
        dataset: all rows.
        rows: the numbers of a few, from 0.
    """
    if not rows:
        return NOTHING
    there = [np.asarray(x[np.array(rows, np.int64)]) for _, x in named(dataset.x)]
    x: Features = next(filter(_are_pictures, there), there[0])
    columns = dataset.columns[:MOST_COLUMNS]
    pictures = _pictures(x) if _are_pictures(x) else ()
    looks: dict[int, ShownRow] = {}
    for i, row in enumerate(rows):
        place = "" if dataset.origin is None else _end(dataset.origin.place(row))
        values = tuple(_text(x[i, own], column) for column, own in features_of(columns))
        looks[row] = ShownRow(place, values, pictures[i] if pictures else b"")
    names = tuple(_short(column.name) for column in columns)
    return Shown(names, len(dataset.columns) - len(columns), looks)


def _are_pictures(x: Features) -> bool:
    return x.ndim == 4 and x.shape[-1] in CHANNELS


def _text(values: Features, column: Column) -> str:
    """A value as the file has it, as far as 32 bits hold it; empty where it is missing. Of a text
    it is the words."""
    if column.vocabulary:
        return _short(said(column, values) or "", LONGEST_TEXT if column.length else LONGEST)
    return "" if np.isnan(values[0]) else str(values[0]).removesuffix(".0")


def _short(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _end(text: str) -> str:
    return text if len(text) <= LONGEST else f"…{text[-LONGEST + 1 :]}"


def _pictures(x: Features) -> Sequence[bytes]:
    """Rows (rows, height, width, channels) as PNGs, from black for the least value, or 0, to white
    for the largest, or 255 where values look like those of 8 bits."""
    from PIL import Image

    low, high = min(0.0, float(x.min())), float(x.max())
    if EIGHT_BITS / 2 < high <= EIGHT_BITS:
        high = EIGHT_BITS
    span = high - low or 1.0
    found = []
    for pixels in np.rint((x - low) / span * EIGHT_BITS).astype(np.uint8):
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
        file = io.BytesIO()
        picture.save(file, "PNG", optimize=True)
        found.append(file.getvalue())
    return found

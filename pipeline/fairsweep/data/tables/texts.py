"""The columns of texts of a table, as the indices of their words.

In: the settings, and batch after batch of pyarrow columns. Out: features that stand behind those of
the other columns, with their `Column`s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fairsweep.config.schema import Data
from fairsweep.data.dataset import PADDING, Column, Features
from fairsweep.data.memory.room import room_for
from fairsweep.data.memory.view import pieces
from fairsweep.data.tables.columns import Words
from fairsweep.data.text import LENGTH, rows_of_words
from fairsweep.errors import BadInput
from fairsweep.invocation import typed
from fairsweep.plural import plural

MOST_INDICES = 2**24  # whole numbers that are exact in 32 bits


class Texts:
    """The texts of a table.

    Args:
        names: of their columns.
        before: how many features the other columns have.
        settings: say how long a text may be.
    """

    def __init__(self, names: Sequence[str], before: int, settings: Data) -> None:
        self._length = settings.text_length or LENGTH
        places = range(before, before + len(names) * self._length, self._length)
        self._own = [slice(start, start + self._length) for start in places]
        self._names, self._words = names, [Words(False) for _ in names]
        self._longest, self._empty, self._cut = ([0] * len(names) for _ in range(3))

    @property
    def features(self) -> int:
        """How many features they have, as they are read."""
        return self._length * len(self._names)

    def beside(self, block: Features, batch: Any) -> Features:
        """The features of other columns, with those of the texts of the same rows behind them."""
        blocks = [block]
        for i, name in enumerate(self._names):
            read, counts = rows_of_words(batch.column(name), self._length, self._words[i].codes)
            self._cut[i] += int((counts > self._length).sum())
            if len(self._words[i]) > MOST_INDICES:
                raise BadInput(
                    f"data.text: column {name!r} has over {MOST_INDICES} different words"
                )
            blocks.append(read)
        return np.hstack(blocks) if self._names else block

    def see(self, block: Features) -> None:
        """Notes the words of rows that are kept."""
        for i, own in enumerate(self._own):
            there = block[:, own] != PADDING
            self._words[i].see(block[:, own][there])
            lengths = there.sum(axis=1)
            self._longest[i] = max(self._longest[i], int(lengths.max(initial=0)))
            self._empty[i] += int((lengths == 0).sum())

    def problems(self) -> Iterator[str]:
        """Columns without any word."""
        for name, longest in zip(self._names, self._longest, strict=True):
            if not longest:
                yield (
                    f"data.text: column {name!r} has no words; leave it out: "
                    f"{typed('data.drop', [name])}"
                )

    def sort(self, x: Features) -> list[Column]:
        """The columns, with their vocabularies in order; in `x` the numbers of words become indices
        into these."""
        orders = [words.order() for words in self._words]
        for rows in pieces(x) if orders else ():
            for own, (_, places) in zip(self._own, orders, strict=True):
                block = x[rows, own]
                there = block != PADDING
                block[there] = places[block[there].astype(np.int64)]
                x[rows, own] = block
        return [
            Column(name, words, self._length)
            for name, (words, _) in zip(self._names, orders, strict=True)
        ]

    def trimmed(self, x: Features, columns: list[Column]) -> tuple[Features, list[Column]]:
        """Without the features that no text is long enough for."""
        if all(n == self._length for n in self._longest):
            return x, columns
        kept = [np.arange(self._own[0].start)]
        kept += [
            np.arange(own.start, own.start + longest)
            for own, longest in zip(self._own, self._longest, strict=True)
        ]
        lengths = dict(zip(self._names, self._longest, strict=True))
        shorter = [replace(c, length=lengths.get(c.name, 0)) for c in columns]
        places = np.concatenate(kept)
        with room_for("data.text", len(x), (len(places),), "set data.text_length") as room:
            for rows in pieces(x):
                room.put(np.take(x[rows], places, axis=1))
            return room.array(), shorter

    def notes(self) -> Iterator[str]:
        """What is left out of texts, and which have nothing to learn from."""
        for name, cut, empty in zip(self._names, self._cut, self._empty, strict=True):
            if cut:
                yield (
                    f"column {name!r}: of {plural(cut, 'text')} only the first {self._length} "
                    "words are read; data.text_length sets another number"
                )
            if empty:
                yield f"column {name!r}: {plural(empty, 'row')} without any word"

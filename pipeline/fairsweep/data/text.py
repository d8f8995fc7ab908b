"""Free text as words: one rule, for the rows that are trained on and those that are predicted.

In: a column of texts. Out: the words of each, or the number of each word in a matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fairsweep.data.dataset import PADDING, Features

PUNCTUATION = r"[!-/:-@\[-`{-~]"
"""Every ASCII character that is neither a letter, a digit nor a space."""
LENGTH = 200
"""How many words of a text are read where nothing else is asked for."""


def words_of(texts: Any) -> Any:
    """The words of each text, as pyarrow's lists: in lower case, without punctuation, between
    blanks. A text that is missing has none.

    That is what Keras's TextVectorization does by default, which leaves letters beyond ASCII in
    upper case.
    """
    plain = pc.utf8_lower(pc.cast(texts, pa.string()))
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, PUNCTUATION, ""))
    if isinstance(plain, pa.ChunkedArray):
        plain = plain.combine_chunks()
    return pc.utf8_split_whitespace(pc.if_else(pc.equal(plain, ""), None, plain))


def rows_of_words(
    texts: Any, length: int, number: Callable[[Any], Features]
) -> tuple[Features, npt.NDArray[np.int64]]:
    """The numbers of the first words of each text, (rows, length), with PADDING after the last; and
    how many words each text has, (rows,).

    Args:
        texts: a pyarrow array.
        length: how many words of a text to keep.
        number: of each word of a pyarrow array, one after the other.
    """
    words = words_of(texts)
    counts = pc.fill_null(pc.list_value_length(words), 0).to_numpy().astype(np.int64)
    row = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = place < length
    numbers: Features = np.full((len(counts), length), PADDING, np.float32)
    numbers[row[kept], place[kept]] = number(words.flatten().filter(pa.array(kept)))
    return numbers, counts

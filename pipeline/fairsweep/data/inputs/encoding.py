"""Rows of a table as features, and back: what a published model does with the tables it is asked.

In: a table and its columns. Out: numbers, words as indices into vocabularies; or the table again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fairsweep.data import dates
from fairsweep.data.dataset import PADDING, Column, Features, features_of, in_file

if TYPE_CHECKING:
    import pandas as pd


def encode(table: pd.DataFrame, columns: Sequence[Column]) -> Features:
    """Rows of a table as (rows, features): numbers as they are, words as their index in the
    column's vocabulary, dates as their parts; missing numbers, unknown words and missing columns
    are NaN.

    Raises:
        ValueError: a column of dates has something else.
    """
    import pandas as pd

    parts = []
    table = table.reindex(columns=[column.name for column in in_file(columns)])
    for column in columns:
        values = _part(table[column.date], column) if column.date else table[column.name]
        if column.has_words:
            words = values.astype(object).where(values.notna(), "").map(_word)
            own = _ids(words, column)
        else:
            numbers = pd.to_numeric(values).to_numpy(np.float64, na_value=np.nan)
            own = numbers.astype(np.float32)[:, None]
        parts.append(own)
    return np.hstack(parts)


def _part(values: pd.Series, column: Column) -> pd.Series:
    """One part of the dates in a column."""
    import pandas as pd

    micros, missing = dates.in_pandas(values)
    own = dates.part(micros, dates.part_in(column.name, column.date))
    return pd.Series(own, values.index).where(~missing, None)


def _ids(words: pd.Series, column: Column) -> Features:
    """The index of each word, (rows, 1), or of each word of a text, (rows, length)."""
    import pandas as pd

    vocabulary = pd.Index(column.vocabulary)

    def number(words: Any) -> Features:
        found = vocabulary.get_indexer(pd.Index(words))
        return np.where(found < 0, np.nan, found).astype(np.float32)

    if not column.length:
        return number(words)[:, None]

    import pyarrow as pa

    from fairsweep.data.text import rows_of_words

    texts = pa.array(words, pa.string())
    return rows_of_words(texts, column.length, lambda own: number(own.to_pandas()))[0]


def decode(x: Features, columns: Sequence[Column]) -> pd.DataFrame:
    """The table of which `encode` makes these rows."""
    import pandas as pd

    at = {column.name: own.start for column, own in features_of(columns)}

    def own_of(column: Column, features: slice) -> Any:
        if column.date:
            days, hour = (dates.named(column.date, part) for part in (dates.DAYS, dates.OF_DAY))
            hours = x[:, at[hour]] if hour in at else np.zeros(len(x))
            return [*map(dates.written, x[:, at[days]], hours)]
        if column.has_words:
            return [said(column, values) for values in x[:, features]]
        return x[:, features.start].astype(np.float64)

    found = {c.date or c.name: own_of(c, own) for c, own in features_of(columns)}
    return pd.DataFrame(found)


def said(column: Column, values: Features) -> str | None:
    """The word that a row has in a column of words, or the words of its text; None where it is
    missing, or isn't in the vocabulary."""
    if column.length:
        return " ".join(column.vocabulary[int(value)] for value in values if value != PADDING)
    return None if np.isnan(values[0]) else column.vocabulary[int(values[0])]


def _word(value: object) -> str:
    """A value as vocabularies spell it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return str(value)


def missing_words(values: pd.Series) -> npt.NDArray[np.bool_]:
    """Which rows of a column of words have none."""
    empty = values.astype(object).eq("").to_numpy(bool)
    return np.asarray(values.isna().to_numpy(bool) | empty)

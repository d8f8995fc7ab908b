"""The columns of a table, batch by batch, as 32-bit numbers.

In: pyarrow arrays. Out: numpy arrays, NaN where a value is missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fairsweep.data.dataset import Features

MOST_WORDS = 1000
MISSING = ""
"""The word for a missing value, where missing counts as a word."""


def is_date(kind: pa.DataType) -> bool:
    """Whether a column of this type has dates, with or without a time."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def kind_of(kind: pa.DataType) -> str:
    """`numbers`, `words`, or why a column of this type is neither."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return f"has the extension type {kind}, which isn't supported"
    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if types.is_nested(kind):
        return f"is nested ({kind}); make a column of each part"
    if types.is_null(kind):
        return "is empty"
    if types.is_temporal(kind):
        if is_date(kind):
            return (
                f"has dates ({kind}), which are taken for features that have dates in every file; "
                "write all as 2024-12-31, or convert them to numbers"
            )
        return f"has times without a date ({kind}), which aren't supported; convert them to numbers"
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return "numbers"
    if types.is_decimal(kind):
        return "numbers"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "words"
    return f"has the type {kind}, which isn't supported"


def numbers_of(column: Any) -> npt.NDArray[Any]:
    """Numbers as they are stored; missing values are NaN."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    plain = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if column.null_count or not plain:
        column = pc.cast(column, pa.float64(), safe=False)
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def text_of(column: Any) -> Any:
    """Values of any type as words; whole numbers have no decimal point, however they are stored."""
    if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type):
        return column
    text = pc.cast(column, pa.string())
    return pc.replace_substring_regex(text, r"\.0$", "") if _is_real(column.type) else text


def _is_real(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))


class Words:
    """The words of one column, numbered in order of appearance.

    Args:
        fill: whether a missing value counts as a word; otherwise it is NaN.
    """

    def __init__(self, fill: bool) -> None:
        self._fill = fill
        self._numbers: dict[str, int] = {}
        self._seen: npt.NDArray[np.bool_] = np.zeros(0, bool)

    def __len__(self) -> int:
        return len(self._numbers)

    def codes(self, column: Any) -> Features:
        """The number of each row's word."""
        column = text_of(column)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        codes = [self._code(word) for word in column.dictionary.to_pylist()]
        indices = column.indices
        if indices.null_count:
            indices = pc.fill_null(indices, len(codes))
            codes.append(self._code(MISSING))
        numbers: Features = np.array(codes, np.float32)[indices.to_numpy()]
        return numbers

    def see(self, codes: Features) -> None:
        """Marks the words of rows that are kept: only these are in the vocabulary."""
        there = codes[~np.isnan(codes)].astype(np.int64)
        if len(self._seen) < len(self._numbers):
            self._seen = np.append(self._seen, np.zeros(2 * len(self._numbers), bool))
        self._seen[there] = True

    @property
    def seen(self) -> int:
        """How many different words the kept rows have."""
        return int(self._seen.sum())

    def order(self) -> tuple[tuple[str, ...], Features]:
        """The vocabulary, sorted, and the index into it of every word by its number."""
        words = list(self._numbers)
        present = sorted((words[i], i) for i in np.flatnonzero(self._seen))
        places = np.full(len(words), np.nan, np.float32)
        places[[i for _, i in present]] = np.arange(len(present))
        return tuple(word for word, _ in present), places

    def sort(self, codes: Features) -> tuple[str, ...]:
        """The vocabulary of rows, sorted; `codes` (rows,) become indices into it, in place."""
        self.see(codes)
        vocabulary, places = self.order()
        there = ~np.isnan(codes)
        codes[there] = places[codes[there].astype(np.int64)]
        return vocabulary

    def _code(self, word: str | None) -> float:
        if word in (MISSING, None) and not self._fill:
            return np.nan
        return self._numbers.setdefault(word or MISSING, len(self._numbers))

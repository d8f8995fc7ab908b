"""Sequences of different lengths in one array, shorter ones filled up with a value.

In: rows (rows, steps, features) and the value. Out: which steps are padding, or a line for each
problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.data.memory.view import pieces
from fairsweep.plural import plural

NAN = "nan"


def is_padding(x: npt.NDArray[Any], padding: str) -> npt.NDArray[np.bool_]:
    """Which steps of sequences are padding, (rows, steps): those that have the value in every
    feature."""
    value = np.float32(padding)
    same = np.isnan(x) if math.isnan(value) else x == value
    return np.asarray(same.all(axis=-1))


def sequence_problems(x: npt.NDArray[Any], padding: str) -> Iterator[str]:
    """What is wrong with sequences, as the end of a sentence that begins with where they are."""
    if x.ndim != 3:
        yield (
            f"data.padding={padding} is for sequences, x of shape (rows, steps, features), got "
            f"{x.shape}; set data.padding=null"
        )
        return
    odd: list[int] = []
    empty: list[int] = []
    for rows in pieces(x):
        with np.errstate(over="ignore"):  # too large for 32 bits: infinite
            block = np.asarray(x[rows]).astype(np.float32)
        there = ~is_padding(block, padding)
        wrong = (~np.isfinite(block) & there[..., None]).any(axis=(1, 2))
        odd += (np.flatnonzero(wrong) + rows.start).tolist()
        empty += (np.flatnonzero(~there.any(axis=1)) + rows.start).tolist()
    if odd:
        yield (
            f"x has NaN or infinite values in {plural(len(odd), 'row')} in steps that aren't "
            f"padding, first in row {odd[0] + 1}; a step is padding if every feature is {padding}"
        )
    if empty:
        yield (
            f"x has {plural(len(empty), 'row')} of padding alone, first row {empty[0] + 1}; remove "
            "them"
        )

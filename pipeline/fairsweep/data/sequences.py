"""Sequences of different lengths in one array, shorter ones filled up with a value.

In: rows (rows, steps, features) and the value. Out: which steps are padding, a line for each
problem or warning, or rows of another length.
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
            f"{'it' if len(empty) == 1 else 'them'}"
        )


def sequence_warnings(x: npt.NDArray[Any], padding: str) -> Iterator[str]:
    """What is odd about sequences without problems: padding between other steps."""
    odd: list[int] = []
    for rows in pieces(x):
        there = ~is_padding(np.asarray(x[rows], np.float32), padding)
        after = np.logical_or.accumulate(there, axis=1)
        before = np.logical_or.accumulate(there[:, ::-1], axis=1)[:, ::-1]
        odd += (np.flatnonzero((after & before & ~there).any(axis=1)) + rows.start).tolist()
    if odd:
        remedy = "fill it in" if padding == NAN else "pad with a value that no step has"
        yield (
            f"{plural(len(odd), 'row')} of x {'has' if len(odd) == 1 else 'have'} a step between "
            f"others that is {padding} in every feature, first row {odd[0] + 1}: it counts as "
            f"padding, so recurrent and pooling layers skip it; if it is a step, {remedy}"
        )


def of_length(x: npt.NDArray[Any], steps: int, padding: str) -> npt.NDArray[Any]:
    """Sequences with another number of steps: shorter ones filled up behind their last step, and of
    longer ones those steps left out that are padding in every row. Some rows may stay longer."""
    if x.shape[1] < steps:
        behind = ((0, 0), (0, steps - x.shape[1]), (0, 0))
        return np.pad(x.astype(np.float32), behind, constant_values=float(padding))
    spare = is_padding(x[:, steps:].astype(np.float32), padding)
    return x[:, :steps] if spare.all() else x

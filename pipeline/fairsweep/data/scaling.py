"""How features are scaled before a model sees them, measured on training rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.config.schema import Data
from fairsweep.data.dataset import PADDING, Column, Features, Inputs, features_of
from fairsweep.data.memory.view import InFile, pieces
from fairsweep.data.sequences import NAN, is_padding
from fairsweep.data.several import Several

SMALLEST_VARIANCE = 1e-12  # Keras divides by no smaller deviation than 1e-7
RESOLUTION = (
    2.0**-24
)  # relative, of 32-bit floats: a feature that varies by less counts as constant

Moments = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


TOKENS = 10_000
"""How many ids there are at most where nothing else is asked for."""
UNKNOWN, FIRST_WORD = 1, 2
"""The id of a word that training rows don't have, and that of the first one that they have; 0 is
padding, or a missing word."""


@dataclass(frozen=True)
class Ids:
    """Words that become ids: the features from `start` on, `length` of them, which hold indices
    into a vocabulary of `vocabulary` words. `words` are those that have an id of their own, in the
    order of the ids. An Embedding of them needs `rows`, which is the same for every split."""

    start: int
    length: int
    words: tuple[int, ...]
    vocabulary: int
    rows: int


@dataclass(frozen=True)
class Scaling:
    """Multiplies every feature by `factor`, or brings each (along the last axis) from `mean` and
    `variance` to mean 0 and variance 1; without either, features stay as they are.

    In a table with columns of words, this applies to `numbers`, the other columns; `fill` replaces
    a missing value in each of them. Each of `gaps`, some of these, has a feature behind the numbers
    that is 1 where it is missing. Each pair in `words` is a column and the index of a word that
    occurs in training rows, and becomes a feature that is 1 where a row has that word. Then come
    the features in `ids`.

    Steps of sequences that have `padding` in every feature are left out of what is measured, and
    become 0.

    Where a model has several inputs, `inputs` has the scaling of each, by its name, and the rest is
    empty.
    """

    factor: float | None = None
    mean: tuple[float, ...] = ()
    variance: tuple[float, ...] = ()
    numbers: tuple[int, ...] = ()
    fill: tuple[float, ...] = ()
    words: tuple[tuple[int, int], ...] = ()
    ids: tuple[Ids, ...] = ()
    padding: str | None = None
    inputs: tuple[tuple[str, Scaling], ...] = ()
    gaps: tuple[int, ...] = ()

    @property
    def encodes(self) -> bool:
        """Whether rows of a table change their length, or have missing values filled."""
        return bool(self.fill or self.words or self.ids)

    @property
    def takes_gaps(self) -> bool:
        """Whether rows may have missing values."""
        return bool(self.fill) or self.padding == NAN

    @property
    def others(self) -> int:
        """How many features of a row come before its ids, once it is encoded."""
        return len(self.numbers) + len(self.gaps) + len(self.words)

    def shape(self, row: Any) -> Any:
        """The shape of a row after scaling; of several inputs by name."""
        if isinstance(row, Mapping):
            return dict(row)  # that of an input stays
        return (self.others + sum(own.length for own in self.ids),) if self.encodes else row


def measure(settings: Data, x_train: Inputs | InFile, columns: Sequence[Column] = ()) -> Scaling:
    """The scaling that the settings ask for.

    Args:
        settings: `rescale` is a factor, `standardize` asks for mean and variance; with
            `missing=fill` the mean replaces a missing number, and with `indicate` a number that is
            missing in some training row gets a feature that says so.
        x_train: training rows (rows, …, features), or several inputs; whole numbers of these stay
            as they are.
        columns: of a table.
    """
    if isinstance(x_train, Several):
        arrays = x_train.arrays.items()
        plain = {name: own.dtype.kind != "f" for name, own in arrays}
        return Scaling(
            inputs=tuple(
                (n, Scaling() if plain[n] else measure(settings, own)) for n, own in arrays
            )
        )
    words = _words(x_train, [] if settings.as_ids else columns)
    ids = _ids(x_train, columns, settings)
    fills = settings.fills and x_train.ndim == 2
    numbers: tuple[int, ...] = ()
    padding = settings.padding
    if encodes := bool(words or ids or fills):
        own = {i for i, _ in words}
        own |= {i for one in ids for i in range(one.start, one.start + one.length)}
        numbers = tuple(i for i in range(x_train.shape[-1]) if i not in own)
    if not (settings.standardize or fills):
        return Scaling(settings.rescale, numbers=numbers, words=words, ids=ids, padding=padding)
    mean, variance = moments(x_train, numbers if encodes else None, padding)
    scaled = (_plain(mean), _plain(variance)) if settings.standardize else ((), ())
    fill = _plain(mean) if fills else ()
    gaps = _gaps(x_train, numbers) if fills and settings.missing == "indicate" else ()
    return Scaling(settings.rescale, *scaled, numbers, fill, words, ids, padding, gaps=gaps)


def moments(
    x: Features | InFile, features: Sequence[int] | None = None, padding: str | None = None
) -> Moments:
    """Mean and variance of features (the last axis; some of them, or all), without missing values,
    and without steps of padding.
    A constant feature gets variance 1: divided by almost zero, a later row in which it differs
    would outweigh everything else.

    Computed block by block, so that no copy of `x` is made and sums don't lose small terms: the
    moments of two parts give those of both (Chan, Golub and LeVeque, 1979).
    """
    width = x.shape[-1] if features is None else len(features)
    count, mean, spread = (np.zeros(width) for _ in range(3))
    for rows in pieces(x):
        block = np.asarray(x[rows], np.float64)
        if padding is not None:
            block[is_padding(block, padding)] = np.nan
        block = block.reshape(-1, x.shape[-1])
        if features is not None:
            block = block[:, list(features)]
        there = ~np.isnan(block)
        own = there.sum(axis=0)
        own_mean = np.where(there, block, 0).sum(axis=0) / np.maximum(own, 1)
        own_spread = (np.where(there, block - own_mean, 0) ** 2).sum(axis=0)
        both = np.maximum(count + own, 1)
        away = own_mean - mean
        mean = mean + away * own / both
        spread = spread + own_spread + away**2 * count * own / both
        count = count + own
    variance = spread / np.maximum(count, 1)
    varies = variance > (mean * RESOLUTION) ** 2
    return mean, np.where(varies, np.maximum(variance, SMALLEST_VARIANCE), 1.0)


def _gaps(x: Features | InFile, numbers: Sequence[int]) -> tuple[int, ...]:
    """Those of the numbers that are missing in some row."""
    missing = np.zeros(len(numbers), bool)
    for rows in pieces(x):
        missing |= np.isnan(x[rows][:, list(numbers)]).any(axis=0)
    return tuple(number for number, is_one in zip(numbers, missing, strict=True) if is_one)


def _words(x: Features | InFile, columns: Sequence[Column]) -> tuple[tuple[int, int], ...]:
    """Columns and the indices of the words that occur in rows, in order."""
    there = {
        i: np.zeros(len(c.vocabulary), bool)
        for i, c in enumerate(columns)
        if c.vocabulary and not c.length
    }
    for rows in pieces(x) if there else ():
        block = x[rows]
        for i, seen in there.items():
            seen[block[:, i].astype(np.int64)] = True
    return tuple((i, int(word)) for i, seen in there.items() for word in np.flatnonzero(seen))


def _ids(x: Features | InFile, columns: Sequence[Column], settings: Data) -> tuple[Ids, ...]:
    """The words of texts, and of columns of words if the settings ask for it: of a text the most
    frequent ones in rows, those first, and of equally frequent ones in the vocabulary's order."""
    chosen = [
        (column, own, np.zeros(len(column.vocabulary) + 1, np.int64))
        for column, own in features_of(columns)
        if column.length or (column.vocabulary and settings.as_ids)
    ]
    for rows in pieces(x) if chosen else ():
        block = x[rows]
        for _, own, counts in chosen:
            places = block[:, own].astype(np.int64).ravel() - PADDING
            np.add(counts, np.bincount(places, minlength=len(counts)), out=counts)
    found = []
    for column, own, (_, *given) in chosen:
        size, often = len(given), np.array(given)
        words, most = np.flatnonzero(often), size + FIRST_WORD
        if column.length:
            most = min(most, settings.max_tokens or TOKENS)
            words = words[np.argsort(-often[words], kind="stable")]
        kept = tuple(words[: most - FIRST_WORD].tolist())
        found.append(Ids(own.start, own.stop - own.start, kept, size, most))
    return tuple(found)


def _plain(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.tolist())

"""What is done to features before a model sees them; measured on training rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Column, Features
from fairsweep.data.memory.view import InFile, pieces

SMALLEST_VARIANCE = 1e-12  # Keras divides by no smaller deviation than 1e-7
RESOLUTION = 2.0**-24  # of 32-bit floats: a feature that varies by less than that of itself doesn't

Moments = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Scaling:
    """Every feature times `factor`, or each (along the last axis) to mean 0 and variance 1, given
    those it has; None of it leaves features as they are.

    Of a table, these are about `numbers`, the columns that aren't words, where some are; `fill` is
    what stands for a missing one of each. Each pair in `words` is a column and the index of a word
    that training rows have, and becomes a feature that is 1 where a row has that word.
    """

    factor: float | None = None
    mean: tuple[float, ...] = ()
    variance: tuple[float, ...] = ()
    numbers: tuple[int, ...] = ()
    fill: tuple[float, ...] = ()
    words: tuple[tuple[int, int], ...] = ()

    @property
    def encodes(self) -> bool:
        """Whether rows of a table become rows of another length, or without gaps."""
        return bool(self.fill or self.words)

    def shape(self, row: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that a row of this shape has afterwards."""
        return (len(self.numbers) + len(self.words),) if self.encodes else row


def measure(settings: Data, x_train: Features | InFile, columns: Sequence[Column] = ()) -> Scaling:
    """The scaling that the settings ask for.

    Args:
        settings: `rescale` is a factor, `standardize` asks for mean and variance, `missing` fill
            for what stands for a missing number: the mean.
        x_train: training rows (rows, …, features).
        columns: of a table.
    """
    words = _words(x_train, columns)
    fills = settings.missing == "fill" and x_train.ndim == 2
    numbers: tuple[int, ...] = ()
    if words or fills:
        own = {i for i, _ in words}
        numbers = tuple(i for i in range(x_train.shape[-1]) if i not in own)
    if not (settings.standardize or fills):
        return Scaling(settings.rescale, numbers=numbers, words=words)
    mean, variance = moments(x_train, numbers if words or fills else None)
    scaled = (_plain(mean), _plain(variance)) if settings.standardize else ((), ())
    fill = _plain(mean) if fills else ()
    return Scaling(settings.rescale, *scaled, numbers, fill, words)


def moments(x: Features | InFile, features: Sequence[int] | None = None) -> Moments:
    """Mean and variance of features (the last axis; some of them, or all), missing values left out.
    Of one that is always the same the variance is 1, as if it weren't to be scaled: divided by next
    to nothing, a row in which it differs would outweigh all else.

    Block by block, so that nothing as large as `x` is made, and sums don't lose small terms: the
    moments of two parts give those of both (Chan, Golub and LeVeque, 1979).
    """
    width = x.shape[-1] if features is None else len(features)
    count, mean, spread = (np.zeros(width) for _ in range(3))
    for rows in pieces(x):
        block = np.asarray(x[rows], np.float64).reshape(-1, x.shape[-1])
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


def _words(x: Features | InFile, columns: Sequence[Column]) -> tuple[tuple[int, int], ...]:
    """Columns and the indices of words that rows have, in order."""
    there = {i: np.zeros(len(c.vocabulary), bool) for i, c in enumerate(columns) if c.vocabulary}
    for rows in pieces(x) if there else ():
        block = x[rows]
        for i, seen in there.items():
            seen[block[:, i].astype(np.int64)] = True
    return tuple((i, int(word)) for i, seen in there.items() for word in np.flatnonzero(seen))


def _plain(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.tolist())

"""What is done to features before a model sees them; measured on training rows alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.config.schema import Data
from pipeline.data.sources import Features

SMALLEST_VARIANCE = 1e-12  # of a feature that is always the same


@dataclass(frozen=True)
class Scaling:
    """Every feature times `factor`, or each (along the last axis) to mean 0 and variance 1, given
    those it has; None of it leaves features as they are."""

    factor: float | None = None
    mean: tuple[float, ...] = ()
    variance: tuple[float, ...] = ()


def measure(settings: Data, x_train: Features) -> Scaling:
    """The scaling that the settings ask for.

    Args:
        settings: `rescale` is a factor, `standardize` asks for mean and variance.
        x_train: training rows (rows, …, features).
    """
    if settings.rescale is not None:
        return Scaling(factor=settings.rescale)
    if not settings.standardize:
        return Scaling()
    axes = tuple(range(x_train.ndim - 1))
    variance = np.maximum(x_train.var(axis=axes), SMALLEST_VARIANCE)
    return Scaling(None, tuple(x_train.mean(axis=axes).tolist()), tuple(variance.tolist()))

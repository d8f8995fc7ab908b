"""Finds features whose values are too large to calculate with in 32-bit floats.

In: the data and its preprocessing. Out: a problem or a warning, which names a table's column.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Dataset
from fairsweep.data.memory.view import pieces
from fairsweep.data.scaling import Scaling

HOPELESS_LOSS = 1e6  # thousands of times what an untrained model has
LARGEST = float(np.finfo(np.float32).max)


def beyond_floats(dataset: Dataset, scaling: Scaling) -> str:
    """The problem of a feature whose variance doesn't fit in a 32-bit float; empty if none."""
    places = [i for i, variance in enumerate(scaling.variance) if variance > LARGEST]
    if not places:
        return ""
    own = [scaling.numbers[i] for i in places] if scaling.numbers else places
    names = [dataset.columns[i].name for i in own if dataset.columns]
    remedy = f", or drop it: data.drop=[{','.join(names)}]" if names else ""
    return (
        f"data.standardize: {_described(dataset, own[0])}, whose square doesn't fit in 32-bit "
        f"floats; divide it in the data by a power of ten{remedy}"
    )


def senseless_loss(loss: float, dataset: Dataset, scaling: Scaling) -> str:
    """The warning about a first step's loss that no training recovers from; empty if none."""
    if loss <= HOPELESS_LOSS:
        return ""
    first = f"training.loss: the loss of the first step is {loss:.2g}"
    if scaling.mean:
        return f"{first}; look for the cause in the model's own code"
    largest = _largest(dataset)
    return (
        f"{first}; {_described(dataset, int(np.argmax(largest)))}, and data.standardize=true "
        "scales features to mean 0 and variance 1"
    )


def _described(dataset: Dataset, feature: int) -> str:
    most = _largest(dataset)[feature]
    whose = f"column {dataset.columns[feature].name}" if dataset.columns else "the data"
    return f"{whose} has values up to {most:.2g}"


def _largest(dataset: Dataset) -> npt.NDArray[np.float64]:
    """The largest absolute value of each feature (the last axis), missing ones left out."""
    width = dataset.x.shape[-1]
    largest = np.zeros(width)
    for rows in pieces(dataset.x):
        block = np.abs(dataset.x[rows]).reshape(-1, width)
        largest = np.maximum(largest, np.nan_to_num(block, nan=0.0, posinf=np.inf).max(axis=0))
    return largest

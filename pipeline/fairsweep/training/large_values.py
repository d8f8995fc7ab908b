"""Finds features whose values are too large to calculate with in 32-bit floats.

In: the data and its preprocessing. Out: a problem or a warning, which names a table's column.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Dataset
from fairsweep.data.memory.view import pieces
from fairsweep.data.scaling import Scaling
from fairsweep.data.several import Array, named
from fairsweep.invocation import typed

HOPELESS_LOSS = 1e6  # thousands of times what an untrained model has
LARGE = 1000  # times what weights are begun for
LARGEST = float(np.finfo(np.float32).max)

Values = npt.NDArray[np.float64]


def beyond_floats(dataset: Dataset, scaling: Scaling) -> str:
    """The problem of a feature whose variance doesn't fit in a 32-bit float; empty if none."""
    of_inputs = dict(scaling.inputs)
    for name, x in named(dataset.x):
        own = of_inputs.get(name, scaling)
        places = [i for i, variance in enumerate(own.variance) if variance > LARGEST]
        if not places:
            continue
        features = [own.numbers[i] for i in places] if own.numbers else places
        names = [dataset.columns[i].name for i in features if dataset.columns]
        remedy = f", or drop it: {typed('data.drop', names)}" if names else ""
        return (
            f"data.standardize: {_described(dataset, name, features[0], _largest(x))}, whose "
            f"square doesn't fit in 32-bit floats; divide it in the data by a power of ten{remedy}"
        )
    return ""


def senseless_loss(loss: float, dataset: Dataset, scaling: Scaling) -> str:
    """The warning about a first step's loss that no training recovers from; empty if none."""
    if loss <= HOPELESS_LOSS:
        return ""
    first = f"training.loss: the loss of the first step is {loss:.2g}"
    if scaling.mean or any(own.mean for _, own in scaling.inputs):
        return f"{first}; look for the cause in the model's own code"
    largest = {name: _of_numbers(dataset, x) for name, x in named(dataset.x)}
    if not any(own.any() for own in largest.values()):
        return f"{first}; look for the cause in the model's own code"
    name = max(largest, key=lambda name: largest[name].max())
    feature = int(np.argmax(largest[name]))
    return (
        f"{first}; {_described(dataset, name, feature, largest[name])}, and data.standardize=true "
        "scales features to mean 0 and variance 1"
    )


def unscaled(dataset: Dataset, scaling: Scaling) -> str:
    """The warning about a feature that stays as it is and is far larger than a model learns from;
    empty if none. Arrays of whole numbers may be ids, and others than (rows, features) images."""
    of_inputs = dict(scaling.inputs)
    for name, x in named(dataset.x):
        own = of_inputs.get(name, scaling)
        if own.mean or own.ids or x.ndim != 2 or not (dataset.columns or _has_fractions(x)):
            continue
        largest = _of_numbers(dataset, x)
        feature = int(np.argmax(largest))
        if largest[feature] * (own.factor or 1) > LARGE:
            return (
                f"data.standardize: {_described(dataset, name, feature, largest)} and isn't "
                "scaled, so that a model may learn nothing; data.standardize=true brings features "
                "to mean 0 and variance 1 (unless the model does so itself)"
            )
    return ""


def _has_fractions(x: Array) -> bool:
    """Whether the first rows have others than whole numbers."""
    first = x[next(pieces(x))]
    return bool((first != np.rint(first)).any())


def _of_numbers(dataset: Dataset, x: Array) -> Values:
    """The largest absolute value of each feature of an input; 0 for words of a table."""
    largest = _largest(x)
    if dataset.columns:
        words = [i for i, column in enumerate(dataset.columns) if column.has_words]
        largest[words] = largest[len(dataset.columns) :] = 0  # places in vocabularies; texts last
    return largest


def _described(dataset: Dataset, name: str, feature: int, largest: Values) -> str:
    """The values of a feature of an input, by the largest of each."""
    whose = f"input {name}" if name else "the data"
    if dataset.columns:
        whose = f"column {dataset.columns[feature].name}"
    return f"{whose} has values up to {largest[feature]:.2g}"


def _largest(x: Array) -> Values:
    """The largest absolute value of each feature (the last axis), missing ones left out."""
    width = x.shape[-1]
    largest = np.zeros(width)
    for rows in pieces(x):
        block = np.abs(x[rows].astype(np.float64, copy=False)).reshape(-1, width)
        largest = np.maximum(largest, np.nan_to_num(block, nan=0.0, posinf=np.inf).max(axis=0))
    return largest

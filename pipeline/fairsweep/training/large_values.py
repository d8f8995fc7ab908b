"""Features whose values are too large for what is calculated with them, in 32-bit floats.

In: the data, and what is done to its features. Out: what to tell, with the column of a table.
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
    """What is wrong where a feature can't be standardized: its variance is no 32-bit float."""
    places = [i for i, variance in enumerate(scaling.variance) if variance > LARGEST]
    if not places:
        return ""
    own = [scaling.numbers[i] for i in places] if scaling.numbers else places
    names = [dataset.columns[i].name for i in own if dataset.columns]
    remedy = f", or leave it out: data.drop=[{','.join(names)}]" if names else ""
    return (
        f"data.standardize: {_described(dataset, own[0])}, and the square of that is beyond 32-bit "
        f"floats; divide it in the data by a power of ten{remedy}"
    )


def senseless_loss(loss: float, dataset: Dataset, scaling: Scaling) -> str:
    """What to tell of the loss of a first step that no training comes back from."""
    if loss <= HOPELESS_LOSS:
        return ""
    told = f"the loss of the first step is {loss:.2g}"
    if scaling.mean:
        return f"training.loss: {told}; the model's own code may be what makes it so large"
    largest = _largest(dataset)
    return (
        f"training.loss: {told}; {_described(dataset, int(np.argmax(largest)))}, and "
        "data.standardize=true brings features to mean 0 and variance 1"
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

"""What the loss of a training row is multiplied by: its own weight times that of its class.

In: rows of a data set, and `training.class_weight`. Out: a number for each of them, which Keras
takes as `sample_weight`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Dataset, Rows, Weights
from fairsweep.tasks.layer import ClassWeights


def row_weights(dataset: Dataset, rows: Rows, class_weight: ClassWeights) -> Weights | None:
    """The weights of rows (rows,); None where all are the same."""
    own = None if dataset.weights is None else dataset.weights[rows]
    if class_weight is None:
        return own
    classes = dataset.y[rows]
    if isinstance(class_weight, str):
        of_class = balancing_weights(classes, own)
    else:
        by_name = [class_weight.get(name, 1.0) for name in dataset.class_names]
        of_class = np.array(by_name, np.float32)[classes]
    return of_class if own is None else own * of_class


def balancing_weights(
    labels: npt.NDArray[np.int64], weights: Weights | None = None
) -> npt.NDArray[np.float32]:
    """A factor for each row under which every class weighs the same and all rows together as much
    as without: the weight of all rows / (classes * the weight of those of its class).

    Args:
        labels: the class of each row, (rows,).
        weights: those that rows have anyway, (rows,); None for 1 each.
    """
    _, own = np.unique(labels, return_inverse=True)
    sums = np.bincount(own, weights)
    there = np.count_nonzero(sums)  # without a class whose rows all weigh 0
    factors: Weights = (sums.sum() / (there * np.where(sums > 0, sums, 1))).astype(np.float32)
    return factors[own]

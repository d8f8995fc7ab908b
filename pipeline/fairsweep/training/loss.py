"""Losses by name, each with the form of labels it wants and the metrics that go with it.

Where a model has one output for both of two classes, labels are a column of 0 and 1; else they are
as they are, or one-hot. Several labels of a row are a column each.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.metrics import METRICS
from fairsweep.tasks import Output

SPARSE = {
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    "categorical_generalized_cross_entropy": keras.losses.CategoricalGeneralizedCrossEntropy,
}
ONE_HOT = {
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy,
    "categorical_hinge": keras.losses.CategoricalHinge,
    "kl_divergence": keras.losses.KLDivergence,
    "poisson": keras.losses.Poisson,
    "mean_squared_error": keras.losses.MeanSquaredError,
    "mean_absolute_error": keras.losses.MeanAbsoluteError,
    "mean_squared_logarithmic_error": keras.losses.MeanSquaredLogarithmicError,
    "huber": keras.losses.Huber,
    "log_cosh": keras.losses.LogCosh,
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "binary_focal_crossentropy": keras.losses.BinaryFocalCrossentropy,
    "cosine_similarity": keras.losses.CosineSimilarity,
    "dice": keras.losses.Dice,
    "tversky": keras.losses.Tversky,
}
# For two classes alone. Their graph has a branch: whether labels are 0 and 1, or -1 and 1.
COLUMN = {"hinge": keras.losses.Hinge, "squared_hinge": keras.losses.SquaredHinge}


def build_loss(
    output: Output, units: int, names: Sequence[str]
) -> tuple[keras.losses.Loss, list[keras.metrics.Metric]]:
    """The loss, and those of the metrics that Keras measures in the same form of labels.

    Args:
        output: of the model, with `training.loss`.
        units: how many outputs the model has for a row.
        names: of metrics.
    """
    form = output.form(units)
    metrics = []
    for metric in (METRICS[name] for name in names):
        if (made := metric.keras.get(form)) is not None:
            own = {made.threshold: output.middle} if made.threshold else {}
            kind = getattr(keras.metrics, made.name)
            metrics.append(kind(name=metric.name, **made.arguments, **own))
    return (SPARSE | ONE_HOT | COLUMN)[output.loss](), metrics


def balancing_weights(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """A weight for each of the labels (rows,) under which every class weighs the same and all rows
    together as much as without: rows / (classes * rows of its class)."""
    classes, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(classes) * counts))[own].astype(np.float32)

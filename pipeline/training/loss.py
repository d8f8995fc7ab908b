"""Losses by name, each with the form of labels it wants and the accuracy that goes with it."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

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


def build_loss(name: str) -> tuple[keras.losses.Loss, keras.metrics.Metric]:
    """The loss, and accuracy in the same form of labels."""
    if name in SPARSE:
        return SPARSE[name](), keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    return ONE_HOT[name](), keras.metrics.CategoricalAccuracy(name="accuracy")


def label_form(name: str) -> str:
    """The form of labels a loss wants: sparse or one-hot."""
    return "sparse" if name in SPARSE else "one-hot"


def balancing_weights(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """A weight for each of the labels (rows,) under which every class weighs the same and all rows
    together as much as without: rows / (classes * rows of its class)."""
    classes, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(classes) * counts))[own].astype(np.float32)


def labels_for(
    name: str, labels: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.int64] | npt.NDArray[np.float32]:
    """Labels (rows,) as the loss wants them: as they are, or one-hot (rows, classes)."""
    return labels if name in SPARSE else np.eye(classes, dtype=np.float32)[labels]

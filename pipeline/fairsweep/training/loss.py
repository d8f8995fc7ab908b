"""Losses by name, each with the form of labels it wants and the accuracy that goes with it.

Where a model has one output for both of two classes, labels are a column of 0 and 1; else they are
as they are, or one-hot. Several labels of a row are a column each.
"""

from __future__ import annotations

from typing import Literal

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.training.output import OF_TWO_CLASSES, RANGES, Task

Form = Literal["sparse", "one-hot", "column", "labels"]

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


def build_loss(task: Task, units: int) -> tuple[keras.losses.Loss, keras.metrics.Metric]:
    """The loss, and accuracy in the same form of labels; of several a row, it is the share of right
    answers to whether a row has a label.

    Args:
        task: with `training.loss`.
        units: how many outputs the model has for a row.
    """
    loss = (SPARSE | ONE_HOT | COLUMN)[task.loss]()
    match label_form(task, units):
        case "sparse":
            return loss, keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        case "one-hot":
            return loss, keras.metrics.CategoricalAccuracy(name="accuracy")
        case "labels":  # by the name "accuracy" Keras would ask which of them is the likeliest
            return loss, keras.metrics.BinaryAccuracy(name="accuracy")
        case "column":
            middle = sum(RANGES[OF_TWO_CLASSES[task.loss]]) / 2
            return loss, keras.metrics.BinaryAccuracy(name="accuracy", threshold=middle)


def label_form(task: Task, units: int) -> Form:
    """The form of labels that a loss wants of a model with so many outputs."""
    if task.multi_label:
        return "labels"
    if task.loss in SPARSE:
        return "sparse"
    return "column" if units == 1 else "one-hot"


def balancing_weights(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """A weight for each of the labels (rows,) under which every class weighs the same and all rows
    together as much as without: rows / (classes * rows of its class)."""
    classes, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(classes) * counts))[own].astype(np.float32)


def labels_in(
    form: Form, labels: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.int64] | npt.NDArray[np.float32]:
    """Labels (rows,) in a form: as they are, one-hot (rows, classes), or a column (rows, 1). Of
    several a row, (rows, labels), the form is that of 32-bit floats."""
    if form == "sparse":
        return labels
    if form == "labels":
        return labels.astype(np.float32)
    if form == "column":
        return labels.astype(np.float32)[:, np.newaxis]
    return np.eye(classes, dtype=np.float32)[labels]

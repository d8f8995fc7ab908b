"""The metrics that Keras has ready, by the names that it logs them under: what is known of each
without importing Keras. A test compares them with the installed one.

Those of `keras.metrics` that can't be made without arguments (PrecisionAtRecall, MeanIoU) aren't
among them: an object of such a class in a module of the user's is a metric of the user's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairsweep.metrics.metric import (
    BELOW_ZERO,
    OF_ZERO,
    UNBOUNDED,
    Digits,
    KerasMetric,
    Limit,
)
from fairsweep.records import Direction
from fairsweep.tasks.layer import Form
from fairsweep.tasks.values import VALUES_FORM

SHARE = (0.0, 1.0)
FROM_0 = (0.0, math.inf)


@dataclass(frozen=True)
class OfKeras:
    """A class of `keras.metrics`: its name, which way it is better, its lowest and highest value,
    and what measures it in each form of answers that it fits."""

    name: str
    direction: Direction
    bounds: tuple[float, float]
    forms: Mapping[Form, KerasMetric]


Answers = Literal["numbers", "values", "one of several", "yes or no", "class numbers"]
FORMS: Mapping[Answers, Iterable[tuple[Form, Form]]] = {
    "numbers": (
        *(("sparse", "one-hot"), ("one-hot", ""), ("labels", ""), ("column", "")),
        (VALUES_FORM, ""),
    ),
    "values": ((VALUES_FORM, ""),),
    "yes or no": (("sparse", "one-hot"), ("one-hot", ""), ("labels", ""), ("column", "")),
    "one of several": (("sparse", "one-hot"), ("one-hot", "")),
    "class numbers": (("sparse", ""), ("one-hot", "sparse")),
}
"""What a metric compares with outputs: in which forms of answers it can be measured, and the form
that they are put into for that."""


def _of(
    name: str,
    direction: Direction,
    bounds: tuple[float, float],
    answers: Answers,
    threshold: str = "",
    **arguments: Any,
) -> OfKeras:
    return OfKeras(
        name,
        direction,
        bounds,
        {
            form: KerasMetric(
                name,
                arguments,
                threshold if form in ("labels", "column") else "",
                takes,
            )
            for form, takes in FORMS[answers]
        },
    )


KERAS: Mapping[str, OfKeras] = {
    "binary_accuracy": _of("BinaryAccuracy", "maximize", SHARE, "yes or no", "threshold"),
    "binary_crossentropy": _of("BinaryCrossentropy", "minimize", FROM_0, "yes or no"),
    "categorical_accuracy": _of("CategoricalAccuracy", "maximize", SHARE, "one of several"),
    "categorical_crossentropy": _of(
        "CategoricalCrossentropy", "minimize", FROM_0, "one of several"
    ),
    "categorical_hinge": _of("CategoricalHinge", "minimize", FROM_0, "one of several"),
    "cosine_similarity": _of("CosineSimilarity", "maximize", (-1.0, 1.0), "numbers"),
    "f1_score": _of("F1Score", "maximize", SHARE, "yes or no", "threshold", average="macro"),
    "false_negatives": _of("FalseNegatives", "minimize", FROM_0, "yes or no", "thresholds"),
    "false_positives": _of("FalsePositives", "minimize", FROM_0, "yes or no", "thresholds"),
    "fbeta_score": _of("FBetaScore", "maximize", SHARE, "yes or no", "threshold", average="macro"),
    "hinge": _of("Hinge", "minimize", FROM_0, "yes or no"),
    "keras_auc": _of("AUC", "maximize", SHARE, "yes or no"),
    "keras_precision": _of("Precision", "maximize", SHARE, "yes or no", "thresholds"),
    "keras_recall": _of("Recall", "maximize", SHARE, "yes or no", "thresholds"),
    "kl_divergence": _of("KLDivergence", "minimize", UNBOUNDED, "one of several"),
    "logcosh": _of("LogCoshError", "minimize", FROM_0, "values"),
    "mean_absolute_error": _of("MeanAbsoluteError", "minimize", FROM_0, "values"),
    "mean_absolute_percentage_error": _of(
        "MeanAbsolutePercentageError", "minimize", FROM_0, "values"
    ),
    "mean_squared_error": _of("MeanSquaredError", "minimize", FROM_0, "values"),
    "mean_squared_logarithmic_error": _of(
        "MeanSquaredLogarithmicError", "minimize", FROM_0, "values"
    ),
    "poisson": _of("Poisson", "minimize", UNBOUNDED, "values"),
    "r2_score": _of("R2Score", "maximize", (-math.inf, 1.0), "values"),
    "root_mean_squared_error": _of("RootMeanSquaredError", "minimize", FROM_0, "values"),
    "sparse_categorical_accuracy": _of(
        "SparseCategoricalAccuracy", "maximize", SHARE, "class numbers"
    ),
    "sparse_categorical_crossentropy": _of(
        "SparseCategoricalCrossentropy", "minimize", FROM_0, "class numbers"
    ),
    "sparse_top_k_categorical_accuracy": _of(
        "SparseTopKCategoricalAccuracy", "maximize", SHARE, "class numbers"
    ),
    "squared_hinge": _of("SquaredHinge", "minimize", FROM_0, "yes or no"),
    "top_k_categorical_accuracy": _of(
        "TopKCategoricalAccuracy", "maximize", SHARE, "one of several"
    ),
    "true_negatives": _of("TrueNegatives", "maximize", FROM_0, "yes or no", "thresholds"),
    "true_positives": _of("TruePositives", "maximize", FROM_0, "yes or no", "thresholds"),
}
"""By the names that Keras gives them. Its AUC, Precision and Recall have other names than ours,
which they differ from: that counts thresholds, and these count all outputs together."""
KERAS_CLASSES: Mapping[str, str] = {own.name: name for name, own in KERAS.items()}
"""The names by those of their classes."""
OF_NUMBERS = tuple(name for name, own in KERAS.items() if set(own.forms) == {VALUES_FORM})
"""Those of numbers alone; of them these have the target's unit, or a power of it."""
IN_UNITS = (
    *("logcosh", "mean_absolute_error", "mean_squared_error", "poisson"),
    "root_mean_squared_error",
)
DIGITS: Mapping[str, Digits] = {
    name: "three decimals" if KERAS[name].bounds[1] == 1 else "four digits" for name in OF_NUMBERS
}
"""How they are written, as ours are: what is near 1, and what has no bound."""
LIMITS: Mapping[str, Limit] = {
    "mean_absolute_percentage_error": OF_ZERO,
    "mean_squared_logarithmic_error": BELOW_ZERO,
}
"""What those of numbers mean nothing for."""

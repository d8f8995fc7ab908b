"""Losses by name, each with the form of labels it wants.

Where a model has one output for both of two classes, labels are a column of 0 and 1; else they are
as they are, or one-hot. Several labels of a row are a column each. A loss of the user's own gets
labels of the shape of the outputs: one-hot, or these columns.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from fairsweep.config.guess import suggested
from fairsweep.errors import BadInput
from fairsweep.own import is_own
from fairsweep.tasks import Output
from fairsweep.training.own import check_call, find_own, own_problem
from fairsweep.training.values import Measured, Pinball, ScaledLoss

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


OF_VALUES = {"quantile": Pinball}


KEY = "training.loss"
PARAMS = "training.loss_params"
NO_PARAMS: Mapping[str, Any] = {}


class OwnLoss(keras.losses.Loss):  # type: ignore[misc]
    """A function of the user's as a loss: the mean of what it gives for rows."""

    def __init__(self, function: Callable[..., Any], params: Mapping[str, Any]) -> None:
        super().__init__(name="own")
        self._function, self._params = function, params

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self._function(y_true, y_pred, **self._params)


def loss_named(name: str, params: Mapping[str, Any]) -> keras.losses.Loss:
    """A loss by its name.

    Args:
        name: of one of Keras's, or `package.module:name` of a function or class.
        params: its arguments beside labels and outputs.

    Raises:
        BadInput: it doesn't take them, or it is no loss.
    """
    if not is_own(name):
        kind = (SPARSE | ONE_HOT | COLUMN | OF_VALUES)[name]
        known = inspect.signature(kind).parameters
        if unknown := [param for param in params if param not in known]:
            remedy = suggested(unknown[0], known)
            raise BadInput(f"{PARAMS}.{unknown[0]}: {name} has no such parameter; {remedy}")
        return kind(**params)
    found = find_own(KEY, name)
    if not inspect.isclass(found):
        check_call(PARAMS, name, found, ("y_true", "y_pred"), params)
        return OwnLoss(found, params)
    if not issubclass(found, keras.losses.Loss):
        raise BadInput(own_problem(KEY, name, "must be a subclass of keras.losses.Loss"))
    check_call(PARAMS, name, found, (), params)
    return found(**params)


def build_loss(output: Output, params: Mapping[str, Any] = NO_PARAMS) -> keras.losses.Loss:
    """The loss of a model that ends in `output`.

    Args:
        output: of the model, with `training.loss`.
        params: `training.loss_params`.
    """
    levels: dict[str, Any] = {"quantiles": output.quantiles} if output.quantiles else {}
    loss = loss_named(output.loss, {**params, **levels})
    return ScaledLoss(loss, Measured(output.scale)) if output.scale else loss

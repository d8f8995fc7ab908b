"""What a model gives for a row, and what a loss takes it for.

Every class has an output of its own, its probability, and a row's add up to 1. Under some losses
two classes have one output for both: the probability of the second, or a value from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Losses that take one output for two classes, and its activation.
OF_TWO_CLASSES = {
    "binary_crossentropy": "sigmoid",
    "binary_focal_crossentropy": "sigmoid",
    "hinge": "tanh",
    "squared_hinge": "tanh",
}
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
SOFTMAX = 'Dense(classes, activation="softmax")'


@dataclass(frozen=True)
class Output:
    """The last layer of a model: how many units, and their activation by Keras's name."""

    units: int
    activation: str

    @property
    def code(self) -> str:
        """The layer as a user writes it."""
        if self.activation == "softmax":
            return SOFTMAX
        return f'Dense({self.units}, activation="{self.activation}")'


def output_for(loss: str, classes: int) -> Output:
    """The last layer of a model of ours under a loss."""
    if classes == 2 and loss in OF_TWO_CLASSES:
        return Output(1, OF_TWO_CLASSES[loss])
    return Output(classes, "softmax")


def probabilities(outputs: npt.NDArray[np.floating], loss: str) -> npt.NDArray[np.floating]:
    """The probability of every class (rows, classes), from a model's outputs (rows, units)."""
    if outputs.shape[1] > 1:
        return outputs
    low, high = RANGES[OF_TWO_CLASSES[loss]]
    second = (outputs - low) / (high - low)
    return np.concatenate([1 - second, second], axis=1)


def loss_problems(loss: str, classes: int) -> Iterator[str]:
    """Whether a loss fits the number of classes."""
    if OF_TWO_CLASSES.get(loss) == "tanh" and classes != 2:
        yield (
            f"training.loss: {loss} is for two classes, and the data has {classes}; use "
            "categorical_hinge"
        )


def output_problems(units: int, activation: str | None, loss: str, classes: int) -> Iterator[str]:
    """What is wrong of a last layer, as the end of a sentence that begins with the model.

    Args:
        units: its outputs for a row.
        activation: by Keras's name; None where the layers don't say.
        loss: `training.loss`.
        classes: of the data.
    """
    fitting = output_for(loss, classes)
    if units == 1 and activation == "softmax":
        yield f"ends in one softmax unit, which is 1 for every row; write {fitting.code}"
    elif units == 1 and fitting.units > 1:
        remedy = f"write {SOFTMAX}"
        if classes == 2:
            remedy += ', or keep Dense(1, activation="sigmoid") with training.loss='
            remedy += "binary_crossentropy"
        yield f"ends in 1 unit, and {loss} takes one for each of the {classes} classes; {remedy}"
    elif units == 1:
        if activation not in (None, fitting.activation):
            low, high = RANGES[fitting.activation]
            yield (
                f"ends in {_unit(activation)}, and {loss} takes a value from {low:g} to {high:g}; "
                f"write {fitting.code}"
            )
    elif fitting.activation == "tanh":
        yield f"ends in {units} units, and {loss} takes one from -1 to 1; write {fitting.code}"
    elif units != classes:
        yield f"ends in {units} units, and the data has {classes} classes; write {SOFTMAX}"
    elif activation not in (None, "softmax"):
        remedy = f"write {SOFTMAX}"
        if classes == 2:
            remedy += ', or Dense(1, activation="sigmoid") with training.loss=binary_crossentropy'
        yield (
            f"ends in {units} units {_how(activation)}: what they give for a row are no "
            f"probabilities of {classes} classes, which add up to 1, and {loss} takes them for "
            f"that; {remedy}"
        )


def value_problems(outputs: npt.NDArray[np.floating], loss: str, classes: int) -> Iterator[str]:
    """The same by what a model gives for rows, (rows, units), where its layers don't say."""
    fitting = output_for(loss, classes)
    if outputs.shape[1] == 1:
        low, high = RANGES[fitting.activation]
        if not ((outputs >= low) & (outputs <= high)).all():
            found = outputs[~((outputs >= low) & (outputs <= high))][0]
            yield (
                f"gives {found:.3g} for a row, and {loss} takes a value from {low:g} to {high:g}; "
                f"write {fitting.code}"
            )
    elif (outputs < 0).any() or not np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
        yield (
            "must give probabilities, which are 0 to 1 and add up to 1 in a row, and gives "
            f"{np.array2string(outputs[0], precision=3, threshold=6)}; end it with {fitting.code}"
        )


def _unit(activation: str) -> str:
    return "one unit without an activation" if activation == "linear" else f"one {activation} unit"


def _how(activation: str) -> str:
    return "without an activation" if activation == "linear" else f"with activation {activation}"

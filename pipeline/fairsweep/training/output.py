"""What a model gives for a row, and what a loss takes it for.

Every class has an output of its own, its probability, and a row's add up to 1. Under some losses
two classes have one output for both: the probability of the second, or a value from -1 to 1. Of
several labels each has an output, the probability that a row has it, whatever others it has.
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
EXCLUSIVE = "so that one label makes others less likely, and a row can have several of"
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
SOFTMAX = 'Dense(classes, activation="softmax")'


@dataclass(frozen=True)
class Task:
    """What a model is trained for: the `loss` by name, and how many `classes` there are, of which a
    row has one; or, where it is `multi_label`, labels."""

    loss: str
    classes: int
    multi_label: bool = False


@dataclass(frozen=True)
class Output:
    """The last layer of a model: how many units, and their activation by Keras's name."""

    units: int
    activation: str

    @property
    def code(self) -> str:
        """The layer as a user writes it."""
        units = "classes" if self.units > 1 else "1"
        return f'Dense({units}, activation="{self.activation}")'


def output_for(task: Task) -> Output:
    """The last layer of a model of ours."""
    if task.multi_label:
        return Output(task.classes, "sigmoid")
    if task.classes == 2 and task.loss in OF_TWO_CLASSES:
        return Output(1, OF_TWO_CLASSES[task.loss])
    return Output(task.classes, "softmax")


def probabilities(outputs: npt.NDArray[np.floating], loss: str) -> npt.NDArray[np.floating]:
    """The probability of every class, or label, (rows, classes), from a model's outputs (rows,
    units)."""
    if outputs.shape[1] > 1:
        return outputs
    low, high = RANGES[OF_TWO_CLASSES[loss]]
    second = (outputs - low) / (high - low)
    return np.concatenate([1 - second, second], axis=1)


def loss_problems(task: Task) -> Iterator[str]:
    """Whether a loss fits the number of classes."""
    if OF_TWO_CLASSES.get(task.loss) == "tanh" and task.classes != 2:
        yield (
            f"training.loss: {task.loss} is for two classes, and the data has {task.classes}; use "
            "categorical_hinge"
        )


def output_problems(units: int, activation: str | None, task: Task) -> Iterator[str]:
    """What is wrong of a last layer, as the end of a sentence that begins with the model.

    Args:
        units: its outputs for a row.
        activation: by Keras's name; None where the layers don't say.
        task: what the model is for.
    """
    loss, classes, fitting = task.loss, task.classes, output_for(task)
    if task.multi_label:
        yield from _label_problems(units, activation, task)
    elif units == 1 and activation == "softmax":
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


def _label_problems(units: int, activation: str | None, task: Task) -> Iterator[str]:
    count, code = task.classes, output_for(task).code
    if units != count:
        one = "1 unit" if units == 1 else f"{units} units"
        yield f"ends in {one}, and the data has {count} labels, each with a unit; write {code}"
    elif activation == "softmax":
        yield f"ends in softmax, {EXCLUSIVE} {count} labels; write {code}"
    elif activation not in (None, "sigmoid"):
        yield (
            f"ends in {units} units {_how(activation)}, and each should give the probability of a "
            f"label, 0 to 1; write {code}"
        )


def value_problems(outputs: npt.NDArray[np.floating], task: Task) -> Iterator[str]:
    """The same by what a model gives for rows, (rows, units), where its layers don't say."""
    loss, fitting = task.loss, output_for(task)
    shown = np.array2string(outputs[0], precision=3, threshold=6)
    if task.multi_label:
        if not ((outputs >= 0) & (outputs <= 1)).all():
            yield (
                f"must give a probability for each label, 0 to 1, and gives {shown}; end it with "
                f"{fitting.code}"
            )
        elif np.ptp(outputs, axis=0).any() and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
            yield (
                f"gives probabilities that add up to 1 in a row, {EXCLUSIVE} {task.classes} "
                f"labels; end it with {fitting.code}"
            )
    elif outputs.shape[1] == 1:
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
            f"{shown}; end it with {fitting.code}"
        )


def _unit(activation: str) -> str:
    return "one unit without an activation" if activation == "linear" else f"one {activation} unit"


def _how(activation: str) -> str:
    return "without an activation" if activation == "linear" else f"with activation {activation}"

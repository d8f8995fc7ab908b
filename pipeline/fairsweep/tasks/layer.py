"""What tasks have in common: the last layer of a model, and the forms that answers are put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Answers = npt.NDArray[Any]
"""What is known of each row, as numbers: (rows,), or (rows, …)."""
Rows = npt.NDArray[np.int64]
Outputs = npt.NDArray[np.floating]
Marks = npt.NDArray[np.bool_]
"""Which of some names each row has, (rows, names)."""

Form = str
"""How a loss and its metrics take answers, by the name that a task gives it. `sparse` is the number
of a class (rows,); `one-hot` 1 for the class and 0 for others (rows, classes); `column` 0 or 1 for
both of two classes (rows, 1); `labels` 0 or 1 for each output, whatever the others are (rows,
outputs)."""

ClassWeights = str | Mapping[str, float] | None
"""What multiplies the loss of rows by their class: `balanced`, or the weights of classes by name;
those that it doesn't name weigh 1."""

SHOWN = 5
RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""The least and the most that an activation gives."""


@dataclass(frozen=True)
class LastLayer:
    """The last layer of a model: how many units, and their activation by Keras's name."""

    units: int
    activation: str

    @property
    def code(self) -> str:
        """The layer as a user writes it."""
        units = "classes" if self.units > 1 else "1"
        return f'Dense({units}, activation="{self.activation}")'


def how(activation: str) -> str:
    """The activation of several units, in a sentence."""
    return "without an activation" if activation == "linear" else f"with activation {activation}"


def shown(outputs: Outputs) -> str:
    """What a model gives for its first row."""
    return np.array2string(outputs[0], precision=3, threshold=6)

"""What tasks have in common: the last layer of a model, and the forms that answers are put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fairsweep.tested import Tested

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
outputs); `values` numbers in their own units (rows, targets), `quantiles` the same of one
target, of which a model gives several quantiles."""

ClassWeights = str | Mapping[str, float] | None
"""What multiplies the loss of rows by their class: `balanced`, or the weights of classes by name;
those that it doesn't name weigh 1."""

SHOWN = 5
NO_ROWS = "has no rows; need some to train on"
RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""The least and the most that an activation gives."""


@dataclass(frozen=True)
class LastLayer:
    """The last layer of a model: how many units, their activation by Keras's name, and what it is
    called in a model of ours."""

    units: int
    activation: str
    name: str = "probabilities"

    @property
    def code(self) -> str:
        """The layer as a user writes it."""
        units = "classes" if self.units > 1 else "1"
        plain = self.activation == "linear"
        return f"Dense({units})" if plain else f'Dense({units}, activation="{self.activation}")'


@dataclass(frozen=True)
class Scale:
    """How what a model computes becomes an answer in its own units: times `factor`, plus `shift`,
    (outputs,) each; empty where it is the answer."""

    shift: tuple[float, ...] = ()
    factor: tuple[float, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.factor)


NO_SCALE = Scale()


class PlainTask:
    """What is so of a task that says nothing else: anything may be a name, nothing is odd, and an
    answer that isn't said as it is has one error."""

    def name_problems(self, names: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        yield from ()

    def warnings(self, y: Answers) -> Iterator[str]:  # noqa: ARG002
        yield from ()

    def quantities(self, names: Sequence[str], rows: int) -> str:  # noqa: ARG002
        return ""

    def loss_problems(self, loss: str, y: Answers, names: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        yield from ()

    def numbers(self, words: Sequence[str]) -> Outputs | None:  # noqa: ARG002
        return None

    def errors(self, true: str, said: str) -> int:
        return int(true != said)

    def marks(self, words: Sequence[str]) -> tuple[tuple[str, ...], Marks]:
        """None that rows have in common."""
        return (), np.zeros((len(words), 0), bool)


@dataclass(frozen=True)
class PlainOutput:
    """What outputs have in common of which all are said of a row, and none is scaled."""

    loss: str
    count: int
    compiled = False

    @property
    def quantiles(self) -> Sequence[float]:
        return ()

    @property
    def point(self) -> slice:
        return slice(None)

    @property
    def scale(self) -> Scale:
        return NO_SCALE

    @property
    def centred(self) -> Scale:
        return NO_SCALE

    def measured(self, y: Answers) -> Self:  # noqa: ARG002
        return self

    def scaled(self, scale: Scale) -> Self:  # noqa: ARG002
        return self

    def probabilities(self, outputs: Outputs) -> Outputs:
        return outputs

    def test_artifact(self, outputs: Outputs, y: Answers, names: Sequence[str]) -> Tested | None:  # noqa: ARG002
        return None


@dataclass(frozen=True)
class Usual:
    """What a training has where nothing else is asked for: its loss, the objective, and the metrics
    beside the loss (None of both: those of `fairsweep.metrics`)."""

    loss: str
    objective: str | None = None
    metrics: Sequence[str] | None = None


def how(activation: str) -> str:
    """The activation of several units, in a sentence."""
    return "without an activation" if activation == "linear" else f"with activation {activation}"


def shown(outputs: Outputs) -> str:
    """What a model gives for its first row."""
    return np.array2string(outputs[0], precision=3, threshold=6)

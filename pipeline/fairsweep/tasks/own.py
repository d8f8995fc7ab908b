"""A task of the user's own: sequence to sequence, segmentation, an autoencoder, several outputs.

What is learned has any shape, or there is nothing to learn but the features themselves. The model
is the user's, and so are its loss and its metrics: its builder compiles it. So nothing is known of
single rows; what a sweep optimises is what the model logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairsweep.tasks.layer import (
    Answers,
    ClassWeights,
    Form,
    LastLayer,
    Outputs,
    PlainOutput,
    PlainTask,
    Rows,
    Usual,
)

LOSS = "compiled"
"""The loss that the builder compiles its model with."""
FORM = "own"


@dataclass(frozen=True)
class Own(PlainTask):
    """Each row has whatever its model learns from: `y` (rows, …)."""

    name = "own"
    noun = "answer"
    says = "what the model gives for a row"
    losses = (LOSS,)
    tested = None
    exclusive = False

    def takes(self, y: Answers, columns: Sequence[str]) -> bool:  # noqa: ARG002
        """Only where it is asked for."""
        return False

    def problems(self, y: Answers, place: str, columns: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        if y.dtype.kind not in "iufb":
            yield f"{place} must be numbers, got {y.dtype} of shape {y.shape}"
        elif y.dtype.kind == "f" and not np.isfinite(y).all():
            rows = ~np.isfinite(y.reshape(len(y), -1)).all(axis=1)
            yield (
                f"{place} has values that are missing or infinite, first in row "
                f"{int(rows.argmax()) + 1}; correct them, or leave these rows out"
            )

    def encode(
        self,
        y: Answers,
        columns: Sequence[str] = (),  # noqa: ARG002
        words: Sequence[str] = (),  # noqa: ARG002
    ) -> tuple[Answers, tuple[str, ...]]:
        """The answers as they are; floats are of 32 bits."""
        return (y.astype(np.float32, copy=False) if y.dtype.kind in "fb" else y), ("output",)

    def counts(self, y: Answers, names: Sequence[str]) -> Mapping[str, int]:  # noqa: ARG002
        """All rows are of one kind."""
        return {"with an answer": len(y)}

    def stratify(self, rows: Rows, y: Answers, share: float, random: np.random.Generator) -> Rows:  # noqa: ARG002
        """Any of them."""
        return np.sort(random.permutation(rows)[: round(len(rows) * share)])

    def tally(self, y: Answers, groups: Rows, count: int) -> Outputs:  # noqa: ARG002
        return np.bincount(groups, minlength=count).astype(np.float64)[:, np.newaxis]

    def apart(
        self,
        y: Answers,  # noqa: ARG002
        names: Sequence[str],  # noqa: ARG002
    ) -> Iterator[tuple[str, Answers, tuple[str, ...]]]:
        yield from ()

    def training_problems(self, loss: str, class_weight: ClassWeights, count: int) -> Iterator[str]:  # noqa: ARG002
        if loss != LOSS:
            yield (
                f"training.loss: {loss} isn't used with data.task=own, where the builder compiles "
                "its model with a loss; use training.loss=auto"
            )
        if class_weight is not None:
            yield (
                f"training.class_weight: {class_weight} is for one class a row, and data.task=own "
                "knows of none; leave it out"
            )

    def usual(self, loss: str | None) -> Usual:
        return Usual(loss or LOSS, "val_loss", ())

    def output(self, loss: str, count: int, quantiles: Sequence[float] = ()) -> OwnOutput:  # noqa: ARG002
        return OwnOutput(loss, count)

    def targets(self, y: Answers, form: Form, count: int) -> Answers:  # noqa: ARG002
        return y

    def words(self, y: Answers, names: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        """None that could be told apart."""
        return [""] * len(y)

    def numbers(self, words: Sequence[str]) -> Outputs:
        """None at all."""
        return np.zeros((len(words), 0))

    def columns(self, names: Sequence[str], quantiles: Sequence[float] = ()) -> Mapping[str, str]:  # noqa: ARG002
        """None that are known before it answers."""
        return {}


@dataclass(frozen=True)
class OwnOutput(PlainOutput):
    """Outputs of any shape, of a model that its builder has compiled."""

    middle = 0.0
    compiled = True

    @property
    def layer(self) -> LastLayer:
        return LastLayer(1, "linear")

    def form(self, units: int) -> Form:  # noqa: ARG002
        return FORM

    def problems(self, units: int, activation: str | None) -> Iterator[str]:  # noqa: ARG002
        yield from ()

    def value_problems(self, outputs: Outputs) -> Iterator[str]:  # noqa: ARG002
        yield from ()

    def answer(self, outputs: Any, names: Sequence[str]) -> Mapping[str, Any]:
        """The array of each output (rows, …), by its name."""
        if isinstance(outputs, Mapping):
            return dict(outputs)
        if isinstance(outputs, list | tuple):
            return {f"output_{i}": own for i, own in enumerate(outputs, 1)}
        return {names[0]: outputs}

    def said(self, outputs: Any, names: Sequence[str]) -> Sequence[str]:
        (first, *_) = self.answer(outputs, names).values()
        return [""] * len(first)

    def ranking(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Outputs]:  # noqa: ARG002
        return {}

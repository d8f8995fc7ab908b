"""A task of another module: each row has a grade in halves, 1 or 1.5 or 2, and a model says the one
that its probabilities are around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairsweep.tasks.classes import Classes, ClassOutput
from fairsweep.tasks.layer import Answers, Outputs


@dataclass(frozen=True)
class Grades(Classes):
    name = "grades"
    noun = "grade"
    says = "a grade and a probability for each grade"
    tested = None

    def takes(self, y: Answers, columns: Sequence[str]) -> bool:  # noqa: ARG002
        return y.ndim == 1 and y.dtype.kind == "f" and bool(np.mod(2 * y, 2).any())

    def problems(self, y: Answers, place: str, columns: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        if (np.mod(2 * y, 1) != 0).any():
            yield f"{place} has grades that aren't halves"

    def encode(
        self,
        y: Answers,
        columns: Sequence[str] = (),  # noqa: ARG002
        words: Sequence[str] = (),  # noqa: ARG002
    ) -> tuple[Answers, tuple[str, ...]]:
        grades, numbers = np.unique(y, return_inverse=True)
        return numbers.astype(np.int64), tuple(f"{grade:g}" for grade in grades)

    def output(self, loss: str, count: int, quantiles: Sequence[float] = ()) -> GradeOutput:  # noqa: ARG002
        return GradeOutput(loss, count)

    def errors(self, true: str, said: str) -> int:
        return round(2 * abs(float(said) - float(true)))

    def columns(
        self,
        names: Sequence[str],
        quantiles: Sequence[float] = (),  # noqa: ARG002
    ) -> Mapping[str, str]:
        return {"grade": "double", **{f"p_{name}": "double" for name in names}}


@dataclass(frozen=True)
class GradeOutput(ClassOutput):
    def answer(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Any]:
        columns = {f"p_{name}": outputs[:, i] for i, name in enumerate(names)}
        return {"grade": outputs @ np.array(names, float), **columns}

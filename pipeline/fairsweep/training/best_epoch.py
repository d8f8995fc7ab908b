"""What is made of a training's best epoch: metrics on test rows, and a file of its weights.

In: a model with the weights of that epoch put in, and the test rows. Out: plain values, a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.data.recipe import WHOLE
from fairsweep.files import replaced
from fairsweep.tested import Tested
from fairsweep.training.loops import Arrays, evaluate_fit, predict_fit
from fairsweep.training.programs import Program

Outputs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Best:
    """What a `TrialResult` says of the best epoch."""

    test: Mapping[str, float] = field(default_factory=dict)
    tested: Tested | None = None
    weights: str = ""
    judged: str = ""


class Trained(Protocol):
    """A model, measured in the way of the loop that trained it."""

    def evaluate(self, part: Arrays) -> dict[str, float]: ...

    def predict(self, part: Arrays) -> Outputs: ...


class Resident:
    """A program's model."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def evaluate(self, part: Arrays) -> dict[str, float]:
        return self._program.evaluate(part.tensors, part.places)

    def predict(self, part: Arrays) -> Any:
        return self._program.predict(part.tensors[0], part.places)


class ByFit:
    """A model that `fit` trained; `on_batch` is called after every batch."""

    def __init__(self, model: keras.Model, on_batch: Callable[[], None]) -> None:
        self._model = model
        self._on_batch = on_batch

    def evaluate(self, part: Arrays) -> dict[str, float]:
        return evaluate_fit(self._model, part, self._on_batch)

    def predict(self, part: Arrays) -> Outputs:
        return predict_fit(self._model, part, self._on_batch)


def best_epoch(
    trained: Trained,
    weights: Sequence[npt.NDArray[np.generic]],
    test: Arrays | None,
    file: str,
    whole: bytes = b"",
) -> Best:
    """Measures the model on test rows and writes its weights.

    Args:
        trained: the model, with `weights` in it.
        weights: in Keras's order.
        test: test rows with labels in the loss's form; None when there are none.
        file: where the weights go; empty for nowhere.
        whole: the whole model, to be stored with them; empty for one that can be built again.
    """
    if file:
        write_weights(Path(file), weights, whole)
    if test is None:
        return Best(weights=file)
    measured = trained.evaluate(test)
    return Best({f"test_{name}": value for name, value in measured.items()}, weights=file)


def write_weights(
    file: Path, weights: Sequence[npt.NDArray[np.generic]], whole: bytes = b""
) -> None:
    """Writes arrays as .npz, in order, whole or not at all, and a whole model beside them if there
    is one; the file's folder is made."""
    more = {WHOLE: np.frombuffer(whole, np.uint8)} if whole else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as draft, draft.open("wb") as target:
        np.savez(target, *weights, allow_pickle=False, **more)

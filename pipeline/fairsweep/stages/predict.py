"""A published model's answer to rows or images of the user's.

In: a model's name, and a file or folder of rows. Out: a CSV file with a line for each of them:
classes or labels, and probabilities.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fairsweep.config.command_schema import Predict
from fairsweep.config.form import form_of, form_problems
from fairsweep.data.inputs.images import are_images, read_images
from fairsweep.data.inputs.rows import Given, read_rows, row_warnings
from fairsweep.errors import BadInput, without_password
from fairsweep.executor.local import tensorflow_environment
from fairsweep.files import replaced
from fairsweep.tracking.registry import find_model, load_model, taken_by
from fairsweep.tracking.store import Store

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = ".npz"


@dataclass(frozen=True)
class Question:
    """Rows for a model that exists and takes them; `files` are their names, where they are
    images, and `warnings` what is odd about them."""

    store: Store
    model: str
    rows: Given
    files: Sequence[str]
    output: Path
    warnings: Sequence[str] = ()


def read_question(store: Store, settings: Predict) -> Question:
    """Finds the model and reads the rows.

    Raises:
        BadInput: there is no such model, it doesn't take these rows, or the answer can't be put
            where it is to go.
    """
    output, given = Path(settings.output), Path(settings.input)
    _check_output(output, given)
    if problems := [f"{key}: {problem}" for key, problem in form_problems(settings)]:
        raise BadInput(*problems)
    model = find_model(store, settings.model)
    takes = taken_by(store, model)
    if are_images(given):
        files, pixels = read_images(given, takes)
        return Question(store, model, pixels, files, output)
    rows = read_rows(given, takes, form_of(settings))
    return Question(store, model, rows, (), output, tuple(row_warnings(rows, takes)))


def _check_output(output: Path, given: Path) -> None:
    if output.suffix not in (".csv", ARRAYS):
        raise BadInput(f"output: need a .csv or an .npz, got {without_password(str(output))}")
    if not output.absolute().parent.is_dir():
        raise BadInput(f"output: there is no folder {output.absolute().parent}; make it first")
    if output.absolute() == given.absolute():
        raise BadInput(f"output: {output} is the input, and would be replaced; give another name")


def answer(question: Question, logs: Path) -> str:
    """Has the model answer, in this process, and writes the answer.

    Args:
        question: the rows and the model.
        logs: the folder for what TensorFlow prints.

    Returns:
        What was done, in a line.
    """
    os.environ.update(tensorflow_environment(logs))
    with _stderr_to(logs / "tensorflow.log"):
        table = load_model(question.store, question.model).predict(question.rows)
    return _written(table, question)


def _written(said: Any, question: Question) -> str:
    """Writes an answer, a table or arrays by the names of a model's outputs, and says so.

    Raises:
        BadInput: arrays of more axes than a table has are to go into a .csv.
    """
    files, output = question.files, question.output
    with replaced(output) as draft:
        if output.suffix == ARRAYS:
            columns = said if isinstance(said, Mapping) else {n: said[n] for n in said.columns}
            arrays: dict[str, Any] = {name: np.asarray(own) for name, own in columns.items()}
            words = {name: own.astype(str) for name, own in arrays.items() if own.dtype == object}
            arrays |= words | ({"files": np.array(files)} if files else {})
            with draft.open("wb") as target:
                np.savez(target, **arrays)
        else:
            table = _as_table(said, output) if isinstance(said, Mapping) else said
            if files:
                table.insert(0, "file", files)
            table.to_csv(draft, index=False)
    count = len(next(iter(said.values()))) if isinstance(said, Mapping) else len(said)
    what = f"{'image' if files else 'row'}{'' if count == 1 else 's'}"
    return f"{count} {what} by {question.model}: {output}"


def _as_table(outputs: Mapping[str, Any], place: Path) -> pd.DataFrame:
    """A column for each number of a row.

    Raises:
        BadInput: an output has more axes.
    """
    import pandas as pd

    if any(own.ndim > 2 for own in outputs.values()):
        shapes = ", ".join(f"{name} {own.shape}" for name, own in outputs.items())
        raise BadInput(f"output: the model gives arrays ({shapes}); need an .npz, got {place}")
    columns = {}
    for name, own in outputs.items():
        for i, column in enumerate(own.reshape(len(own), -1).T, 1):
            columns[name if own[0].size == 1 else f"{name}_{i}"] = column
    return pd.DataFrame(columns)


@contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Sends to a file what TensorFlow prints about itself, which no setting stops."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)

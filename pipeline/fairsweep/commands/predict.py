"""`fairsweep predict`: classes or labels of rows or images, and probabilities, by a
published model.

Exit codes: 0 done · 2 no such model, or rows it can't take · 5 store or model can't be read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fairsweep.config.compose.commands import compose_predict
from fairsweep.config.compose.entry import command
from fairsweep.config.schema import Predict
from fairsweep.data.dataset import Features
from fairsweep.data.inputs.images import are_images, read_images
from fairsweep.data.inputs.rows import read_rows
from fairsweep.data.spelling import mark_of
from fairsweep.errors import DONE, BadInput, without_password
from fairsweep.executor.local import tensorflow_environment
from fairsweep.files import replaced
from fairsweep.tracking.registry import find_model, load_model, taken_by
from fairsweep.tracking.store import Store, find_store

if TYPE_CHECKING:
    import pandas as pd


KEYS = ("model", "input", "output", "delimiter", "decimal")


@dataclass(frozen=True)
class Job:
    """A model that there is, and rows that it takes; `files` are their names, where they are
    images."""

    store: Store
    model: str
    rows: Features | pd.DataFrame
    files: Sequence[str]
    output: Path


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    config = compose_predict(overrides, config_dir)
    settings: Predict = config.predict
    store, output = find_store(config.tracking), Path(settings.output)
    if output.suffix != ".csv":
        raise BadInput(f"output: need a .csv, got {without_password(str(output))}")
    if not output.absolute().parent.is_dir():
        raise BadInput(f"output: there is no folder {output.absolute().parent}; make it first")
    if output.absolute() == Path(settings.input).absolute():
        raise BadInput(f"output: {output} is the input, and would be replaced; give another name")
    marks = {"delimiter": mark_of(settings.delimiter), "decimal": settings.decimal}
    if problems := [
        f"{key}: need one character, got {v!r}" for key, v in marks.items() if len(v) != 1
    ]:
        raise BadInput(*problems)
    model = find_model(store, settings.model)
    takes = taken_by(store, model)
    given = Path(settings.input)
    if are_images(given):
        files, pixels = read_images(given, takes)
        return Job(store, model, pixels, files, output)
    rows = read_rows(given, takes, settings.delimiter, settings.decimal)
    return Job(store, model, rows, (), output)


def predict(job: Job, logs: Path) -> int:
    os.environ.update(tensorflow_environment(logs))
    with _stderr_to(logs / "tensorflow.log"):
        table = load_model(job.store, job.model).predict(job.rows)
    if job.files:
        table.insert(0, "file", job.files)
    with replaced(job.output) as draft:
        table.to_csv(draft, index=False)
    what = f"{'image' if job.files else 'row'}{'' if len(table) == 1 else 's'}"
    print(f"{len(table)} {what} by {job.model}: {job.output}")
    return DONE


@contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Has what TensorFlow says of itself, and no setting stops, written to a file."""
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


def main() -> NoReturn:
    command("predict", prepare, predict, "predict", KEYS)

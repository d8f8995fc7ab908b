"""What a function of the user's that builds a model may ask for of the data, by `data=…`; and the
file in which such a model is published, for it can't be built again without the data.

In: a split data set, or a model. Out: a `BuilderData`, or Keras's own file as bytes.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fairsweep.config.schema import Model
from fairsweep.config.trust import BUILDER
from fairsweep.data.dataset import Column, Dataset, Rows
from fairsweep.data.scaling import Scaling
from fairsweep.data.several import plain
from fairsweep.own import is_own
from fairsweep.training.own import find_own
from fairsweep.training.preprocessing import layers_of

MOST_ROWS = 1024
ARGUMENT = "data"


@dataclass(frozen=True)
class BuilderData:
    """What the data is.

    Attributes:
        task: classes, labels or values.
        names: of these, in the order of the outputs.
        columns: of a table, each with the words that it has.
        rows: training rows (rows, …) as the model gets them, at most 1,024 that are spread over all
            of them; of several inputs by name.
    """

    task: str
    names: tuple[str, ...]
    columns: tuple[Column, ...] = field(repr=False)
    rows: Any = field(repr=False)


def asks_for_data(model: Model) -> bool:
    """Whether a model's builder is one of the user's with an argument `data` that isn't among its
    params.

    Raises:
        BadInput: there is no such builder.
    """
    if not is_own(model.builder) or ARGUMENT in model.params:
        return False
    try:
        known = inspect.signature(find_own(BUILDER, model.builder)).parameters
    except ValueError:  # one of C has none
        return False
    return ARGUMENT in known


def data_for(model: Model, dataset: Dataset, train: Rows, scaling: Scaling) -> BuilderData | None:
    """What a model's builder is told of the data and its training rows; None if it doesn't ask."""
    if not asks_for_data(model):
        return None
    places = np.linspace(0, len(train) - 1, min(len(train), MOST_ROWS)).astype(np.int64)
    rows, before = plain(dataset.x[train[places]]), layers_of(scaling)
    if isinstance(rows, Mapping):
        given: Any = {
            name: np.asarray(before[name](x) if name in before else x) for name, x in rows.items()
        }
    else:
        given = np.asarray(before[""](rows) if before else rows)
    return BuilderData(dataset.task.name, dataset.class_names, dataset.columns, given)


def as_file(model: keras.Model) -> bytes:
    """A model made of layers as Keras's own file, without how it is trained."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        keras.Model(model.input, model.output).save(path)
        return path.read_bytes()


def from_file(content: bytes) -> keras.Model:
    """The same model again; the module of its builder is imported."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        return keras.saving.load_model(path, compile=False, safe_mode=True)

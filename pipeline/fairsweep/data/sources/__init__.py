"""Sources of data: from the `data` settings to a `Dataset`.

Every source returns features with rows first and integer classes from 0, labels of 0 and 1, or
values, or raises `BadInput`. A library is imported only when a source needs it.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.errors import BadInput


def load(settings: Data) -> Dataset:
    """The data set that the settings name.

    Raises:
        BadInput: the file is missing or damaged, or doesn't have features with a class, or labels,
            for each row.
    """
    dataset = SOURCES[settings.source](settings)
    if settings.class_names is not None:
        names = settings.class_names
        if len(names) != len(dataset.class_names):
            raise BadInput(
                f"data.class_names: the data has {len(dataset.class_names)} {dataset.task.name}, "
                f"got {len(names)} names"
            )
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(
                f"data.class_names: names must be unique, got {', '.join(twice)} more than once"
            )
        dataset = replace(dataset, class_names=tuple(names))
    if problems := [*dataset.task.name_problems(dataset.class_names)]:
        raise BadInput(*(f"data: {problem}" for problem in problems))
    return dataset


def _digits(_: Data) -> Dataset:
    # The file that scikit-learn ships; importing scikit-learn would take over a second.
    package = importlib.util.find_spec("sklearn")
    assert package is not None and package.origin is not None
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = np.loadtxt(file, np.float32, delimiter=",")
    x = rows[:, :-1].reshape(-1, 8, 8, 1)
    return Dataset(x, rows[:, -1].astype(np.int64), tuple(str(digit) for digit in range(10)))


def _worked_example(_: Data) -> Dataset:
    rows = [[150, 67], [130, 60], [200, 65], [125, 52], [230, 72], [181, 70]]
    return Dataset(
        np.array(rows, np.float32), np.array([1, 1, 0, 1, 0, 0], np.int64), ("class 0", "class 1")
    )


def _table(settings: Data) -> Dataset:
    from fairsweep.data.tables.table import load_table

    return load_table(settings)


def _npz(settings: Data) -> Dataset:
    from fairsweep.data.sources.npz import load_npz

    return load_npz(settings)


def _images(settings: Data) -> Dataset:
    from fairsweep.data.images.folders import load_images

    return load_images(settings)


def _keras(settings: Data) -> Dataset:
    from fairsweep.data.sources.keras import load_keras

    return load_keras(settings)


def _python(settings: Data) -> Dataset:
    from fairsweep.data.sources.python import load_python

    return load_python(settings)


SOURCES: dict[str, Callable[[Data], Dataset]] = {
    "digits": _digits,
    "worked_example": _worked_example,
    "csv": _table,
    "parquet": _table,
    "npz": _npz,
    "images": _images,
    "keras_dataset": _keras,
    "python": _python,
}

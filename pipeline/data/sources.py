"""Sources of data: from the `data` settings to arrays.

Every source gives features with rows first and integer labels from 0; what it can't read it
refuses with `BadInput`.
"""

from __future__ import annotations

import gzip
import importlib.util
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.config.schema import Data
from pipeline.errors import BadInput

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Features (rows, …) as float32, labels (rows,) as int64 in [0, classes), class names."""

    x: Features
    y: Labels
    class_names: tuple[str, ...]


def load(settings: Data) -> Dataset:
    """The data set that the settings name.

    Raises:
        BadInput: the file is missing, damaged, or no table of features with one class per row.
    """
    dataset = SOURCES[settings.source](settings)
    if settings.class_names is not None:
        if len(settings.class_names) != len(dataset.class_names):
            raise BadInput(
                f"data.class_names: the data has {len(dataset.class_names)} classes, "
                f"got {len(settings.class_names)} names"
            )
        return Dataset(dataset.x, dataset.y, tuple(settings.class_names))
    return dataset


def _digits(_: Data) -> Dataset:
    # The file that scikit-learn ships, without its import, which takes every process over a second.
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


def _npz(settings: Data) -> Dataset:
    path = Path(settings.path or "")
    if not path.is_file():
        raise BadInput(
            f"data.path: there is no file {path.absolute()}; a path counts from the folder of the "
            "command"
        )
    if not zipfile.is_zipfile(path):
        raise BadInput(
            f"data.path: {path} is no .npz file; write it with numpy.savez(path, x=x, y=y)"
        )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            missing = {"x", "y"} - set(arrays.files)
            if missing:
                raise BadInput(
                    f"data.path: {path} needs arrays x and y, and has {', '.join(arrays.files)}"
                )
            x, y = arrays["x"], arrays["y"]
    except ValueError as error:
        raise BadInput(
            f"data.path: {path} needs plain arrays, and holds Python objects, which are never "
            "read; write it with numpy.savez(path, x=x, y=y), without object arrays"
        ) from error
    except (OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"data.path: {path} is damaged ({error}); write it again with "
            "numpy.savez(path, x=x, y=y)"
        ) from error
    return from_arrays(x, y, str(path))


def from_arrays(x: npt.NDArray[np.generic], y: npt.NDArray[np.generic], place: str) -> Dataset:
    """Checks arrays and numbers their classes in sorted order.

    Raises:
        BadInput: the arrays are no features with one class per row.
    """
    problems = []
    if x.ndim < 2 or x.dtype.kind not in "iufb":
        problems.append(f"{place}: x must be numbers of shape (rows, features, …), got {_shape(x)}")
    elif not np.isfinite(_float32(x)).all():
        bad = int((~np.isfinite(_float32(x))).any(axis=tuple(range(1, x.ndim))).sum())
        problems.append(
            f"{place}: x has NaN or infinite values in {bad} rows (as 32 bits); fill or drop them"
        )
    if y.ndim != 1 or y.dtype.kind not in "iubUS":
        problems.append(f"{place}: y must be one integer or string per row, got {_shape(y)}")
    elif len(x) != len(y):
        problems.append(f"{place}: x has {len(x)} rows and y {len(y)}; they must be the same")
    elif len(np.unique(y)) < 2:
        problems.append(f"{place}: y has fewer than two classes")
    if problems:
        raise BadInput(*problems)
    if y.dtype.kind == "S":
        y = np.char.decode(y.astype(np.bytes_))
    classes, labels = np.unique(y, return_inverse=True)
    return Dataset(_float32(x), labels.astype(np.int64), tuple(str(c) for c in classes))


def _float32(x: npt.NDArray[np.generic]) -> Features:
    """What is too large for 32 bits becomes infinite, and is refused as such."""
    with np.errstate(over="ignore"):
        return x.astype(np.float32)


def _shape(array: npt.NDArray[np.generic]) -> str:
    return f"{array.dtype} of shape {array.shape}"


SOURCES: dict[str, Callable[[Data], Dataset]] = {
    "digits": _digits,
    "worked_example": _worked_example,
    "npz": _npz,
}

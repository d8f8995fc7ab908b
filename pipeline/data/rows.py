"""Rows that a published model is asked about: a file without labels.

In: a path and the shape of a row. Out: features as the model takes them, or `BadInput`.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.data.sources import Features
from pipeline.errors import BadInput

NUMBER = re.compile(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?")


def read_rows(path: Path, shape: Sequence[int]) -> Features:
    """Features (rows, …) as float32.

    Args:
        path: a .csv whose first line names the columns, or an .npz with an array x.
        shape: of a row.

    Raises:
        BadInput: the file can't be read, or its rows aren't of that shape.
    """
    if not path.is_file():
        raise BadInput(
            f"input: there is no file {path.absolute()}; a path counts from the folder of the "
            "command"
        )
    if path.suffix not in READERS:
        raise BadInput(f"input: need a .csv or an .npz, got {path}")
    values = READERS[path.suffix](path)
    if len(values) == 0:
        raise BadInput(f"input: {path} has no rows")
    if values.size != len(values) * math.prod(shape):
        raise BadInput(
            f"input: the model takes rows of {' × '.join(map(str, shape))} numbers, {path} has "
            f"rows of {values.size // len(values)}"
        )
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise BadInput(
            f"input: {path}: row {int(np.argmin(finite)) + 1} has a value that is missing or not "
            "finite; fill or drop it"
        )
    return values.reshape(-1, *shape)


def _csv(path: Path) -> Features:
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as file:
            names = file.readline().split(",")  # pandas would number those that stand twice
            file.seek(0)
            table = pd.read_csv(file)
    except (ValueError, UnicodeDecodeError) as error:  # pandas' own errors are ValueErrors
        raise BadInput(f"input: {path} can't be read as .csv: {error}") from error
    if all(NUMBER.fullmatch(name.strip().strip('"')) for name in names):
        raise BadInput(f"input: the first line of {path} must name the columns, and has numbers")
    if table.empty:
        raise BadInput(f"input: {path} has no rows")
    words = [str(name) for name in table.columns if table[name].dtype.kind not in "iufb"]
    if words:
        raise BadInput(
            f"input: {path}: column {words[0]!r} isn't all numbers; leave out the labels, and "
            "columns that the model wasn't trained on"
        )
    return np.asarray(table.to_numpy(np.float32), np.float32)


def _npz(path: Path) -> Features:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if "x" not in arrays.files:
                raise BadInput(f"input: {path} needs an array x, and has {', '.join(arrays.files)}")
            x: npt.NDArray[np.generic] = arrays["x"]
    except (ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise BadInput(f"input: {path} can't be read as .npz: {error}") from error
    if x.ndim == 0 or x.dtype.kind not in "iufb":
        raise BadInput(f"input: {path}: x must be numbers with rows first, got {x.dtype}")
    return x.astype(np.float32)


READERS = {".csv": _csv, ".npz": _npz}

"""Rows to predict: a file without labels.

In: a path and what the model takes. Out: features as the model takes them, or `BadInput`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fairsweep.config.form import PLAIN, Form
from fairsweep.data import dates
from fairsweep.data.dataset import Column, Features
from fairsweep.data.inputs.encoding import missing_words
from fairsweep.data.memory import check_room
from fairsweep.data.paths import find, find_file
from fairsweep.data.sequences import of_length, sequence_problems, sequence_warnings
from fairsweep.data.several import Input, Shape
from fairsweep.errors import BadInput
from fairsweep.plural import plural

if TYPE_CHECKING:
    import pandas as pd

FEWER = "predict fewer rows at a time"
BYTES_OF_A_VALUE = 24  # in memory, at most, while a table is read and handed on
ANY_WORD = ("",)
"""The vocabulary of a column of words whose words aren't known."""


@dataclass(frozen=True)
class InputSpec:
    """What a model takes: rows of a `shape`, or of a table's `columns`, or several `inputs`;
    `missing` says whether numbers may be, `missing_words` which words of a CSV mean missing, if not
    the usual ones, and `padding` what fills up the shorter ones of sequences."""

    shape: Shape
    columns: tuple[Column, ...] = ()
    missing: bool = False
    missing_words: Sequence[str] | None = None
    inputs: tuple[Input, ...] = ()
    padding: str | None = None


Given = Any
"""Rows of a model that takes no table: features, or a mapping of arrays by the names of the
inputs."""


def read_rows(path: Path, takes: InputSpec, form: Form = PLAIN) -> Given:
    """Features (rows, …) as float32, or a table with the columns that the model takes, or several
    inputs by name.

    Args:
        path: a Parquet file or a folder of them, an .npz with an array x, or with one for each
            input, or a CSV, whatever its ending.
        takes: what the model takes.
        form: how a .csv is written.

    Raises:
        BadInput: the file can't be read, or the model doesn't take its rows.
    """
    path = find("input", str(path))
    if not path.is_dir():
        find_file("input", str(path))
    reader = _reader(path)
    if takes.inputs and reader is not _npz:
        names = ", ".join(own.name for own in takes.inputs)
        raise BadInput(
            f"input: the model takes several inputs; give an .npz with the arrays {names}, got "
            f"{path}"
        )
    return reader(path, takes, form)


def row_warnings(rows: Given, takes: InputSpec) -> Iterator[str]:
    """What is odd about rows that a model takes."""
    if takes.padding is not None:
        yield from sequence_warnings(rows, takes.padding)


def _reader(path: Path) -> Callable[[Path, InputSpec, Form], Given]:
    """What reads a file, by its ending, or a folder; without a known ending it is a CSV, as in
    training."""
    from fairsweep.data.tables.parquet import ENDINGS

    if path.is_dir() or path.suffix.lower() in ENDINGS:
        return _parquet
    return _npz if path.suffix.lower() == ".npz" else _csv


def _csv(path: Path, takes: InputSpec, form: Form) -> Features | pd.DataFrame:
    from fairsweep.data.csv.file import CsvReader, Dialect, read_csv
    from fairsweep.data.csv.problems import csv_names

    wanted = [column.name for column in takes.columns]
    names = csv_names("input", path, form, unnamed=bool(wanted))
    _check_names(path, wanted, names)
    words = [column.name for column in takes.columns if column.has_words]
    without = [name for name in names if wanted and name not in wanted]
    dialect = Dialect(form, words, without, takes.missing, takes.missing_words)
    needed = CsvReader(path, names, dialect).most_bytes()
    check_room(f"input: {path}", needed, FEWER)
    return _of_table(path, read_csv("input", path, names, dialect), takes)


def _parquet(path: Path, takes: InputSpec, _: Form) -> Features | pd.DataFrame:
    import pyarrow as pa

    from fairsweep.data.tables.parquet import ParquetFolder, ParquetRows, index_of

    wanted = [column.name for column in takes.columns]
    file = (ParquetFolder if path.is_dir() else ParquetRows)("input", path)
    _check_names(path, wanted, file.schema.names)
    index = index_of(file.schema)
    names = wanted or [name for name in file.schema.names if name not in index]
    check_room(f"input: {path}", BYTES_OF_A_VALUE * file.rows * len(names), FEWER)
    schema = pa.schema([file.schema.field(name) for name in names])
    return _of_table(path, pa.Table.from_batches(file.batches(names), schema), takes)


def _of_table(path: Path, read: Any, takes: InputSpec) -> Features | pd.DataFrame:
    """What the model takes of a file's pyarrow table, which has its columns, or all."""
    table = _frame(read, [column.name for column in takes.columns if column.has_words])
    if table.empty:
        raise BadInput(f"input: {path} has no rows")
    if not takes.columns:
        return _of_shape(_numbers(path, table, takes), path, takes)
    return _checked(path, table, takes)


def _frame(table: Any, words: Sequence[str]) -> pd.DataFrame:
    """A table for pandas: columns of words as training spells them, and whatever is a number there
    as one that may be missing."""
    import pyarrow as pa

    from fairsweep.data.tables.columns import kind_of, numbers_of, text_of

    for i, field in enumerate(table.schema):
        plain = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        if field.name in words:
            table = table.set_column(i, field.name, text_of(table[i]))
        elif kind_of(field.type) == "numbers" and not plain:
            table = table.set_column(i, field.name, pa.array(numbers_of(table[i])))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame


def _check_names(path: Path, wanted: Sequence[str], there: Sequence[str]) -> None:
    if missing := [name for name in wanted if name not in there]:
        raise BadInput(
            f"input: {path} has no column {', '.join(map(repr, missing))}; the model takes "
            f"{', '.join(wanted)}"
        )


def _checked(path: Path, table: pd.DataFrame, takes: InputSpec) -> pd.DataFrame:
    """The columns in the model's order: numbers as float64, words as text or None."""
    import pandas as pd

    out = pd.DataFrame(index=table.index)
    for column in takes.columns:
        values = table[column.name]
        if column.has_words:
            out[column.name] = _words(path, values, column, takes)
            continue
        if column.date:
            out[column.name] = _dates(path, values, takes.missing)
            continue
        if values.dtype.kind not in "iufb" and not values.isna().all():
            raise BadInput(
                f"input: {path}: column {column.name!r} must have numbers only, as in training"
            )
        numbers = values.astype(np.float64).to_numpy(np.float64)
        finite = np.isfinite(numbers) | (np.isnan(numbers) & takes.missing)
        if not finite.all():
            row = int(np.argmin(finite))
            if np.isnan(numbers[row]):
                _refuse_gap(path, row, column.name)
            _refuse_row(path, row, column.name)
        out[column.name] = numbers
    return out


def _words(path: Path, values: pd.Series, column: Column, takes: InputSpec) -> pd.Series:
    """A column of words or texts, with None for a missing one."""
    missing = missing_words(values)
    if missing.any() and not (takes.missing or column.length):
        usual = path.suffix == ".csv" and takes.missing_words is None
        aside = "; words such as NA count as missing, as in training" if usual else ""
        _refuse_gap(path, int(np.argmax(missing)), column.name, aside)
    return values.astype(object).where(~missing, None)


def _dates(path: Path, values: pd.Series, may_miss: bool) -> pd.Series:
    """A column of dates as words that every reader takes for dates."""
    try:
        _, missing = dates.in_pandas(values)
    except ValueError as error:
        raise BadInput(f"input: {path}: {error}") from error
    if missing.any() and not may_miss:
        _refuse_gap(path, int(np.argmax(missing)), str(values.name))
    return values.astype(object).map(str).where(~missing, None)


def are_pictures(shape: Shape) -> bool:
    """Whether rows of this shape may be read from images."""
    return len(shape) == 3 and shape[-1] in (1, 3)


def _numbers(path: Path, table: pd.DataFrame, takes: InputSpec) -> Features:
    words = [str(name) for name in table.columns if table[name].dtype.kind not in "iufb"]
    if words:
        aside = "; of images that it names, give the folder" if are_pictures(takes.shape) else ""
        raise BadInput(
            f"input: {path}: column {words[0]!r} must have numbers only; leave out labels and "
            f"columns that the model wasn't trained on{aside}"
        )
    return np.asarray(table.to_numpy(np.float32), np.float32)


def _npz(path: Path, takes: InputSpec, _: Form) -> Given:
    from fairsweep.data.sources.npz import read_arrays

    if takes.inputs:
        return _several(path, takes.inputs)
    if takes.columns:
        names = ", ".join(column.name for column in takes.columns)
        raise BadInput(
            f"input: the model takes a table with the columns {names}, and {path} has arrays; give "
            "a CSV or a Parquet file"
        )
    arrays = read_arrays(path, "input", frozenset({"x"}))
    if "x" not in arrays:
        raise BadInput(f"input: {path} needs an array x")
    x = arrays["x"]
    if x.ndim == 0 or x.dtype.kind not in "iufb":
        raise BadInput(f"input: {path}: x must be numbers with rows first, got {x.dtype}")
    if len(takes.shape) == 2 and x.ndim == 3 and x.shape[2] == takes.shape[1]:
        x = _of_length(path, x, takes)
    _check_axes(path, "x", x, takes.shape)
    return _of_shape(np.asarray(x, np.float32), path, takes)


def _of_length(path: Path, x: npt.NDArray[Any], takes: InputSpec) -> npt.NDArray[Any]:
    """Sequences with as many steps as the model takes.

    Raises:
        BadInput: they are longer, or shorter and the model knows no padding.
    """
    steps = takes.shape[0]
    if takes.padding is not None:
        x = of_length(x, steps, takes.padding)
    if x.shape[1] == steps:
        return x
    remedy = f"cut them, such as x[:, -{steps}:] for the last {plural(steps, 'step')}"
    if x.shape[1] < steps:
        remedy = "give as many, or train with data.padding on sequences of different lengths"
    raise BadInput(
        f"input: {path}: x has sequences of {plural(x.shape[1], 'step')}, and the model takes "
        f"{steps}; {remedy}"
    )


def _check_axes(path: Path, name: str, x: npt.NDArray[Any], shape: Sequence[int]) -> None:
    """Checks that the axes of rows are those of the model; those of length 1 may be left out."""
    given, taken = ([n for n in own if n != 1] for own in (x.shape[1:], shape))
    if min(len(given), len(taken)) > 1 and given != taken:
        remedy = "give rows of this shape"
        if sorted(given) == sorted(taken):
            remedy = "put its axes in the order of the training data"
        raise BadInput(
            f"input: {path}: {name} has rows of {' × '.join(map(str, x.shape[1:]))}, and the model "
            f"takes {' × '.join(map(str, shape))}; {remedy}"
        )


def _several(path: Path, inputs: Sequence[Input]) -> Mapping[str, npt.NDArray[Any]]:
    """The arrays of an archive that several inputs take."""
    from fairsweep.data.sources.npz import read_arrays

    wanted = [own.name for own in inputs]
    arrays = read_arrays(path, "input", frozenset(wanted))
    if lacking := [name for name in wanted if name not in arrays]:
        raise BadInput(
            f"input: {path} has no array {', '.join(lacking)}; the model takes {', '.join(wanted)}"
        )
    rows = {name: len(arrays[name]) if arrays[name].shape else 0 for name in wanted}
    if len(set(rows.values())) > 1:
        shown = ", ".join(f"{name} {count}" for name, count in rows.items())
        raise BadInput(f"input: {path}: all arrays need the same rows, got {shown}")
    found = {}
    for own in inputs:
        array = arrays[own.name]
        if array.dtype.kind not in "iufb" or (own.dtype[0] != "f" and array.dtype.kind == "f"):
            kind = "numbers" if own.dtype.startswith("f") else "whole numbers"
            raise BadInput(f"input: {path}: {own.name} must be {kind}, got {array.dtype}")
        _check_axes(path, own.name, array, own.shape)
        found[own.name] = _of_shape(array.astype(own.dtype), path, InputSpec(own.shape))
    return found


def _of_shape(values: Features, path: Path, takes: InputSpec) -> Features:
    shape = takes.shape
    if len(values) == 0:
        raise BadInput(f"input: {path} has no rows")
    if values.size != len(values) * math.prod(shape):
        raise BadInput(
            f"input: the model takes rows of {' × '.join(map(str, shape))} numbers, {path} has "
            f"rows of {values.size // len(values)}"
        )
    if takes.padding is not None:
        values = values.reshape(-1, *shape)
        if problems := list(sequence_problems(values, takes.padding)):
            raise BadInput(*(f"input: {path}: {problem}" for problem in problems))
        return values
    there = np.isfinite(values) | (np.isnan(values) & takes.missing)
    finite = there.reshape(len(values), -1).all(axis=1)
    if not finite.all():
        _refuse_row(path, int(np.argmin(finite)))
    return values.reshape(-1, *shape)


def _refuse_row(path: Path, row: int, column: str = "") -> None:
    where = f", column {column!r}," if column else ""
    raise BadInput(
        f"input: {path}: row {row + 1}{where} has a value that is missing or infinite; correct it, "
        "or drop the row"
    )


def _refuse_gap(path: Path, row: int, column: str, aside: str = "") -> None:
    raise BadInput(
        f"input: {path}: row {row + 1}, column {column!r}, has no value, and the model was trained "
        f"on complete rows; fill it in, drop the row, or train with data.missing=fill{aside}"
    )

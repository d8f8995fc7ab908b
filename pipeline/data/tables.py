"""Tables: from a CSV or Parquet file and the roles of its columns to rows of numbers.

In: files, opened by `csv_file` and `parquet_file`. Out: a `Dataset` whose columns are numbers as
they are and words by number, or `BadInput` with all that is wrong of the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.config.schema import Data
from pipeline.data.classes import class_problem, number_classes
from pipeline.data.columns import MOST_WORDS, Words, numbers_of
from pipeline.data.csv_file import Dialect, read_csv
from pipeline.data.csv_mistakes import csv_names
from pipeline.data.dataset import PARTS, TEST, TRAIN, VALIDATION, Column, Dataset, Features, Parts
from pipeline.data.memory import check_room
from pipeline.data.parquet_file import ParquetRows
from pipeline.data.paths import find_file
from pipeline.data.roles import Roles, check_dropped, roles_of
from pipeline.errors import BadInput

MAIN = "data.path"
FEW_ROWS = 10  # of which each may well have a word of its own


class CsvRows:
    """A CSV file, whose memory is given back batch by batch."""

    def __init__(self, key: str, settings: Data) -> None:
        path = find_file(key, getattr(settings, key.removeprefix("data.")))
        delimiter, dropped = settings.delimiter or ",", settings.drop or ()
        names = csv_names(key, path, delimiter)
        if key == MAIN:
            check_dropped(key, names, dropped)
        words = [*(settings.categorical or ()), *filter(None, (settings.split, settings.group))]
        dialect = Dialect(delimiter, settings.decimal or ".", words, dropped)
        table = read_csv(key, path, names, dialect)
        self.schema: pa.Schema = table.schema
        self.rows: int = table.num_rows
        self._batches: list[Any] = table.to_batches()
        self._batches.reverse()

    def batches(self, columns: list[str]) -> Iterator[Any]:
        while self._batches:
            yield self._batches.pop().select(columns)


def load_table(settings: Data) -> Dataset:
    """The data set of one file, or of one for each part.

    Raises:
        BadInput: a file can't be read, or its columns aren't what the settings say.
    """
    given = {
        TRAIN: MAIN,
        VALIDATION: "data.validation_path",
        TEST: "data.test_path",
    }
    keys = {
        part: key
        for part, key in given.items()
        if part == TRAIN or getattr(settings, key.removeprefix("data."))
    }
    files: dict[int, CsvRows | ParquetRows] = {}
    problems: list[str] = []
    for part, key in keys.items():
        try:
            files[part] = _open(key, settings)
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(*problems)
    roles = roles_of(settings, {keys[part]: file.schema for part, file in files.items()})
    rows = sum(file.rows for file in files.values())
    if settings.source == "parquet":
        needed = 4 * rows * len(roles.features)
        check_room(f"{MAIN}: {settings.path}", needed, "leave columns out with data.drop")
    filling = _Filling(settings, roles, rows)
    for part, file in files.items():
        for batch in file.batches(roles.all):
            filling.take(batch, part)
    return filling.dataset(whole_files=len(files) == 1)


def _open(key: str, settings: Data) -> CsvRows | ParquetRows:
    if settings.source == "csv":
        return CsvRows(key, settings)
    file = ParquetRows(key, find_file(key, getattr(settings, key.removeprefix("data."))))
    if key == MAIN:
        check_dropped(key, file.schema.names, settings.drop or ())
    return file


class _Filling:
    """The arrays of a data set, which batches are put into."""

    def __init__(self, settings: Data, roles: Roles, rows: int) -> None:
        self._settings, self._roles = settings, roles
        self._x: Features = np.empty((rows, len(roles.features)), np.float32)
        self._files: Parts = np.empty(rows, np.int8)
        fill = settings.missing == "fill"
        self._words = {name: Words(fill) for name in roles.features if name in roles.words}
        self._named = {name: Words(False) for name in roles.named}
        self._codes = {name: np.empty(rows, np.float32) for name in roles.named}
        self._target = np.empty(rows, np.float64)
        self._missing = np.zeros(len(roles.features), np.int64)
        self._infinite = np.zeros(len(roles.features), np.int64)
        self._done = 0

    def take(self, batch: Any, part: int) -> None:
        """Puts a batch of a part's file in."""
        rows = slice(self._done, self._done + batch.num_rows)
        block = self._x[rows]
        with np.errstate(over="ignore"):  # too large for 32 bits: infinite, and refused as such
            for i, name in enumerate(self._roles.features):
                words = self._words.get(name)
                column = batch.column(name)
                block[:, i] = numbers_of(column) if words is None else words.codes(column)
        if not np.isfinite(block).all():
            self._missing += np.isnan(block).sum(axis=0)
            self._infinite += np.isinf(block).sum(axis=0)
        for name, words in self._named.items():
            self._codes[name][rows] = words.codes(batch.column(name))
        if self._roles.target not in self._named:
            self._target[rows] = numbers_of(batch.column(self._roles.target))
        self._files[rows] = part
        self._done = rows.stop

    def dataset(self, whole_files: bool) -> Dataset:
        """What was put in, once it is checked."""
        named = {name: words.sort(self._codes[name]) for name, words in self._named.items()}
        problems = [*self._bad_values(), *self._bad_named(named)]
        y = self._labels()
        key, target = "data.target", self._roles.target
        if problem := class_problem(y):
            problems.append(f"{key}: column {target!r} {problem}")
        if problems:
            raise BadInput(*problems)
        keep: npt.NDArray[np.bool_] = np.ones(len(self._x), bool)
        if self._settings.missing == "drop" and self._missing.any():
            keep = np.logical_not(np.isnan(self._x).any(axis=1))
        x = self._x if keep.all() else self._x[keep]
        columns = [
            Column(name, self._words[name].sort(x[:, i]) if name in self._words else ())
            for i, name in enumerate(self._roles.features)
        ]
        if problem := class_problem(y[keep]):
            raise BadInput(f"{key}: without rows that miss a value, column {target!r} {problem}")
        labels, names = number_classes(y[keep])
        if target in named:
            names = tuple(named[target][int(name)] for name in names)
        if problems := [*self._bad_words(columns, len(x)), *_copies(x, columns, labels, names)]:
            raise BadInput(*problems)
        notes: tuple[str, ...] = ()
        if not keep.all():
            notes = (f"{int((~keep).sum())} rows that miss a value are left out",)
        return Dataset(
            x,
            labels,
            names,
            tuple(columns),
            self._parts(named, keep, whole_files),
            self._groups(keep),
            notes,
        )

    def _labels(self) -> npt.NDArray[Any]:
        """The class of each row as a number: itself, or that of a word."""
        target = self._roles.target
        return self._codes.get(target, self._target)

    def _bad_values(self) -> Iterator[str]:
        """Values that are infinite, or missing where that isn't provided for."""
        place = self._settings.path
        if self._infinite.any():
            counts = _counts(self._roles.features, self._infinite)
            yield (
                f"data.path: {place} has infinite values, or ones too large for 32 bits: {counts}; "
                "correct them"
            )
        if self._missing.any() and self._settings.missing is None:
            counts = _counts(self._roles.features, self._missing)
            yield (
                f"data.path: {place} misses values: {counts}; data.missing=fill puts the mean of "
                "training rows there, data.missing=drop leaves these rows out"
            )

    def _bad_named(self, named: dict[str, tuple[str, ...]]) -> Iterator[str]:
        """What is wrong of the columns that say which part or group a row belongs to."""
        for key in ("split", "group"):
            name = getattr(self._settings, key)
            if name is None:
                continue
            missing = int(np.isnan(self._codes[name]).sum())
            if missing:
                yield f"data.{key}: column {name!r} is empty in {missing} rows; every row needs one"
            if key == "split" and (other := sorted(set(named[name]) - set(PARTS))):
                yield (
                    f"data.split: column {name!r} must say {', '.join(PARTS)}, and has "
                    f"{', '.join(map(repr, other[:3]))}"
                )

    def _bad_words(self, columns: Sequence[Column], rows: int) -> Iterator[str]:
        for column in columns:
            count = len(column.vocabulary)
            if count > MOST_WORDS or FEW_ROWS < count == rows:
                per_row = " (one per row)" if count == rows else ""
                yield (
                    f"data.path: column {column.name!r} has {count} different words{per_row}, too "
                    f"many to learn from; leave it out: data.drop=[{column.name}]"
                )

    def _parts(
        self, named: dict[str, tuple[str, ...]], keep: npt.NDArray[np.bool_], whole_files: bool
    ) -> Parts | None:
        split = self._settings.split
        if split is not None:
            numbers = np.array([PARTS.index(word) for word in named[split]], np.int8)
            parts: Parts = numbers[self._codes[split].astype(np.int64)]
            return parts[keep]
        return None if whole_files else self._files[keep]

    def _groups(self, keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
        group = self._settings.group
        return None if group is None else self._codes[group].astype(np.int64)[keep]


def _copies(
    x: Features, columns: Sequence[Column], labels: npt.NDArray[np.int64], names: Sequence[str]
) -> Iterator[str]:
    """Columns that say what the class is, in the same words."""
    for i, column in enumerate(columns):
        if column.vocabulary:
            same = column.vocabulary == tuple(names) and np.array_equal(x[:, i], labels)
        else:
            same = _equal_numbers(x[:, i], labels, names)
        if same:
            yield (
                f"data.target: column {column.name!r} is a copy of the target, from which a model "
                f"would read the answer; data.drop=[{column.name}]"
            )


def _equal_numbers(
    values: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], names: Sequence[str]
) -> bool:
    try:
        numbers = np.array([float(name) for name in names], np.float32)
    except ValueError:
        return False
    return np.array_equal(values, numbers[labels])


def _counts(names: Sequence[str], counts: npt.NDArray[np.int64]) -> str:
    there = [f"{name} {count}" for name, count in zip(names, counts, strict=True) if count]
    more = f" and {len(there) - 8} more columns" if len(there) > 8 else ""
    return f"{', '.join(there[:8])}{more} (rows)"

"""The files of a table: one for all rows, or one for each part of the split.

In: the settings. Out: opened files, each with its columns and its rows in batches. CSV files are
read into memory if they fit, and streamed otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from fairsweep.config.form import form_of
from fairsweep.config.schema import Data
from fairsweep.data.csv.file import CsvReader, Dialect
from fairsweep.data.csv.problems import csv_names
from fairsweep.data.csv.stream import CsvStream, CsvTable
from fairsweep.data.dataset import TEST, TRAIN, VALIDATION
from fairsweep.data.paths import find_file
from fairsweep.data.tables.parquet import ParquetFolder, ParquetRows
from fairsweep.data.tables.roles import check_dropped
from fairsweep.errors import BadInput
from fairsweep.machine import available_bytes

MAIN = "data.path"
KEYS = {TRAIN: MAIN, VALIDATION: "data.validation_path", TEST: "data.test_path"}


class RowFile(Protocol):
    """A file: its columns, the most rows it can have, and these in batches. `zeros` are columns of
    numbers that are written with leading zeros, and an example of each."""

    @property
    def rows(self) -> int: ...

    @property
    def zeros(self) -> Mapping[str, str]: ...

    @property
    def schema(self) -> pa.Schema: ...

    def batches(self, columns: list[str]) -> Iterator[Any]: ...


def open_files(settings: Data) -> dict[int, RowFile]:
    """The file of each part of the split; a single file counts as the one of training rows.

    Raises:
        BadInput: the problems of all files.
    """
    given = {
        part: (key, getattr(settings, key.removeprefix("data.")))
        for part, key in KEYS.items()
        if part == TRAIN or getattr(settings, key.removeprefix("data."))
    }
    problems: list[str] = []
    opened = OPENERS[settings.source](given, settings, problems)
    if problems:
        raise BadInput(*problems)
    return opened


Files = dict[int, tuple[str, str | None]]
"""The setting that names the file of each part, and the path in it."""
Given = TypeVar("Given")
Made = TypeVar("Made")


def _each(
    given: dict[int, Given], make: Callable[[Given], Made], problems: list[str]
) -> dict[int, Made]:
    """What `make` makes of each; what it refuses is added to the problems."""
    made = {}
    for part, one in given.items():
        try:
            made[part] = make(one)
        except BadInput as error:
            problems += error.problems
    return made


def _parquet(given: Files, settings: Data, problems: list[str]) -> dict[int, RowFile]:
    def opened(one: tuple[str, str | None]) -> RowFile:
        key, path = one
        file: ParquetRows | ParquetFolder
        if path and Path(path).is_dir():
            file = ParquetFolder(key, Path(path))
        else:
            file = ParquetRows(key, find_file(key, path))
        if key == MAIN:
            check_dropped(key, file.schema.names, settings.drop or ())
        return file

    return _each(given, opened, problems)


def _csv(given: Files, settings: Data, problems: list[str]) -> dict[int, RowFile]:
    """In memory if all of them fit, else streamed."""
    found = _each(given, lambda one: _CsvFile.find(*one, settings), problems)
    fits = sum(file.reader.most_bytes() for file in found.values()) < available_bytes()
    return _each(found, _CsvFile.in_memory if fits else _CsvFile.streamed, problems)


OPENERS: dict[str, Callable[[Files, Data, list[str]], dict[int, RowFile]]] = {
    "csv": _csv,
    "parquet": _parquet,
}
"""What opens the files of a table, by `data.source`; what is wrong is added to the problems."""


@dataclass(frozen=True)
class _CsvFile:
    """An existing CSV file, and how to read it."""

    key: str
    path: Path
    names: list[str]
    dialect: Dialect

    @classmethod
    def find(cls, key: str, given: str | None, settings: Data) -> _CsvFile:
        path = find_file(key, given)
        form, dropped = form_of(settings), settings.drop or ()
        names = csv_names(key, path, form, unnamed="" in dropped)
        if key == MAIN:
            check_dropped(key, names, dropped)
        named = filter(None, (settings.split, settings.group))
        words = [*(settings.categorical or ()), *(settings.text or ()), *named]
        missing = settings.missing_words
        return cls(key, path, names, Dialect(form, words, dropped, missing_words=missing))

    @property
    def reader(self) -> CsvReader:
        return CsvReader(self.path, self.names, self.dialect)

    def in_memory(self) -> RowFile:
        return CsvTable(self.key, self.path, self.names, self.dialect)

    def streamed(self) -> RowFile:
        return CsvStream(self.key, self.path, self.names, self.dialect, self.reader.most_rows())

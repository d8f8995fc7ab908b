"""A Parquet file, or a folder of them: its columns, and its rows in batches.

In: a path. Out: the schema, and batches of a few megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import parquet

from fairsweep.errors import BadInput

ENDINGS = (".parquet", ".parq", ".pq")
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
BATCH_BYTES = 8 * 2**20
BUFFER = 2**16  # bytes of a column read at once, however large its row groups
DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)  # the last one by a column's name


def index_of(schema: pa.Schema) -> tuple[str, ...]:
    """The columns that pandas wrote as the index of the table, if any."""
    about = schema.pandas_metadata or {}
    return tuple(name for name in about.get("index_columns", ()) if isinstance(name, str))


class ParquetRows:
    """The columns of a file, and its rows in batches.

    Raises:
        BadInput: it isn't a complete Parquet file.
    """

    def __init__(self, key: str, path: Path) -> None:
        self._key, self._path = key, path
        self.zeros: Mapping[str, str] = {}
        try:
            with path.open("rb") as file:
                about = parquet.ParquetFile(file)
                self.schema: pa.Schema = about.schema_arrow
                self.rows: int = about.metadata.num_rows
        except DAMAGED as error:
            raise self._damaged(error) from error
        names = self.schema.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(
                f"{key}: {path} has more than one column {', '.join(map(repr, twice))}; column "
                "names must be unique"
            )

    def batches(self, columns: list[str]) -> Iterator[Any]:
        """The named columns, a few megabytes at a time."""
        size = max(1024, BATCH_BYTES // (8 * max(1, len(columns))))
        try:
            with self._path.open("rb") as file:
                opened = parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
                yield from opened.iter_batches(size, columns=columns)
        except DAMAGED as error:
            raise self._damaged(error) from error

    def table(self, columns: list[str]) -> pa.Table:
        """The named columns of all rows."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        return pa.Table.from_batches(self.batches(columns), schema)

    def _damaged(self, error: Exception) -> BadInput:
        return BadInput(
            f"{self._key}: {self._path} isn't a complete Parquet file ({error}); write it again"
        )


class ParquetFolder:
    """The Parquet files of a folder, one after the other, sorted by path. Folders in it that are
    called `name=value`, as Hive and Spark write them, are a column.

    Raises:
        BadInput: there are none, or they differ in columns, or one isn't complete.
    """

    def __init__(self, key: str, folder: Path) -> None:
        self._key, self._folder = key, folder
        self.zeros: Mapping[str, str] = {}
        paths = [path for path in sorted(folder.rglob("*")) if self._is_part(path)]
        if not paths:
            raise BadInput(f"{key}: {folder} has no files that end in {' or '.join(ENDINGS)}")
        self._files = [ParquetRows(key, path) for path in paths]
        values = [_partitions(path.relative_to(folder)) for path in paths]
        for path, file, own in zip(paths, self._files, values, strict=True):
            self._check(path, file.schema, own, paths[0], self._files[0].schema, values[0])
        self._partitions = {name: _typed([own[name] for own in values]) for name in values[0]}
        self.schema: pa.Schema = self._files[0].schema
        for name, column in self._partitions.items():
            self.schema = self.schema.append(pa.field(name, column.type))
        self.rows = sum(file.rows for file in self._files)

    def batches(self, columns: list[str]) -> Iterator[Any]:
        """The named columns, a few megabytes at a time."""
        stored = self._files[0].schema.names
        own = [name for name in columns if name in stored] or stored[:1]
        for i, file in enumerate(self._files):
            for batch in file.batches(own):
                arrays = [
                    batch.column(name)
                    if name in stored
                    else pa.repeat(self._partitions[name][i], batch.num_rows)
                    for name in columns
                ]
                yield pa.RecordBatch.from_arrays(arrays, columns)

    def _is_part(self, path: Path) -> bool:
        """Whether it is a file of rows; those that begin with a point or _ are notes of writers."""
        inside = path.relative_to(self._folder).parts
        if path.suffix.lower() not in ENDINGS or not path.is_file():
            return False
        if any(name.startswith((".", "_")) for name in inside):
            return False
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise BadInput(
                f"{self._key}: {path} is a link that leads out of {self._folder}; copy the file"
            )
        return True

    def _check(
        self,
        path: Path,
        schema: pa.Schema,
        own: Mapping[str, str | None],
        first: Path,
        expected: pa.Schema,
        partitions: Mapping[str, str | None],
    ) -> None:
        """Checks that a file has the columns of the first one.

        Raises:
            BadInput: it hasn't, or one of them is in the name of a folder, too.
        """
        there = {field.name: str(field.type) for field in schema}
        wanted = {field.name: str(field.type) for field in expected}
        if twice := sorted(there.keys() & own.keys()):
            raise BadInput(
                f"{self._key}: column {twice[0]!r} is in {path} and in the names of folders; "
                "leave one of them out"
            )
        there |= dict.fromkeys(own, "a folder")
        wanted |= dict.fromkeys(partitions, "a folder")
        for name in dict.fromkeys((*wanted, *there)):
            if there.get(name) != wanted.get(name):
                raise BadInput(
                    f"{self._key}: column {name!r} is {there.get(name, 'missing')} in {path}, and "
                    f"{wanted.get(name, 'missing')} in {first}; write all files with the same "
                    "columns and types"
                )


def _partitions(path: Path) -> Mapping[str, str | None]:
    """The values of columns in the names of folders."""
    found: dict[str, str | None] = {}
    for folder in path.parts[:-1]:
        name, mark, value = folder.partition("=")
        if mark:
            found[unquote(name)] = None if value == HIVE_NULL else unquote(value)
    return found


def _typed(values: Sequence[str | None]) -> Any:
    """Whole numbers, if all values are; else words."""
    if all(value is None or WHOLE.fullmatch(value) for value in values) and any(values):
        return pa.array([None if value is None else int(value) for value in values], pa.int64())
    return pa.array(values, pa.string())

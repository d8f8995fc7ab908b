"""A CSV file as batches of rows, a few megabytes at a time.

In: a path and a `Dialect`. Out: the schema, and batches. Rows are read with the types of the first
ones. If these don't fit later rows, or a value contains a line break, the file is read again from
its start: whole, or, where memory has no room for that, with wider types and in order.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fairsweep.data.csv.encoding import not_utf8
from fairsweep.data.csv.file import (
    BreakInValue,
    CsvReader,
    Dialect,
    Types,
    compact,
    is_binary,
    read_whole,
)
from fairsweep.data.csv.problems import explain
from fairsweep.errors import BadInput
from fairsweep.invocation import typed

WRONG_VALUE = re.compile(r"In CSV column #(\d+): Row #(\d+): .*invalid value '(.*)'", re.DOTALL)


class ReadAgain(Exception):
    """Discard what was read so far, and read all files again."""


class CsvTable:
    """A file that fits in memory: its columns, and its rows in batches, each freed after use.

    Args:
        key: the setting that names the file, for messages.
        path: a regular file.
        names: of all its columns.
        dialect: how to read it.

    Raises:
        BadInput: it isn't a table.
    """

    def __init__(self, key: str, path: Path, names: Sequence[str], dialect: Dialect) -> None:
        self._reader = CsvReader(path, names, dialect)
        self._whole = functools.partial(read_whole, key, path, names, dialect)
        self._table: pa.Table | None = None
        self._types = self._reader.types_of_blocks()
        self.zeros = self._reader.leading_zeros()
        self.schema: pa.Schema
        self.rows: int
        if self._types is None:
            self._load()
        else:
            self.schema = pa.schema(list(self._types.items()))
            self.rows = self._reader.most_rows()

    def batches(self, columns: list[str]) -> Iterator[Any]:
        """The named columns.

        Raises:
            ReadAgain: it has to be read whole.
            BadInput: it isn't a table.
        """
        if self._types is None:
            yield from self._given_back(columns)
            return
        try:
            for table in self._reader.blocks(self._types):
                yield from table.select(columns).to_batches()
        except (pa.ArrowInvalid, BreakInValue) as error:
            self._types = None
            self._load()
            raise ReadAgain from error

    def _load(self) -> None:
        self._table = self._whole()
        self.schema, self.rows = self._table.schema, self._table.num_rows

    def _given_back(self, columns: list[str]) -> Iterator[Any]:
        if self._table is None:
            self._load()
        assert self._table is not None
        batches = self._table.to_batches()[::-1]
        self._table = None
        while batches:
            yield batches.pop().select(columns)


class CsvStream:
    """A file that doesn't fit in memory: its columns, and its rows in batches.

    Args:
        key: the setting that names the file, for messages.
        path: a regular file.
        names: of all its columns.
        dialect: how to read it.
        rows: the most there can be.

    Raises:
        BadInput: its first rows aren't a table.
    """

    def __init__(
        self, key: str, path: Path, names: Sequence[str], dialect: Dialect, rows: int
    ) -> None:
        self._key, self._path, self._names, self._dialect = key, path, names, dialect
        self._reader = CsvReader(path, names, dialect)
        self._breaks = not dialect.form.plain  # read in order from the start
        self._wide = False
        self.rows = rows
        self.zeros = self._reader.leading_zeros()
        try:
            first = self._reader.first_rows()
        except pa.ArrowInvalid as error:
            raise self._unreadable(error) from error
        if any(is_binary(field.type) for field in first.schema):
            raise not_utf8(key, path)
        if problems := self._reader.mixed_columns(key, first):
            raise BadInput(*problems)
        self._types: Types = {f.name: compact(f.type) or f.type for f in first.schema}
        self._empty = {f.name for f in first.schema if pa.types.is_null(f.type)}
        if self._empty:  # read as numbers, if any follow
            self._widen()

    @property
    def schema(self) -> pa.Schema:
        """Columns and their types, which may change with `ReadAgain`."""
        return pa.schema(list(self._types.items()))

    def batches(self, columns: list[str]) -> Iterator[Any]:
        """The named columns.

        Raises:
            ReadAgain: it has to be read in another way.
            BadInput: it is no table, or a column is empty, or has words after numbers.
        """
        read = self._reader.in_order if self._breaks else self._reader.blocks
        done, empty = 0, self._empty & set(columns)
        try:
            for table in read(self._types):
                yield from table.select(columns).to_batches()
                done += table.num_rows
                empty = {name for name in empty if table[name].null_count == table.num_rows}
        except BreakInValue as error:
            self._take_breaks()
            raise ReadAgain from error
        except pa.ArrowInvalid as error:
            self._learn(error, done)
            raise ReadAgain from error
        if empty:
            raise BadInput(
                *(
                    f"{self._key}: column {name!r} is empty; drop it: {typed('data.drop', [name])}"
                    for name in sorted(empty)
                )
            )

    def _learn(self, error: pa.ArrowInvalid, done: int) -> None:
        """Prepares to read again after an error that came `done` rows into the file.

        Raises:
            BadInput: reading again wouldn't help.
        """
        found = WRONG_VALUE.search(str(error))
        if found is None and self._breaks:
            raise self._unreadable(error)
        if found is None:
            explain(self._key, self._path, self._dialect.form, len(self._names), str(error))
            self._take_breaks()
        elif not self._wide:
            self._widen()
        else:
            name, row = self._names[int(found[1])], int(found[2])
            named = self._dialect.form.columns is None
            first = int(named and (self._breaks or not done))  # counted as a row
            before = 0 if self._breaks else done
            raise BadInput(
                f"{self._key}: column {name!r} has numbers in its first rows, but {found[3]!r} in "
                f"row {before + row - first}; correct it, leave it empty if it is missing, or read "
                f"the column as words: {typed('data.categorical', [name])}"
            )

    def _take_breaks(self) -> None:
        self._breaks = True
        self._widen()

    def _widen(self) -> None:
        """Reads all numbers in 64 bits from now on, as when a file is read whole."""
        self._wide = True
        self._types = {
            name: pa.float64() if _may_be_numbers(kind) else kind
            for name, kind in self._types.items()
        }

    def _unreadable(self, error: pa.ArrowInvalid) -> BadInput:
        explain(self._key, self._path, self._dialect.form, len(self._names), str(error))
        return BadInput(f"{self._key}: {self._path} isn't valid CSV: {error}")


def _may_be_numbers(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind))

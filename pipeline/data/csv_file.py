"""A CSV file: read as fast as it can be. What is wrong of one that can't is told by `csv_mistakes`.

A large one is read in blocks by several threads, with the types that its first rows have; where
these don't hold, or a line break may be part of a value, as a whole.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from pipeline.data.columns import MOST_WORDS
from pipeline.data.csv_mistakes import explain, mixed, not_utf8
from pipeline.data.memory import check_room
from pipeline.errors import BadInput

BLOCK = 8 * 2**20
SAMPLE = 2 * 2**20
LARGE = 4 * BLOCK
MOST_OF_A_VALUE = 12  # bytes in memory, at once


@dataclass(frozen=True)
class Dialect:
    """How a file is to be read: what stands between values, the point of numbers, columns that hold
    words even where they look like numbers, and columns that are left out."""

    delimiter: str = ","
    decimal: str = "."
    words: Sequence[str] = ()
    without: Sequence[str] = ()


def read_csv(key: str, path: Path, names: Sequence[str], dialect: Dialect) -> pa.Table:
    """The table of a file.

    Args:
        key: what names the file, for messages.
        path: a regular file; it is opened here, and an address isn't followed.
        names: of all of its columns, from `csv_names`.
        dialect: how to read it.

    Raises:
        BadInput: it is no table in UTF-8; the message says what to change, and where.
    """
    _check_room(key, path, len(names))
    reader = _Reader(path, names, dialect)
    table = reader.by_blocks() if path.stat().st_size > LARGE else None
    if table is not None:
        return table
    try:
        table = reader.whole(breaks=False)
    except pa.ArrowInvalid as error:
        explain(key, path, dialect.delimiter, len(names), str(error))
        try:  # a value with a line break in it may be cut in two by a reader that isn't told
            table = reader.whole(breaks=True)
        except pa.ArrowInvalid as again:
            raise BadInput(f"{key}: {path} can't be read as CSV: {again}") from again
    if table.num_rows == 0:
        raise BadInput(f"{key}: {path} has no rows below its first line")
    if any(_is_binary(field.type) for field in table.schema):
        raise not_utf8(key, path)
    problems = [
        problem
        for name in table.column_names
        if name not in dialect.words and (problem := mixed(key, name, table[name], dialect.decimal))
    ]
    if problems:
        raise BadInput(*problems)
    return table


class _Reader:
    """Reads one file, as a whole or block by block."""

    def __init__(self, path: Path, names: Sequence[str], dialect: Dialect) -> None:
        self._path, self._names, self._dialect = path, names, dialect

    def whole(self, breaks: bool) -> pa.Table:
        """All of it, types from all of it; `breaks` says that values may have line breaks."""
        with pa.OSFile(str(self._path)) as file:
            return self._read(file, arrow_csv.ReadOptions(block_size=BLOCK), breaks=breaks)

    def by_blocks(self) -> pa.Table | None:
        """All of it, types from the first rows, numbers in 32 bits; None where it must be read as a
        whole."""
        types = self._types()
        if types is None:
            return None
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        tables: list[pa.Table] = []
        waiting: deque[Future[pa.Table]] = deque()
        try:
            with ThreadPoolExecutor(workers) as pool:
                for number, block in enumerate(self._blocks()):
                    waiting.append(pool.submit(self._parse, block, number == 0, types))
                    if len(waiting) > 2 * workers:
                        tables.append(waiting.popleft().result())
                tables += [one.result() for one in waiting]
        except (pa.ArrowInvalid, _BreakInValue):
            return None
        return pa.concat_tables(tables)

    def _types(self) -> Mapping[str, pa.DataType] | None:
        """The types of columns by the first rows; None where they don't say enough."""
        with self._path.open("rb") as file:
            sample = file.read(SAMPLE)
        cut = sample.rfind(b"\n") + 1
        try:
            table = self._read(pa.py_buffer(sample[:cut]), arrow_csv.ReadOptions())
        except pa.ArrowInvalid:
            return None
        types = {field.name: _compact(field.type) for field in table.schema}
        if None in types.values() or any(
            mixed("", name, table[name], self._dialect.decimal)
            for name in types
            if name not in self._dialect.words
        ):
            return None
        return types

    def _blocks(self) -> Iterator[memoryview]:
        """The file in pieces that end with a line."""
        start, size = 0, self._path.stat().st_size
        with self._path.open("rb", buffering=0) as file:
            while start < size:
                file.seek(start)
                piece = file.read(BLOCK)
                cut = piece.rfind(b"\n") + 1 if start + len(piece) < size else len(piece)
                if not cut or (b'"' in piece and piece.count(b'"', 0, cut) % 2):
                    raise _BreakInValue
                yield memoryview(piece)[:cut]
                start += cut

    def _parse(self, block: memoryview, first: bool, types: Mapping[str, pa.DataType]) -> pa.Table:
        names = None if first else list(self._names)
        options = arrow_csv.ReadOptions(
            use_threads=False, block_size=len(block) + 1, column_names=names
        )
        return self._read(pa.py_buffer(block), options, types)

    def _read(
        self,
        source: Any,
        options: arrow_csv.ReadOptions,
        types: Mapping[str, pa.DataType] | None = None,
        breaks: bool = False,
    ) -> pa.Table:
        dialect = self._dialect
        if types is None:
            types = {name: pa.string() for name in dialect.words if name in self._names}
        convert = arrow_csv.ConvertOptions(
            strings_can_be_null=True,
            decimal_point=dialect.decimal,
            column_types=types,
            include_columns=[name for name in self._names if name not in dialect.without],
            auto_dict_encode=True,
            auto_dict_max_cardinality=MOST_WORDS,
        )
        parse = arrow_csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=breaks)
        if isinstance(source, pa.Buffer):
            source = pa.BufferReader(source)
        return arrow_csv.read_csv(source, options, parse, convert)


class _BreakInValue(Exception):
    """A piece of a file may end within a value."""


def _compact(kind: pa.DataType) -> pa.DataType | None:
    """The type of 32 bits in which values of a column are read; None where that isn't known."""
    types = pa.types
    if types.is_floating(kind):
        return pa.float32()
    if types.is_integer(kind):
        return pa.int32()
    if types.is_boolean(kind):
        return kind
    if types.is_string(kind) or (types.is_dictionary(kind) and types.is_string(kind.value_type)):
        return pa.dictionary(pa.int32(), pa.string())
    return None


def _is_binary(kind: pa.DataType) -> bool:
    """Of values that pyarrow couldn't decode."""
    return bool(pa.types.is_binary(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _check_room(key: str, path: Path, columns: int) -> None:
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    rows = path.stat().st_size / len(sample) * max(1, sample.count(b"\n"))
    check_room(
        f"{key}: {path}",
        int(MOST_OF_A_VALUE * columns * rows),
        "leave columns out with data.drop, take a part of the rows, or save x and y as float32 "
        "with numpy.savez, which needs no memory: data=npz",
    )

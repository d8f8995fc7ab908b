"""Reads a CSV file as fast as possible; `problems` says what is wrong with one that can't be read.

In: a path and a `Dialect`. Out: pyarrow tables. A large file is read in blocks by several threads,
with the column types of its first rows; if these don't fit later rows, or a line break may be part
of a value, the file is read whole, or, where memory has no room for that, in order.
"""

from __future__ import annotations

import itertools
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from fairsweep.config.form import PLAIN, Form
from fairsweep.data.csv.encoding import not_utf8
from fairsweep.data.csv.lines import HEAD, source
from fairsweep.data.csv.numbers import as_numbers, first_word
from fairsweep.data.csv.problems import explain, mixed
from fairsweep.data.memory.heartbeat import goes_on
from fairsweep.data.tables.columns import MOST_WORDS, is_date
from fairsweep.errors import BadInput
from fairsweep.machine import available_bytes

BLOCK = 8 * 2**20
SAMPLE = 2 * 2**20
LARGE = 4 * BLOCK
LEADING_ZERO = re.compile(rb"(?:^|[^\d.:/-])[-+]?0\d")
BYTES_OF_A_VALUE = 12  # in memory, at most, while a file is read at once
MISSING_WORDS = tuple(filter(None, arrow_csv.ConvertOptions().null_values))
"""What counts as missing unless a setting says otherwise: NA, N/A, NaN, NULL, null and the like."""

Types = Mapping[str, pa.DataType]


@dataclass(frozen=True)
class Dialect:
    """How to read a file: its form, columns to read as words even if they look like numbers,
    columns to leave out, whether numbers may be missing, and the words that mean a missing value in
    a column of words (None: those of `MISSING_WORDS`). An empty value is always missing, and so is
    any of these words in a column of numbers."""

    form: Form = PLAIN
    words: Sequence[str] = ()
    without: Sequence[str] = ()
    missing: bool = True
    missing_words: Sequence[str] | None = None


def read_csv(key: str, path: Path, names: Sequence[str], dialect: Dialect) -> pa.Table:
    """The table of a file.

    Args:
        key: the setting that names the file, for messages.
        path: a regular file.
        names: of all its columns, from `csv_names`.
        dialect: how to read it.

    Raises:
        BadInput: it isn't a table in UTF-8; the message says what to change, and where.
    """
    reader = CsvReader(path, names, dialect)
    if (types := reader.types_of_blocks()) is not None:
        with suppress(pa.ArrowInvalid, BreakInValue):
            return pa.concat_tables(reader.blocks(types))
    return read_whole(key, path, names, dialect)


def read_whole(key: str, path: Path, names: Sequence[str], dialect: Dialect) -> pa.Table:
    """The same, with types from the whole file and numbers in 64 bits."""
    reader = CsvReader(path, names, dialect)
    try:
        table = reader.whole(breaks=False)
    except pa.ArrowInvalid as error:
        explain(key, path, dialect.form, len(names), str(error))
        try:  # by default a value with a line break in it is cut in two
            table = reader.whole(breaks=True)
        except pa.ArrowInvalid as again:
            raise BadInput(f"{key}: {path} isn't valid CSV: {again}") from again
    if table.num_rows == 0:
        below = "" if dialect.form.columns else " below its first line"
        raise BadInput(f"{key}: {path} has no rows{below}")
    if any(is_binary(field.type) for field in table.schema):
        raise not_utf8(key, path)
    if problems := reader.mixed_columns(key, table):
        raise BadInput(*problems)
    return table


class CsvReader:
    """Reads one file: whole, in blocks by several threads, or in order.

    Three ways, because each does what the others can't: whole takes any file that memory holds, and
    types from all rows; blocks are fast and small; in order takes line breaks in values where
    memory is short.
    """

    def __init__(self, path: Path, names: Sequence[str], dialect: Dialect) -> None:
        self._path, self._names, self._dialect = path, names, dialect

    def whole(self, breaks: bool) -> pa.Table:
        """The whole file, with types from all rows; `breaks` if values may contain line breaks."""
        options = arrow_csv.ReadOptions(block_size=BLOCK, column_names=self._given_names)
        with source(self._path, self._dialect.form) as file:
            return self._finished(arrow_csv.read_csv(file, options, *self._how(None, breaks)))

    def types_of_blocks(self) -> Types | None:
        """Column types from the first rows, numbers in 32 bits; None if the file is small, comments
        or runs of blanks are to be taken out of it, it isn't in UTF-8, or these rows don't tell the
        types, so that it is better read whole."""
        if self._path.stat().st_size <= LARGE or not self._dialect.form.plain:
            return None
        try:
            first = self.first_rows()
        except pa.ArrowInvalid:
            return None
        types = {field.name: compact(field.type) for field in first.schema}
        return None if None in types.values() or self.mixed_columns("", first) else types

    def first_rows(self) -> pa.Table:
        """The first rows of the file, with types from them.

        Raises:
            pa.ArrowInvalid: they aren't a table.
        """
        return self._finished(self._head(*self._how(None, breaks=True)))

    def leading_zeros(self) -> Mapping[str, str]:
        """Columns that have numbers with leading zeros in the first rows, such as 007, and the
        first of each; those to be read as words are left out."""
        if not self._dialect.form.encoding:
            with self._path.open("rb") as file:
                if LEADING_ZERO.search(file.read(SAMPLE)) is None:
                    return {}
        parse, convert = self._how(dict.fromkeys(self._names, pa.string()), breaks=True)
        found = {}
        with suppress(pa.ArrowInvalid):  # which is told when the file is read
            for name, column in zip(self._kept, self._head(parse, convert), strict=True):
                there = pc.match_substring_regex(column, r"^\s*[-+]?0\d+(\D|$)")
                if name not in self._dialect.words and pc.any(there).as_py():
                    found[name] = str(column.filter(there)[0])
        return found

    def _head(self, *how: arrow_csv.ParseOptions | arrow_csv.ConvertOptions) -> pa.Table:
        options = arrow_csv.ReadOptions(
            use_threads=False, block_size=SAMPLE, column_names=self._given_names
        )
        with source(self._path, self._dialect.form, HEAD) as file:
            opened = arrow_csv.open_csv(file, options, *how)
            return pa.Table.from_batches(itertools.islice(opened, 1), opened.schema)

    def mixed_columns(self, key: str, table: pa.Table) -> list[str]:
        """Problems of columns of words that should be numbers."""
        read = self._dialect
        return [
            problem
            for name in table.column_names
            if name not in read.words
            and (problem := mixed(key, name, table[name], read.form, missing=read.missing))
        ]

    def blocks(self, types: Types) -> Iterator[pa.Table]:
        """The rows, a few megabytes at a time, read by several threads.

        Raises:
            BreakInValue: a line break may be part of a value.
            pa.ArrowInvalid: rows differ in length, or values in type.
        """
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        waiting: deque[Future[pa.Table]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for number, block in enumerate(self._pieces()):
                goes_on()
                waiting.append(pool.submit(self._parse, block, number == 0, types))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def in_order(self, types: Types) -> Iterator[pa.Table]:
        """The rows, a few megabytes at a time, where values may contain line breaks.

        Raises:
            pa.ArrowInvalid: rows differ in length, or values in type.
        """
        options = arrow_csv.ReadOptions(
            use_threads=False, block_size=BLOCK, column_names=self._given_names
        )
        with source(self._path, self._dialect.form) as file:
            done = self._lines_of_names
            for batch in arrow_csv.open_csv(file, options, *self._how(types, breaks=True)):
                yield self._finished(pa.Table.from_batches([batch]), types, done)
                done += batch.num_rows

    def most_bytes(self) -> int:
        """The memory that reading the whole file needs; lines are counted only if it matters."""
        size = self._path.stat().st_size  # with its delimiter a value takes a byte at least
        if BYTES_OF_A_VALUE * size < available_bytes():
            return BYTES_OF_A_VALUE * size
        columns = len(self._names) - len(self._dialect.without)
        return BYTES_OF_A_VALUE * columns * self.most_rows()

    def most_rows(self) -> int:
        """The number of line ends, of which there are at least as many as rows."""
        count = 0
        with self._path.open("rb", buffering=0) as file:
            while piece := file.read(BLOCK):
                goes_on()
                count += piece.count(b"\n")
                if b"\r" in piece:
                    count += piece.count(b"\r") - piece.count(b"\r\n")
        return count

    def _pieces(self) -> Iterator[memoryview]:
        """The file in pieces that end at the end of a line."""
        start, size = 0, self._path.stat().st_size
        with self._path.open("rb", buffering=0) as file:
            while start < size:
                file.seek(start)
                piece = file.read(BLOCK)
                cut = piece.rfind(b"\n") + 1 if start + len(piece) < size else len(piece)
                if not cut or (b'"' in piece and piece.count(b'"', 0, cut) % 2):
                    raise BreakInValue
                yield memoryview(piece)[:cut]
                start += cut

    def _parse(self, block: memoryview, first: bool, types: Types) -> pa.Table:
        names = self._given_names if first else list(self._names)
        options = arrow_csv.ReadOptions(
            use_threads=False, block_size=len(block) + 1, column_names=names
        )
        piece = pa.BufferReader(pa.py_buffer(block))
        before = self._lines_of_names if first else 0
        return self._finished(arrow_csv.read_csv(piece, options, *self._how(types)), types, before)

    @property
    def _lines_of_names(self) -> int:
        """How many lines name the columns, which pyarrow counts as rows."""
        return int(self._dialect.form.columns is None)

    @property
    def _given_names(self) -> list[str] | None:
        """The names of columns where the file doesn't have them."""
        return None if self._dialect.form.columns is None else list(self._names)

    @property
    def _kept(self) -> list[str]:
        """The names of the columns that are read."""
        return [name for name in self._names if name not in self._dialect.without]

    def _how(
        self, types: Types | None, breaks: bool = False
    ) -> tuple[arrow_csv.ParseOptions, arrow_csv.ConvertOptions]:
        dialect = self._dialect
        if types is None:
            types = {name: pa.string() for name in dialect.words if name in self._names}
        elif dialect.form.thousands:  # which pyarrow knows nothing of
            types = {n: pa.string() if _is_number(kind) else kind for n, kind in types.items()}
        own = dialect.missing_words
        convert = arrow_csv.ConvertOptions(
            strings_can_be_null=own is None,
            null_values=["", *MISSING_WORDS, *(own or ())],
            decimal_point=dialect.form.decimal,
            column_types=types,
            include_columns=self._kept,
            auto_dict_encode=True,
            auto_dict_max_cardinality=MOST_WORDS,
        )
        parse = arrow_csv.ParseOptions(delimiter=dialect.form.mark, newlines_in_values=breaks)
        return parse, convert

    def _finished(self, table: pa.Table, types: Types | None = None, before: int = 0) -> pa.Table:
        """What pyarrow read, without the words that mean missing, and with numbers that have marks
        between thousands; these must be in the columns to which `types` gives numbers. `before` are
        the rows that pyarrow counts before the first one.

        Raises:
            pa.ArrowInvalid: they aren't.
        """
        form, own = self._dialect.form, self._dialect.missing_words
        for i, name in enumerate(table.column_names if own is not None or form.thousands else ()):
            column = table.column(i)
            if own is not None:
                column = _without(column, ("", *own))
            if form.thousands and name not in self._dialect.words:
                column = self._numbers(name, column, types, before)
            table = table.set_column(i, name, column)
        return table

    def _numbers(self, name: str, column: Any, types: Types | None, before: int) -> Any:
        """A column as numbers, if they are."""
        wanted = None if types is None else types[name]
        if not _is_words(column.type) or (wanted is not None and not _is_number(wanted)):
            return column
        words = column.cast(pa.string())
        row = first_word(words, self._dialect.form)
        if row is None and words.null_count < len(words):
            column = as_numbers(words, self._dialect.form)
        elif row is not None and wanted is not None:
            place = f"In CSV column #{self._names.index(name)}: Row #{before + row + 1}"
            raise pa.ArrowInvalid(f"{place}: CSV conversion error: invalid value '{words[row]}'")
        return column if wanted is None else column.cast(wanted, safe=False)


class BreakInValue(Exception):
    """A piece of the file may end inside a value."""


def compact(kind: pa.DataType) -> pa.DataType | None:
    """The 32-bit type to read a column of this type as; None if there is none."""
    types = pa.types
    if types.is_floating(kind):
        return pa.float32()
    if types.is_integer(kind):
        return pa.int32()
    if types.is_boolean(kind) or is_date(kind):
        return kind
    return pa.dictionary(pa.int32(), pa.string()) if _is_words(kind) else None


def _is_words(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _without(column: Any, words: Sequence[str]) -> Any:
    """A column in which some words are missing values; only those of words have any."""
    if not _is_words(column.type):
        return column
    if not pa.types.is_dictionary(column.type):
        missing = pc.is_in(column, pa.array(words, pa.string()))
        return pc.if_else(missing, None, column)
    pieces = []
    for piece in column.chunks:
        missing = pc.is_in(piece.dictionary, pa.array(words, piece.dictionary.type))
        gaps = pc.take(missing, piece.indices)
        indices = pc.if_else(gaps, None, piece.indices)
        pieces.append(pa.DictionaryArray.from_arrays(indices, piece.dictionary))
    return pa.chunked_array(pieces, column.type)


def is_binary(kind: pa.DataType) -> bool:
    """Whether a column has values that pyarrow couldn't decode."""
    return bool(pa.types.is_binary(kind.value_type if pa.types.is_dictionary(kind) else kind))

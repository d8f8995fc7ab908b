"""A CSV file: read as fast as it can be, and, where it can't, what is wrong with it and where."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from pipeline.data.columns import MOST_WORDS
from pipeline.data.memory import check_room
from pipeline.data.paths import check_start
from pipeline.errors import BadInput

BLOCK = 4 * 2**20
SAMPLE = 2**18
OTHER_DELIMITERS = {";": "';'", "\t": "'\\t'", "|": "'|'"}
NUMBER = r"^\s*[-+]?(\d+POINT?\d*|POINT\d+)([eE][-+]?\d+)?\s*$"
COMMA_NUMBER = r"^\s*[-+]?\d+,\d+\s*$"
SHOWN = 3


def read_csv(
    key: str,
    path: Path,
    names: Sequence[str],
    delimiter: str = ",",
    decimal: str = ".",
    words: Sequence[str] = (),
    without: Sequence[str] = (),
) -> pa.Table:
    """The table of a file.

    Args:
        key: what names the file, for messages.
        path: a regular file; it is opened here, and an address isn't followed.
        names: of all of its columns, from `csv_names`.
        delimiter: what stands between values.
        decimal: the point of numbers.
        words: columns that hold words even where they look like numbers.
        without: columns that are left out.

    Raises:
        BadInput: it is no table in UTF-8; the message says what to change, and where.
    """
    _check_room(key, path, len(names))
    convert = arrow_csv.ConvertOptions(
        strings_can_be_null=True,
        decimal_point=decimal,
        column_types={name: pa.string() for name in words if name in names},
        include_columns=[name for name in names if name not in without],
        auto_dict_encode=True,
        auto_dict_max_cardinality=MOST_WORDS,
    )
    try:
        table = _read(path, delimiter, convert, breaks=False)
    except pa.ArrowInvalid as error:
        _explain(key, path, delimiter, len(names), str(error))
        try:  # a value with a line break in it may be cut in two by a reader that isn't told
            table = _read(path, delimiter, convert, breaks=True)
        except pa.ArrowInvalid as again:
            raise BadInput(f"{key}: {path} can't be read as CSV: {again}") from again
    if table.num_rows == 0:
        raise BadInput(f"{key}: {path} has no rows below its first line")
    if any(_is_binary(field.type) for field in table.schema):
        raise _no_text(key, path)
    problems = [
        problem
        for name in table.column_names
        if name not in words and (problem := _mixed(key, name, table[name], decimal))
    ]
    if problems:
        raise BadInput(*problems)
    return table


def _read(path: Path, delimiter: str, convert: arrow_csv.ConvertOptions, breaks: bool) -> pa.Table:
    parse = arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=breaks)
    with pa.OSFile(str(path)) as file:
        return arrow_csv.read_csv(file, arrow_csv.ReadOptions(block_size=BLOCK), parse, convert)


def csv_names(key: str, path: Path, delimiter: str) -> list[str]:
    """The names of the columns, in the first line of a file.

    Raises:
        BadInput: it isn't text, or these are no names of different columns.
    """
    check_start(key, path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise _no_text(key, path) from error
    except csv.Error as error:
        raise BadInput(f"{key}: {path} can't be read as CSV: {error}") from error
    if not names:
        raise BadInput(f"{key}: {path} begins with an empty line; the first must name the columns")
    if len(names) == 1:
        for other, shown in OTHER_DELIMITERS.items():
            if other in names[0]:
                raise BadInput(
                    f"{key}: {path} has one column, {names[0]!r}; what stands between its values "
                    f'may be {shown}: data.delimiter="{shown}"'
                )
    if all(_is_number(name) for name in names):
        raise BadInput(f"{key}: the first line of {path} must name the columns, and has numbers")
    problems = []
    if unnamed := [str(i) for i, name in enumerate(names, 1) if not name.strip()]:
        problems.append(
            f"{key}: {path}: column {', '.join(unnamed)} has no name; name it or take it out "
            "(pandas leaves it out with to_csv(path, index=False))"
        )
    if twice := sorted({name for name in names if name.strip() and names.count(name) > 1}):
        problems.append(
            f"{key}: {path} has more than one column {', '.join(map(repr, twice))}; each needs a "
            "name of its own"
        )
    if problems:
        raise BadInput(*problems)
    return names


def _check_room(key: str, path: Path, columns: int) -> None:
    """The table takes 8 bytes a value, and the arrays that are made of it 4."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    rows = path.stat().st_size / len(sample) * max(1, sample.count(b"\n"))
    check_room(
        f"{key}: {path}",
        int(12 * columns * rows),
        "leave columns out with data.drop, take a part of the rows, or save x and y as float32 "
        "with numpy.savez, which needs no memory: data=npz",
    )


def _explain(key: str, path: Path, delimiter: str, columns: int, said: str) -> None:
    """Finds what is wrong with a file that wasn't read.

    Raises:
        BadInput: it is found.
    """
    if "UTF8" in said or "UTF-8" in said:
        raise _no_text(key, path)
    ragged, count = [], 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            for row in reader:
                if row and len(row) != columns:
                    ragged.append(f"line {reader.line_num} has {len(row)}")
                    count += 1
                if count == SHOWN:
                    break
    except UnicodeDecodeError as error:
        raise _no_text(key, path) from error
    except csv.Error as error:
        raise BadInput(f"{key}: {path} can't be read as CSV: {error}") from error
    if ragged:
        raise BadInput(
            f"{key}: {path}: the first line has {columns} columns, but {', '.join(ragged)}; put "
            f"quotes around values with a {delimiter!r} in them"
        )


def _mixed(key: str, name: str, column: Any, decimal: str) -> str | None:
    """What is wrong with a column of words that should be numbers."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not pa.types.is_string(kind):
        return None
    words = pc.drop_null(column.cast(pa.string()))
    if len(words) == 0:
        return None
    pattern = NUMBER.replace("POINT", re.escape(decimal))
    numbers = pc.match_substring_regex(words, pattern)
    with_comma = pc.match_substring_regex(words, COMMA_NUMBER)
    whole = pc.or_(numbers, with_comma)
    if pc.all(whole).as_py() and pc.any(with_comma).as_py():
        first = words[pc.index(with_comma, True).as_py()].as_py()
        return (
            f"{key}: column {name!r} has numbers with a comma, such as {first!r}; "
            "data.decimal=',' reads them"
        )
    if pc.all(numbers).as_py() or pc.mean(numbers).as_py() < 0.5:
        return None
    row = _first_word(column.cast(pa.string()), pattern)
    value = column[row].as_py()
    return (
        f"{key}: column {name!r} is numbers, but for row {row + 1}: {value!r}; correct it, leave "
        f"it empty if it is missing, or say that they are all words: data.categorical=[{name}]"
    )


def _first_word(column: Any, pattern: str) -> int:
    """The first row that is neither a number nor missing."""
    number = pc.fill_null(pc.match_substring_regex(column, pattern), True)
    return int(pc.index(number, False).as_py())


def _is_binary(kind: pa.DataType) -> bool:
    """Of values that pyarrow couldn't decode."""
    return bool(pa.types.is_binary(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _no_text(key: str, path: Path) -> BadInput:
    return BadInput(
        f"{key}: {path} isn't UTF-8; it may be Latin-1 or Windows-1252: "
        f"iconv -f windows-1252 -t utf-8 {path} > utf8.csv"
    )

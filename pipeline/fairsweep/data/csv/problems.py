"""What is wrong with a CSV file that can't be read, and where.

In: a path, and how it was to be read. Out: `BadInput`, or the text of a problem.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fairsweep.data.paths import check_start
from fairsweep.errors import BadInput
from fairsweep.plural import plural

OTHER_DELIMITERS = (";", "\t", "|")
NUMBER = r"^\s*[-+]?(\d+POINT?\d*|POINT\d+)([eE][-+]?\d+)?\s*$"
POINT_NUMBER = NUMBER.replace("POINT", r"\.")
COMMA_NUMBER = r"^\s*[-+]?\d+,\d+\s*$"
THOUSANDS = r"^\s*[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?\s*$"
ONE_COMMA = r"^[^,.]*,[^,.]*$"
SHOWN = 3
LINES_BELOW = 5


def csv_names(key: str, path: Path, delimiter: str, unnamed: bool = False) -> list[str]:
    """The column names in the first line of a file.

    Args:
        key: the setting that names the file, for messages.
        path: a regular file.
        delimiter: between values.
        unnamed: whether columns may lack a name, which is then empty.

    Raises:
        BadInput: it isn't text, or the first line has no distinct names of columns.
    """
    check_start(key, path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter=delimiter)
            names = next(lines, [])
            below = list(_readable(itertools.islice(lines, LINES_BELOW)))
    except UnicodeDecodeError as error:
        raise not_utf8(key, path) from error
    except csv.Error as error:
        raise BadInput(f"{key}: {path} isn't valid CSV: {error}") from error
    _check_first_line(key, path, delimiter, names, below)
    problems = []
    if not unnamed and (places := [str(i) for i, name in enumerate(names, 1) if not name.strip()]):
        aside = "; \"data.drop=['']\" drops such columns" if _is_trained_on(key) else ""
        problems.append(
            f"{key}: {path}: column {', '.join(places)} has no name; name it or remove it "
            f"(in pandas: to_csv(path, index=False)){aside}"
        )
    if twice := sorted({name for name in names if name.strip() and names.count(name) > 1}):
        problems.append(
            f"{key}: {path} has more than one column {', '.join(map(repr, twice))}; column "
            "names must be unique"
        )
    if problems:
        raise BadInput(*problems)
    return [name if name.strip() else "" for name in names]


def _check_first_line(
    key: str, path: Path, delimiter: str, names: list[str], below: Sequence[list[str]]
) -> None:
    """Checks that the first line has the column names, given the lines below it.

    Raises:
        BadInput: it hasn't.
    """
    if not names:
        raise BadInput(
            f"{key}: {path} begins with an empty line; the first line must name the columns"
        )
    line = delimiter.join(names)
    if for_excel := re.match(r"sep=(.?)", line, re.IGNORECASE):
        mark = for_excel[1] or delimiter
        aside = "" if mark == delimiter else f'; {_option(key, "delimiter")}="{mark!r}"'
        raise BadInput(
            f"{key}: {path} begins with {line!r}, which only Excel reads; remove this line{aside}"
        )
    remark = line.startswith("#")
    if len(names) == 1 and not remark:
        for other in OTHER_DELIMITERS:
            if other in names[0]:
                raise BadInput(
                    f"{key}: {path} has one column, {names[0]!r}; its delimiter may be {other!r}: "
                    f'{_option(key, "delimiter")}="{other!r}"'
                )
    filled, most = _filled(names), max(map(_filled, below), default=0)
    if filled < most and (filled == 1 or remark):
        raise BadInput(
            f"{key}: {path} begins with {line.rstrip(delimiter)!r}, but lines below have {most} "
            "values; the first line must name the columns: remove the lines above it"
        )
    if all(_is_number(name) for name in names):
        raise BadInput(f"{key}: the first line of {path} must name the columns, but it has numbers")


def _readable(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows before the first one that can't be read, which is reported later."""
    with suppress(csv.Error):
        yield from lines


def _filled(row: list[str]) -> int:
    return sum(bool(value.strip()) for value in row)


def explain(key: str, path: Path, delimiter: str, columns: int, said: str) -> None:
    """Finds what is wrong with a file that pyarrow couldn't read.

    Raises:
        BadInput: the problem was found.
    """
    if "UTF8" in said or "UTF-8" in said:
        raise not_utf8(key, path)
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
        raise not_utf8(key, path) from error
    except csv.Error as error:
        raise BadInput(f"{key}: {path} isn't valid CSV: {error}") from error
    if ragged:
        raise BadInput(
            f"{key}: {path}: the first line has {plural(columns, 'column')}, but "
            f"{', '.join(ragged)}; quote values that contain {delimiter!r}"
        )


def mixed(
    key: str, name: str, column: Any, delimiter: str, decimal: str, missing: bool
) -> str | None:
    """The problem of a column of words that should be numbers; None if there is none.
    `missing` says whether some may be."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not pa.types.is_string(kind):
        return None
    words = pc.drop_null(column.cast(pa.string()))
    if len(words) == 0:
        return None
    pattern = NUMBER.replace("POINT", re.escape(decimal))
    numbers = pc.match_substring_regex(words, pattern)
    if decimal == "." and (commas := _commas(key, words, numbers, delimiter)):
        return f"{key}: column {name!r} has numbers with a comma, such as {commas}"
    if decimal != "." and pc.all(pc.match_substring_regex(words, POINT_NUMBER)).as_py():
        return (
            f"{key}: column {name!r} has numbers with a point, such as {words[0].as_py()!r}, but "
            f"{_option(key, 'decimal')} is {decimal!r}; write all numbers the same way"
        )
    if pc.all(numbers).as_py() or pc.mean(numbers).as_py() < 0.5:
        return None
    row = _first_word(column.cast(pa.string()), pattern)
    value = column[row].as_py()
    words = (
        f", or read the column as words: data.categorical=[{name}]" if _is_trained_on(key) else ""
    )
    otherwise = "leave it empty if it is missing" if missing else "or drop the row"
    return (
        f"{key}: column {name!r} has numbers, except in row {row + 1}: {value!r}; correct it, "
        f"{otherwise}{words}"
    )


def _commas(key: str, words: Any, numbers: Any, delimiter: str) -> str | None:
    """The first number with a comma, and what to do about it; None if some words aren't numbers, or
    none has a comma."""
    in_thousands = pc.match_substring_regex(words, THOUSANDS)
    with_comma = pc.or_(in_thousands, pc.match_substring_regex(words, COMMA_NUMBER))
    if not (pc.all(pc.or_(numbers, with_comma)).as_py() and pc.any(with_comma).as_py()):
        return None
    of_these = words.filter(with_comma)
    for_point = f"use {_option(key, 'decimal')}=','"
    if pc.all(in_thousands.filter(with_comma)).as_py():
        remedy = "remove thousands separators"
        if delimiter != "," and pc.all(pc.match_substring_regex(of_these, ONE_COMMA)).as_py():
            remedy += f"; if it is a decimal comma, {for_point}"
    else:
        remedy = "write a point instead" if delimiter == "," else for_point
    return f"{of_these[0].as_py()!r}; {remedy}"


def _option(key: str, name: str) -> str:
    """The full name of a setting for the file that `key` names."""
    return f"data.{name}" if _is_trained_on(key) else name


def _is_trained_on(key: str) -> bool:
    """Whether a file is for training, not for prediction."""
    return key.startswith("data.")


def _first_word(column: Any, pattern: str) -> int:
    """The first row that is neither a number nor missing."""
    number = pc.fill_null(pc.match_substring_regex(column, pattern), True)
    return int(pc.index(number, False).as_py())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def not_utf8(key: str, path: Path) -> BadInput:
    """The error for a file in another encoding."""
    return BadInput(
        f"{key}: {path} isn't UTF-8; it may be Latin-1 or Windows-1252: "
        f"iconv -f windows-1252 -t utf-8 {path} > utf8.csv"
    )

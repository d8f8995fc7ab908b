"""What is wrong with a CSV file that can't be read, and where."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.data.paths import check_start
from pipeline.errors import BadInput

OTHER_DELIMITERS = {";": "';'", "\t": "'\\t'", "|": "'|'"}
NUMBER = r"^\s*[-+]?(\d+POINT?\d*|POINT\d+)([eE][-+]?\d+)?\s*$"
COMMA_NUMBER = r"^\s*[-+]?\d+,\d+\s*$"
SHOWN = 3


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
        raise not_utf8(key, path) from error
    except csv.Error as error:
        raise BadInput(f"{key}: {path} can't be read as CSV: {error}") from error
    if not names:
        raise BadInput(f"{key}: {path} begins with an empty line; the first must name the columns")
    if len(names) == 1:
        for other, shown in OTHER_DELIMITERS.items():
            if other in names[0]:
                raise BadInput(
                    f"{key}: {path} has one column, {names[0]!r}; what stands between its values "
                    f'may be {shown}: {_option(key, "delimiter")}="{shown}"'
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


def explain(key: str, path: Path, delimiter: str, columns: int, said: str) -> None:
    """Finds what is wrong with a file that wasn't read.

    Raises:
        BadInput: it is found.
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
        raise BadInput(f"{key}: {path} can't be read as CSV: {error}") from error
    if ragged:
        raise BadInput(
            f"{key}: {path}: the first line has {columns} columns, but {', '.join(ragged)}; put "
            f"quotes around values with a {delimiter!r} in them"
        )


def mixed(key: str, name: str, column: Any, decimal: str) -> str | None:
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
            f"{_option(key, 'decimal')}=',' reads them"
        )
    if pc.all(numbers).as_py() or pc.mean(numbers).as_py() < 0.5:
        return None
    row = _first_word(column.cast(pa.string()), pattern)
    value = column[row].as_py()
    words = (
        f", or say that they are all words: data.categorical=[{name}]"
        if _is_trained_on(key)
        else ""
    )
    return (
        f"{key}: column {name!r} is numbers, but for row {row + 1}: {value!r}; correct it, leave "
        f"it empty if it is missing{words}"
    )


def _option(key: str, name: str) -> str:
    """What a setting is called where `key` names the file."""
    return f"data.{name}" if _is_trained_on(key) else name


def _is_trained_on(key: str) -> bool:
    """Whether a file is one to train on, and not to predict."""
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
    """What to tell of a file in another encoding."""
    return BadInput(
        f"{key}: {path} isn't UTF-8; it may be Latin-1 or Windows-1252: "
        f"iconv -f windows-1252 -t utf-8 {path} > utf8.csv"
    )

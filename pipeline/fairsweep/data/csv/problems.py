"""What is wrong with a CSV file that can't be read, and where.

In: a path, and how it was to be read. Out: `BadInput`, or the text of a problem.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fairsweep.config.form import BLANK, NUMBERED, THOUSANDS, Form, is_trained_on, setting_name
from fairsweep.data.csv.encoding import check_encoding, not_utf8
from fairsweep.data.csv.lines import HEAD, text
from fairsweep.data.csv.numbers import first_word, grouped_pattern, number_pattern
from fairsweep.data.paths import check_start
from fairsweep.errors import BadInput
from fairsweep.invocation import typed
from fairsweep.plural import plural

OTHER_DELIMITERS = (";", "\t", "|")
RARE_DELIMITERS = ("::", ":", "^", "~")
COMMENTS = ("#", "%", "//")
ONE_MARK = r"^[^,.]*[,.][^,.]*$"
SHOWN = 3
LINES_BELOW = 5


def csv_names(key: str, path: Path, form: Form, unnamed: bool = False) -> list[str]:
    """The names of a file's columns: those in its first line, or those that the form gives.

    Args:
        key: the setting that names the file, for messages.
        path: a regular file.
        form: how it is written.
        unnamed: whether columns may lack a name, which is then empty.

    Raises:
        BadInput: it isn't text, or the first line has no distinct names of columns.
    """
    check_start(key, path, form.encoding)
    if form.encoding:
        check_encoding(key, path, form.encoding)
    try:
        with text(path, form, HEAD) as file:
            lines = filter(None, csv.reader(file, delimiter=form.mark))
            names = next(lines, [])
            below = list(_readable(itertools.islice(lines, LINES_BELOW)))
    except UnicodeDecodeError as error:
        raise not_utf8(key, path) from error
    except csv.Error as error:
        raise BadInput(f"{key}: {path} isn't valid CSV: {error}") from error
    if not names:
        raise BadInput(f"{key}: {path} has no rows")
    _check_delimiter(key, path, form, [names, *below])
    if form.columns is not None:
        return _given_names(key, path, form.columns, names)
    _check_first_line(key, path, form, names, below)
    problems = []
    numbers = any(map(_is_number, names))
    headless = f"; if the first line is a row: {_columns(key, names)}" if numbers else ""
    if not unnamed and (places := [str(i) for i, name in enumerate(names, 1) if not name.strip()]):
        aside = "; \"data.drop=['']\" drops such columns" if is_trained_on(key) else ""
        problems.append(
            f"{key}: {path}: column {', '.join(places)} has no name; name it or remove it "
            f"(in pandas: to_csv(path, index=False)){aside}{headless}"
        )
    if twice := sorted({name for name in names if name.strip() and names.count(name) > 1}):
        problems.append(
            f"{key}: {path} has more than one column {', '.join(map(repr, twice))}; column "
            f"names must be unique{headless}"
        )
    if problems:
        raise BadInput(*problems)
    return [name if name.strip() else "" for name in names]


def _given_names(key: str, path: Path, given: Sequence[str], first: Sequence[str]) -> list[str]:
    """The names that the setting gives to the columns of a file without a header.

    Raises:
        BadInput: it has another number of columns, or a header.
    """
    names = [str(i) for i in range(1, len(first) + 1)] if given == NUMBERED else list(given)
    setting = setting_name(key, "columns")
    if list(first) == names and not any(map(_is_number, names)):
        raise BadInput(f"{setting}: the first line of {path} has these names; leave {setting} out")
    if len(first) != len(names):
        raise BadInput(
            f"{setting}: need a name for each of the {plural(len(first), 'value')} in the first "
            f"line of {path}, got {plural(len(names), 'name')}"
        )
    return names


def _check_delimiter(key: str, path: Path, form: Form, lines: Sequence[list[str]]) -> None:
    """Checks that the lines aren't parted by something else.

    Raises:
        BadInput: they are.
    """
    first, *below = lines
    line = form.mark.join(first)
    if (for_excel := re.match(r"sep=(.?)", line, re.IGNORECASE)) and form.columns is None:
        mark = for_excel[1] or form.mark
        aside = "" if mark == form.mark else f"; {_option(key, 'delimiter', mark)}"
        raise BadInput(
            f"{key}: {path} begins with {line!r}, which only Excel reads; remove this line{aside}"
        )
    if len(first) == 1 and not line.startswith(COMMENTS):
        for other in OTHER_DELIMITERS:
            if other in first[0] and not (other == "\t" and _aligned(lines)):
                raise BadInput(
                    f"{key}: {path} has one column, {first[0]!r}; its delimiter may be {other!r}: "
                    f"{_option(key, 'delimiter', other)}"
                )
    written = [form.mark.join(values) for values in lines]
    if len(first) == 1 and below and (rare := _rare_delimiter(written)):
        remedy = _option(key, "delimiter", rare)
        if len(rare) > 1:
            remedy = "write one character instead"
        raise BadInput(
            f"{key}: {path} has one column, {first[0]!r}; its delimiter may be {rare!r}: {remedy}"
        )
    parts = {len(line.split()) for line in written}
    runs = any(re.search(r"[ \t]{2}|^[ \t]|[ \t]$", line) for line in written)
    alone = all(len(values) == 1 for values in lines)
    if below and len(parts) == 1 and parts != {1} and (alone or (form.mark in " \t" and runs)):
        raise BadInput(
            f"{key}: {path}: values stand between runs of blanks, as in {written[1]!r}; "
            f"{setting_name(key, 'delimiter')}={BLANK}"
        )


def _rare_delimiter(lines: Sequence[str]) -> str | None:
    """One that only few files have, if every line, the first among them, has as many."""
    for mark in RARE_DELIMITERS:
        counts = {line.count(mark) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return mark
    return None


def _aligned(lines: Sequence[list[str]]) -> bool:
    """Whether lines have a tab here and there, among blanks that part them: by blanks and tabs they
    have the same length, and by tabs alone they haven't, or have blanks beside them."""
    written = [values[0] for values in lines if len(values) == 1]
    by_tabs = {line.count("\t") for line in written}
    beside = any(re.search(r" \t|\t |  ", line) for line in written)
    return len({len(line.split()) for line in written}) == 1 and (len(by_tabs) > 1 or beside)


def _check_first_line(
    key: str, path: Path, form: Form, names: list[str], below: Sequence[list[str]]
) -> None:
    """Checks that the first line has the column names, given the lines below it.

    Raises:
        BadInput: it hasn't.
    """
    line = form.mark.join(names)
    comment = next((mark for mark in COMMENTS if line.startswith(mark)), None)
    filled, most = _filled(names), max(map(_filled, below), default=0)
    if filled < most and (filled == 1 or comment):
        aside = f", or {_option(key, 'comment', comment)} if they are comments" if comment else ""
        raise BadInput(
            f"{key}: {path} begins with {line.rstrip(form.mark)!r}, but lines below have {most} "
            f"values; the first line must name the columns: remove the lines above it{aside}"
        )
    if all(_is_number(name) for name in names):
        raise BadInput(
            f"{key}: the first line of {path} must name the columns, but it has numbers; "
            f"{_columns(key, names)}"
        )


def _columns(key: str, first: Sequence[str]) -> str:
    """How to name the columns of a file without a header, given its first line."""
    setting = setting_name(key, "columns")
    count = plural(len(first), "column")
    return f"{setting}=[…] names the {count}, {setting}={NUMBERED} counts them"


def _readable(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows before the first one that can't be read, which is reported later."""
    with suppress(csv.Error):
        yield from lines


def _filled(row: list[str]) -> int:
    return sum(bool(value.strip()) for value in row)


def explain(key: str, path: Path, form: Form, columns: int, said: str) -> None:
    """Finds what is wrong with a file that pyarrow couldn't read.

    Raises:
        BadInput: the problem was found.
    """
    if "UTF8" in said or "UTF-8" in said:
        raise not_utf8(key, path)
    ragged, count, trailing = [], 0, True
    try:
        with text(path, form) as file:
            reader = csv.reader(file, delimiter=form.mark)
            for row in reader:
                if row and len(row) != columns:
                    ragged.append(f"line {reader.line_num} has {len(row)}")
                    trailing &= len(row) == columns + 1 and not row[-1].strip()
                    count += 1
                if count == SHOWN:
                    break
    except UnicodeDecodeError as error:
        raise not_utf8(key, path) from error
    except csv.Error as error:
        raise BadInput(f"{key}: {path} isn't valid CSV: {error}") from error
    if ragged:
        names = "there are names for" if form.columns is not None else "the first line has"
        remedy = f"quote values that contain {form.mark!r}"
        if form.delimiter == BLANK:
            remedy = "quote values that contain blanks, and write NA where one is missing"
        elif trailing:
            remedy = f"remove the {form.mark!r} at the end of lines"
        raise BadInput(
            f"{key}: {path}: {names} {plural(columns, 'column')}, but {', '.join(ragged)}; {remedy}"
        )


def mixed(key: str, name: str, column: Any, form: Form, missing: bool) -> str | None:
    """The problem of a column of words that should be numbers; None if there is none.
    `missing` says whether some may be."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not pa.types.is_string(kind):
        return None
    words = pc.drop_null(column.cast(pa.string()))
    if len(words) == 0:
        return None
    numbers = pc.match_substring_regex(words, number_pattern(form))
    if grouped := _grouped(key, words, form):
        return f"{key}: column {name!r} has numbers with {grouped}"
    other = replace(form, decimal="." if form.decimal != "." else ",")
    of_other = pc.match_substring_regex(words, number_pattern(replace(other, thousands="")))
    alike = pc.all(pc.or_(of_other, numbers)).as_py() and not form.thousands
    if alike and not pc.all(numbers).as_py():
        mark = "comma" if form.decimal == "." else "point"
        found = words.filter(pc.invert(numbers))[0].as_py()
        said = f"{key}: column {name!r} has numbers with a {mark}, such as {found!r}"
        if form.decimal == ".":
            return f"{said}; {_option(key, 'decimal', ',')}"
        setting = setting_name(key, "decimal")
        return f"{said}, but {setting} is {form.decimal!r}; write all numbers the same way"
    if pc.all(numbers).as_py() or pc.mean(numbers).as_py() < 0.5:
        return None
    row = first_word(column.cast(pa.string()), form)
    assert row is not None
    value = column[row].as_py()
    ways = ["leave it empty if it is missing" if missing else "or drop the row"]
    if is_trained_on(key):
        same = pc.all(pc.equal(words.filter(pc.invert(numbers)), value)).as_py()
        ways += [f"say that it means missing: {typed('data.missing_words', [value])}"] * same
        ways += [f"or read the column as words: {typed('data.categorical', [name])}"]
    return (
        f"{key}: column {name!r} has numbers, except in row {row + 1}: {value!r}; correct it, "
        f"{', '.join(ways)}"
    )


def _grouped(key: str, words: Any, form: Form) -> str | None:
    """The marks between the thousands of numbers, the first of these numbers, and the setting that
    reads them; None if some words are something else, or there are no such marks."""
    if form.thousands:
        return None
    for decimal in (form.decimal, "." if form.decimal != "." else ","):
        for name, marks in THOUSANDS.items():
            if decimal in marks:
                continue
            own = Form(form.delimiter, decimal, marks)
            with_marks = pc.match_substring_regex(words, grouped_pattern(own))
            fits = pc.match_substring_regex(words, number_pattern(own))
            if not (pc.all(fits).as_py() and pc.any(with_marks).as_py()):
                continue
            first = words.filter(with_marks)[0].as_py()
            what = f"{_article(name)} between thousands, such as {first!r}; "
            what += f"{setting_name(key, 'thousands')}={name}"
            if decimal != form.decimal:
                return f"{what} {_option(key, 'decimal', decimal)}"
            single = pc.match_substring_regex(words.filter(with_marks), ONE_MARK)
            if form.decimal not in marks and name in ("comma", "point") and pc.all(single).as_py():
                mark = "," if name == "comma" else "."
                if mark != form.mark:
                    what += f"; if it is the decimal mark: {_option(key, 'decimal', mark)}"
            return what
    return None


def _article(name: str) -> str:
    return f"an {name}" if name == "apostrophe" else f"a {name}"


def _option(key: str, name: str, value: str) -> str:
    """How to give it a character, in quotes for the shell."""
    return f'"{setting_name(key, name)}={value!r}"'


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

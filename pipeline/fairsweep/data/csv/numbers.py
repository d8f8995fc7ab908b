"""Numbers as a CSV has them: with a decimal mark, and marks between thousands.

In: columns of words, and the form of the file. Out: numbers, or which words aren't any.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fairsweep.config.form import Form


def number_pattern(form: Form) -> str:
    """What a number looks like. Between thousands stand two digits (as in India) or three, and
    three before the decimal mark."""
    point = re.escape(form.decimal)
    plain = rf"(\d+{point}?\d*|{point}\d+)([eE][-+]?\d+)?"
    if not form.thousands:
        return rf"^\s*[-+]?{plain}\s*$"
    return rf"^\s*[-+]?({plain}|{_grouped(form)})\s*$"


def grouped_pattern(form: Form) -> str:
    """What a number with marks between thousands looks like."""
    return rf"^\s*[-+]?{_grouped(form)}\s*$"


def _grouped(form: Form) -> str:
    mark = f"[{re.escape(form.thousands)}]"
    return rf"[1-9]\d{{0,2}}({mark}\d{{2,3}})*{mark}\d{{3}}({re.escape(form.decimal)}\d*)?"


def first_word(column: Any, form: Form) -> int | None:
    """The first row of a column of words that is neither a number nor missing; None if there is
    none."""
    numbers = pc.fill_null(pc.match_substring_regex(column, number_pattern(form)), True)
    row = int(pc.index(numbers, False).as_py())
    return None if row < 0 else row


def as_numbers(column: Any, form: Form) -> Any:
    """A column of words, each of them a number, as 64-bit numbers."""
    text = pc.utf8_trim_whitespace(column)
    text = pc.replace_substring_regex(text, f"[{re.escape(form.thousands)}]", "")
    if form.decimal != ".":
        text = pc.replace_substring(text, form.decimal, ".")
    return pc.cast(text, pa.float64())

"""Values that may not be what they look like: near-identical words, numbers written as words."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

COMMENTS = ("#", "//")
SIGN = r"(?:[%‰$€£¥¢₹₽₩₺₪₫₴₱₿]|[A-Z]{0,2}\$)"
NUMBER = r"\d[\d.,]*"
WITH_SIGN = re.compile(rf"\s*[-+]?\s*({SIGN}\s*[-+]?{NUMBER}|{NUMBER}\s*{SIGN})\s*")
WITH_UNIT = re.compile(
    rf"\s*[-+]?(?:{NUMBER}\s*(?P<unit>[^\W\d_]{{1,5}}[²³23]?)|(?P<code>[A-Z]{{3}})\s+{NUMBER})\s*"
)
WITH_MINUS = re.compile(r"\s*\u2212\s*\d[\d.,]*\s*")  # the sign of typesetters
WITH_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(,\d{3})+(\.\d+)?\s*")
WORDS_OF_A_TEXT = 4
PLAIN = re.compile(r"\s*[-+]?\d+(\.\d+)?\s*")


def alike(words: Iterable[str]) -> list[Sequence[str]]:
    """Groups of words that differ only in case, surrounding spaces, or how their letters are
    stored (an accent may be a letter of its own)."""
    same: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        same[unicodedata.normalize("NFC", word.strip()).casefold()].append(word)
    return [kind for kind in same.values() if len(kind) > 1]


def disguised(words: Iterable[str]) -> str | None:
    """The first word with a percent or currency sign, a unit that is the same in all of them, or
    thousands separators, if all words are numbers but for these; else None."""
    found, units = None, set()
    for word in filter(None, words):
        if any(form.fullmatch(word) for form in (WITH_SIGN, WITH_MINUS, WITH_THOUSANDS)):
            units.add("")
        elif unit := WITH_UNIT.fullmatch(word):
            units.add(unit["unit"] or unit["code"])
        elif PLAIN.fullmatch(word):
            continue
        else:
            return None
        found = found or word
    return found if len(units) == 1 else None


def as_numbers(word: str) -> str:
    """How to describe a column of such words, given one of them."""
    return f"numbers with a sign, a unit or separators, such as {word!r}; write plain numbers"


def commented(words: Iterable[str]) -> str | None:
    """The mark behind which words have comments, without which half of them or more would be the
    same as others; None if there are none."""
    there = list(words)
    for mark in COMMENTS:
        without = {word.partition(f" {mark}")[0].rstrip() for word in there}
        if len(without) <= len(there) / 2:
            return mark
    return None


def is_text(words: Sequence[str]) -> bool:
    """Whether the words of a column look like texts: most of them are several words."""
    several = sum(len(word.split()) >= WORDS_OF_A_TEXT for word in words)
    return several > len(words) / 2

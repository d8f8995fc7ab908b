"""Values that may not be what they look like: near-identical words, numbers written as words."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

SIGN = r"[%$€£¥]"
WITH_SIGN = re.compile(rf"\s*[-+]?\s*({SIGN}\s*[-+]?\d[\d.,]*|\d[\d.,]*\s*{SIGN})\s*")
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
    """The first word with a percent or currency sign or thousands separators, if all words are
    numbers but for these; else None."""
    found = None
    for word in filter(None, words):
        if any(form.fullmatch(word) for form in (WITH_SIGN, WITH_MINUS, WITH_THOUSANDS)):
            found = found or word
        elif not PLAIN.fullmatch(word):
            return None
    return found


def as_numbers(word: str) -> str:
    """How to describe a column of such words, given one of them."""
    return f"numbers with a sign or separators, such as {word!r}; write plain numbers"


def is_text(words: Sequence[str]) -> bool:
    """Whether the words of a column look like texts: most of them are several words."""
    several = sum(len(word.split()) >= WORDS_OF_A_TEXT for word in words)
    return several > len(words) / 2

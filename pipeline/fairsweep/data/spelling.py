"""What may not be meant as it is written: marks, words that are alike, numbers in disguise."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

SIGN = r"[%$€£¥]"
WITH_SIGN = re.compile(rf"\s*[-+]?\s*({SIGN}\s*[-+]?\d[\d.,]*|\d[\d.,]*\s*{SIGN})\s*")
WITH_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(,\d{3})+(\.\d+)?\s*")
PLAIN = re.compile(r"\s*[-+]?\d+(\.\d+)?\s*")


def mark_of(given: str | None) -> str:
    """What stands between the values of a CSV: a comma where nothing is given; a tab may be written
    as two characters."""
    return "\t" if given == r"\t" else given or ","


def alike(words: Iterable[str]) -> list[Sequence[str]]:
    """Words that differ in capitals or blanks around them alone, those of each kind together."""
    same: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        same[word.strip().casefold()].append(word)
    return [kind for kind in same.values() if len(kind) > 1]


def disguised(words: Iterable[str]) -> str | None:
    """The first of words that are all numbers, some with a sign (% or of a currency) or commas
    between thousands; None where they aren't."""
    found = None
    for word in filter(None, words):
        if WITH_SIGN.fullmatch(word) or WITH_THOUSANDS.fullmatch(word):
            found = found or word
        elif not PLAIN.fullmatch(word):
            return None
    return found


def as_numbers(word: str) -> str:
    """What to tell of a column of words in disguise, such as this one."""
    return f"numbers with a mark, such as {word!r}: write them without, and they are numbers"

"""The name that was meant where one is misspelt or cut short.

In: a name, and those there are. Out: the nearest of them, or none. A guess that is far off
misleads, and every message lists the names anyway; so only a slip of the hand is taken for one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

SHORTEST = 3
"""Letters from which the start of a single name stands for it: `cos` for `cosine`."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is meant for, whatever their case: one slip away, or one for every
    four letters. None if there is no such name."""
    written, folded = name.casefold(), {word.casefold(): word for word in known}
    most = min(max(1, len(written) // 4), len(written) - 1)
    near = [word for word in folded if abs(len(word) - len(written)) <= most]
    slips = {word: _slips(written, word) for word in near}
    found = min(slips, key=slips.__getitem__, default="")
    if found and slips[found] <= most:
        return folded[found]
    begun = [word for word in folded if word.startswith(written)]
    return folded[begun[0]] if len(begun) == 1 and len(written) >= SHORTEST else None


def suggested(name: object, known: Collection[str]) -> str:
    """What to write instead of a name that isn't known: the one that was meant, or one of all."""
    close = nearest(str(name), known)
    return f"did you mean {close}?" if close else f"there are: {', '.join(known)}"


def _slips(written: str, meant: str) -> int:
    """How many letters were added, left out, hit wrong, or swapped with the next (the optimal
    string alignment distance)."""
    before: list[int] = []
    last = list(range(len(meant) + 1))
    for i, letter in enumerate(written, 1):
        row = [i]
        for j, right in enumerate(meant, 1):
            best = min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != right))
            if i > 1 and j > 1 and (letter, written[i - 2]) == (meant[j - 2], right):
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]

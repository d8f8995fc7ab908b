"""The confusion matrix: true and predicted classes of the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairsweep.plural import plural
from fairsweep.report.analysis.select import ArmSelection
from fairsweep.report.figures.parts import Figure, layout, name
from fairsweep.report.text.numbers import MISSING
from fairsweep.tested import Confusion, Tested

MOST = 30
"""Classes that a picture has room for."""
SPELLED_OUT = 12
"""With more classes than these a cell has no room for its share beside its count."""
LONGEST = 16
"""Letters of a class's name."""
BLUE = "0,114,178"
STRONG = 0.64
"""The share from which a cell is so dark on any page that its number is white."""


def confusion_matrix(entry: ArmSelection | None) -> Figure | None:
    """The test rows of an arm's confirmations by true and predicted class; None where they
    weren't counted."""
    found = None if entry is None else _sum([run.tested for run in entry.confirmed])
    if entry is None or found is None:
        return None
    count = sum(isinstance(run.tested, Confusion) for run in entry.confirmed)
    kept = _worst(found)
    rows = [sum(row) for row in found.counts]
    shares = [[found.counts[i][j] / rows[i] if rows[i] else 0.0 for j in kept] for i in kept]
    names = [name(_short(found.classes[i])) for i in kept]
    ticks = {"tickvals": list(range(len(kept))), "ticktext": names, "showgrid": False}
    cell = 27 if len(kept) <= SPELLED_OUT else 24
    place = layout(
        xaxis={"title": {"text": "predicted class"}, "range": [-0.5, len(kept) - 0.5], **ticks},
        yaxis={
            "title": {"text": "true class"},
            "range": [len(kept) - 0.5, -0.5],
            "automargin": True,
            **ticks,
        },
    )
    left_out = (
        f" Shown are the {len(kept)} of {len(found.classes)} classes with the most errors; shares "
        "are of all rows of a class."
        if len(kept) < len(found.classes)
        else ""
    )
    return Figure(
        name="confusion",
        section="classes",
        title=f"Confusion matrix of {entry.arm}, {_trainings(count)}",
        caption=_most_frequent(found) + left_out,
        height=70 + (36 if len(kept) <= SPELLED_OUT else 26) * len(kept),
        spec={"data": _traces(found, kept, shares), "layout": place},
        narrowest=64 + cell * len(kept),
    )


def _sum(stored: Sequence[Tested | None]) -> Confusion | None:
    """All that have the classes of the first, together."""
    there = [own for own in stored if isinstance(own, Confusion)]
    same = [own for own in there if own.classes == there[0].classes]
    if not same:
        return None
    places = range(len(same[0].classes))
    counts = tuple(tuple(sum(own.counts[i][j] for own in same) for j in places) for i in places)
    return Confusion(same[0].classes, counts)


def _worst(found: Confusion) -> list[int]:
    """The classes to show, in their order: all, or those that take part in the most errors."""
    places = range(len(found.classes))
    wrong = [sum(found.counts[i][j] + found.counts[j][i] for j in places if j != i) for i in places]
    return sorted(sorted(places, key=lambda i: (-wrong[i], i))[:MOST])


def _most_frequent(found: Confusion) -> str:
    places = range(len(found.classes))
    pairs = [(i, j) for i in places for j in places if i != j]
    i, j = max(pairs, key=lambda pair: found.counts[pair[0]][pair[1]], default=(0, 0))
    if i == j or not found.counts[i][j]:
        return "Every test row was classified correctly."
    return (
        f"The most frequent error: {found.classes[i]} predicted as {found.classes[j]}, "
        f"{found.counts[i][j]:,} of {plural(sum(found.counts[i]), 'row')}."
    )


def _traces(
    found: Confusion, kept: Sequence[int], shares: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    cells = [(row, column) for row in range(len(kept)) for column in range(len(kept))]
    count = {cell: found.counts[kept[cell[0]]][kept[cell[1]]] for cell in cells}
    texts = [[_hover(found, i, j) for j in kept] for i in kept]
    heat = {
        "type": "heatmap",
        "z": [[float(f"{share:.4g}") for share in row] for row in shares],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[s, f"rgba({BLUE},{s**0.5:.3f})"] for s in _STOPS],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "customdata": texts,
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    pale = [c for c in cells if count[c] and shares[c[0]][c[1]] < STRONG]
    dark = [c for c in cells if count[c] and shares[c[0]][c[1]] >= STRONG]
    spelled = len(kept) <= SPELLED_OUT
    dark_font = {"size": 10, "color": "#ffffff"}
    return [
        heat,
        *(
            {
                "type": "scatter",
                "mode": "text",
                "x": [column for _, column in own],
                "y": [row for row, _ in own],
                "text": [
                    f"{count[c]:,}<br>{_share(shares[c[0]][c[1]])}" if spelled else str(count[c])
                    for c in own
                ],
                "textfont": font,
                "hoverinfo": "skip",
            }
            for own, font in ((pale, {"size": 10}), (dark, dark_font))
            if own
        ),
    ]


_STOPS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Shares between which a colour is mixed: its strength is their root, for a share of one in a
hundred has to be seen."""


def _hover(found: Confusion, i: int, j: int) -> str:
    total = sum(found.counts[i])
    share = _share(found.counts[i][j] / total) if total else MISSING
    true, predicted = name(found.classes[i]), name(found.classes[j])
    return f"{true} predicted as {predicted}: {found.counts[i][j]:,} of {total:,} ({share})"


def _share(share: float) -> str:
    return name("<1%") if 0 < share < 0.005 else f"{share:.0%}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _trainings(count: int) -> str:
    return "one training" if count == 1 else f"{count} trainings together"

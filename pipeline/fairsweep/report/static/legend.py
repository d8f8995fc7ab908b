"""The legend above a static picture: the arms in it, and what solid and dashed lines are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from fairsweep.report.analysis.curves import Style
from fairsweep.report.static.axes import INK, TEXT, plain, text_width
from fairsweep.report.static.strokes import MARKERS

LINE = 20
"""Pixels."""
SWATCH, GAP = 24, 18
LEFT = 12


@dataclass(frozen=True)
class _Entry:
    text: str
    colour: str
    marker: str
    dash: Literal["none", "-", "--"]


def legend_height(data: Sequence[Mapping[str, Any]], arms: Mapping[str, Style], width: int) -> int:
    """Pixels that the legend takes."""
    rows = [row for _, _, row in _placed(_entries(data, arms), width)]
    return LINE * (rows[-1] + 1) if rows else 0


def draw_legend(
    canvas: Canvas,
    data: Sequence[Mapping[str, Any]],
    arms: Mapping[str, Style],
    width: int,
    height: int,
) -> None:
    """Draws it at the top of a picture of this size."""
    for entry, x, row in _placed(_entries(data, arms), width):
        y = 1 - (8 + LINE * (row + 0.5)) / height
        swatch = Line2D(
            [x / width, (x + SWATCH - 6) / width], [y, y], color=entry.colour, linewidth=1.8,
            linestyle=entry.dash, marker=entry.marker, markersize=5, markevery=[],
        )  # fmt: skip
        if entry.marker:
            swatch.set_data([(x + SWATCH - 10) / width], [y])
            swatch.set_markevery(None)
        canvas.add_artist(swatch)
        canvas.text((x + SWATCH) / width, y, entry.text, color=INK, size=TEXT, va="center_baseline")


def _entries(data: Sequence[Mapping[str, Any]], arms: Mapping[str, Style]) -> list[_Entry]:
    drawn = {trace.get("meta") for trace in data}
    entries = [
        _Entry(plain(arm), style.colour, MARKERS[style.shape], "none")
        for arm, style in arms.items()
        if arm in drawn
    ]
    if any(trace.get("line", {}).get("dash") == "dash" for trace in data):
        entries += [_Entry("validation", INK, "", "-"), _Entry("training", INK, "", "--")]
    return entries


def _placed(entries: Sequence[_Entry], width: int) -> Iterator[tuple[_Entry, float, int]]:
    """Each entry, where it begins, and in which line."""
    x, row = float(LEFT), 0
    for entry in entries:
        needed = SWATCH + text_width(entry.text)
        if x > LEFT and x + needed > width:
            x, row = LEFT, row + 1
        yield entry, x, row
        x += needed + GAP

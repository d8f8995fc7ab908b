"""The traces of a static picture: lines, areas, points, texts, bars and cells, as plotly would draw
them.

In: one of plotly's traces. Out: matplotlib's artists on given axes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from fairsweep.report.static.axes import INK, PIXEL, plain

MARKERS = {
    "circle": "o",
    "diamond": "D",
    "square": "s",
    "triangle-up": "^",
    "x-thin": "x",
    "line-ns": "|",
}
POINTS = 4000
"""Points of the lines and areas of one picture."""
Colour = tuple[float, float, float, float]


def stroke(axes: Axes, trace: Mapping[str, Any], share: float) -> None:
    """Draws a trace.

    Args:
        axes: On which; their ranges are set.
        trace: A scatter, bar or heatmap of plotly's.
        share: The part of `POINTS` that it may take.
    """
    if trace["type"] == "bar":
        _bars(axes, trace)
    elif trace["type"] == "heatmap":
        _cells(axes, trace)
    elif trace["mode"] == "text":
        _texts(axes, trace)
    elif trace.get("fill") == "toself":
        _area(axes, trace, max(24, int(POINTS * share)))
    elif "lines" in trace["mode"]:
        _line(axes, trace, max(24, int(POINTS * share)))
    else:
        _points(axes, trace)


def _line(axes: Axes, trace: Mapping[str, Any], points: int) -> None:
    line, marker = trace["line"], trace.get("marker", {})
    kept = _thinned(trace["y"], points)
    axes.plot(
        [trace["x"][i] for i in kept],
        [trace["y"][i] for i in kept],
        color=line["color"],
        linestyle="--" if line.get("dash") == "dash" else "-",
        linewidth=line["width"] * PIXEL,
        drawstyle="steps-post" if line.get("shape") == "hv" else "default",
        marker=MARKERS[marker["symbol"]] if marker else "",
        markersize=marker.get("size", 0) * PIXEL,
        markevery=math.ceil(len(kept) / marker.get("maxdisplayed", len(kept))),
        solid_capstyle="butt",
    )


def _area(axes: Axes, trace: Mapping[str, Any], points: int) -> None:
    """An area that goes forth over half of its points and back over the others."""
    half = len(trace["x"]) // 2
    kept = _thinned(trace["y"][:half], points // 2)
    kept = [*kept, *(2 * half - 1 - i for i in reversed(kept))]
    x, y = ([trace[axis][i] for i in kept] for axis in ("x", "y"))
    axes.fill(x, y, color=_colour(trace["fillcolor"]), linewidth=0)


def _points(axes: Axes, trace: Mapping[str, Any]) -> None:
    marker = trace["marker"]
    symbol = marker.get("symbol", "circle")
    if (bar := trace.get("error_x") or trace.get("error_y")) is not None:
        along = "xy" if "error_x" in trace else "yx"
        _reaches(axes, [trace[axis] for axis in along], bar, along)
    axes.plot(
        trace["x"],
        trace["y"],
        linestyle="none",
        marker=MARKERS[symbol.removesuffix("-open")],
        markersize=marker["size"] * PIXEL,
        markerfacecolor="none" if symbol.endswith("-open") else marker["color"],
        markeredgecolor=marker["color"],
        markeredgewidth=marker.get("line", {}).get("width", 0) * PIXEL,
        alpha=marker.get("opacity"),
        clip_on=False,
    )


def _reaches(
    axes: Axes, ends: Sequence[Sequence[float]], bar: Mapping[str, Any], along: str
) -> None:
    """The bar of each point, along the first of its axes: one line with gaps."""
    reach: list[float] = []
    aside: list[float] = []
    for place, other, less, more in zip(*ends, bar["arrayminus"], bar["array"], strict=True):
        gap = [math.nan] if reach else []
        reach += [*gap, place - less, place + more]
        aside += [*gap, other, other]
    x, y = (reach, aside) if along == "xy" else (aside, reach)
    axes.plot(x, y, color=_colour(bar["color"]), linewidth=bar["thickness"] * PIXEL)


def _texts(axes: Axes, trace: Mapping[str, Any]) -> None:
    font = trace["textfont"]
    aside = trace.get("textposition") == "middle right"
    for x, y, text in zip(trace["x"], trace["y"], trace["text"], strict=True):
        axes.text(
            x,
            y,
            plain(text),
            color=font.get("color", INK),
            size=font["size"] * PIXEL,
            ha="left" if aside else "center",
            va="center",
            linespacing=1.1,
        )


def _bars(axes: Axes, trace: Mapping[str, Any]) -> None:
    marker, width = trace["marker"], trace["width"]
    line = marker["line"]
    for x, y, colour in zip(trace["x"], trace["y"], marker["color"], strict=True):
        hatch = marker["pattern"]["shape"]
        axes.add_patch(
            Rectangle(
                (0, y - width / 2),
                x,
                width,
                facecolor="none" if hatch else _colour(colour),
                edgecolor=line["color"],
                linewidth=line["width"] * PIXEL,
                hatch=4 * hatch if not colour.startswith("rgba") else "",
            )
        )


def _cells(axes: Axes, trace: Mapping[str, Any]) -> None:
    """A square for each value above zero, one shape for all of about the same value."""
    scale = [(stop, _colour(colour)) for stop, colour in trace["colorscale"]]
    levels: dict[float, list[tuple[int, int]]] = {}
    for row, values in enumerate(trace["z"]):
        for column, value in enumerate(values):
            if value > 0:
                levels.setdefault(max(0.005, round(value, 2)), []).append((row, column))
    for value, cells in sorted(levels.items()):
        squares = [_square(column, row) for row, column in cells]
        colour = _mixed(scale, value)
        axes.add_patch(PathPatch(Path.make_compound_path(*squares), facecolor=colour, linewidth=0))


def _square(x: float, y: float) -> Path:
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    return Path([(x + 0.48 * a, y + 0.48 * b) for a, b in corners], closed=True)


def _mixed(scale: Sequence[tuple[float, Colour]], value: float) -> Colour:
    """The colour at `value` of a scale of (stop, colour)."""
    for (low, below), (high, above) in itertools.pairwise(scale):
        if value <= high:
            part = (value - low) / (high - low)
            red, green, blue, alpha = (
                a + part * (b - a) for a, b in zip(below, above, strict=True)
            )
            return red, green, blue, alpha
    return scale[-1][1]


def _colour(text: str) -> Colour:
    """Of plotly's `#0072b2` or `rgba(0,114,178,0.18)`."""
    if text.startswith("#"):
        return to_rgba(text)
    red, green, blue, alpha = text.removeprefix("rgba(").removesuffix(")").split(",")
    return int(red) / 255, int(green) / 255, int(blue) / 255, float(alpha)


def _thinned(values: Sequence[float], points: int) -> list[int]:
    """About `points` places of a line, evenly spread, first and last and its extremes among
    them."""
    count = len(values)
    if count <= points:
        return list(range(count))
    extremes = {values.index(min(values)), values.index(max(values))}
    return sorted({round(i * (count - 1) / (points - 1)) for i in range(points)} | extremes)

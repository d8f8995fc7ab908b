"""What all pictures are made of: a plotly specification of plain dictionaries, and the line that
says what to see in it.

Colours of text and grid are left to the page, which knows whether it is light or dark. Names come
from users, and plotly reads tags in them, so every name is escaped here.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fairsweep.metrics import has_unit
from fairsweep.report.analysis.curves import LOG_RATIO, Style, log_ticks

Section = Literal[
    "arms",
    "difference",
    "front",
    "curves",
    "search",
    "parameters",
    "slices",
    "classes",
    "values",
]
DIGITS = 6
"""Of a number in a picture: as much as a 32-bit float holds."""
GREY = "#768390"
"""Of what is no arm's."""


@dataclass(frozen=True)
class Figure:
    """One picture of the page.

    Attributes:
        name: A plain word that can be an element's id.
        section: Its place in the page.
        title: What it shows.
        caption: What to see in it, in a line.
        height: In pixels.
        spec: `data` and `layout` for plotly.
        narrowest: Pixels below which it isn't squeezed: a narrow screen scrolls it.
        wide: Whether it stands alone where others stand in pairs.
    """

    name: str
    section: Section
    title: str
    caption: str
    height: int
    spec: Mapping[str, Any]
    narrowest: int = 0
    wide: bool = False


def points(
    arm: str,
    x: Sequence[float],
    y: Sequence[float],
    text: Sequence[str],
    marker: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name(arm),
        "meta": arm,
        "x": rounded(x),
        "y": list(y),
        "marker": marker,
        "customdata": list(text),
        "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>",
    }


def symbol(style: Style, symbol: str, size: int, width: int) -> dict[str, Any]:
    line = {"width": width, "color": style.colour}
    return {"color": style.colour, "symbol": symbol, "size": size, "line": line}


def reach(mean: float, interval: tuple[float, float], style: Style) -> dict[str, Any]:
    """The bar of an interval around its mean; nearer to a bound of the metric it is shorter."""
    low, high = interval
    return {
        "type": "data",
        "symmetric": False,
        "array": rounded([high - mean]),
        "arrayminus": rounded([mean - low]),
        "color": style.colour,
        "thickness": 2.5,
        "width": 0,
    }


def line(
    arm: str, x: Sequence[float], y: Sequence[float], text: Sequence[str], style: Style
) -> dict[str, Any]:
    """A line in the arm's colour that says `text` where the mouse is; with markers on it where
    other arms have the same colour, or it is too short to be seen."""
    marked = style.marker != "none" or len(x) < 3
    return {
        "type": "scatter",
        "mode": "lines+markers" if marked else "lines",
        "name": name(arm),
        "meta": arm,
        "x": list(x),
        "y": rounded(y),
        "line": {"color": style.colour, "width": 2.2},
        **({"marker": {"symbol": style.shape, "size": 6, "maxdisplayed": 12}} if marked else {}),
        "customdata": list(text),
        "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>",
    }


def filled_band(
    arm: str, x: Sequence[float], low: Sequence[float], high: Sequence[float], style: Style
) -> dict[str, Any]:
    """The area between `low` and `high`, in the arm's colour."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name(arm),
        "meta": arm,
        "x": [*x, *reversed(x)],
        "y": rounded([*high, *reversed(low)]),
        "fill": "toself",
        "fillcolor": faint(style.colour),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def faint(colour: str) -> str:
    """What is left of a colour `#rrggbb` where others have to be seen through it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def log_axis(low: float, high: float) -> dict[str, Any]:
    """A log axis that has room for values from `low` to `high`, with round numbers on it."""
    ticks = log_ticks(low / 1.1, high * 1.1)
    return {"type": "log", "tickvals": ticks, "ticktext": list(map(_tick, ticks))}


def value_axis(metric: str, data: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The axis of the objective in a picture of trials; of one with a unit a log axis, where some
    trials are so far behind that the others would be a line."""
    axis: dict[str, Any] = {"automargin": True, "title": {"text": name(metric)}}
    values = [value for trace in data if "yaxis" not in trace for value in trace["y"]]
    low, high = min(values, default=0.0), max(values, default=0.0)
    far = has_unit(metric) and low > 0 and high / low > LOG_RATIO
    return {**axis, **log_axis(low, high)} if far else axis


def _tick(value: float) -> str:
    """A round number in few letters, which is what a phone has room for."""
    return f"{value:g}" if 1e-3 <= value < 1e6 else f"{value:.0e}".replace("e-0", "e-")


def layout(xaxis: dict[str, Any], yaxis: dict[str, Any]) -> dict[str, Any]:
    return {
        "autosize": True,
        "showlegend": False,
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "hoverlabel": {"align": "left", "namelength": -1},
        "xaxis": {"zeroline": False, "automargin": True, **xaxis},
        "yaxis": {"zeroline": False, **yaxis},
    }


def rounded(values: Sequence[float], digits: int = DIGITS) -> list[float]:
    """Six digits, unless more are asked for: as much as a picture can show."""
    return [float(f"{value:.{digits}g}") for value in values]


def digits_between(low: float, high: float) -> int:
    """How many digits numbers need in a picture from `low` to `high`, which may be far from 0."""
    far = max(abs(low), abs(high)) / (high - low) if high > low else 1.0
    return min(15, DIGITS + max(0, math.floor(math.log10(far))))


def name(name: str) -> str:
    return html.escape(name, quote=False)


def identifier(metric: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in metric)

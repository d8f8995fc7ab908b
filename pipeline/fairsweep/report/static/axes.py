"""The axes of a static picture: their ranges, ticks and names, and the room that these take.

In: plotly's layout and traces. Out: a `View` of each axis, and matplotlib's axes dressed with it.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

INK = "#768390"
GRID = "#7683903a"
TEXT = 9.0
"""Points."""
PIXEL = 0.75
"""Points in a pixel."""
TICKS = 7
MARGIN = 0.05
"""The share of an axis that is left free at each end."""


@dataclass(frozen=True)
class View:
    """An axis: where it begins and ends, where its ticks are and what they say, its title."""

    low: float
    high: float
    log: bool
    ticks: Sequence[float]
    texts: Sequence[str]
    title: str
    grid: bool


@dataclass(frozen=True)
class Frame:
    """A picture and the room around its axes, in pixels."""

    width: int
    height: int
    left: float
    bottom: float
    top: float

    def place(self, low: float, high: float) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of axes that have this part of the room, from 0 at the
        bottom to 1, as shares of the picture."""
        tall = self.height - self.bottom - self.top
        return (
            self.left / self.width,
            (self.bottom + low * tall) / self.height,
            (self.width - self.left - 16) / self.width,
            (high - low) * tall / self.height,
        )


def plain(text: str) -> str:
    """What plotly shows of a text, as XML can hold it."""
    lines = map(html.unescape, text.split("<br>"))
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)


@cache
def text_width(text: str, size: float = TEXT) -> float:
    """Of a line, in pixels."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=size), ismath=False
    )
    return float(width) / PIXEL


def view(name: str, data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> View:
    """The axis `x`, `y` or `y2` as plotly would choose it."""
    axis = layout[f"{name[0]}axis{name[1:]}"]
    own = [trace for trace in data if name == "x" or trace.get("yaxis", "y") == name]
    values = [value for trace in own for value in _values(trace, name[0])]
    log = axis.get("type") == "log"
    low, high = axis.get("range") or _range(values, log=log)
    if low == high:
        low, high = _range([low], log=log)
    if axis.get("rangemode") == "tozero":
        low = min(0.0, low) if min(values, default=0) < 0 else 0.0
    if "tickvals" in axis:
        ticks, texts = axis["tickvals"], [plain(text) for text in axis.get("ticktext", ())]
    else:
        whole = all(value == int(value) for value in values)
        ticks = _ticks(min(low, high), max(low, high), axis.get("dtick"), whole=whole)
        texts = _numbers(ticks, percent=axis.get("tickformat") == ".0%")
    title = plain(axis.get("title", {}).get("text", ""))
    return View(low, high, log, ticks, texts, title, axis.get("showgrid", True))


def room(views: Mapping[str, View]) -> tuple[float, float]:
    """Pixels that the texts take left of the axes and below them."""
    left = max((text_width(text) for name in views if name != "x" for text in views[name].texts),
               default=0)  # fmt: skip
    titled = any(view.title for name, view in views.items() if name != "x")
    below = 22.0 if not turned(views["x"]) else 12 + max(map(text_width, views["x"].texts))
    return left + 16 + 20 * titled, below + 20 * bool(views["x"].title)


def turned(view: View) -> bool:
    """Whether the texts of an x axis stand upright, for want of room."""
    needed = sum(text_width(text) + 6 for text in view.texts)
    return needed > 560


def dress(axes: Axes, across: View, up: View, frame: Frame, *, lowest: bool) -> None:
    """Gives axes their ranges, ticks and titles; those of x to the lowest only."""
    axes.patch.set_alpha(0.0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0, labelsize=TEXT)
    axes.set_xscale("log" if across.log else "linear")
    axes.set_yscale("log" if up.log else "linear")
    for axis, own in ((axes.xaxis, across), (axes.yaxis, up)):
        axis.set_major_locator(FixedLocator(list(own.ticks)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FixedFormatter(list(own.texts)))
        if own.grid:
            axis.grid(True, color=GRID, linewidth=0.8)
    axes.set_xlim(across.low, across.high)
    axes.set_ylim(up.low, up.high)
    if turned(across):
        axes.tick_params(axis="x", labelrotation=90)
    if not lowest:
        axes.tick_params(axis="x", labelbottom=False)
    elif across.title:
        axes.figure.text(
            (frame.left + frame.width - 16) / 2 / frame.width, 6 / frame.height, across.title,
            color=INK, ha="center", va="bottom", size=TEXT,
        )  # fmt: skip
    if up.title:
        middle = axes.get_position().y0 + axes.get_position().height / 2
        axes.figure.text(
            6 / frame.width, middle, up.title,
            color=INK, ha="left", va="center", rotation=90, size=TEXT,
        )  # fmt: skip


def _values(trace: Mapping[str, Any], letter: str) -> Sequence[float]:
    own: Sequence[float] = trace.get(letter, ())
    bar = trace.get(f"error_{letter}")
    if bar is None:
        return own
    left = [x - far for x, far in zip(own, bar["arrayminus"], strict=True)]
    return [*own, *left, *(x + far for x, far in zip(own, bar["array"], strict=True))]


def _range(values: Sequence[float], *, log: bool) -> tuple[float, float]:
    """From the lowest to the highest value, with a margin."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if log:
        low, high = math.log10(low), math.log10(high)
    margin = MARGIN * (high - low) or (0.1 if log else 0.05 * abs(high) or 0.5)
    low, high = low - margin, high + margin
    return (10**low, 10**high) if log else (low, high)


def _ticks(low: float, high: float, apart: float | None, *, whole: bool) -> list[float]:
    locator = MaxNLocator(TICKS, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=2)
    ticks = (
        [apart * i for i in range(math.ceil(low / apart), math.floor(high / apart) + 1)]
        if apart
        else [float(tick) for tick in locator.tick_values(low, high)]
    )
    return [tick for tick in ticks if low <= tick <= high]


def _numbers(ticks: Sequence[float], *, percent: bool) -> list[str]:
    """The ticks, with as many decimals as tell them apart."""
    if percent:
        return [f"{tick:.0%}" for tick in ticks]
    apart = min((b - a for a, b in itertools.pairwise(ticks)), default=1.0)
    decimals = max(0, -math.floor(math.log10(apart) + 1e-9))
    if decimals > 6 or any(abs(tick) >= 1e7 for tick in ticks):
        written = ([f"{tick:.{digits}g}" for tick in ticks] for digits in range(3, 18))
        return next(own for own in written if len({*own}) == len({*ticks}))
    return [f"{tick + 0.0:,.{decimals}f}" for tick in ticks]

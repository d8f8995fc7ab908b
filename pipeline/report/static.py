"""The learning curves as one SVG, for the README, the Markdown report and pages without scripts.

In: a `Selection`. Out: the bytes of the picture, the same for the same selection. Its background
is clear and its text a middle grey, so that it suits a light page and a dark one.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from pipeline.report.curves import ArmCurves, Band, Panel, log_ticks, panels, styles
from pipeline.report.select import Selection

INK = "#768390"
GRID = "#7683903a"
MARKERS = {"none": "", "circle": "o", "diamond": "D", "square": "s"}
_PATH = re.compile(rb' d="[^"]*"')
_LONG = re.compile(rb"(\d\.\d\d)\d+")
"""A hundredth of a point is finer than any screen: matplotlib's other digits only take space."""

POINTS = 4000
"""Points in the whole picture, shared by its lines: it stays below 200 kB for any number of
epochs and arms."""


def learning_curves(selection: Selection) -> bytes:
    """Draws loss, accuracy and the objective side by side, all arms in each.

    Returns:
        An SVG without date or random identifiers. Without any curve it says so.
    """
    drawn = panels(selection)
    with mpl.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes, and is no reason to fail.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        mpl.rcdefaults()
        mpl.rcParams["svg.hashsalt"] = "fairsweep"
        mpl.rcParams["text.parse_math"] = False
        figure = Figure(figsize=(4.9 * max(1, len(drawn)), 3.9))
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0.0)
        if drawn:
            _fill(figure, drawn, selection)
        else:
            figure.set_size_inches(4.9, 1.0)
            figure.text(0.5, 0.5, "No learning curves yet", ha="center", va="center", color=INK)
        picture = io.BytesIO()
        metadata: dict[str, Any] = {
            "Date": None,
            "Creator": "Fairsweep",
            "Title": "Learning curves",
        }
        figure.savefig(picture, format="svg", metadata=metadata)
    return _PATH.sub(lambda path: _LONG.sub(rb"\1", path.group()), picture.getvalue())


def _fill(figure: Figure, drawn: tuple[Panel, ...], selection: Selection) -> None:
    lines = sum(2 * len(panel.bands) for panel in drawn)
    points = max(24, POINTS // lines)
    for index, panel in enumerate(drawn):
        axes = figure.add_subplot(1, len(drawn), index + 1)
        for arm in panel.arms:
            _draw_arm(axes, arm, points)
        _dress(axes, panel)
    shown = {arm.arm for panel in drawn for arm in panel.arms}
    handles = [
        Line2D(
            [],
            [],
            color=style.colour,
            linewidth=2.4,
            marker=MARKERS[style.marker],
            label=_label(arm),
        )
        for arm, style in styles([entry.arm for entry in selection.arms]).items()
        if arm in shown
    ]
    handles.append(Line2D([], [], color=INK, linewidth=1.8, label="validation"))
    handles.append(Line2D([], [], color=INK, linewidth=1.3, linestyle="--", label="training"))
    columns = min(len(handles), 3 * len(drawn))
    rows = math.ceil(len(handles) / columns)
    figure.legend(
        handles=handles,
        loc="upper center",
        ncols=columns,
        frameon=False,
        labelcolor=INK,
        handlelength=1.8,
        columnspacing=1.6,
    )
    height = 3.6 + 0.24 * rows
    figure.set_size_inches(4.9 * len(drawn), height)
    figure.tight_layout(rect=(0.0, 0.0, 1.0, 1.0 - (0.12 + 0.24 * rows) / height), w_pad=2.5)


def _draw_arm(axes: Axes, arm: ArmCurves, points: int) -> None:
    main = arm.validation or arm.training
    if main is not None and main.runs > 1:
        kept = _thin(main, points)
        axes.fill_between(
            [main.epochs[i] for i in kept],
            [main.low[i] for i in kept],
            [main.high[i] for i in kept],
            color=arm.style.colour,
            alpha=0.2,
            linewidth=0,
        )
    if arm.training is not None:
        _draw_line(axes, arm, arm.training, points, "--", 1.3)
    if arm.validation is not None:
        _draw_line(axes, arm, arm.validation, points, "-", 2.0)


def _draw_line(
    axes: Axes, arm: ArmCurves, band: Band, points: int, style: str, width: float
) -> None:
    kept = _thin(band, points)
    marker = MARKERS[arm.style.marker] or ("o" if len(kept) < 3 else "")
    axes.plot(
        [band.epochs[i] for i in kept],
        [band.median[i] for i in kept],
        color=arm.style.colour,
        linestyle=style,
        linewidth=width,
        marker=marker,
        markersize=4,
        markevery=max(1, len(kept) // 10),
        solid_capstyle="round",
    )


def _dress(axes: Axes, panel: Panel) -> None:
    title = panel.metric.replace("_", " ")
    axes.set_title(
        title[:1].upper() + title[1:], loc="left", color=INK, fontweight="bold", fontsize=11
    )
    axes.set_xlabel("epoch", color=INK)
    axes.patch.set_alpha(0.0)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1))
    axes.margins(x=0.02)
    if panel.log:
        low = min(min(band.low) for band in panel.bands)
        high = max(max(band.high) for band in panel.bands)
        ticks = log_ticks(low / 1.1, high * 1.1)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))


def _thin(band: Band, points: int) -> list[int]:
    """At most `points` places in the band, evenly spread, first and last among them."""
    count = len(band.epochs)
    if count <= points:
        return list(range(count))
    return sorted({round(i * (count - 1) / (points - 1)) for i in range(points)})


def _label(arm: str) -> str:
    """The name as XML can hold it; the space keeps matplotlib from hiding a leading underscore."""
    return " " + "".join(letter if letter.isprintable() else "\ufffd" for letter in arm)

"""Every picture of the page as an SVG: for the README, the Markdown report, pages without scripts.

In: a `Figure`, so that it shows what plotly shows. Out: the bytes of the picture, the same for the
same figure. Its background is clear and its text a middle grey, so that it suits a light page and a
dark one.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

from fairsweep.report.analysis.curves import Style
from fairsweep.report.figures.parts import Figure
from fairsweep.report.static.axes import Frame, dress, plain, room, view
from fairsweep.report.static.legend import draw_legend, legend_height
from fairsweep.report.static.strokes import stroke


@dataclass(frozen=True)
class Picture:
    """A figure, and the SVG that shows it."""

    figure: Figure
    svg: bytes


WIDTH = 680
"""Pixels."""

_NUMBERS = re.compile(rb' (?:d|x|y)="[^"]*"')
_LONG = re.compile(rb"(\.\d\d)\d+")
"""A hundredth of a point is finer than any screen: matplotlib's other digits only take space."""
_MARKS = re.compile(rb'<g( clip-path="[^"]*")?>\s*((?:<use [^>]*( style="[^"]*")/>\s*)+)</g>')
_FAMILY = re.compile(rb" font-family: [^;]*;")
_FONT = b"text{font-family: 'DejaVu Sans', Verdana, sans-serif} "
"""Said once; Verdana is as wide as the font that room was measured with."""
_SPACE = re.compile(rb"\n\s+")


def draw(figure: Figure, arms: Mapping[str, Style]) -> bytes:
    """The picture, with a legend of the arms in it.

    Args:
        figure: What to draw.
        arms: The style of every arm of the sweep, in its order.

    Returns:
        An SVG without date or random identifiers.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes, and is no reason to fail.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        mpl.rcdefaults()
        mpl.rcParams["svg.hashsalt"] = "fairsweep"
        # Letters stay letters: they are found by a search, and drawn in any script.
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["text.parse_math"] = False
        canvas = _canvas(figure, arms)
        picture = io.BytesIO()
        title = {"Date": None, "Creator": "Fairsweep", "Title": plain(figure.title)}
        canvas.savefig(picture, format="svg", metadata=title)
    return _shortened(picture.getvalue())


def _canvas(figure: Figure, arms: Mapping[str, Style]) -> Canvas:
    data, layout = figure.spec["data"], figure.spec["layout"]
    top = legend_height(data, arms, WIDTH)
    height = figure.height + top
    canvas = Canvas(figsize=(WIDTH / 96, height / 96), dpi=72)
    FigureCanvasSVG(canvas)
    canvas.patch.set_alpha(0.0)
    draw_legend(canvas, data, arms, WIDTH, height)
    views = {name: view(name, data, layout) for name in _axes(layout)}
    frame = Frame(WIDTH, height, *room(views), top + 12)
    for name in ("y2", "y"):
        if name not in views:
            continue
        low, high = layout[_key(name)].get("domain", (0, 1))
        axes = canvas.add_axes(frame.place(low, high))
        dress(axes, views["x"], views[name], frame, lowest=low == 0)
        own = [trace for trace in data if trace.get("yaxis", "y") == name]
        for trace in own:
            stroke(axes, trace, share=1 / len(own))
    return canvas


def _axes(layout: Mapping[str, Any]) -> Sequence[str]:
    return [name for name in ("x", "y", "y2") if _key(name) in layout]


def _key(name: str) -> str:
    return f"{name[0]}axis{name[1:]}"


def _shortened(picture: bytes) -> bytes:
    picture = _NUMBERS.sub(lambda found: _LONG.sub(rb"\1", found.group()), picture)
    picture = _FAMILY.sub(b"", picture).replace(b"*{", _FONT + b"*{", 1)
    return _MARKS.sub(_style_once, _SPACE.sub(b"\n", picture))


def _style_once(found: re.Match[bytes]) -> bytes:
    """Markers that look alike, with what they look like said once."""
    clip, marks, style = found.groups()
    if marks.count(style) != marks.count(b"<use "):
        return found.group()
    return b"<g%s%s>\n%s</g>" % (clip or b"", style, marks.replace(style, b""))

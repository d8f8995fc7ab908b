"""The interactive pictures, as plotly figures.

In: a `Selection` (and the verdict's numbers). Out: `Figure` values: a plotly specification made of
plain dictionaries, and the line that says what to see in it. Colours of text and grid are left to
the page, which knows whether it is light or dark. Names come from users, and plotly reads tags in
them, so every name is escaped here.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plotly.offline import get_plotlyjs

from pipeline.report.curves import ArmCurves, Band, Panel, Style, log_ticks, panels, styles
from pipeline.report.numbers import number
from pipeline.report.select import ArmSelection, Selection, value_of
from pipeline.report.statistics import summarize

CROWDED = 5
"""With more arms than this, hovering shows one line instead of a list of all."""

CAPTIONS = {
    "loss": "Lower is better. Where the solid line (validation) turns up while the dashed one "
    "(training) still falls, the network has begun to learn its training rows by heart.",
    "accuracy": "Higher is better. A solid line far below its dashed one is overfitting; a wide "
    "band says that the random seed matters as much as the optimizer.",
}


@dataclass(frozen=True)
class Figure:
    """One picture of the page.

    Attributes:
        name: Its place in the page, a plain word that can be an element's id.
        title: What it shows.
        caption: What to see in it, in a line.
        height: In pixels.
        spec: `data` and `layout` for plotly.
    """

    name: str
    title: str
    caption: str
    height: int
    spec: Mapping[str, Any]


def library() -> str:
    """plotly.js, to be written into the page once."""
    return str(get_plotlyjs())


def figures(selection: Selection, order: Sequence[str]) -> tuple[Figure, ...]:
    """Every picture there is data for: the arms' values by seed, then the learning curves.

    Args:
        selection: What to draw.
        order: The arms as rows of the first picture, from the top.
    """
    drawn = [learning_curves(panel) for panel in panels(selection)]
    confirmed = confirmed_values(selection, order)
    return (confirmed, *drawn) if confirmed else tuple(drawn)


def confirmed_values(selection: Selection, order: Sequence[str]) -> Figure | None:
    """Each confirmed seed of each arm as a point, with mean and 95 % interval; None without any."""
    style = styles([entry.arm for entry in selection.arms])
    entries = [selection[arm] for arm in order if selection[arm].confirmed]
    if not entries:
        return None
    data: list[dict[str, Any]] = []
    for row, entry in enumerate(entries):
        data += _confirmed_traces(entry, style[entry.arm], row)
    names = [_name(entry.arm) for entry in entries]
    layout = _layout(
        xaxis={"title": {"text": _name(selection.objective.metric)}, "automargin": True},
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "range": [len(names) - 0.4, -0.6],
            "automargin": True,
            "showgrid": False,
        },
    )
    better = "left" if selection.objective.direction == "minimize" else "right"
    return Figure(
        name="confirmed",
        title="The best configuration of each arm, on fresh seeds",
        caption=f"Further {better} is better. Each dot is one seed, the bar the mean with its 95 % "
        "interval, the hollow diamond the untuned default. Dots that mingle are arms that the "
        "seed alone can swap.",
        height=96 + 56 * len(names),
        spec={"data": data, "layout": layout},
    )


def learning_curves(panel: Panel) -> Figure:
    """One metric over epochs, all arms: training dashed, validation solid, band over seeds."""
    data: list[dict[str, Any]] = []
    for arm in panel.arms:
        data += _arm_traces(arm)
    last = max(band.epochs[-1] for band in panel.bands)
    xaxis: dict[str, Any] = {"title": {"text": "epoch"}, "range": _epoch_range(last)}
    if last <= 12:
        xaxis["dtick"] = 1
    layout = _layout(xaxis=xaxis, yaxis={"automargin": True, **_value_axis(panel)})
    layout["hovermode"] = "x unified" if len(panel.arms) <= CROWDED else "closest"
    metric = panel.metric.replace("_", " ")
    return Figure(
        name=f"curves-{_identifier(panel.metric)}",
        title=metric[:1].upper() + metric[1:] + (", on a log axis" if panel.log else ""),
        caption=CAPTIONS.get(panel.metric, "Solid is validation, dashed is training."),
        height=360,
        spec={"data": data, "layout": layout},
    )


def _confirmed_traces(entry: ArmSelection, style: Style, row: int) -> list[dict[str, Any]]:
    values = [value_of(run) for run in entry.confirmed]
    summary = summarize(values)
    assert summary is not None
    low, high = summary.interval or (math.nan, math.nan)
    seeds = _points(
        entry.arm,
        values,
        [row + 0.09 * (i % 3 - 1) for i in range(len(values))],
        [f"seed {run.key.repeat}: {number(value_of(run))}" for run in entry.confirmed],
        {"color": style.colour, "size": 9, "opacity": 0.55},
    )
    mean = _points(
        entry.arm,
        [summary.mean],
        [row],
        [f"mean {number(summary.mean)}, 95 % interval {number(low)} to {number(high)}"],
        _symbol(style, "line-ns", 22, 3),
    )
    if summary.interval is None:
        mean["customdata"] = [f"mean {number(summary.mean)}"]
    else:
        shape = {"type": "data", "color": style.colour, "thickness": 2.5, "width": 0}
        mean["error_x"] = {**shape, "array": _rounded([(high - low) / 2])}
    default = value_of(entry.default)
    if not math.isfinite(default):
        return [seeds, mean]
    text = [f"default {number(default)}"]
    return [
        seeds,
        mean,
        _points(entry.arm, [default], [row], text, _symbol(style, "diamond-open", 11, 2)),
    ]


def _points(
    arm: str,
    x: Sequence[float],
    y: Sequence[float],
    text: Sequence[str],
    marker: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _name(arm),
        "meta": arm,
        "x": _rounded(x),
        "y": list(y),
        "marker": marker,
        "customdata": list(text),
        "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>",
    }


def _symbol(style: Style, symbol: str, size: int, width: int) -> dict[str, Any]:
    line = {"width": width, "color": style.colour}
    return {"color": style.colour, "symbol": symbol, "size": size, "line": line}


def _arm_traces(arm: ArmCurves) -> list[dict[str, Any]]:
    main = arm.validation or arm.training
    assert main is not None
    traces = [_band_trace(arm, main)] if main.runs > 1 else []
    if arm.training:
        traces.append(_line_trace(arm, arm.training, "training", dash="dash"))
    if arm.validation:
        traces.append(_line_trace(arm, arm.validation, "validation", dash="solid"))
    return traces


def _line_trace(arm: ArmCurves, band: Band, split: str, dash: str) -> dict[str, Any]:
    marked = arm.style.marker != "none" or len(band.epochs) < 3
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers" if marked else "lines",
        "name": f"{_name(arm.arm)}, {split}",
        "meta": arm.arm,
        "x": list(band.epochs),
        "y": _rounded(band.median),
        "line": {"color": arm.style.colour, "dash": dash, "width": 2.4 if dash == "solid" else 1.6},
        "customdata": _hover(band),
        "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>",
    }
    if marked:
        symbol = arm.style.marker if arm.style.marker != "none" else "circle"
        trace["marker"] = {"symbol": symbol, "size": 6, "maxdisplayed": 12}
    return trace


def _band_trace(arm: ArmCurves, band: Band) -> dict[str, Any]:
    red, green, blue = (int(arm.style.colour[i : i + 2], 16) for i in (1, 3, 5))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _name(arm.arm),
        "meta": arm.arm,
        "x": [*band.epochs, *reversed(band.epochs)],
        "y": _rounded([*band.high, *reversed(band.low)]),
        "fill": "toself",
        "fillcolor": f"rgba({red},{green},{blue},0.18)",
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _hover(band: Band) -> list[str]:
    if band.runs == 1:
        return [number(value) for value in band.median]
    rows = zip(band.median, band.low, band.high, strict=True)
    return [f"{number(mid)} ({number(low)} to {number(high)})" for mid, low, high in rows]


def _value_axis(panel: Panel) -> dict[str, Any]:
    if not panel.log:
        return {}
    low = min(min(band.low) for band in panel.bands)
    high = max(max(band.high) for band in panel.bands)
    ticks = log_ticks(low / 1.1, high * 1.1)
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _epoch_range(last: int) -> list[float]:
    margin = max(0.3, 0.015 * last)
    return [1 - margin, last + margin]


def _layout(xaxis: dict[str, Any], yaxis: dict[str, Any]) -> dict[str, Any]:
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


def _rounded(values: Sequence[float]) -> list[float]:
    """Six digits: as much as a 32-bit float holds, and a picture can show."""
    return [float(f"{value:.6g}") for value in values]


def _name(name: str) -> str:
    return html.escape(name, quote=False)


def _identifier(metric: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in metric)

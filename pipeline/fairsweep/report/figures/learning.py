"""Learning curves: a metric over epochs, all arms in one picture."""

from __future__ import annotations

import functools
import math
from typing import Any

from fairsweep.metrics import bounds_of, caption_of, title_of
from fairsweep.report.analysis.curves import ArmCurves, Band, Panel
from fairsweep.report.figures.parts import (
    Figure,
    filled_band,
    identifier,
    layout,
    log_axis,
    name,
    rounded,
)
from fairsweep.report.text.numbers import number

FLOOR = -1.0
"""Where the picture of R² ends, which is 0 for a model that knows nothing."""
CUT = f" What is below {FLOOR:g} isn't drawn."
CROWDED = 5
"""With more arms than this, hovering shows one line instead of a list of all."""


def learning_curves(panel: Panel) -> Figure:
    """One metric over epochs, all arms: training dashed, validation solid, bands."""
    data: list[dict[str, Any]] = []
    for arm in panel.arms:
        data += _arm_traces(arm, panel.metric)
    last = max(band.epochs[-1] for band in panel.bands)
    xaxis: dict[str, Any] = {"title": {"text": "epoch"}, "range": _epoch_range(last)}
    if last <= 12:
        xaxis["dtick"] = 1
    place = layout(xaxis=xaxis, yaxis={"automargin": True, **_value_axis(panel)})
    place["hovermode"] = "x unified" if len(panel.arms) <= CROWDED else "closest"
    return Figure(
        name=f"curves-{identifier(panel.metric)}",
        section="curves",
        title=title_of(panel.metric) + (", on a log axis" if panel.log else ""),
        caption=caption_of(panel.metric) + (CUT if _is_cut(panel) else ""),
        height=360,
        spec={"data": data, "layout": place},
    )


def _arm_traces(arm: ArmCurves, metric: str) -> list[dict[str, Any]]:
    main = arm.validation or arm.training
    assert main is not None
    traces = (
        [filled_band(arm.arm, main.epochs, main.low, main.high, arm.style)] if main.runs > 1 else []
    )
    if arm.training:
        traces.append(_line_trace(arm, arm.training, "training", "dash", metric))
    if arm.validation:
        traces.append(_line_trace(arm, arm.validation, "validation", "solid", metric))
    return traces


def _line_trace(arm: ArmCurves, band: Band, split: str, dash: str, metric: str) -> dict[str, Any]:
    marked = arm.style.marker != "none" or len(band.epochs) < 3
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers" if marked else "lines",
        "name": f"{name(arm.arm)}, {split}",
        "meta": arm.arm,
        "x": list(band.epochs),
        "y": rounded(band.median),
        "line": {"color": arm.style.colour, "dash": dash, "width": 2.4 if dash == "solid" else 1.6},
        "customdata": _hover(band, metric),
        "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>",
    }
    if marked:
        symbol = arm.style.marker if arm.style.marker != "none" else "circle"
        trace["marker"] = {"symbol": symbol, "size": 6, "maxdisplayed": 12}
    return trace


def _hover(band: Band, metric: str) -> list[str]:
    write = functools.partial(number, of=metric)
    if band.runs == 1:
        return [write(value) for value in band.median]
    rows = zip(band.median, band.low, band.high, strict=True)
    return [f"{write(mid)} ({write(low)} to {write(high)})" for mid, low, high in rows]


def _value_axis(panel: Panel) -> dict[str, Any]:
    low = min(min(band.low) for band in panel.bands)
    high = max(max(band.high) for band in panel.bands)
    if panel.log:
        return log_axis(low, high)
    return {"range": [FLOOR, high + 0.05 * (high - FLOOR)]} if _is_cut(panel) else {}


def _is_cut(panel: Panel) -> bool:
    """Whether a metric falls so far below what is of interest, as R² does without bounds, that the
    rest of it would be a flat line."""
    lowest, highest = bounds_of(panel.metric)
    falls = min(min(band.low) for band in panel.bands) < FLOOR
    return lowest == -math.inf and math.isfinite(highest) and falls


def _epoch_range(last: int) -> list[float]:
    margin = max(0.3, 0.015 * last)
    return [1 - margin, last + margin]

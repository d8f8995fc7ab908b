"""The learning rates: which ones work, and how much room there is around the best one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairsweep.records import RunRecord
from fairsweep.report.analysis.curves import Style, styles
from fairsweep.report.analysis.search_curves import RANDOM, good_rates, learning_rate, smoothed
from fairsweep.report.analysis.select import Selection, has_result, value_of
from fairsweep.report.figures.parts import (
    Figure,
    filled_band,
    layout,
    line,
    log_axis,
    name,
    rounded,
)
from fairsweep.report.figures.trials import POINTS, edge, shown, thinned, told, trial_points
from fairsweep.report.text.numbers import number

LIMIT = 1800
"""Trials drawn in the whole picture."""
WINDOWS = 200
"""Points of a line through medians, at most."""
ROW = 11
"""Pixels for each arm's range below the trials."""
HEADING = 22


def learning_rates(selection: Selection) -> Figure | None:
    """The objective of every trial against its learning rate, and below it where each arm's trials
    within 1 % of its best lie; None without any."""
    worst = edge(selection)
    placed = {
        entry.arm: [(run, rate) for run in shown(entry) if (rate := learning_rate(run)) is not None]
        for entry in selection.arms
    }
    rates = [rate for runs in placed.values() for _, rate in runs]
    if worst is None or not rates:
        return None
    style = styles([entry.arm for entry in selection.arms])
    data: list[dict[str, Any]] = []
    if selection.sampler in RANDOM:
        data += _windows(placed, style)
    drawn = 0
    for arm, runs in placed.items():
        kept = thinned(runs, LIMIT // len(placed), selection.objective)
        texts = [f"learning rate {rate:.3g}" for _, rate in kept]
        data += trial_points(arm, kept, texts, worst, style[arm])
        drawn += len(kept)
    good = {
        entry.arm: found for entry in selection.arms if (found := good_rates(entry)) is not None
    }
    xaxis = {"title": {"text": "learning rate"}, **log_axis(min(rates), max(rates))}
    place = layout(
        xaxis=xaxis, yaxis={"automargin": True, "title": {"text": name(selection.objective.metric)}}
    )
    height = 360
    if good:
        strip = HEADING + ROW * len(good)
        height += strip
        data += _ranges(good, min(rates), style)
        _add_strip(place, len(good), strip / height)
    return Figure(
        name="learning-rates",
        section="search",
        title="Which learning rates work",
        caption=f"{POINTS} A bar spans all trials within 1 % of the arm's best: the longer it is, "
        f"the less the exact rate matters. {_told(good)}.{told(drawn, len(rates))}",
        height=height,
        spec={"data": data, "layout": place},
        wide=True,
    )


def _told(good: Mapping[str, tuple[float, float]]) -> str:
    if not good:
        return "No trial has completed"
    return "; ".join(
        f"{arm} {low:.2g} to {high:.2g} (×{high / low:.3g})"
        if low < high
        else f"{arm} {low:.2g}, in one trial"
        for arm, (low, high) in good.items()
    )


def _ranges(
    good: Mapping[str, tuple[float, float]], left: float, style: Mapping[str, Style]
) -> Iterator[dict[str, Any]]:
    """A bar for each arm in the strip below the trials, and the strip's heading."""
    yield {
        "type": "scatter",
        "mode": "text",
        "x": rounded([left]),
        "y": [-1.0],
        "yaxis": "y2",
        "text": ["within 1 % of the best:"],
        "textposition": "middle right",
        "textfont": {"size": 11},
        "hoverinfo": "skip",
    }
    for row, (arm, (low, high)) in enumerate(good.items()):
        text = f"within 1 % of the best: {low:.2g} to {high:.2g}"
        bar = line(arm, rounded([low, high]), [row, row], [text, text], style[arm])
        bar |= {"yaxis": "y2", "mode": "lines+markers", "line": {**bar["line"], "width": 5}}
        bar["marker"] = {"symbol": style[arm].shape, "size": 7}
        yield bar


def _add_strip(place: dict[str, Any], rows: int, share: float) -> None:
    """Puts an axis of `rows` bars and a heading into the lowest `share` of the picture."""
    place["xaxis"]["anchor"] = "y2"
    place["yaxis"]["domain"] = [share + 0.03, 1]
    place["yaxis2"] = {
        "domain": [0, share],
        "range": [rows - 0.4, -1.0 - HEADING / ROW / 2],
        "tickvals": [],
        "zeroline": False,
        "showgrid": False,
        "fixedrange": True,
    }


def _windows(
    placed: Mapping[str, Sequence[tuple[RunRecord, float]]], style: Mapping[str, Style]
) -> Iterator[dict[str, Any]]:
    """A line for each arm through the medians of neighbouring rates, in a band of the quartiles."""
    for arm, runs in placed.items():
        every = smoothed([(rate, value_of(run)) for run, rate in runs if has_result(run)])
        found = every[:: max(1, len(every) // WINDOWS)]
        if found:
            rates = rounded([window.rate for window in found])
            low, high = [w.low for w in found], [w.high for w in found]
            yield filled_band(arm, rates, low, high, style[arm])
            medians = [window.median for window in found]
            yield line(arm, rates, medians, [number(value) for value in medians], style[arm])

"""The two objectives of every complete trial, and the front of those that no other one beats in
both.

In: a `Selection`. Out: a `Figure`.
"""

from __future__ import annotations

from typing import Any

from fairsweep.report.analysis.curves import LOG_RATIO, styles
from fairsweep.report.analysis.front import weighed
from fairsweep.report.analysis.select import Selection
from fairsweep.report.figures.parts import (
    GREY,
    Figure,
    layout,
    log_axis,
    name,
    points,
    rounded,
    symbol,
    value_axis,
)
from fairsweep.report.figures.trials import thinned, told, trial_points
from fairsweep.report.text.second import called, with_name

LIMIT = 1800
"""Trials drawn in the whole picture, beside those on the front."""


def two_objectives(selection: Selection) -> Figure | None:
    """The first objective of every complete trial against its second one; None without any."""
    found, second = weighed(selection), selection.objective.second
    if found is None or second is None:
        return None
    style, metric = styles([entry.arm for entry in selection.arms]), selection.objective.metric
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Pareto front",
            "x": rounded([point.second for point in found.front]),
            "y": rounded([point.first for point in found.front]),
            "line": {"color": GREY, "width": 1.6, "shape": "hv"},
            "hoverinfo": "skip",
        }
    ]
    drawn = 0
    for arm, own in style.items():
        placed = [(p.run, p.second) for p in found.points if p.run.key.arm == arm]
        kept = thinned(placed, LIMIT // len(style), selection.objective)
        texts = [with_name(value, second.metric) for _, value in kept]
        data += trial_points(arm, kept, texts, 0.0, own, metric)
        drawn += len(kept)
        marked = [p for p in found.front if p.run.key.arm == arm]
        if marked:
            x, y = [p.second for p in marked], rounded([p.first for p in marked])
            ring = points(arm, x, y, [], symbol(own, f"{own.shape}-open", 15, 2))
            data.append({**ring, "hovertemplate": None, "hoverinfo": "skip"})
    values = [point.second for point in found.points]
    low, high = min(values), max(values)
    xaxis = log_axis(low, high) if low > 0 and high / low > LOG_RATIO else {}
    aside = "right" if second.higher_is_better else "left"
    better = "top" if selection.objective.higher_is_better else "bottom"
    return Figure(
        name="two-objectives",
        section="front",
        title=f"{metric} against {called(second.metric)}",
        caption="Each point is a complete trial. Those with a ring, on the line, are the Pareto "
        f"front: no other trial is as good in both and better in one. The best place is at the "
        f"{better} {aside}.{told(drawn, len(found.points))}",
        height=360,
        spec={
            "data": data,
            "layout": layout(
                xaxis={"title": {"text": name(called(second.metric))}, **xaxis},
                yaxis=value_axis(metric, data),
            ),
        },
        wide=True,
    )

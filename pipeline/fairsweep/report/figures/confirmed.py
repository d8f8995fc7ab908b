"""The confirmed values of each arm, training by training."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from fairsweep.report.analysis.curves import Style, styles
from fairsweep.report.analysis.select import ArmSelection, Selection, value_of
from fairsweep.report.analysis.statistics import summarize
from fairsweep.report.figures.parts import Figure, layout, name, points, reach, symbol
from fairsweep.report.text.numbers import number


def confirmed_values(selection: Selection, order: Sequence[str]) -> Figure | None:
    """Each confirmation of each arm as a point, with mean and 95 % interval; None without any."""
    style = styles([entry.arm for entry in selection.arms])
    entries = [selection[arm] for arm in order if selection[arm].confirmed]
    if not entries:
        return None
    data: list[dict[str, Any]] = []
    for row, entry in enumerate(entries):
        data += _confirmed_traces(entry, selection, style[entry.arm], row)
    names = [name(entry.arm) for entry in entries]
    place = layout(
        xaxis={"title": {"text": name(selection.objective.metric)}, "automargin": True},
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "range": [len(names) - 0.4, -0.6],
            "automargin": True,
            "showgrid": False,
        },
    )
    searched = "arm" if selection.scheme.searches == 1 else "search"
    better = "right" if selection.objective.higher_is_better else "left"
    return Figure(
        name="confirmed",
        section="arms",
        title=f"The best configuration of each {searched}, confirmed",
        caption=f"Further {better} is better. Each dot is one training, the bar is the mean with "
        "its 95 % interval, and the hollow diamond is the untuned default.",
        height=96 + 56 * len(names),
        spec={"data": data, "layout": place},
    )


def _confirmed_traces(
    entry: ArmSelection, selection: Selection, style: Style, row: int
) -> list[dict[str, Any]]:
    interval = selection.interval(entry)
    write = functools.partial(number, of=selection.objective.metric)
    values = [value_of(run) for run in entry.confirmed]
    summary = summarize(values)
    assert summary is not None
    low, high = interval or (math.nan, math.nan)
    dots = points(
        entry.arm,
        values,
        [row + 0.09 * (i % 3 - 1) for i in range(len(values))],
        [f"{run.key}: {write(value_of(run))}" for run in entry.confirmed],
        {"color": style.colour, "size": 9, "opacity": 0.55},
    )
    mean = points(
        entry.arm,
        [summary.mean],
        [row],
        [f"mean {write(summary.mean)}, 95 % interval {write(low)} to {write(high)}"],
        symbol(style, "line-ns", 22, 3),
    )
    if interval is None:
        mean["customdata"] = [f"mean {write(summary.mean)}"]
    else:
        mean["error_x"] = reach(summary.mean, interval, style)
    default = value_of(entry.default)
    if not math.isfinite(default):
        return [dots, mean]
    text = [f"default {write(default)}"]
    return [
        dots,
        mean,
        points(entry.arm, [default], [row], text, symbol(style, "diamond-open", 11, 2)),
    ]

"""The search: which learning rates work, how fast each arm got to its best, and what a shorter
search would have found.

In: a `Selection`. Out: `Figure`s.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from fairsweep.plural import plural
from fairsweep.records import Objective, RunRecord
from fairsweep.report.analysis.curves import Style, styles
from fairsweep.report.analysis.search import (
    BAND,
    RANDOM,
    Expected,
    Step,
    good_rates,
    learning_rate,
    smoothed,
)
from fairsweep.report.analysis.search import best_so_far as steps_of
from fairsweep.report.analysis.search import expected_best as expected_of
from fairsweep.report.analysis.select import ArmSelection, Selection, has_result, value_of
from fairsweep.report.figures.parts import (
    Figure,
    filled_band,
    layout,
    line,
    log_axis,
    rounded,
    value_axis,
)
from fairsweep.report.figures.trials import POINTS, edge, shown, thinned, told, trial_points
from fairsweep.report.text.numbers import number, significant

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
    metric = selection.objective.metric
    if selection.sampler in RANDOM:
        data += _windows(placed, style, metric)
    drawn = 0
    for arm, runs in placed.items():
        kept = thinned(runs, LIMIT // len(placed), selection.objective)
        texts = [f"learning rate {rate:.3g}" for _, rate in kept]
        data += trial_points(arm, kept, texts, worst, style[arm], metric)
        drawn += len(kept)
    good = {
        entry.arm: found for entry in selection.arms if (found := good_rates(entry)) is not None
    }
    xaxis = {"title": {"text": "learning rate"}, **log_axis(min(rates), max(rates))}
    place = layout(xaxis=xaxis, yaxis=value_axis(metric, data))
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
        f"the less the exact rate matters. {_spans(good)}.{told(drawn, len(rates))}",
        height=height,
        spec={"data": data, "layout": place},
        wide=True,
    )


def _spans(good: Mapping[str, tuple[float, float]]) -> str:
    if not good:
        return "No trial has completed"
    return "; ".join(
        f"{arm} {low:.2g} to {high:.2g} (×{significant(high / low, 2)})"
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
    placed: Mapping[str, Sequence[tuple[RunRecord, float]]],
    style: Mapping[str, Style],
    metric: str,
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
            yield line(
                arm, rates, medians, [number(value, of=metric) for value in medians], style[arm]
            )


def best_so_far(selection: Selection, spent: Literal["trials", "epochs"]) -> Figure | None:
    """The best value each arm had found by then; None before any trial is complete."""
    style = styles([entry.arm for entry in selection.arms])
    data = [
        _steps_line(entry.arm, _corners(steps), spent, style[entry.arm], selection.objective.metric)
        for entry in selection.arms
        if (steps := steps_of(entry, selection.objective))
    ]
    if not data:
        return None
    several = selection.scheme.searches > 1
    shown = " Of each arm's searches, it shows the one with the best trial." if several else ""
    captions = {
        "trials": "An arm that still improves at the end would gain from more trials; one that "
        "levels off early is easy to tune.",
        "epochs": "The same by the epochs that were trained, in trials stopped early too: the arm "
        "whose line is ahead got there with less work.",
    }
    return Figure(
        name=f"best-by-{spent}",
        section="search",
        title=f"Best so far, by {spent}",
        caption=f"{captions[spent]}{shown}",
        height=320,
        spec={
            "data": data,
            "layout": layout(
                xaxis={"title": {"text": f"{spent} spent"}, "rangemode": "tozero"},
                yaxis=value_axis(selection.objective.metric, data),
            ),
        },
    )


def expected_best(selection: Selection) -> Figure | None:
    """What the best of k random trials is to be expected to be; None where trials depend on each
    other, or an arm's are too few to say."""
    if selection.sampler not in RANDOM:
        return None
    style = styles([entry.arm for entry in selection.arms])
    data: list[dict[str, Any]] = []
    for entry in selection.arms:
        values = _drawn(entry, selection.objective)
        if len(values) > 2:
            rows = expected_of(values, selection.objective)
            data += _expected_traces(entry.arm, rows, style[entry.arm], selection.objective.metric)
    if not data:
        return None
    return Figure(
        name="expected-best",
        section="search",
        title="What a shorter search would have found",
        caption="The best of this many random trials, averaged over all ways to draw them from "
        "those that ended; a trial that didn't complete counts as the worst. "
        f"{BAND:.0%} of such searches end inside the band. Where the bands of two arms overlap, "
        "that many trials can't tell the arms apart.",
        height=320,
        spec={
            "data": data,
            "layout": layout(
                xaxis={"title": {"text": "trials"}, "rangemode": "tozero"},
                yaxis=value_axis(selection.objective.metric, data),
            ),
        },
    )


def _drawn(entry: ArmSelection, objective: Objective) -> list[float]:
    """What the trials that the sampler drew came to (trial 0 is the defaults). One that isn't
    complete can't be chosen, and took its place in the budget: it counts as the worst of them."""
    ended = [run for run in entry.trials if run.key.trial and run.outcome != "running"]
    values = [value_of(run) for run in ended if has_result(run)]
    if not values:
        return []
    worst = max(values, key=objective.cost)
    return [*values, *[worst] * (len(ended) - len(values))]


def _corners(steps: Sequence[Step]) -> list[Step]:
    """The steps that a staircase turns at, and its end."""
    turns = [
        step for i, step in enumerate(steps[:-1]) if i == 0 or step.value != steps[i - 1].value
    ]
    return [*turns, *steps[-1:]]


def _steps_line(
    arm: str,
    steps: Sequence[Step],
    spent: Literal["trials", "epochs"],
    style: Style,
    metric: str,
) -> dict[str, Any]:
    x = [step.trials if spent == "trials" else step.epochs for step in steps]
    write = functools.partial(number, of=metric)
    texts = [
        f"{write(s.value)} after {plural(s.trials, 'trial')}, {plural(s.epochs, 'epoch')}"
        for s in steps
    ]
    drawn = line(arm, x, [step.value for step in steps], texts, style)
    drawn["line"]["shape"] = "hv"
    return drawn


def _expected_traces(
    arm: str, rows: Sequence[Expected], style: Style, metric: str
) -> list[dict[str, Any]]:
    trials = [row.trials for row in rows]
    write = functools.partial(number, of=metric)
    texts = [
        f"best of {r.trials}: {write(r.mean)} ({write(r.low)} to {write(r.high)})" for r in rows
    ]
    return [
        filled_band(arm, trials, [r.low for r in rows], [r.high for r in rows], style),
        line(arm, trials, [row.mean for row in rows], texts, style),
    ]

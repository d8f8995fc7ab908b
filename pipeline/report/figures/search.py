"""The search: which learning rates worked, how fast each arm got better, and what a shorter search
would have found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pipeline.records import Objective, RunRecord
from pipeline.report.curves import Style, styles
from pipeline.report.figures.parts import (
    Figure,
    filled_band,
    layout,
    line,
    log_axis,
    name,
    points,
    rounded,
)
from pipeline.report.numbers import number
from pipeline.report.progress import (
    BAND,
    Expected,
    Step,
    good_rates,
    learning_rate,
    smoothed,
)
from pipeline.report.progress import best_so_far as steps_of
from pipeline.report.progress import expected_best as expected_of
from pipeline.report.select import ArmSelection, Selection, has_result, value_of

RANDOM = ("random", "qmc")
"""Samplers whose trials don't depend on those before."""

SYMBOLS = {"complete": "circle", "pruned": "circle-open", "diverged": "x-thin"}


def learning_rates(selection: Selection) -> Figure | None:
    """The objective of every trial against its learning rate; None without any."""
    shown = {
        entry.arm: [
            (run, rate)
            for run in entry.trials
            if run.outcome in SYMBOLS and (rate := learning_rate(run)) is not None
        ]
        for entry in selection.arms
    }
    rates = [rate for runs in shown.values() for _, rate in runs]
    values = [
        value_of(run)
        for runs in shown.values()
        for run, _ in runs
        if run.outcome != "diverged" and math.isfinite(value_of(run))
    ]
    if not values:
        return None
    worst = min(values) if selection.objective.direction == "maximize" else max(values)
    style = styles([entry.arm for entry in selection.arms])
    data = [
        _rate_points(arm, runs, outcome, worst, style[arm])
        for arm, runs in shown.items()
        for outcome in SYMBOLS
        if any(run.outcome == outcome for run, _ in runs)
    ]
    if selection.sampler in RANDOM:
        data = [*_windows(shown, style), *data]
    ranges = [_good_range(entry) for entry in selection.arms]
    return Figure(
        name="learning-rates",
        section="search",
        title="Which learning rates work",
        caption="Each circle is a trial, a hollow one was stopped early, a cross at the edge "
        "diverged. A broad plateau forgives a rate that is a little off. Within 1 % of the best: "
        f"{'; '.join(filter(None, ranges)) or 'none complete'}.",
        height=360,
        spec={
            "data": data,
            "layout": layout(
                xaxis={"title": {"text": "learning rate"}, **log_axis(min(rates), max(rates))},
                yaxis={"automargin": True, "title": {"text": name(selection.objective.metric)}},
            ),
        },
    )


def best_so_far(selection: Selection, spent: Literal["trials", "epochs"]) -> Figure | None:
    """The best value each arm had found by then; None before any trial is complete."""
    style = styles([entry.arm for entry in selection.arms])
    data = [
        _steps_line(entry.arm, steps, spent, style[entry.arm])
        for entry in selection.arms
        if (steps := steps_of(entry, selection.objective))
    ]
    if not data:
        return None
    captions = {
        "trials": "An arm that is still rising at the end would gain from more trials; one that is "
        "flat early is easy to tune.",
        "epochs": "The same against what was really trained, trials that were stopped early "
        "included: whose line is ahead got there with less work.",
    }
    return Figure(
        name=f"best-by-{spent}",
        section="search",
        title=f"Best so far, by {spent}",
        caption=captions[spent],
        height=320,
        spec={
            "data": data,
            "layout": layout(
                xaxis={"title": {"text": f"{spent} spent"}, "rangemode": "tozero"},
                yaxis={"automargin": True, "title": {"text": name(selection.objective.metric)}},
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
            data += _expected_traces(
                entry.arm, expected_of(values, selection.objective), style[entry.arm]
            )
    if not data:
        return None
    return Figure(
        name="expected-best",
        section="search",
        title="What a shorter search would have found",
        caption="The best of so many random trials, on average over all ways to draw them from "
        "those that ended, one that didn't complete as the worst of them; "
        f"{BAND:.0%} of such searches end inside the band. Where bands overlap, that budget "
        "doesn't tell the arms apart.",
        height=320,
        spec={
            "data": data,
            "layout": layout(
                xaxis={"title": {"text": "trials"}, "rangemode": "tozero"},
                yaxis={"automargin": True, "title": {"text": name(selection.objective.metric)}},
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
    worst = min(values) if objective.direction == "maximize" else max(values)
    return [*values, *[worst] * (len(ended) - len(values))]


def _good_range(entry: ArmSelection) -> str:
    found = good_rates(entry)
    if found is None:
        return ""
    low, high = found
    return f"{entry.arm} {low:.2g} to {high:.2g} (×{high / low:.3g})"


def _rate_points(
    arm: str,
    runs: Sequence[tuple[RunRecord, float]],
    outcome: str,
    edge: float,
    style: Style,
) -> dict[str, Any]:
    own = [(run, rate) for run, rate in runs if run.outcome == outcome]
    marker: Mapping[str, Any] = {
        "color": style.colour,
        "symbol": SYMBOLS[outcome],
        "size": 8,
        "opacity": 0.75,
        "line": {"width": 1.6, "color": style.colour},
    }
    values = [edge if outcome == "diverged" else value_of(run) for run, _ in own]
    texts = [
        f"trial {run.key.trial}, learning rate {rate:.3g}: "
        + ("diverged" if outcome == "diverged" else f"{number(value_of(run))} ({outcome})")
        for run, rate in own
    ]
    return points(arm, [rate for _, rate in own], rounded(values), texts, marker)


def _windows(
    shown: Mapping[str, Sequence[tuple[RunRecord, float]]], style: Mapping[str, Style]
) -> Iterator[dict[str, Any]]:
    """A line for each arm through the medians of neighbouring rates, in a band of the quartiles."""
    for arm, runs in shown.items():
        found = smoothed([(rate, value_of(run)) for run, rate in runs if has_result(run)])
        if found:
            rates = rounded([window.rate for window in found])
            low, high = [w.low for w in found], [w.high for w in found]
            yield filled_band(arm, rates, low, high, style[arm])
            medians = [window.median for window in found]
            yield line(arm, rates, medians, [number(value) for value in medians], style[arm])


def _steps_line(
    arm: str, steps: Sequence[Step], spent: Literal["trials", "epochs"], style: Style
) -> dict[str, Any]:
    x = [step.trials if spent == "trials" else step.epochs for step in steps]
    texts = [f"{number(s.value)} after {s.trials} trials, {s.epochs} epochs" for s in steps]
    drawn = line(arm, x, [step.value for step in steps], texts, style)
    drawn["line"]["shape"] = "hv"
    return drawn


def _expected_traces(arm: str, rows: Sequence[Expected], style: Style) -> list[dict[str, Any]]:
    trials = [row.trials for row in rows]
    texts = [
        f"best of {r.trials}: {number(r.mean)} ({number(r.low)} to {number(r.high)})" for r in rows
    ]
    return [
        filled_band(arm, trials, [r.low for r in rows], [r.high for r in rows], style),
        line(arm, trials, [row.mean for row in rows], texts, style),
    ]

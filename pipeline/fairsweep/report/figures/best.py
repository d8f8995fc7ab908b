"""The best of the search: how fast each arm got there, and what a shorter search would have
found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fairsweep.records import Objective
from fairsweep.report.analysis.curves import Style, styles
from fairsweep.report.analysis.search_curves import BAND, RANDOM, Expected, Step
from fairsweep.report.analysis.search_curves import best_so_far as steps_of
from fairsweep.report.analysis.search_curves import expected_best as expected_of
from fairsweep.report.analysis.select import ArmSelection, Selection, has_result, value_of
from fairsweep.report.figures.parts import Figure, filled_band, layout, line, name
from fairsweep.report.text.numbers import number


def best_so_far(selection: Selection, spent: Literal["trials", "epochs"]) -> Figure | None:
    """The best value each arm had found by then; None before any trial is complete."""
    style = styles([entry.arm for entry in selection.arms])
    data = [
        _steps_line(entry.arm, _corners(steps), spent, style[entry.arm])
        for entry in selection.arms
        if (steps := steps_of(entry, selection.objective))
    ]
    if not data:
        return None
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
        caption="The best of so many random trials, averaged over all ways to draw them from those "
        "that ended; a trial that didn't complete counts as the worst. "
        f"{BAND:.0%} of such searches end inside the band. Where the bands of two arms overlap, "
        "that many trials can't tell the arms apart.",
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
    worst = max(values, key=objective.cost)
    return [*values, *[worst] * (len(ended) - len(values))]


def _corners(steps: Sequence[Step]) -> list[Step]:
    """The steps that a staircase turns at, and its end."""
    turns = [
        step for i, step in enumerate(steps[:-1]) if i == 0 or step.value != steps[i - 1].value
    ]
    return [*turns, *steps[-1:]]


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

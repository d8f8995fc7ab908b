"""How a trial is drawn, wherever single trials are: its arm's colour and shape, hollow where it was
stopped early, a cross at the edge where it diverged.

In: the trials of an arm, and where each one stands across. Out: traces.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fairsweep.records import Objective, RunRecord
from fairsweep.report.analysis.curves import Style
from fairsweep.report.analysis.select import ArmSelection, Selection, has_result, value_of
from fairsweep.report.figures.parts import name, points, rounded
from fairsweep.report.text.numbers import number

DRAWN = ("complete", "pruned", "diverged")
POINTS = (
    "Each point is a trial: hollow if it was stopped early, a cross at the edge if it diverged."
)
"""How to read a picture of trials."""


def shown(entry: ArmSelection) -> tuple[RunRecord, ...]:
    """The trials of an arm that have a place in a picture."""
    return tuple(
        run
        for run in entry.trials
        if run.outcome == "diverged" or (run.outcome in DRAWN and math.isfinite(value_of(run)))
    )


def edge(selection: Selection) -> float | None:
    """The worst value of all trials, where those that diverged are drawn; None without any."""
    values = [
        value_of(run)
        for entry in selection.arms
        for run in shown(entry)
        if run.outcome != "diverged"
    ]
    return max(values, key=selection.objective.cost, default=None)


def thinned(
    placed: Sequence[tuple[RunRecord, float]], limit: int, objective: Objective
) -> Sequence[tuple[RunRecord, float]]:
    """About `limit` of the trials: half of them the best, then the worst and those furthest to each
    side, then others, evenly spread over their numbers.

    Args:
        placed: (trial, place across), in the order of their numbers.
        limit: How many there is room for; the three extremes may come on top.
        objective: Which trials are the best.
    """
    if len(placed) <= limit:
        return placed
    ranked = sorted(
        (i for i, (run, _) in enumerate(placed) if has_result(run)),
        key=lambda i: objective.cost(value_of(placed[i][0])),
    )
    across = [x for _, x in placed]
    kept = {*ranked[: limit // 2], *ranked[-1:]}
    kept |= {across.index(min(across)), across.index(max(across))}
    others = [i for i in range(len(placed)) if i not in kept]
    room = max(0, limit - len(kept))
    kept |= {others[i * len(others) // room] for i in range(room)}
    return [placed[i] for i in sorted(kept)]


def told(drawn: int, of: int) -> str:
    """That not all trials are drawn, as the end of a caption."""
    return f" {drawn:,} of {of:,} trials are drawn, the best among them." if drawn < of else ""


def trial_points(
    arm: str,
    placed: Sequence[tuple[RunRecord, float]],
    names: Sequence[str],
    worst: float,
    style: Style,
    metric: str,
    size: int = 8,
) -> list[dict[str, Any]]:
    """A trace for each outcome.

    Args:
        arm: Whose trials.
        placed: (trial, place across).
        names: What each is called where the mouse is, in the same order.
        worst: Where those that diverged are drawn.
        style: Of the arm.
        metric: The objective's.
        size: Of a point, in pixels.
    """
    traces = []
    for outcome in DRAWN:
        own = [
            (run, x, text)
            for (run, x), text in zip(placed, names, strict=True)
            if run.outcome == outcome
        ]
        if own:
            values = [worst if outcome == "diverged" else value_of(run) for run, _, _ in own]
            texts = [
                f"{_called(run)}, {name(text)}: {_result(run, metric)}" for run, _, text in own
            ]
            marker = _marker(outcome, style, size)
            traces.append(points(arm, [x for _, x, _ in own], rounded(values), texts, marker))
    return traces


def _called(run: RunRecord) -> str:
    trial = f"trial {run.key.trial}"
    return f"{trial} of search {run.key.search}" if run.key.search else trial


def _result(run: RunRecord, metric: str) -> str:
    if run.outcome == "diverged":
        return "diverged"
    return f"{number(value_of(run), of=metric)} ({run.outcome})"


def _marker(outcome: str, style: Style, size: int) -> Mapping[str, Any]:
    symbols = {"complete": style.shape, "pruned": f"{style.shape}-open", "diverged": "x-thin"}
    return {
        "color": style.colour,
        "symbol": symbols[outcome],
        "size": size,
        "opacity": 0.75,
        "line": {"width": 1.6, "color": style.colour},
    }

"""The Pareto front of a search: the trials that no other one beats in both objectives.

In: a `Selection`. Out: trials with both values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fairsweep.records import Objective, RunRecord
from fairsweep.report.analysis.select import Selection, has_result, value_of


class Point(NamedTuple):
    """A trial, with what it is worth by the first objective and by the second one."""

    run: RunRecord
    first: float
    second: float


@dataclass(frozen=True)
class Weighed:
    """The complete trials that have both values, in the order of arms and numbers, and those of
    them on the front, the best by the second objective first."""

    points: tuple[Point, ...]
    front: tuple[Point, ...]


def weighed(selection: Selection) -> Weighed | None:
    """The trials of a search with two objectives; None without a second one, or without trials."""
    points = tuple(
        Point(run, value_of(run), run.second)
        for entry in selection.arms
        for run in entry.trials
        if has_result(run) and run.second is not None and math.isfinite(run.second)
    )
    second = selection.objective.second
    if second is None or not points:
        return None
    kept = pareto([(p.first, p.second) for p in points], selection.objective, second)
    return Weighed(points, tuple(points[place] for place in kept))


def pareto(values: Sequence[tuple[float, float]], first: Objective, second: Objective) -> list[int]:
    """The places of the values that no other one dominates, which is no worse in both and better in
    one; the best by the second objective first, of equals in the order given.

    Args:
        values: finite, (first, second).
        first: which values of the first are better.
        second: which of the second.
    """
    costs = [(second.cost(b), first.cost(a)) for a, b in values]
    front: list[int] = []
    for place in sorted(range(len(costs)), key=lambda place: costs[place]):
        last = costs[front[-1]] if front else (math.nan, math.inf)
        if costs[place][1] < last[1] or costs[place] == last:
            front.append(place)
    return front

"""Which configurations of an arm are its best: one rule for the sweep, its report and the doctor.

In: the objective of each trial, and what tells configurations apart. Out: trial numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence

from fairsweep.records import Objective


def best_configurations(
    values: Mapping[int, float],
    configuration: Callable[[int], Hashable],
    objective: Objective,
    count: int,
    seconds: Mapping[int, float | None],
) -> list[int]:
    """An arm's best trials, the ones that are confirmed: the rule for sweep, report and doctor.

    Args:
        values: the objective of each complete trial, by its number.
        configuration: of the trial of this number; the best trial of the same configuration
            stands for all of them, of equals the first one.
        objective: says which value is better.
        count: how many there are at most.
        seconds: the second objective of each, if there is one.

    Returns:
        Their numbers, the best one first.
    """
    finite = [number for number, value in values.items() if math.isfinite(value)]
    found: dict[Hashable, int] = {}
    for number in sorted(finite, key=lambda number: (objective.cost(values[number]), number)):
        found.setdefault(configuration(number), number)
        if len(found) == count and objective.second is None:
            break
    best = list(found.values())
    order = ranked([values[n] for n in best], [seconds.get(n) for n in best], objective)
    return [best[place] for place in order[:count]]


def ranked(
    values: Sequence[float], seconds: Sequence[float | None], objective: Objective
) -> list[int]:
    """The places of the finite values, the best one's first. Those that count as equal to it come
    by the second objective, if there is one, and one that has no value of it after the others."""
    finite = (place for place, value in enumerate(values) if math.isfinite(value))
    order = sorted(finite, key=lambda place: objective.cost(values[place]))
    second = objective.second
    if second is None or not order:
        return order
    best = values[order[0]]
    equal = [place for place in order if objective.tolerates(values[place], best)]

    def cost(place: int) -> float:
        value = seconds[place]
        return math.inf if value is None or math.isnan(value) else second.cost(value)

    return [*sorted(equal, key=cost), *order[len(equal) :]]


def configuration(params: Mapping[str, str]) -> Hashable:
    """What a run's params say of its training, whatever its seed."""
    return tuple(sorted((name, value) for name, value in params.items() if name != "seed"))

"""Which configurations of an arm are its best: one rule for the sweep, its report and the doctor.

In: the objective of each trial, and what tells configurations apart. Out: trial numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping

from fairsweep.records import Objective


def best_configurations(
    values: Mapping[int, float],
    configuration: Callable[[int], Hashable],
    objective: Objective,
    count: int,
) -> list[int]:
    """An arm's best trials, the ones that are confirmed: the rule for sweep, report and doctor.

    Args:
        values: the objective of each complete trial, by its number.
        configuration: of the trial of this number; the best trial of the same configuration
            stands for all of them, of equals the first one.
        objective: says which value is better.
        count: how many there are at most.

    Returns:
        Their numbers, the best one first.
    """
    finite = [number for number, value in values.items() if math.isfinite(value)]
    found: dict[Hashable, int] = {}
    for number in sorted(finite, key=lambda number: (objective.cost(values[number]), number)):
        found.setdefault(configuration(number), number)
        if len(found) == count:
            break
    return list(found.values())


def configuration(params: Mapping[str, str]) -> Hashable:
    """What a run's params say of its training, whatever its seed."""
    return tuple(sorted((name, value) for name, value in params.items() if name != "seed"))

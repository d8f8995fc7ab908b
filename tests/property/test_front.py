"""The Pareto front of whatever values there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairsweep.configurations import ranked
from fairsweep.records import Direction, Objective
from fairsweep.report.analysis.front import pareto

# Few values, so that many are equal in one objective, or in both.
pairs = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.integers(-3, 3).map(float)))
directions = st.sampled_from(["minimize", "maximize"])


@given(values=pairs, up=directions, across=directions)
def test_nobody_on_it_is_dominated_and_everybody_else_is(
    values: list[tuple[float, float]], up: Direction, across: Direction
) -> None:
    first, second = Objective("first", up), Objective("second", across)

    def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
        worse = first.better(other[0], one[0]) or second.better(other[1], one[1])
        return not worse and one != other

    front = pareto(values, first, second)
    assert len(set(front)) == len(front)
    on_it = [values[place] for place in front]
    assert not any(dominates(other, own) for own in on_it for other in values)
    left_out = [value for place, value in enumerate(values) if place not in front]
    assert all(any(dominates(own, other) for own in on_it) for other in left_out)
    assert on_it == sorted(on_it, key=lambda value: (second.cost(value[1]), first.cost(value[0])))


@given(values=pairs, up=directions, across=directions, tolerance=st.sampled_from([None, 0.5, 1.0]))
def test_equals_of_the_best_come_first_and_by_the_second_objective(
    values: list[tuple[float, float]],
    up: Direction,
    across: Direction,
    tolerance: float | None,
) -> None:
    second = Objective("second", across)
    objective = Objective("first", up, second, tolerance)
    firsts, seconds = [value for value, _ in values], [value for _, value in values]
    order = ranked(firsts, seconds, objective)
    assert sorted(order) == list(range(len(values)))
    if not values:
        return
    best = max(firsts) if up == "maximize" else min(firsts)
    equal = [place for place, value in enumerate(firsts) if abs(value - best) <= (tolerance or 0)]
    assert sorted(order[: len(equal)]) == equal
    costs = [second.cost(seconds[place]) for place in order[: len(equal)]]
    assert costs == sorted(costs)
    rest = [objective.cost(firsts[place]) for place in order[len(equal) :]]
    assert rest == sorted(rest)

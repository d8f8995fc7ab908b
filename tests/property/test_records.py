"""Seeds and objectives for whatever values there are."""

from __future__ import annotations

import itertools
import math

from hypothesis import example, given
from hypothesis import strategies as st

from fairsweep.records import Direction, Objective, PruningSchedule, derive_seed

parts = st.integers(0, 10**6) | st.text("abcdefgh-_.", min_size=1, max_size=8)
paths = st.lists(parts, max_size=4).map(tuple)
seeds = st.integers(0, 2**63)
directions = st.sampled_from(["minimize", "maximize"])


@given(seed=seeds, path=paths)
def test_a_seed_is_in_range_and_always_the_same(seed: int, path: tuple[str | int, ...]) -> None:
    derived = derive_seed(seed, *path)
    assert 0 <= derived < 2**31
    assert derived == derive_seed(seed, *path)


@given(seed=seeds, one=paths, other=paths)
def test_another_path_is_another_seed(
    seed: int, one: tuple[str | int, ...], other: tuple[str | int, ...]
) -> None:
    if [str(part) for part in one] != [str(part) for part in other]:
        assert derive_seed(seed, *one) != derive_seed(seed, *other)


@given(one=seeds, other=seeds, path=paths)
def test_another_seed_is_another_seed(one: int, other: int, path: tuple[str | int, ...]) -> None:
    if one != other:
        assert derive_seed(one, *path) != derive_seed(other, *path)


@given(seed=st.integers(0, 10**9))
def test_neighbours_share_no_pattern(seed: int) -> None:
    """Seeds of trials in a row differ in about half of their bits, not in the last ones."""
    bits = [
        (derive_seed(seed, "search", trial) ^ derive_seed(seed, "search", trial + 1)).bit_count()
        for trial in range(64)
    ]
    assert 13 < sum(bits) / len(bits) < 18


values = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=8)


@given(values=values, direction=directions)
@example([math.nan], "maximize")
@example([1.0, 1.0], "minimize")
@example([-0.0, 0.0], "maximize")
def test_best_is_that_of_a_naive_search(values: list[float], direction: Direction) -> None:
    finite = [value for value in values if math.isfinite(value)]
    best = Objective("m", direction).best(values)
    if not finite:
        assert best is None
    else:
        extreme = max(finite) if direction == "maximize" else min(finite)
        assert best == next(i for i, value in enumerate(values) if value == extreme)


@given(one=st.floats(), other=st.floats(), direction=directions)
def test_better_is_strict(one: float, other: float, direction: Direction) -> None:
    objective = Objective("m", direction)
    assert not objective.better(one, one)
    assert not (objective.better(one, other) and objective.better(other, one))
    if math.isfinite(one) and math.isfinite(other):
        assert objective.better(one, other) == Objective("m", opposite(direction)).better(
            other, one
        )
        assert objective.better(one, other) or objective.better(other, one) or one == other


def opposite(direction: Direction) -> Direction:
    return "minimize" if direction == "maximize" else "maximize"


@given(first=st.integers(1, 50), interval=st.integers(1, 20))
def test_verdicts_are_evenly_spaced(first: int, interval: int) -> None:
    schedule = PruningSchedule(first, interval)
    judged = [epoch for epoch in range(200) if schedule.judged(epoch)]
    assert judged[0] == first
    assert {later - earlier for earlier, later in itertools.pairwise(judged)} == {interval}

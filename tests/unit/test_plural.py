"""A count and its noun agree."""

from __future__ import annotations

import pytest

from fairsweep.plural import plural, times


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (2000, "2,000 rows")]
)
def test_one_is_no_plural(count: int, said: str) -> None:
    assert plural(count, "row") == said


def test_how_often() -> None:
    assert [times(count) for count in (1, 2, 3000)] == ["once", "2 times", "3,000 times"]

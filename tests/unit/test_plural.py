"""A count and its noun agree."""

from __future__ import annotations

import pytest

from fairsweep.plural import plural


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (2000, "2,000 rows")]
)
def test_one_is_no_plural(count: int, said: str) -> None:
    assert plural(count, "row") == said

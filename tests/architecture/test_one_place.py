"""What a metric, a direction and a kind of answer mean stands in one place each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "pipeline" / "fairsweep"


@pytest.mark.parametrize(
    ("words", "rooms"),
    [
        (
            r"accuracy",
            {"metrics/", "scores.py", "config/schema.py"},
        ),  # the schema has the default objective
        (
            r"direction [=!]=",
            {"records.py", "config/checks/metrics.py", "metrics/", "testing/scripts.py"},
        ),
        (r"(y|labels|answers)\.ndim", {"tasks/", "data/sources/"}),
        (r"multi_label", {"data/recipe.py"}),  # models of earlier formats say it
        (r"[\"'](labels|classes)[\"'] in", set()),
    ],
)
def test_nobody_else_asks(words: str, rooms: set[str]) -> None:
    places = {str(path.relative_to(PACKAGE)): path for path in PACKAGE.rglob("*.py")}
    asking = {name for name, path in places.items() if re.search(words, path.read_text())}
    assert {name for name in asking if not name.startswith(tuple(rooms))} == set()
    assert all(any(name.startswith(room) for name in asking) for room in rooms)

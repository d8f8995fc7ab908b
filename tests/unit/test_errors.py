"""Exit codes are a promise to scripts: each error has its own, and the tree names all of them."""

from __future__ import annotations

import re

import pytest

from fairsweep import errors
from fairsweep.errors import BadInput, PipelineError, without_password

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PipelineError) and kind is not PipelineError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_tree_tells_the_exit_code(kind: type[PipelineError]) -> None:
    branches = dict(re.findall(r"[├└]── (\w+) +(\d+) ", errors.__doc__ or ""))
    assert branches[kind.__name__] == str(kind.exit_code)


def test_exit_codes_are_distinct_and_none_is_a_success() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert {errors.DONE, errors.TRIAL_FAILED} & set(codes) == set()
    assert (errors.DONE, errors.TRIAL_FAILED) == (0, 1)


def test_bad_input_keeps_its_problems_apart() -> None:
    error = BadInput("first: rule", "second: rule")
    assert error.problems == ("first: rule", "second: rule")
    assert str(error) == "first: rule\nsecond: rule"


@pytest.mark.parametrize("start", ["http://", "tracking.uri=https://", "uri=//", "http:/", "///"])
def test_a_password_is_shown_nowhere(start: str) -> None:
    """Nor where the address lacks its scheme, or a slash."""
    assert without_password(f"{start}me:s3cret@host/a") == f"{start}…@host/a"
    assert without_password(f"{start}me:s3@cret@host/a") == f"{start}…@host/a"

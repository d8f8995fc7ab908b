"""What is told of an exception in a user's model: one line that points at the user's own code, from
wherever in Keras and TensorFlow it came."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.errors import OURS, PYTHONS_OWN, is_users
from fairsweep.records import TrialResult
from fairsweep.training.failure import failure
from tests.integration import own_models
from tests.integration.training_room import FEW_ROWS, train

MOMENTUM = "optimizer.params.ema_momentum=2"
FILE = own_models.__file__
PLACES = {
    "build": "KeyError",
    "call": "ValueError",
    "graph": "ArithmeticError",
    "shape": "ValueError",
    "keras": "ValueError",
    "exit": "SystemExit",
}


def line_of(place: str) -> int:
    """The line of own_models that says it fails there."""
    lines = Path(FILE).read_text().splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"# fails: {place}")]
    return number


def failed(place: str, loop: str, monkeypatch: pytest.MonkeyPatch) -> TrialResult:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
    result = train(
        *(*FEW_ROWS, "model=custom", "model.builder=tests.integration.own_models:broken"),
        *(f"+model.params.place={place}", "training.epochs=1", f"training.loop={loop}"),
    ).result
    assert result.outcome == "failed"
    return result


@pytest.mark.parametrize("loop", ["resident", "fit"])
@pytest.mark.parametrize("place", PLACES)
def test_the_line_points_at_the_users_own(
    place: str, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, line = failed(place, loop, monkeypatch), line_of(place)
    assert result.error.startswith(f"own_models.py:{line}: {PLACES[place]}: ")
    assert "\n" not in result.error
    assert "\x1b" not in result.error
    assert "Exception encountered" not in result.error
    if place in ("call", "graph", "exit"):
        assert result.error.endswith(f": it broke in {place}")
    assert result.cause == f"{PLACES[place]} at {FILE}:{line}"
    assert result.traceback.startswith("Traceback")
    assert "own_models.py" in result.traceback


def test_a_failure_of_ours_is_told_without_a_place() -> None:
    """The user has no line to look at; two of the same kind from one place are alike all the
    same."""
    result = train("optimizer=adam", "optimizer.params.use_ema=true", MOMENTUM).result
    again = train("optimizer=adam", "optimizer.params.use_ema=true", MOMENTUM).result
    assert result.error.startswith("ValueError: `ema_momentum` must be in the range [0, 1]")
    assert result.cause == again.cause
    assert "base_optimizer.py:" in result.cause


def test_an_exception_without_words_is_told_by_its_type() -> None:
    try:
        raise KeyError
    except KeyError as error:
        assert failure(error).line.endswith(": KeyError")


@pytest.mark.parametrize(
    ("file", "users"),
    [
        ("project/models.py", True),
        (__file__, True),
        (str(OURS / "training" / "trial.py"), False),
        (str(PYTHONS_OWN / "runpy.py"), False),
        ("env/lib/python3.11/site-packages/keras/models.py", False),
        ("/usr/lib/python3/dist-packages/numpy/core.py", False),
        ("<frozen runpy>", False),
        ("<string>", False),
        ("/tmp/__autograph_generated_file1x.py", False),
    ],
)
def test_whose_code_it_is(file: str, users: bool) -> None:
    assert is_users(file) == users

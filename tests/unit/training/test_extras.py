"""What is hidden from Keras is hidden from nobody else."""

from __future__ import annotations

import sys

import pytest

from fairsweep.training import extras
from fairsweep.training.extras import without_extras


@pytest.fixture
def extra(monkeypatch: pytest.MonkeyPatch) -> str:
    """One that isn't imported yet."""
    monkeypatch.setattr(extras, "EXTRAS", ("this",))
    monkeypatch.delitem(sys.modules, "this", raising=False)
    return "this"


def test_an_extra_is_missing_within_and_there_after_it(
    extra: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with without_extras(), pytest.raises(ImportError):
        __import__(extra)
    __import__(extra)
    assert "The Zen of Python" in capsys.readouterr().out


def test_an_extra_that_is_there_stays(extra: str) -> None:
    __import__(extra)
    with without_extras():
        __import__(extra)
    assert extra in sys.modules

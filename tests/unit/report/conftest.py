"""What tests of the report share."""

from __future__ import annotations

import pytest


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without drawn pictures: what a test of sentences, tables and commands has no need of,
    and what takes nearly all of their time."""
    monkeypatch.setattr("fairsweep.report.static.draw", lambda *_: b"<svg/>")
    monkeypatch.setattr("fairsweep.report.figures.library", lambda: "")

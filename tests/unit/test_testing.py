"""The doubles that users may import do what workers do, and their example runs."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import fairsweep.testing


@pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(fairsweep.testing, optionflags=doctest.ELLIPSIS).failed == 0

"""The verdict on a real job whose answer is known: an optimizer against itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.lab import Sandbox
from tests.integration.scenarios import headline

pytestmark = pytest.mark.long(30)


def test_an_optimizer_doesnt_win_against_itself(tmp_path: Path) -> None:
    box = Sandbox(tmp_path)
    done = box.sweep("experiment=self_check", "executor.workers=1", "sweep.name=twins")
    assert done.code == 0, done.said
    said = headline(box.report_files("twins")["report.md"].decode())
    assert said in ("No winner: adam and adam_twin tie", "No winner: adam_twin and adam tie")
    confirmed = box.stored.runs("twins", "confirm")
    assert sorted({run.arm for run in confirmed}) == ["adam", "adam_twin"]
    assert len(confirmed) == 20

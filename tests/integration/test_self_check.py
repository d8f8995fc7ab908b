"""The verdict on a real job whose answer is known: an optimizer against itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.oracle import problems
from tests.integration.forked import ForkedSandbox
from tests.integration.scenarios import headline

pytestmark = pytest.mark.long(15)
ARMS = ("adam", "adam_twin")


def test_an_optimizer_doesnt_win_against_itself(tmp_path: Path) -> None:
    box = ForkedSandbox(tmp_path)
    budget = ("search.trials=3", "executor.workers=1")
    done = box.sweep("experiment=self_check", *budget, "sweep.name=twins")
    assert done.code == 0, done.said
    said = headline(box.report_files("twins")["report.md"].decode())
    tied = [f"{first} and {second}" for first, second in (ARMS, ARMS[::-1])]
    assert said in [f"No winner: {arms} tie, tuned with 3 trials" for arms in tied]
    confirmed = box.stored.runs("twins", "confirm")
    assert Counter((run.arm, run.tags.get("search", "0")) for run in confirmed) == {
        (arm, str(search)): 5 for arm in ARMS for search in range(3)
    }
    assert problems(box.work / "mlruns") == []

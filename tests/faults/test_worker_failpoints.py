"""A worker killed between any two of its steps: the sweep trains that once more, and is whole.

Each test kills one worker at one call, then runs the command again, which finds nothing to do.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.oracle import assert_whole
from tests.integration.lab import Sandbox
from tests.integration.scenarios import SMALL

SWEEP = (
    *(*SMALL, "model=mlp", "training.epochs=4", "search.trials=2", "arms.optimizer=[sgd,adam]"),
    "sweep.name=struck",
)
TRIAL = "fairsweep.training.trial"
# Two models are built, and two answers sent, when the arms are tried.

POINTS = {
    "first-arm-tried": ("fairsweep.training.model_check:check", 1, "after"),
    "spec-received": (f"{TRIAL}:train_trial", 1, "before"),
    "model-built": (f"{TRIAL}:build_model", 3, "after"),
    "first-epoch-ended": ("fairsweep.training.history:History.on_epoch", 1, "before"),
    "first-epoch-on-its-way": ("fairsweep.training.history:History.on_epoch", 1, "after"),
    "last-epoch-ended": ("fairsweep.training.history:History.on_epoch", 4, "after"),
    "trained-and-not-sent": (f"{TRIAL}:train_trial", 2, "after"),
    "sent": ("fairsweep.training.outbox:Outbox.send", 5, "after"),
    "weights-half-there": ("numpy:savez", 1, "before"),
    "weights-written": ("numpy:savez", 1, "after"),
    "weights-renamed": ("fairsweep.training.best_epoch:write_weights", 1, "after"),
}


@pytest.mark.long
@pytest.mark.parametrize(("target", "count", "when"), POINTS.values(), ids=POINTS)
def test_a_worker_killed_anywhere_costs_one_attempt(
    target: str, count: int, when: str, tmp_path: Path
) -> None:
    box = Sandbox(tmp_path)
    shutil.copy(Path(__file__).with_name("inside.py"), box.code / "sitecustomize.py")
    claim = box.code / "struck"
    struck = box.sweep(*SWEEP, WORKER_FAILPOINT=f"{target} {count} {when} {claim}")
    assert struck.code == 0, struck.said
    assert claim.exists()
    root = box.work / "mlruns"
    assert_whole(root)
    runs = box.stored.runs("struck")
    interrupted = [run for run in runs if not run.whole]
    assert len(interrupted) <= 1  # none where its result had arrived
    before = box.stored.dump()
    again = box.sweep(*SWEEP)
    assert again.code == 0, again.said
    assert box.stored.dump() == before
    assert_whole(root)

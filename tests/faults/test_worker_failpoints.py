"""A worker killed between any two of its steps: the sweep trains that once more, and is whole.

A stage of one sweep has each of its workers killed, one at each point, and the last one left alone;
then the command is run again, which finds nothing to do.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.oracle import assert_whole
from tests.integration.forked import ForkedSandbox
from tests.integration.scenarios import SMALL

EPOCHS = 4
SWEEP = (
    *(*SMALL, "model=mlp", f"training.epochs={EPOCHS}", "arms.optimizer=[sgd,adam]"),
    "sweep.name=struck",
)
TRAIN, EPOCH = "fairsweep.training.trial:train_trial", "fairsweep.training.history:History.on_epoch"

# Calls are counted from the start of a worker, which begins with what the one before died of: so
# each point is met by the first attempt at another training.
BEGIN = {
    "first-arm-tried": "fairsweep.training.model_check:check 1 after",
    "spec-received": f"{TRAIN} 1 before",
    "model-built": "fairsweep.training.trial:build_model 2 after",
}
SEARCH = {
    "first-epoch-ended": f"{EPOCH} 1 before",
    "first-epoch-on-its-way": f"{EPOCH} {EPOCHS + 1} after",
    "last-epoch-ended": f"{EPOCH} {2 * EPOCHS} after",
    "trained-and-not-sent": f"{TRAIN} 2 after",
    "sent": "fairsweep.training.outbox:Outbox.send 3 after",  # that it is ready comes first
}
CONFIRM = {
    "weights-half-there": "numpy:savez 1 before",
    "weights-written": "numpy:savez 2 after",
    "weights-renamed": "fairsweep.training.best_epoch:write_weights 2 after",
}


@pytest.mark.long(10)
@pytest.mark.parametrize(
    ("points", "stage", "trials", "searches", "lost"),
    [(BEGIN, "search", 1, 1, 2), (SEARCH, "search", 3, 1, 4), (CONFIRM, "confirm", 1, 2, 3)],
    ids=["begin", "search", "confirm"],
)
def test_a_worker_killed_anywhere_costs_one_attempt(
    points: dict[str, str], stage: str, trials: int, searches: int, lost: int, tmp_path: Path
) -> None:
    """`lost` trainings must be interrupted: where models are tried there is none, and where the
    result had arrived it may be the next one or none."""
    box = ForkedSandbox(tmp_path)
    shutil.copy(Path(__file__).with_name("inside.py"), box.code / "sitecustomize.py")
    claims = box.code / "struck"
    claims.mkdir()
    budget = (f"search.trials={trials}", f"search.repeats={searches}", "confirm.seeds=2")
    sweep = (*SWEEP, *budget)
    failpoints = "\n".join(f"{name} {point}" for name, point in points.items())
    struck = box.sweep(*sweep, WORKER_FAILPOINTS=failpoints, STRUCK=str(claims))
    assert struck.code == 0, struck.said
    assert {path.name for path in claims.iterdir()} == set(points)
    root = box.work / "mlruns"
    assert_whole(root)
    interrupted = [run for run in box.stored.runs("struck") if not run.whole]
    assert {run.stage for run in interrupted} == {stage}
    assert lost <= len(interrupted) <= lost + ("sent" in points)
    of_training = Counter(
        (run.arm, run.trial, run.tags.get("repeat"), run.tags.get("fold")) for run in interrupted
    )
    assert set(of_training.values()) == {1}, of_training
    before = box.stored.dump()
    again = box.sweep(*sweep)
    assert again.code == 0, again.said
    assert box.stored.dump() == before
    assert_whole(root)

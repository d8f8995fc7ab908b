"""A sweep killed between any two of its writes: the same command makes it whole.

Each test kills the process at one call, then runs the command again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.tracking.store import Store
from tests.faults import oracle
from tests.integration.forked import ScriptedSandbox
from tests.integration.scenarios import ARMS, EPOCHS, SMALL, TRIALS, assert_whole

SWEEP = (
    *(*SMALL, "model=mlp", f"training.epochs={EPOCHS}", f"search.trials={TRIALS}"),
    *(f"arms.optimizer=[{','.join(ARMS)}]", "sweep.name=killed"),
)
STUDY, WRITE = "fairsweep.search.study", "fairsweep.tracking.write.operations:Writer"
MIGRATE = "alembic.runtime.migration:HeadMaintainer"

POINTS = {
    "database-without-its-migrations": ("mlflow.store.db.utils:_upgrade_db", 1, "before"),
    "database-amid-its-migrations": (f"{MIGRATE}.update_to_step", 20, "after"),
    "second-study-begun-without-its-identity": (
        "optuna.study.study:Study.set_user_attr",
        2,
        "before",
    ),
    "sweep-run-without-its-description": (f"{WRITE}._create", 1, "after"),
    "arm-run-without-its-params": (f"{WRITE}._create", 2, "after"),
    "trial-with-some-of-its-values": (f"{STUDY}:suggest", 2, "before"),
    "trial-without-a-run": (f"{WRITE}._begin", 2, "before"),
    "trial-with-a-run-and-no-epoch": (f"{WRITE}._begin", 2, "after"),
    "trial-trained-and-not-closed": (f"{WRITE}._finish", 2, "before"),
    "trial-closed-and-not-told": (f"{STUDY}:ArmStudy.tell", 2, "before"),
    "trial-told": (f"{STUDY}:ArmStudy.tell", 2, "after"),
    "last-trial-closed-and-not-told": (f"{STUDY}:ArmStudy.tell", 4, "before"),
    "confirmation-not-closed": (f"{WRITE}._finish", 5, "before"),
    "confirmation-closed": (f"{WRITE}._finish", 5, "after"),
    "trial-put-down-and-not-told": ("fairsweep.tracking.write:Tracker.finish", 2, "after"),
    "first-trial-put-down-before-there-is-a-database": (
        "fairsweep.tracking.write:Tracker.finish",
        1,
        "after",
    ),
    "epochs-put-down": ("fairsweep.tracking.write.spool:Spool.append", 3, "after"),
    "last-of-it-carried-out-and-not-counted": (
        "fairsweep.tracking.write.spool:Spool.done",
        9,
        "before",
    ),
    "sweep-not-closed": (f"{WRITE}._close", 1, "before"),
    "sweep-closed-without-its-report": ("fairsweep.stages.sweep:make_report", 1, "before"),
}


SHORT = ("trial-closed-and-not-told", "confirmation-not-closed", "sweep-closed-without-its-report")
"""One between store and study, one with a confirmation under way, one at the very end."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in SHORT else pytest.mark.long) for name in POINTS],
)
def test_a_sweep_killed_anywhere_becomes_whole(
    name: str, empty_store: Callable[[Path], Store], tmp_path: Path
) -> None:
    box = ScriptedSandbox(tmp_path)
    if "database" not in name:  # where it's about making one, the sweep makes it
        empty_store(box.work / "mlruns")
    box.failpoint = POINTS[name]
    killed = box.sweep(*SWEEP)
    assert killed.code == -9, killed.said
    box.failpoint = None
    continued = box.sweep(*SWEEP)
    assert continued.code == 0, continued.said
    assert_whole(box.stored, "killed")
    (sweep,) = box.stored.runs("killed", "sweep")
    assert sweep.outcome == "complete"
    assert {"report.html", "report.md", "confirmed.svg"} <= set(box.report_files("killed"))
    artifacts = Path(sweep.artifact_uri.removeprefix("file://"))
    stored = {path.relative_to(artifacts).as_posix() for path in artifacts.rglob("*.*")}
    assert {"data.json", "config/sweep.yaml", "environment/packages.txt"} <= stored
    assert {f"config/{arm}.yaml" for arm in ARMS} <= stored
    for arm in box.stored.runs("killed", "arm"):
        assert arm.params["optimizer"] == arm.arm


SEARCHED_TWICE = {
    "second-search-begun-without-its-identity": (
        "optuna.study.study:Study.set_user_attr",
        5,
        "before",
    ),
    "trial-of-the-second-search-closed-and-not-told": (f"{STUDY}:ArmStudy.tell", 3, "before"),
    "best-of-the-second-search-confirmed": (f"{WRITE}._finish", 11, "after"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name.endswith("not-told") else pytest.mark.long)
        for name in SEARCHED_TWICE
    ],
)
def test_each_search_of_an_arm_goes_on_as_the_first_does(
    name: str, empty_store: Callable[[Path], Store], tmp_path: Path
) -> None:
    box = ScriptedSandbox(tmp_path)
    empty_store(box.work / "mlruns")
    box.failpoint = SEARCHED_TWICE[name]
    killed = box.sweep(*SWEEP, "search.repeats=2")
    assert killed.code == -9, killed.said
    box.failpoint = None
    continued = box.sweep(*SWEEP, "search.repeats=2")
    assert continued.code == 0, continued.said
    assert_whole(box.stored, "killed", searches=2)
    seen = [str(problem) for problem in oracle.problems(box.work / "mlruns")]
    # A training that follows a script has no answers to test rows.
    assert [text for text in seen if "confusion.json is missing" not in text] == []
    before = box.stored.dump()
    again = box.sweep(*SWEEP, "search.repeats=2")
    assert (again.code, box.stored.dump()) == (0, before)
    other = box.sweep(*SWEEP)
    assert (other.code, box.stored.dump()) == (4, before)
    assert "search.repeats: 2 → 1" in other.said

"""A sweep killed between any two of its writes: the same command makes it whole.

Each test kills one process after another, each at a call further on, then lets the command end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.tracking.store import Store
from tests.faults import oracle
from tests.integration.forked import Point, ScriptedSandbox
from tests.integration.scenarios import ARMS, EPOCHS, SMALL, TRIALS, assert_counted, assert_whole

SWEEP = (
    *(*SMALL, "model=mlp", f"training.epochs={EPOCHS}", f"search.trials={TRIALS}"),
    *(f"arms.optimizer=[{','.join(ARMS)}]", "sweep.name=killed"),
)
STUDY, WRITE = "fairsweep.search.study", "fairsweep.tracking.write.operations:Writer"
TRACKER, SPOOL = "fairsweep.tracking.write:Tracker", "fairsweep.tracking.write.spool:Spool"
ADAM, CONFIRMATION = "'arm': 'adam'", "'stage': 'confirm'"
MIGRATE = "alembic.runtime.migration:HeadMaintainer"

KILLS: dict[str, dict[str, Point]] = {
    "as-the-database-is-made": {
        "database-without-its-migrations": ("mlflow.store.db.utils:_upgrade_db", 1, "before"),
        "database-amid-its-migrations": (f"{MIGRATE}.update_to_step", 20, "after"),
        "first-trial-put-down-before-there-is-a-database": (f"{TRACKER}.finish", 1, "after"),
    },
    "in-the-search": {
        "second-study-begun-without-its-identity": (
            "optuna.study.study:Study.set_user_attr",
            2,
            "before",
        ),
        "trial-with-some-of-its-values": (f"{STUDY}:suggest", 2, "before"),
        "trial-put-down-as-begun": (f"{SPOOL}.append", "name='begin'", "after"),
        "trial-put-down-and-not-told": (f"{TRACKER}.finish", 1, "after"),
        "trial-closed-and-not-told": (f"{STUDY}:ArmStudy.tell", 1, "before"),
        "trial-told": (f"{STUDY}:ArmStudy.tell", 1, "after"),
        "last-trial-closed-and-not-told": (f"{STUDY}:ArmStudy.tell", 3, "before"),
    },
    "in-the-store": {
        "sweep-run-without-its-description": (f"{WRITE}._create", 1, "after"),
        "arm-run-without-its-params": (f"{WRITE}._create", "'stage': 'arm'", "after"),
        "trial-without-a-run": (f"{WRITE}._begin", ADAM, "before"),
        "trial-with-a-run-and-no-epoch": (f"{WRITE}._begin", ADAM, "after"),
        "trial-trained-and-not-closed": (f"{WRITE}._finish", ADAM, "before"),
        "carried-out-and-not-counted": (f"{SPOOL}.done", 2, "before"),
    },
    "at-the-end": {
        "confirmation-not-closed": (f"{WRITE}._finish", CONFIRMATION, "before"),
        "confirmation-closed": (f"{WRITE}._finish", CONFIRMATION, "after"),
        "sweep-not-closed": (f"{WRITE}._close", 1, "before"),
        "sweep-closed-without-its-report": ("fairsweep.stages.sweep:make_report", 1, "before"),
    },
}
"""For a sweep, the calls at which its processes are killed in turn, see `failpoint.arm`. A process
counts its own calls, and goes on where the one before was killed. What studies come to and what the
store does stand apart: another thread writes the store, and carries out again what it finds."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "at-the-end" else pytest.mark.long(10))
        for name in KILLS
    ],
)
def test_a_sweep_killed_anywhere_becomes_whole(
    name: str, empty_store: Callable[[Path], Store], tmp_path: Path
) -> None:
    box = ScriptedSandbox(tmp_path)
    if "database" not in name:  # where it's about making one, the sweep makes it
        empty_store(box.work / "mlruns")
    box.killed_at(KILLS[name], *SWEEP)
    continued = box.sweep(*SWEEP)
    assert continued.code == 0, continued.said
    assert_counted(continued.out)
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


SEARCHED_TWICE: dict[str, dict[str, Point]] = {
    "in-the-search": {
        "second-search-begun-without-its-identity": (
            "optuna.study.study:Study.set_user_attr",
            5,
            "before",
        ),
        "trial-of-the-second-search-closed-and-not-told": (f"{STUDY}:ArmStudy.tell", 3, "before"),
    },
    "at-the-end": {"best-of-the-second-search-confirmed": (f"{WRITE}._finish", 11, "after")},
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "in-the-search" else pytest.mark.long(10))
        for name in SEARCHED_TWICE
    ],
)
def test_each_search_of_an_arm_goes_on_as_the_first_does(
    name: str, empty_store: Callable[[Path], Store], tmp_path: Path
) -> None:
    box = ScriptedSandbox(tmp_path)
    empty_store(box.work / "mlruns")
    box.killed_at(SEARCHED_TWICE[name], *SWEEP, "search.repeats=2")
    continued = box.sweep(*SWEEP, "search.repeats=2")
    assert continued.code == 0, continued.said
    assert_counted(continued.out)
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

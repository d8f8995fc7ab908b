"""Trainings that hang: each is ended and fails, with the line that it hung at; the others go on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration import workbench
from tests.integration.scenarios import STALL, TRAPS, Finished
from tests.integration.stored import Run

each_trap = pytest.mark.parametrize("trap", TRAPS)


def run_of(stuck: Finished, how: str) -> Run:
    runs = stuck.sandbox.stored.runs("stuck", "search")
    found = [run for run in runs if run.params["model.how"] == how]
    assert {run.outcome for run in found} == {"complete" if how == "never" else "failed"}
    return found[0]


def line_of(trap: str) -> int:
    lines = Path(workbench.__file__).read_text().splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"# stuck: {trap}")]
    return number


def test_the_sweep_goes_on_to_its_end(stuck: Finished) -> None:
    assert stuck.done.code == 1, stuck.done.said
    assert run_of(stuck, "never").status == "FINISHED"
    (sweep,) = stuck.sandbox.stored.runs("stuck", "sweep")
    assert (sweep.outcome, sweep.status) == ("complete", "FINISHED")


@each_trap
def test_it_is_a_failed_trial_and_not_tried_again(stuck: Finished, trap: str) -> None:
    run = run_of(stuck, trap)
    assert run.status == "FAILED"
    assert run.tags["attempt"] == "1"
    assert len([r for r in stuck.sandbox.stored.runs("stuck") if r.name == run.name]) == 1


@each_trap
def test_the_line_that_it_hangs_at_is_told(stuck: Finished, trap: str) -> None:
    run, line = run_of(stuck, trap), line_of(trap)
    seconds, *_ = re.findall(r"^no epoch for (\d+) s", run.tags["error"])
    assert int(seconds) >= STALL
    # A loop of one statement is seen at its head, or at its body.
    assert re.search(
        rf"\(stuck in workbench\.py:({line}|{line - 1})\); training\.stall_seconds={STALL} ",
        run.tags["error"],
    )
    assert f"{run.name} failed: {run.tags['error']}" in stuck.done.out
    dump = Path(run.artifact_uri.removeprefix("file://")) / "traceback.txt"
    assert "most recent call first" in dump.read_text()


@each_trap
def test_epochs_before_are_stored(stuck: Finished, trap: str) -> None:
    steps = run_of(stuck, trap).steps("loss")
    assert steps == ([] if trap == "build" else [1, 2])

"""Trials that fail, workers and sweeps that are killed: what is lost, and what never is."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from tests.integration.scenarios import ARMS, WAITS_AT, Stopped, Troubled, assert_whole
from tests.integration.scenarios import WorkerKilled as Killed
from tests.integration.stored import Run, trainings, whole

# A worker dies.


def test_a_sweep_outlives_its_worker(worker_killed: Killed) -> None:
    assert worker_killed.done.code == 0, worker_killed.done.said
    assert_whole(worker_killed.sandbox.stored, "waiting")


def test_a_dead_worker_costs_one_attempt_of_one_trial(worker_killed: Killed) -> None:
    runs = trainings(worker_killed.sandbox.stored.runs())
    (lost,) = [run for run in runs if run.outcome == "interrupted"]
    assert (lost.arm, lost.trial, lost.stage) == ("sgd", 0, "search")
    assert lost.status == "KILLED"
    (again,) = [
        run for run in whole(runs) if (run.arm, run.trial, run.stage) == ("sgd", 0, "search")
    ]
    assert again.outcome == "complete"
    assert again.params == lost.params
    assert again.tags["mlflow.parentRunId"] == lost.tags["mlflow.parentRunId"]


def test_epochs_before_the_death_are_stored_and_the_same_again(worker_killed: Killed) -> None:
    runs = trainings(worker_killed.sandbox.stored.runs("waiting", "search"))
    lost, again = [run for run in runs if (run.arm, run.trial) == ("sgd", 0)]
    assert lost.steps("loss") == list(range(1, WAITS_AT))
    assert again.curves["loss"][: WAITS_AT - 1] == lost.curves["loss"]


def test_a_dead_worker_is_told_of(worker_killed: Killed) -> None:
    (line,) = [line for line in worker_killed.done.out.splitlines() if "worker died" in line]
    assert "sgd/0" in line
    assert "-9" in line
    (log,) = re.findall(r"\S+worker-\d+\.log", line)
    assert Path(log).exists()


def test_finished_epochs_are_stored_while_a_training_goes_on(worker_killed: Killed) -> None:
    """Live: an epoch that has ended is in the store before the next one ends."""
    assert worker_killed.epochs_seen == WAITS_AT - 1


# The sweep dies, or is interrupted.

each_stop = pytest.mark.parametrize("how", ["killed", "interrupted"])


@each_stop
def test_what_was_complete_before_the_stop_stays(stopped: Stopped, how: str) -> None:
    after = {run.run_id: run for run in stopped.sandbox.stored.runs()}
    for run in trainings(getattr(stopped, how).runs):
        if run.outcome == "complete":
            assert after[run.run_id] == run


@each_stop
def test_the_attempt_that_was_stopped_is_marked(stopped: Stopped, how: str) -> None:
    after = {run.run_id: run for run in stopped.sandbox.stored.runs()}
    cut = [run for run in trainings(getattr(stopped, how).runs) if run.outcome != "complete"]
    assert cut
    for run in cut:
        assert after[run.run_id].outcome == "interrupted"
        assert after[run.run_id].status == "KILLED"


def test_a_second_sweep_of_the_name_is_refused(stopped: Stopped) -> None:
    assert stopped.second.code == 3, stopped.second.said
    assert "sweep waiting" in stopped.second.err
    assert re.search(r"process \d+", stopped.second.err)
    assert "Traceback" not in stopped.second.err


def test_the_same_command_finishes_a_sweep_stopped_twice(stopped: Stopped) -> None:
    assert stopped.continued.code == 0, stopped.continued.said
    assert_whole(stopped.sandbox.stored, "waiting")


def test_a_killed_sweep_ends_by_the_signal(stopped: Stopped) -> None:
    assert stopped.killed.done.code == -9


def test_an_interrupted_sweep_says_so_with_130(stopped: Stopped) -> None:
    done = stopped.interrupted.done
    assert done.code == 130, done.said
    assert "the same command continues" in done.err
    assert "Traceback" not in done.err


def test_an_interrupted_sweep_closes_its_runs(stopped: Stopped) -> None:
    runs = stopped.interrupted.runs
    assert "RUNNING" not in {run.status for run in runs}
    (sweep,) = [run for run in runs if run.stage == "sweep"]
    assert sweep.outcome == "interrupted"


def test_a_continued_sweep_is_complete(stopped: Stopped) -> None:
    for stage in ("sweep", "arm"):
        for run in stopped.sandbox.stored.runs("waiting", stage):
            assert (run.outcome, run.status) == ("complete", "FINISHED")


# A trial fails by an error.


@pytest.fixture(scope="module")
def failing(troubled: Troubled) -> list[Run]:
    return troubled.sandbox.stored.runs("failing", "search")


def test_failed_trials_make_exit_code_1_and_the_sweep_goes_on(
    troubled: Troubled, failing: list[Run]
) -> None:
    assert troubled.failing.code == 1, troubled.failing.said
    assert {run.outcome for run in failing} == {"complete", "failed"}
    assert sorted((run.arm, run.trial) for run in failing) == [
        (arm, trial) for arm in sorted(ARMS) for trial in range(4)
    ]
    assert len(troubled.sandbox.stored.runs("failing", "confirm")) == len(ARMS)


def test_a_trial_fails_by_its_own_values_only(failing: list[Run]) -> None:
    for run in failing:
        assert (run.outcome == "failed") == (run.params["model.units"] == "13"), run.name
        assert run.status == ("FAILED" if run.outcome == "failed" else "FINISHED")


def test_a_failed_trial_keeps_its_traceback(failing: list[Run]) -> None:
    for run in failing:
        path = Path(run.artifact_uri.removeprefix("file://")) / "traceback.txt"
        assert path.exists() == (run.outcome == "failed")
        if path.exists():
            text = path.read_text()
            assert "in fails" in text
            assert "ArithmeticError: thirteen units are too many for this model" in text


def test_a_failed_trial_is_told_in_one_line_that_points_at_the_users_own(
    troubled: Troubled, failing: list[Run]
) -> None:
    lines = troubled.failing.out.splitlines()
    (*told, last) = [line for line in lines if "thirteen units are too many" in line]
    failed = len([run for run in failing if run.outcome == "failed"])
    assert len(told) == failed > 1
    assert last.startswith(f"note: {failed} trials failed: workbench.py:1: ArithmeticError: ")
    for line in told:
        assert "failed: workbench.py:1: ArithmeticError: thirteen units" in line
    assert "Traceback" not in troubled.failing.out + troubled.failing.err


def test_only_what_failed_has_an_error(failing: list[Run]) -> None:
    for run in failing:
        assert ("error" in run.tags) == ("cause" in run.tags) == (run.outcome == "failed")


# An arm fails from its first trial on.


def test_an_arm_whose_first_trials_fail_alike_gets_no_more(troubled: Troubled) -> None:
    assert troubled.alike.code == 1, troubled.alike.said
    runs = troubled.sandbox.stored.runs("alike", "search")
    broken = [run for run in runs if run.arm == "broken"]
    assert {run.outcome for run in broken} == {"failed"}
    assert 3 <= len(broken) <= 4  # one may have been at hand for the worker
    assert next(line for line in troubled.alike.out.splitlines() if "failed alike" in line) == (
        f"broken: stopped: its first three trials failed alike ({broken[0].tags['cause']})"
    )


def test_the_other_arms_go_on(troubled: Troubled) -> None:
    runs = troubled.sandbox.stored.runs("alike", "search")
    assert [run.outcome for run in runs if run.arm == "mlp"] == ["complete"] * 6
    assert {run.arm for run in troubled.sandbox.stored.runs("alike", "confirm")} == {"mlp"}
    (sweep,) = troubled.sandbox.stored.runs("alike", "sweep")
    assert (sweep.outcome, sweep.status) == ("complete", "FINISHED")


def test_the_report_says_why_an_arm_was_stopped(troubled: Troubled) -> None:
    report = troubled.sandbox.report_files("alike")["report.md"].decode().replace("\\", "")
    assert "Stopped: its first three trials failed alike (LookupError at " in report
    assert "workbench.py:" in report


# A trial diverges.


@pytest.fixture(scope="module")
def diverging(troubled: Troubled) -> list[Run]:
    return troubled.sandbox.stored.runs("diverging", "search")


def test_a_diverged_trial_is_a_result_and_no_error(
    troubled: Troubled, diverging: list[Run]
) -> None:
    assert troubled.diverging.code == 0, troubled.diverging.said
    assert [run.outcome for run in diverging] == ["diverged"] * 2
    assert {run.status for run in diverging} == {"FINISHED"}


def test_a_diverged_trial_ends_with_the_epoch_that_is_no_number(
    troubled: Troubled, diverging: list[Run]
) -> None:
    for run in diverging:
        *before, last = run.curves["loss"]
        assert all(math.isfinite(value) for value in before)
        assert not math.isfinite(last)
        assert run.steps("loss") == list(range(1, len(before) + 2))
    assert troubled.sandbox.stored.twice("search") == []


def test_nothing_is_confirmed_when_all_diverged(troubled: Troubled) -> None:
    assert troubled.sandbox.stored.runs("diverging", "confirm") == []
    assert "No trial completed" in troubled.diverging.out

"""`fairsweep train`, the command that a report prints, and the worked example."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.integration.forked import ScriptedSandbox
from tests.integration.lab import finish, wait_until
from tests.integration.scenarios import WAITS_AT, Singles, TrainedAgain, Troubled
from tests.integration.stored import EPOCH_METRICS, Run


@pytest.fixture(scope="module")
def overridden(singles: Singles) -> Run:
    (run,) = [r for r in singles.sandbox.stored.runs() if r.experiment == "digits"]
    return run


@pytest.fixture(scope="module")
def worked(singles: Singles) -> Run:
    (run,) = [r for r in singles.sandbox.stored.runs() if r.experiment == "worked_example"]
    return run


def test_both_end_well(singles: Singles) -> None:
    assert singles.overridden.code == 0, singles.overridden.said
    assert singles.worked.code == 0, singles.worked.said


def test_a_training_is_one_run_tracked_like_a_trial(overridden: Run) -> None:
    assert overridden.stage == "train"
    assert overridden.arm == "adam"
    assert overridden.outcome == "complete"
    assert overridden.status == "FINISHED"
    assert {"config_sha256", "data_sha256"} <= set(overridden.tags)
    assert "mlflow.parentRunId" not in overridden.tags


def test_a_training_has_the_params_it_was_given(overridden: Run) -> None:
    assert overridden.params["optimizer"] == "adam"
    assert overridden.params["optimizer.learning_rate"] == "0.001"
    assert overridden.params["model.hidden_units"] == "[64, 32]"
    assert overridden.params["training.epochs"] == "3"
    assert overridden.params["training.batch_size"] == "32"


def test_a_training_logs_its_epochs_once(overridden: Run, singles: Singles) -> None:
    assert set(overridden.curves) == EPOCH_METRICS
    for name in EPOCH_METRICS:
        assert overridden.steps(name) == [1, 2, 3]
    assert singles.sandbox.stored.twice("train") == []


def test_a_training_prints_every_epoch(singles: Singles) -> None:
    lines = [line for line in singles.overridden.out.splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]


def test_a_training_looks_at_no_test_rows(overridden: Run) -> None:
    assert not [name for name in overridden.metrics if name.startswith("test")]


def test_worked_example_trains_ten_epochs(worked: Run) -> None:
    assert worked.steps("loss") == worked.steps("accuracy") == list(range(1, 11))


def test_worked_example_holds_nothing_out(worked: Run) -> None:
    assert set(worked.curves) == {"loss", "accuracy"}
    assert not [name for name in worked.metrics if name.startswith(("val_", "best_val"))]


def test_worked_example_is_the_one_of_the_lesson(worked: Run) -> None:
    assert worked.params["model.hidden_units"] == "[8, 16]"
    assert float(worked.params["optimizer.learning_rate"]) == 0.0001
    assert worked.params["training.batch_size"] == "3"
    assert worked.params["training.loss"] == "sparse_categorical_crossentropy"
    assert worked.params["training.shuffle"] == "True"
    assert worked.params["optimizer"] == "adam"


def test_worked_example_can_be_swept(troubled: Troubled) -> None:
    assert troubled.worked.code == 0, troubled.worked.said
    (sweep,) = [
        run for run in troubled.sandbox.stored.runs(stage="sweep") if run.name.startswith("worked_")
    ]
    assert sweep.outcome == "complete"
    runs = troubled.sandbox.stored.runs(sweep.tags["sweep"])
    assert len([run for run in runs if run.stage == "confirm"]) == 2
    assert b"worked_example" in troubled.sandbox.report_files(sweep.tags["sweep"])["report.md"]


# The command that a report prints.


def test_the_reports_command_ends_well(trained_again: TrainedAgain) -> None:
    assert trained_again.done.code == 0, trained_again.done.said


def test_the_reports_command_trains_the_best_run_again(
    trained_again: TrainedAgain, smoke: object
) -> None:
    stored = smoke.sandbox.stored.runs()  # type: ignore[attr-defined]
    (original,) = [run for run in stored if run.run_id == trained_again.original]
    (again,) = trained_again.sandbox.stored.runs()
    assert again.run_id != original.run_id
    assert set(original.curves) == EPOCH_METRICS
    assert again.curves == original.curves
    assert again.tags["data_sha256"] == original.tags["data_sha256"]


def test_the_reports_command_gives_the_same_params(
    trained_again: TrainedAgain, smoke: object
) -> None:
    stored = smoke.sandbox.stored.runs()  # type: ignore[attr-defined]
    (original,) = [run for run in stored if run.run_id == trained_again.original]
    (again,) = trained_again.sandbox.stored.runs()
    assert again.params == original.params


def test_the_reports_command_is_what_the_sweep_printed(
    trained_again: TrainedAgain, smoke: object
) -> None:
    lines = smoke.done.out.splitlines()  # type: ignore[attr-defined]
    assert f"train it again: {trained_again.command}" in lines


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["terminated", "interrupted"])
def test_a_stopped_training_closes_its_run(how: signal.Signals, tmp_path: Path) -> None:
    box = ScriptedSandbox(tmp_path)
    box.script = "waiting"
    words = ("train", "training.epochs=100000", "terminal=plain")
    process = box.start("fairsweep", *words, WORKBENCH=str(box.code))
    wait_until((box.code / "waiting").exists, "the training to wait", process)
    process.send_signal(how)
    done = finish(process)
    assert done.code == 130, done.said
    assert "interrupted; its run is stored" in done.err
    (run,) = box.stored.runs()
    assert (run.status, run.outcome) == ("KILLED", "interrupted")
    assert run.steps("loss") == list(range(1, WAITS_AT))

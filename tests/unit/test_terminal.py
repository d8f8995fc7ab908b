"""What a person sees: lines or a live view, every trial counted once, nothing when asked."""

from __future__ import annotations

import io
import math
import os
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import fairsweep.terminal
from fairsweep.errors import Interrupted
from fairsweep.records import (
    EpochMetrics,
    Objective,
    Outcome,
    SearchKey,
    Stage,
    TrialKey,
    TrialResult,
    WorkerLost,
)
from fairsweep.terminal import Console, EpochLines, Terminal, fold, mode_of


def terminal(setting: str, **changes: Any) -> Terminal:
    """Two arms of three trials each, and four confirmations."""
    arguments = {
        "name": "digits-mlp-0000",
        "objective": Objective("val_accuracy", "maximize"),
        "budget": {"adam": 3, "sgd": 3},
        "confirmations": 4,
    }
    return Terminal(setting, **{**arguments, **changes})


def result(
    trial: int = 0,
    outcome: Outcome = "complete",
    value: float | None = 0.95,
    stage: Stage = "search",
    arm: str = "adam",
    error: str = "",
) -> TrialResult:
    best_epoch = None if value is None else 7
    return TrialResult(TrialKey(arm, stage, trial), outcome, 9, 1.5, best_epoch, value, error=error)


def end(terminal: Terminal, *results: TrialResult) -> None:
    for ended in results:
        terminal.began(ended.key)
        terminal.ended(ended)


def view(terminal: Terminal) -> str:
    """The live view as text."""
    console = Console(file=io.StringIO(), width=120)
    console.print(terminal._live.get_renderable())
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


def row(terminal: Terminal, arm: str) -> list[str]:
    return next(line.split() for line in view(terminal).splitlines() if line.startswith(arm))


@pytest.mark.parametrize(("tty", "mode"), [(True, "live"), (False, "plain")])
def test_auto_is_live_in_a_terminal_and_plain_elsewhere(tty: bool, mode: str) -> None:
    assert mode_of("auto", Console(force_terminal=tty)) == mode


@pytest.mark.parametrize("setting", ["live", "plain", "quiet"])
def test_what_is_asked_for_is_given(setting: str) -> None:
    assert mode_of(setting, Console(force_terminal=False)) == setting


def test_plain_lines_tell_count_trial_outcome_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    end(terminal("plain"), result(0), result(1, "pruned", 0.9123456, arm="sgd"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("[1/10")
    assert "adam/0 complete: val_accuracy 0.9500 at epoch 7" in first
    assert first.endswith("9 epochs in 1.5 s")
    assert second.startswith("[2/10")
    assert "sgd/1 pruned: val_accuracy 0.9123" in second


def test_the_time_left_is_that_of_what_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of four trials in a minute: the other two take another."""
    clock = [100.0]
    monkeypatch.setattr(fairsweep.terminal, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    one = terminal("plain", budget={"adam": 4}, confirmations=0)
    one.began(result(0).key)
    one.epoch(EpochMetrics(result(0).key, 1, {}, 0))
    clock[0] = 160.0
    end(one, result(0), result(1))
    assert capsys.readouterr().out.splitlines()[-1].startswith("[2/4, 1:00 left]")


def test_a_trial_without_a_value_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    end(terminal("plain"), result(0, "diverged", None))
    assert "adam/0 diverged: no val_accuracy, 9 epochs in 1.5 s" in capsys.readouterr().out


def test_confirmations_count_on_top_of_trials(capsys: pytest.CaptureFixture[str]) -> None:
    one = terminal("plain")
    end(one, result(0), result(0, stage="confirm"))
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith("[2/10")
    assert "adam/0/seed-0" in line
    assert row(one, "adam")[1] == "1/3"  # a confirmation is no trial of the budget


def lost(attempt: int) -> WorkerLost:
    return WorkerLost(TrialKey("adam", "search", 0, attempt=attempt), -9, "worker-1.log")


def test_a_lost_worker_is_told_with_what_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    one = terminal("plain")
    one.began(lost(2).key)  # type: ignore[arg-type]
    one.lost(lost(2))
    one.lost(lost(3), goes_on=True)
    one.lost(replace(lost(3), out_of_memory=True, peak=3 * 2**29))
    first, second, third = capsys.readouterr().out.splitlines()
    assert "its worker ran out of memory (it had 1.5 GiB); attempt 3 is lost" in third
    assert "exit code -9" in first
    assert "attempt 2 is lost" in first
    assert "it continues from its checkpoint" in second
    assert row(one, "adam")[2] == "0"


def test_a_training_that_begins_anew_is_told_with_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = terminal("plain")
    unusable = result(0, "interrupted", None, error="none is whole")
    one.began(unusable.key)
    one.began_anew(unusable)
    assert "adam/0: its checkpoint can't be used, so it starts again: none is whole" in (
        capsys.readouterr().out
    )
    assert row(one, "adam")[2] == "0"


def test_an_arm_that_is_stopped_is_told_and_no_longer_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = terminal("plain")
    end(one, result(0, "failed", None, error="model.py:3: KeyError: 'x'"))
    one.began(TrialKey("adam", "search", 1))
    why = "its first three trials failed alike (KeyError at model.py:3)"
    one.stopped(SearchKey("adam"), why, 1)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("adam/0 failed: model.py:3: KeyError: 'x'")
    assert second == f"adam: stopped: {why}"
    assert row(one, "adam")[1] == "1/2"
    assert row(one, "sgd")[1] == "0/3"


def test_quiet_says_the_result_alone(capsys: pytest.CaptureFixture[str]) -> None:
    one = terminal("quiet")
    with one:
        one.say("a line")
        one.table(["arm"], [["adam"]])
        end(one, result(0), result(1, "failed", None, error="ValueError: no"))
        one.result("adam wins")
    assert capsys.readouterr().out == "adam wins\n"


@pytest.mark.parametrize("tty", [True, False])
def test_prose_is_broken_between_words_in_a_terminal_alone(tty: bool) -> None:
    one = terminal("plain")
    one.console = Console(file=io.StringIO(), width=20, force_terminal=tty, highlight=False)
    one.say("adam has the best mean, but not by enough", prose=True)
    one.say("fairsweep train optimizer=adam")
    assert isinstance(one.console.file, io.StringIO)
    said = one.console.file.getvalue().splitlines()
    assert said[-1] == "fairsweep train optimizer=adam"
    assert [line.rstrip() for line in said[:-1]] == (
        ["adam has the best", "mean, but not by", "enough"]
        if tty
        else ["adam has the best mean, but not by enough"]
    )


@pytest.mark.parametrize("mode", ["plain", "live"])
def test_a_failure_is_told_with_its_reason(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    end(terminal(mode), result(1, "failed", None, error="ValueError: [bold]no[/bold]"))
    # As it was raised: what looks like markup is none.
    assert "adam/1 failed: ValueError: [bold]no[/bold]" in capsys.readouterr().out


def test_what_an_earlier_process_finished_counts(capsys: pytest.CaptureFixture[str]) -> None:
    one = terminal("plain")
    one.seen("adam", {"complete": 1, "pruned": 1}, 0.97)
    end(one, result(2, value=0.90))
    assert capsys.readouterr().out.startswith("[3/10")
    assert row(one, "adam")[1:] == ["3/3", "0", "1", "0", "0", "0.9700"]


@pytest.mark.parametrize("mode", ["plain", "live"])
def test_what_is_stored_of_the_confirmation_counts(
    mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three of four confirmations were trained before, and a trial of sgd doesn't come any more."""
    one = terminal(mode)
    one.seen("adam", {"complete": 3}, 0.97)
    one.seen("sgd", {"complete": 2}, 0.95)
    one.settled("adam", trials=0, confirmations=0, stored=2)
    one.settled("sgd", trials=1, confirmations=1, stored=0)
    end(one, result(0, stage="confirm"))
    assert ("confirming 3/3  8/8 trainings" in view(one)) and row(one, "sgd")[1] == "2/2"
    if mode == "plain":
        assert capsys.readouterr().out.startswith("[8/8")


@pytest.mark.parametrize(("stored", "count"), [(True, "4/4"), (False, "3/3")])
def test_a_published_training_that_does_not_come_is_not_waited_for(
    stored: bool, count: str
) -> None:
    one = terminal("live")
    end(one, result(0))
    one.settled("adam", trials=0, confirmations=0, stored=3)
    one.published(stored)
    assert f"confirming {count}" in view(one)


def test_the_view_counts_every_outcome_of_every_arm() -> None:
    one = terminal("live")
    end(one, result(0), result(1, "pruned"), result(2, "diverged", None))
    end(one, result(0, "failed", None, arm="sgd", error="no"))
    running = TrialKey("sgd", "search", 1)
    one.began(running)
    one.epoch(EpochMetrics(running, 3, {"loss": 0.1}, 0))
    assert row(one, "adam")[1:] == ["3/3", "0", "1", "1", "0", "0.9500"]
    assert row(one, "sgd")[1:] == ["1/3", "1", "0", "0", "1"]


def test_best_follows_the_direction_and_complete_trials_only() -> None:
    one = terminal("live", objective=Objective("val_loss", "minimize"))
    end(one, result(0, value=0.5), result(1, value=0.4), result(2, "pruned", value=0.1))
    assert row(one, "adam")[-1] == "0.4000"


def test_a_lost_worker_is_told_with_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    one = terminal("plain")
    key = TrialKey("adam", "search", 2, attempt=1)
    one.began(key)
    one.lost(WorkerLost(key, -9, "logs/worker-1.log"))
    said = capsys.readouterr().out
    assert "adam/2" in said and "-9" in said and "logs/worker-1.log" in said
    assert row(one, "adam")[2] == "0"


def test_the_table_of_a_report_is_text_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    terminal("plain").table(["arm", "best"], [["[red]adam", "0.95"]])
    assert "[red]adam" in capsys.readouterr().out


HEADER = ("optimizer", "confirmed mean ± sd", "tuned", "complete/pruned/ diverged/failed")
CELLS = ("0.9181 ± 0.0020", "0.9444", "12/7/1/0")


@pytest.mark.parametrize("arms", [["adam"], [f"arm-{i}" for i in range(8)], ["x" * 60, "sgd"]])
def test_a_table_fits_into_80_columns_with_a_header_of_two_lines(
    arms: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    terminal("plain").table(HEADER, [[arm, *CELLS] for arm in arms])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    narrow = max(map(len, arms)) > 50
    told = [lines.pop()] if narrow else []
    left_out = "no room here for tuned, complete/pruned/diverged/failed; the report has all columns"
    assert told == [left_out] * narrow
    assert len(lines) == 2 + len(arms)
    assert max(map(len, lines)) <= 80
    for arm, line in zip(arms, lines[2:], strict=True):
        assert line.split()[:4] == [arm, "0.9181", "±", "0.0020"]


@pytest.mark.parametrize(("columns", "kept", "shown"), [(60, 3, 3), (20, 3, 3), (20, 2, 2)])
def test_a_column_that_stays_is_shown_however_narrow_it_is(
    columns: int,
    kept: int,
    shown: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    header = ("optimizer", "mean", "parameters", "tuned", "the test rows of everything")
    terminal("plain").table(header, [("adam", "0.9181", "2,410", "0.9444", "0.9" * 12)], keep=kept)
    row, told = [line for line in capsys.readouterr().out.splitlines() if line][-2:]
    names = [name for name in header if name not in told]
    assert told.startswith("no room here for ")
    assert row.split() == ["adam", "0.9181", "2,410", "0.9444"][: max(shown, len(names))]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("tuned", "tuned"),
        ("test mean ± sd", "test\nmean ± sd"),
        ("complete/pruned/ diverged/failed", "complete/pruned/\ndiverged/failed"),
    ],
)
def test_a_name_folds_into_two_lines_as_narrow_as_it_can(name: str, lines: str) -> None:
    assert fold(name) == lines


def test_a_single_training_has_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    lines = EpochLines("plain", "val_accuracy", 10)
    key = TrialKey("adam", "train", 0)
    lines.began(key)
    lines.epoch(EpochMetrics(key, 3, {"loss": 0.25, "accuracy": 0.5}, 0))
    lines.ended(result(stage="train"))
    epoch, last = capsys.readouterr().out.splitlines()
    assert epoch == "epoch  3/10  loss 0.2500  accuracy 0.5000"
    assert last.startswith("complete after 1.5 s")
    assert "val_accuracy 0.9500 at epoch 7" in last


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("val_rmse", 111691928.0, "111,691,928"),
        ("val_mean_squared_error", 111691928.0, "111,691,928"),
        ("val_root_mean_squared_error", 10568.441, "10,568"),
        ("mean_absolute_error", 3.14159, "3.142"),
        ("val_cost", 111691928.0, "111,691,928"),
        ("loss", 1234.5678, "1,234.57"),
        ("loss", 0.25, "0.2500"),
        ("val_r2_score", -0.5, "-0.500"),
        ("loss", math.nan, "nan"),
    ],
)
def test_numbers_with_a_unit_are_written_alike(
    name: str, value: float, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    EpochLines("plain", name, 10).epoch(
        EpochMetrics(TrialKey("adam", "train", 0), 3, {name: value}, 0)
    )
    assert capsys.readouterr().out == f"epoch  3/10  {name} {written}\n"


def test_a_quiet_training_says_its_result_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = EpochLines("quiet", "val_accuracy", 10)
    key = TrialKey("adam", "train", 0)
    lines.began(key)
    lines.epoch(EpochMetrics(key, 3, {"loss": 0.25}, 0))
    lines.ended(result(stage="train"))
    lines.ended(result(outcome="failed", value=None, error="ValueError: no"))
    assert capsys.readouterr().out.splitlines() == [
        "complete after 1.5 s: best val_accuracy 0.9500 at epoch 7",
        "failed: ValueError: no",
    ]


def test_a_reader_that_went_away_is_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make sweep | head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        with pytest.raises(Interrupted, match="nobody reads the output"):
            Console().print("a line")

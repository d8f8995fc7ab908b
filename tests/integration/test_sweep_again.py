"""A finished sweep run again changes nothing; under one name a sweep grows, and nothing else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.integration.forked import ForkedSandbox
from tests.integration.lab import Done
from tests.integration.scenarios import Growing, Smoke, headline
from tests.integration.stored import Run

GROWING = ("first", "more trials", "new arm", "finished, and fewer trials")
OLD = ("other space", "other data", "other model", "other space and new arm")


@dataclass(frozen=True)
class Again:
    """The same command on a finished sweep: what it says, and what stands before and after."""

    done: Done
    rows: tuple[object, object]
    journal: tuple[bytes, bytes]
    report: tuple[dict[str, bytes], dict[str, bytes]]


@pytest.fixture(scope="module")
def again(smoke: Smoke) -> Again:
    box = ForkedSandbox(smoke.sandbox.work.parent)
    journal = box.journal(smoke.sweep)
    rows, studies, report = box.stored.dump(), journal.read_bytes(), box.report_files(smoke.sweep)
    done = box.sweep("experiment=smoke")
    return Again(
        done,
        (rows, box.stored.dump()),
        (studies, journal.read_bytes()),
        (report, box.report_files(smoke.sweep)),
    )


def test_finished_sweep_shows_its_report(again: Again) -> None:
    assert again.done.code == 0, again.done.said
    assert headline(again.report[0]["report.md"].decode()) in again.done.out.splitlines()


def test_finished_sweep_trains_nothing(again: Again) -> None:
    assert "complete:" not in again.done.out
    assert "workers" not in again.done.out


def test_finished_sweep_keeps_every_row(again: Again) -> None:
    before, after = again.rows
    assert after == before


def test_finished_sweep_keeps_its_journal_to_the_byte(again: Again) -> None:
    before, after = again.journal
    assert after == before


def test_finished_sweep_keeps_its_report_to_the_byte(again: Again) -> None:
    before, after = again.report
    assert after == before


# One name, more of it.


def searched(runs: Sequence[Run], arm: str) -> dict[int, Run]:
    return {run.trial: run for run in runs if run.stage == "search" and run.arm == arm}


def test_every_step_of_growing_ends_well(growing: Growing) -> None:
    for name in GROWING:
        assert growing.steps[name].done.code == 0, growing.steps[name].done.said


def test_more_trials_continue_the_sweep(growing: Growing) -> None:
    before, after = growing.steps["first"].runs, growing.steps["more trials"].runs
    assert sorted(searched(before, "adam")) == [0]
    assert sorted(searched(after, "adam")) == [0, 1, 2]
    assert len([run for run in after if run.stage == "search"]) == 3


def test_a_new_arm_gets_the_same_budget(growing: Growing) -> None:
    runs = growing.steps["new arm"].runs
    assert sorted(searched(runs, "adam")) == sorted(searched(runs, "sgd")) == [0, 1, 2]
    assert len([run for run in runs if run.stage == "search"]) == 6


def test_a_change_of_the_code_is_told_and_marked(growing: Growing) -> None:
    changed = {
        name: [run.tags.get("code_changed") for run in step.runs if run.stage == "sweep"]
        for name, step in growing.steps.items()
        if name in GROWING
    }
    marked = {name: [None] if name in ("first", "more trials") else ["true"] for name in GROWING}
    assert changed == marked
    for name in GROWING:
        told = "warning: the code of fairsweep has changed since" in growing.steps[name].done.out
        assert told == (name == "new arm")
        noted = (
            "note: The code has changed since this sweep was begun" in growing.steps[name].done.out
        )
        assert noted == (marked[name] == ["true"])


def test_trials_from_before_are_unchanged(growing: Growing) -> None:
    for earlier, later in itertools.pairwise(GROWING):
        after = {run.run_id: run for run in growing.steps[later].runs}
        for run in growing.steps[earlier].runs:
            if run.stage in {"search", "confirm"}:
                assert after[run.run_id] == run, (later, run.name)


def test_growing_keeps_one_run_for_the_sweep_and_each_arm(growing: Growing) -> None:
    runs = growing.steps[GROWING[-1]].runs
    frames = sorted((run.stage, run.arm) for run in runs if run.stage in {"sweep", "arm"})
    assert frames == [("arm", "adam"), ("arm", "sgd"), ("sweep", "")]
    assert {run.status for run in runs} == {"FINISHED"}
    assert {run.outcome for run in runs} == {"complete"}


def test_best_trial_of_each_arm_is_confirmed_after_growing(growing: Growing) -> None:
    runs = growing.steps[GROWING[-1]].runs
    for arm in ("adam", "sgd"):
        trials = searched(runs, arm)
        best = min(trials, key=lambda trial: trials[trial].last("best_loss"))
        confirmed = [r for r in runs if r.stage == "confirm" and (r.arm, r.trial) == (arm, best)]
        assert len(confirmed) == 1


def test_best_so_far_of_the_sweep_is_the_best_of_all_its_trials(growing: Growing) -> None:
    """Whichever arm the continued sweep trained last."""
    for name in ("first", "more trials", "new arm"):
        runs = growing.steps[name].runs
        (sweep,) = [run for run in runs if run.stage == "sweep"]
        best = min(run.last("best_loss") for run in runs if run.stage == "search")
        assert sweep.last("best_loss") == best, name


def test_best_so_far_of_the_sweep_never_gets_worse(growing: Growing) -> None:
    (sweep,) = [run for run in growing.steps[GROWING[-1]].runs if run.stage == "sweep"]
    in_time = sorted(sweep.metrics["best_loss"], key=lambda row: (row.timestamp, row.step))
    values = [row.value for row in in_time]
    assert values == sorted(values, reverse=True)


def test_no_step_of_growing_logs_a_value_twice(growing: Growing) -> None:
    assert growing.sandbox.stored.twice("sweep", "arm", "search", "confirm") == []


def test_a_grown_sweep_is_finished_too(growing: Growing) -> None:
    """Also for a command that asks for fewer trials than there are."""
    step = growing.steps[GROWING[-1]]
    assert step.rows_unchanged
    assert headline(growing.sandbox.report_files("growing")["report.md"].decode()) in step.done.out


# What makes results incomparable is refused.


@pytest.mark.parametrize("name", OLD)
def test_a_change_is_refused_with_exit_code_4(growing: Growing, name: str) -> None:
    done = growing.steps[name].done
    assert done.code == 4, done.said
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("name", "key", "was", "is_now"),
    [
        ("other space", r"optimizer\.space\.learning_rate", r"\d", "None"),
        ("other data", r"data\.standardize", "False", "True"),
        ("other model", r"model\.params\.activation", "relu", "tanh"),
        ("other space and new arm", r"model\.params\.activation", "relu", "tanh"),
    ],
    ids=OLD,
)
def test_a_refusal_shows_the_difference(
    growing: Growing, name: str, key: str, was: str, is_now: str
) -> None:
    (line,) = re.findall(rf"^.*{key}\b.*$", growing.steps[name].done.err, re.MULTILINE)[:1]
    assert re.search(rf"{was}.*→.*{is_now}", line), line


@pytest.mark.parametrize("name", OLD)
def test_a_refusal_writes_nothing_to_mlflow(growing: Growing, name: str) -> None:
    assert growing.steps[name].rows_unchanged


@pytest.mark.parametrize("name", OLD)
def test_a_refusal_writes_nothing_to_the_studies(growing: Growing, name: str) -> None:
    assert growing.steps[name].studies_unchanged


@pytest.mark.parametrize("name", OLD)
def test_a_refusal_names_the_sweep_and_the_way_out(growing: Growing, name: str) -> None:
    err = growing.steps[name].done.err
    assert "sweep growing" in err
    assert "sweep.name=" in err

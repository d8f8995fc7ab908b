"""Trainings with checkpoints, stopped in every way there is: each goes on in its own run, and ends
as if nothing had happened."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict

import pytest

from tests.integration.scenarios import (
    ARMS,
    EPOCHS,
    TRIALS,
    WAITS_AT,
    Resumed,
    Stopped,
    assert_whole,
)
from tests.integration.stored import Run, trainings

Place = tuple[str, str, int]


def places(runs: list[Run]) -> dict[Place, Run]:
    """Runs by arm, stage and trial, of which there is one each."""
    found = {(run.arm, run.stage, run.trial): run for run in runs}
    assert len(found) == len(runs)
    return found


@pytest.fixture(scope="module")
def runs(resumed: Resumed) -> dict[Place, Run]:
    return places(trainings(resumed.sandbox.stored.runs("waiting")))


def test_the_sweep_becomes_whole(resumed: Resumed) -> None:
    assert resumed.done.code == 0, resumed.done.said
    assert_whole(resumed.sandbox.stored, "waiting")


def test_a_training_has_one_run_however_often_it_was_stopped(runs: dict[Place, Run]) -> None:
    assert {run.outcome for run in runs.values()} == {"complete"}
    assert len(runs) == len(ARMS) * (TRIALS + 1)


def test_attempts_are_counted(runs: dict[Place, Run]) -> None:
    attempts = [int(run.tags["attempt"]) for run in runs.values() if run.stage == "search"]
    assert sorted(attempts) == [1, 2, 2, 2]


def test_every_metric_is_stored_once(resumed: Resumed, runs: dict[Place, Run]) -> None:
    assert resumed.sandbox.stored.twice("search", "confirm") == []
    for run in runs.values():
        assert {len(run.steps(name)) for name in ("loss", "accuracy")} == {EPOCHS}
        assert len(run.metrics["epochs"]) == len(run.metrics["seconds"]) == 1


def test_epochs_are_those_of_a_sweep_whose_trainings_began_anew(
    runs: dict[Place, Run], stopped: Stopped
) -> None:
    whole = [run for run in trainings(stopped.sandbox.stored.runs()) if run.whole]
    for place, run in places(whole).items():
        assert runs[place].curves == run.curves, run.name
        for name in ("best_loss", "best_epoch", "epochs"):
            assert runs[place].last(name) == run.last(name)


def test_epochs_stand_in_the_order_of_their_times(runs: dict[Place, Run]) -> None:
    for run in runs.values():
        times = [row.timestamp for row in run.metrics["loss"]]
        assert all(earlier <= later for earlier, later in itertools.pairwise(times))


def test_epochs_before_the_stop_stay_as_they_were(resumed: Resumed, runs: dict[Place, Run]) -> None:
    for stop in resumed.stops:
        cut = [run for run in trainings(list(stop.runs)) if run.outcome != "complete"]
        assert cut
        for run in cut:
            after = runs[run.arm, run.stage, run.trial]
            assert after.run_id == run.run_id
            assert after.started == run.started
            for name, rows in run.metrics.items():
                assert after.metrics[name][: len(rows)] == rows


def test_what_is_judged_is_what_is_stored(resumed: Resumed, runs: dict[Place, Run]) -> None:
    """Optuna's intermediate values are MLflow's, each reported once."""
    values: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for line in resumed.sandbox.journal("waiting").read_text().splitlines():
        record = json.loads(line)
        if "intermediate_value" in record:
            values[record["trial_id"]].append((record["step"], record["intermediate_value"]))
    stored = [
        list(enumerate(run.curves["loss"], 1))[: EPOCHS - 1]
        for run in runs.values()
        if run.stage == "search"
    ]
    assert sorted(values.values()) == sorted(stored)


def test_checkpoints_are_of_trainings_that_go_on(resumed: Resumed) -> None:
    files = [name for name in resumed.folders if "/" in name]
    assert {name.split("/")[0] for name in files} == set(resumed.folders) - set(files)
    assert all("-search-" in name for name in files)
    assert max(name.split("/")[1][:8] for name in files) == f"{WAITS_AT - 1:08}"


def test_no_checkpoint_is_left_in_the_end(resumed: Resumed) -> None:
    assert sorted(resumed.left) == ["waiting.journal", "waiting.lock"]


def test_each_stop_ends_as_it_was_asked_to(resumed: Resumed) -> None:
    assert [stop.done.code for stop in resumed.stops] == [-9, 130]


def test_a_lost_worker_is_told_with_what_is_left(resumed: Resumed) -> None:
    (line,) = [line for line in resumed.stops[0].done.out.splitlines() if "worker died" in line]
    assert "it continues from its checkpoint" in line

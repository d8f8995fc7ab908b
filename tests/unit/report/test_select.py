"""Which runs the report picks, at every moment of a sweep's life."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from fairsweep.records import RunRecord, TrialKey
from fairsweep.report.analysis.select import select

from .builders import ACCURACY, LOSS, confirm, confirmed, finished, search, searched, sweep


def test_default_is_trial_zero_and_best_the_best_complete_trial() -> None:
    arm = select(sweep(search("adam", 1, 0.95), search("adam", 0, 0.9), search("adam", 2, 0.93)))[
        "adam"
    ]
    assert arm.default is not None and arm.default.key.trial == 0
    assert arm.best is not None and arm.best.key.trial == 1
    assert [run.key.trial for run in arm.trials] == [0, 1, 2]


def test_of_equal_trials_the_first_is_best() -> None:
    arm = select(sweep(search("adam", 2, 0.95), search("adam", 1, 0.95), search("adam", 0, 0.9)))
    assert arm["adam"].best is not None and arm["adam"].best.key.trial == 1


@pytest.mark.parametrize(("objective", "trial"), [(ACCURACY, 1), (LOSS, 0)])
def test_the_direction_of_the_objective_decides(objective: Any, trial: Any) -> None:
    runs = (search("adam", 0, 0.2), search("adam", 1, 0.4))
    best = select(sweep(*runs, objective=objective))["adam"].best
    assert best is not None and best.key.trial == trial


@pytest.mark.parametrize("outcome", ["pruned", "diverged", "failed", "running"])
def test_a_trial_that_is_not_complete_is_never_best(outcome: Any) -> None:
    arm = select(sweep(search("adam", 0, 0.9), search("adam", 1, 0.99, outcome)))["adam"]
    assert arm.best is not None and arm.best.key.trial == 0
    assert arm.counts[outcome] == 1


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_complete_trial_without_a_finite_value_is_never_best(value: Any) -> None:
    assert select(sweep(search("adam", 0, value)))["adam"].best is None


def test_counts_and_epochs_take_in_every_search_run() -> None:
    outcomes = ["complete", "complete", "pruned", "diverged", "failed", "running"]
    runs = [search("adam", i, 0.9, outcome, epochs=i + 1) for i, outcome in enumerate(outcomes)]
    arm = select(sweep(*runs))["adam"]
    assert dict(arm.counts) == {
        "complete": 2, "pruned": 1, "diverged": 1, "failed": 1, "running": 1,
    }  # fmt: skip
    assert arm.epochs == 1 + 2 + 3 + 4 + 5 + 6


def test_only_the_best_trials_confirmation_counts_in_order_of_repeat() -> None:
    runs = [search("adam", 0, 0.9), search("adam", 1, 0.95), *confirmed("adam", 0, [0.1, 0.2])]
    runs += [confirm("adam", 1, 2, 0.94), confirm("adam", 1, 0, 0.93), confirm("adam", 1, 1, 0.92)]
    arm = select(sweep(*runs))["adam"]
    assert [run.best_value for run in arm.confirmed] == [0.93, 0.92, 0.94]
    sample = arm.sample("val_accuracy")
    assert sample.values == {(0, 0): 0.93, (1, 0): 0.92, (2, 0): 0.94}


def test_the_last_attempt_of_a_training_counts() -> None:
    runs = [search("adam", 0, None, "failed"), search("adam", 0, 0.9, attempt=2)]
    arm = select(sweep(*runs))["adam"]
    assert arm.counts["failed"] == 0
    assert arm.best is not None and arm.best.key.attempt == 2


def test_interrupted_runs_and_unknown_arms_are_left_out() -> None:
    runs = [search("adam", 0, 0.9), search("adam", 0, 0.99, "interrupted", attempt=2)]
    chosen = select(sweep(*runs, search("ghost", 0, 1.0)))
    assert chosen["adam"].best is not None and chosen["adam"].best.best_value == 0.9
    assert [entry.arm for entry in chosen.arms] == ["adam", "sgd"]


def test_an_arm_with_a_diverged_seed_may_not_win() -> None:
    runs = [
        search("adam", 0, 0.9),
        confirm("adam", 0, 0, 0.9),
        confirm("adam", 0, 1, None, "diverged"),
    ]
    arm = select(sweep(*runs))["adam"]
    assert not arm.eligible
    assert arm.confirmation_counts["diverged"] == 1
    assert "adam" not in select(sweep(*runs)).samples


def test_an_empty_sweep_has_no_leader_and_everything_to_come() -> None:
    chosen = select(sweep())
    assert chosen.leader() is None
    assert chosen.pending == ("adam", "sgd")
    assert not chosen.confirmed


def test_a_finished_sweep_has_nothing_to_come() -> None:
    assert select(finished({"adam": [0.9, 0.91], "sgd": [0.8, 0.81]})).pending == ()


def _whole(arm: str) -> list[RunRecord]:
    return [search(arm, 0, 0.9), search(arm, 1, 0.95), *confirmed(arm, 1, [0.9, 0.91, 0.92])]


@pytest.mark.parametrize(
    ("runs", "pending"),
    [
        ([search("sgd", 0, 0.8)], True),
        ([search("sgd", 0, 0.8), search("sgd", 1, None, "running")], True),
        ([search("sgd", 0, 0.8), search("sgd", 1, 0.7), *confirmed("sgd", 0, [0.8, 0.8])], True),
        ([search("sgd", 0, None, "diverged"), search("sgd", 1, None, "diverged")], False),
        ([search("sgd", 0, 0.8), *confirmed("sgd", 0, [0.8, 0.8, 0.8])], False),
        ([search("sgd", 0, 0.8), *confirmed("sgd", 0, [0.8, 0.8]),
          confirm("sgd", 0, 2, None, "failed")], False),
    ],
    ids=["seeds missing", "trial running", "seed missing", "all diverged",
         "search ended early by another limit", "seed failed"],
)  # fmt: skip
def test_an_arm_is_pending_while_runs_are_to_come(runs: Any, pending: Any) -> None:
    assert (select(sweep(*_whole("adam"), *runs)).pending == ("sgd",)) is pending


def test_a_search_below_its_budget_is_pending_until_confirmation_begins() -> None:
    both = [search("adam", 0, 0.9), search("adam", 1, 0.9), search("sgd", 0, 0.8)]
    assert select(sweep(*both, confirm_seeds=0)).pending == ("sgd",)


def test_a_sweep_without_confirmation_is_done_after_its_search() -> None:
    runs = [search(arm, i, 0.9) for arm in ("adam", "sgd") for i in (0, 1)]
    chosen = select(sweep(*runs, confirm_seeds=0))
    assert chosen.pending == ()
    leader = chosen.leader()
    assert leader is not None and leader.arm == "adam"


def _two_confirmed(first: Any, second: Any, **more: Any) -> Any:
    params = [{"optimizer.learning_rate": rate} for rate in ("0.1", "0.2", "0.3")]
    runs = [search("adam", i, 0.9 + i / 100, params=params[i]) for i in range(3)]
    runs += [*confirmed("adam", 2, first), *confirmed("adam", 1, second), *more.pop("runs", ())]
    return select(sweep(*runs, confirm_top=2, confirm_seeds=len(first), trials=3, **more))["adam"]


def test_of_several_confirmed_configurations_the_best_mean_stands_for_the_arm() -> None:
    arm = _two_confirmed([0.9, 0.92], [0.91, 0.93])
    assert arm.best is not None and arm.best.key.trial == 2
    assert arm.chosen is not None and arm.chosen.key.trial == 1
    assert sorted(arm.sample("val_accuracy").values.values()) == [0.91, 0.93]
    assert not arm.pending


def test_a_configuration_that_diverged_stands_for_its_arm_only_if_all_did() -> None:
    bad = [confirm("adam", 1, 1, None, "diverged")]
    arm = _two_confirmed([0.9, 0.91], [0.95], runs=bad)
    assert arm.chosen is not None and arm.chosen.key.trial == 2
    assert arm.eligible


def test_an_arm_waits_for_the_seeds_of_all_its_configurations() -> None:
    assert _two_confirmed([0.9, 0.92], [0.91]).pending
    assert not _two_confirmed([0.9, 0.92], [0.91, 0.9]).pending


def test_configurations_with_the_same_values_count_once_among_the_top() -> None:
    same = {"optimizer.learning_rate": "0.1", "seed": "1"}
    runs = [
        search("adam", 0, 0.95, params=same),
        search("adam", 1, 0.94, params={**same, "seed": "2"}),
        search("adam", 2, 0.93, params={**same, "optimizer.learning_rate": "0.2"}),
    ]
    runs += [*confirmed("adam", 0, [0.9, 0.9]), *confirmed("adam", 2, [0.91, 0.91])]
    arm = select(sweep(*runs, confirm_top=2, confirm_seeds=2, trials=3))["adam"]
    assert arm.chosen is not None and arm.chosen.key.trial == 2
    assert not arm.pending


SEARCHED = {"adam": [0.90, 0.94, 0.92], "sgd": [0.80, 0.83, 0.81]}


def test_each_search_brings_its_best_and_the_best_of_these_is_the_arms() -> None:
    adam = select(searched(SEARCHED))["adam"]
    assert [(run.key.search, run.key.trial) for run in adam.trials] == [
        (number, trial) for number in range(3) for trial in range(2)
    ]
    assert [run.key.search for run in adam.confirmed] == [0, 0, 1, 1, 2, 2]
    assert adam.chosen is not None and adam.best is not None
    assert adam.chosen.key == adam.best.key == TrialKey("adam", "search", 1, search=1)
    assert [run.key.repeat for run in adam.retrained] == [1, 1]
    assert adam.sample("val_accuracy").mean == pytest.approx(0.92)


def test_the_search_is_the_unit_that_an_arm_wins_by() -> None:
    verdict = select(searched(SEARCHED)).verdict
    (against,) = verdict.comparisons
    assert (verdict.kind, verdict.best, verdict.claim) == ("winner", "adam", "search")
    assert against.difference is not None and against.difference.parts is not None
    assert (against.difference.n, against.difference.parts.n_units) == (6, 3)


def test_an_arm_is_pending_until_each_of_its_searches_is_confirmed() -> None:
    whole = searched(SEARCHED, finished=False)
    assert select(whole).pending == ()
    for left_out in select(whole)["adam"].confirmed:
        rest = replace(whole, runs=tuple(run for run in whole.runs if run is not left_out))
        assert select(rest).pending == ("adam",)
    begun = replace(whole, runs=tuple(run for run in whole.runs if run.key.search < 2))
    assert select(begun).pending == ("adam", "sgd")


def test_an_arm_with_a_search_that_found_nothing_may_not_win() -> None:
    """Its other searches would stand for the arm, and they are the lucky ones."""
    whole = searched(SEARCHED)
    runs = [
        replace(run, outcome="diverged", best_value=None)
        if (run.key.arm, run.key.search, run.key.stage) == ("adam", 0, "search")
        else run
        for run in whole.runs
        if (run.key.arm, run.key.search, run.key.stage) != ("adam", 0, "confirm")
    ]
    selection = select(replace(whole, runs=tuple(runs)))
    assert selection["adam"].empty == 1
    assert not selection["adam"].eligible
    assert selection.verdict.best == "sgd"

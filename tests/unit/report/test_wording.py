"""What the report says, in every state a sweep can be found in."""

from __future__ import annotations

from typing import Any

import pytest

from fairsweep.report.render import Report, build

from .builders import LOSS, confirm, confirmed, finished, search, sweep

pytestmark = pytest.mark.usefixtures("without_pictures")


def _says(report: Report, *parts: str) -> None:
    for part in parts:
        assert any(part in note for note in report.notes), (part, report.notes)


def test_a_winner_with_its_numbers() -> None:
    report = build(finished({"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]}))
    assert report.status == "Winner"
    # means 0.975 and 0.905; differences 0.07, 0.069, 0.071: mean 0.07, sd 0.001, t = 121.2
    assert report.headline == (
        "adam wins with val_accuracy 0.9750 ± 0.0050 over 3 trainings: +0.0700 against "
        "sgd, the next best (p < 0.001). This holds for models trained on these training rows, on "
        "new rows like these."
    )
    assert report.notes == ()
    assert report.best_run == "adam-1-search-1"


def test_a_winner_by_lower_loss() -> None:
    report = build(finished({"adam": [0.30, 0.31, 0.29], "sgd": [0.10, 0.112, 0.091]}, LOSS))
    assert report.headline.startswith(
        "sgd wins with val_loss 0.1010 ± 0.0105 over 3 trainings: -0.19"
    )
    assert "val_loss, lower is better" in report.markdown


def test_a_tie_of_two() -> None:
    report = build(finished({"adam": [0.97, 0.96, 0.98], "sgd": [0.975, 0.95, 0.98]}))
    assert report.status == "Tie"
    assert report.headline == (
        "No clear winner between adam and sgd: val_accuracy 0.9700 ± 0.0100 over 3 trainings "
        "against 0.9683 ± 0.0161 over 3 trainings. Whatever the truth, they are within 0.0206 of "
        "each other. A difference of 0.0017 would take more than 150 seeds to settle."
    )
    assert "best mean of the tied arms" in report.markdown


def test_a_tie_of_three_leaves_the_others_out() -> None:
    values = {name: [0.97, 0.96, 0.98] for name in ("adam", "adamw", "nadam")}
    headline = build(finished({**values, "sgd": [0.501, 0.49, 0.511]})).headline
    assert headline.startswith(
        "No clear winner between adam, adamw and nadam: adam has the best mean, "
    )


def test_one_arm_is_only_described() -> None:
    report = build(finished({"adam": [0.97, 0.96, 0.98]}))
    assert report.status == "One arm"
    assert report.headline == "adam reaches val_accuracy 0.9700 ± 0.0100 over 3 trainings."
    assert "Is the difference real?" not in report.markdown


def test_one_arm_with_one_trial_and_nothing_else() -> None:
    report = build(sweep(search("adam", 0, 0.9), arms=["adam"], trials=1, confirm_seeds=0))
    assert report.status == "Not confirmed"
    assert report.headline == (
        "The best of the search is adam/0 with val_accuracy 0.9000, not confirmed."
    )
    _says(report, "weren't confirmed (confirm.seeds=0)")
    assert report.best_run == "adam-0-search-1"


def test_no_run_at_all() -> None:
    report = build(sweep())
    assert (report.status, report.best_run, report.command) == ("Nothing to judge yet", "", "")
    assert report.headline == "No trial has completed yet."
    _says(report, "still running, or was interrupted", "adam: 0 of 2 trials ended")
    assert len(report.table.rows) == 2


def test_only_running_trials() -> None:
    report = build(sweep(search("adam", 0, None, "running"), search("sgd", 0, 0.2, "diverged")))
    assert report.headline == "No trial has completed yet (1 diverged, 1 running)."
    _says(report, "1 run training")


@pytest.mark.parametrize("outcome", ["failed", "diverged", "pruned"])
def test_no_trial_completed(outcome: Any) -> None:
    runs = [search(arm, i, None, outcome) for arm in ("adam", "sgd") for i in (0, 1)]
    report = build(sweep(*runs))
    assert report.status == "No result"
    assert report.headline == f"No trial completed: 4 {outcome}."
    _says(report, f"adam: no trial completed (2 {outcome})")
    assert report.table.rows[0][1:3] == (outcome, "–")


def test_a_search_that_is_over_and_a_confirmation_not_begun() -> None:
    runs = [search(arm, i, 0.9 + i / 100) for arm in ("adam", "sgd") for i in (0, 1)]
    report = build(sweep(*runs))
    assert report.status == "Not decided yet"
    assert report.headline == (
        "Not decided yet: the search is led by adam/1 with val_accuracy 0.9100, not confirmed yet."
    )
    _says(report, "adam: 3 of 3 confirmations not trained yet")
    assert "It isn't confirmed." in report.markdown


def test_a_confirmation_half_done_names_no_winner() -> None:
    whole = finished({"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]})
    runs = [run for run in whole.runs if run.run_id != "sgd-1-confirm2-1"]
    report = build(sweep(*runs))
    assert report.status == "Not decided yet"
    assert report.headline == (
        "Not decided yet: adam leads with val_accuracy 0.9750 ± 0.0050 over 3 trainings."
    )
    _says(report, "sgd: 1 of 3 confirmations not trained yet")


def test_an_arm_with_a_diverged_seed_cannot_win() -> None:
    runs = [*finished({"adam": [0.90, 0.911, 0.904], "rmsprop": [0.8, 0.81, 0.803]}).runs]
    runs += [search("sgd", 0, 0.9), search("sgd", 1, 0.99), *confirmed("sgd", 1, [0.99, 0.99])]
    runs.append(confirm("sgd", 1, 2, 0.2, "diverged"))
    report = build(sweep(*runs, arms=["sgd", "adam", "rmsprop"]))
    assert report.headline.startswith("adam wins")
    assert "; sgd diverged in some trainings and can't win. This" in report.headline
    _says(report, "sgd: 1 of 3 confirmations diverged, so it can't win")
    assert report.best_run == "adam-1-search-1"
    assert report.table.rows[-1][0] == "sgd"
    assert report.table.rows[-1][3] == "0.9900 ± 0.0000 (2 of 3)"


def test_all_arms_with_a_diverged_seed() -> None:
    runs = []
    for arm, value in (("adam", 0.9), ("sgd", 0.8)):
        runs += [search(arm, 0, value), search(arm, 1, value), *confirmed(arm, 0, [value, value])]
        runs.append(confirm(arm, 0, 2, None, "diverged"))
    report = build(sweep(*runs))
    assert report.status == "No winner"
    assert report.headline == (
        "No winner: the best configuration of each confirmed arm diverged in some training."
    )
    assert report.best_run == "adam-0-search-1"


def test_one_arm_left_when_the_other_never_finished() -> None:
    runs = [*finished({"adam": [0.97, 0.96, 0.98]}).runs]
    runs += [search("sgd", i, None, "diverged") for i in (0, 1)]
    report = build(sweep(*runs))
    assert report.headline.startswith("adam is the only arm left to judge")
    _says(report, "sgd: no trial completed (2 diverged)")


def test_one_seed_allows_no_test() -> None:
    report = build(finished({"adam": [0.97], "sgd": [0.90]}))
    assert report.status == "Tie"
    _says(report, "one confirmation per arm there can be no interval and no test")
    assert "too few trainings to tell" in report.markdown


def test_failed_trials_and_seeds_are_counted() -> None:
    runs = [*finished({"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]}, trials=3).runs]
    runs = [run for run in runs if run.run_id != "sgd-1-confirm2-1"]
    runs += [search("adam", 2, None, "failed"), search("sgd", 2, None, "failed")]
    runs.append(confirm("sgd", 1, 2, None, "failed"))
    report = build(sweep(*runs, trials=3))
    assert report.status == "Winner"
    _says(
        report,
        "2 trials failed; the error is on their MLflow runs.",
        "sgd: 1 of 3 confirmations failed; the error is on its MLflow run.",
    )


def test_a_pruned_default_shows_its_value_as_such() -> None:
    runs = [search("adam", 0, 0.5, "pruned"), search("adam", 1, 0.9)]
    assert build(sweep(*runs, arms=["adam"])).table.rows[0][1] == "0.5000 (pruned)"

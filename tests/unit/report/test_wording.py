"""What the report says, in every state a sweep can be found in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fairsweep.judged import Judged
from fairsweep.records import Champion, Objective, SweepRecord
from fairsweep.report.render import Report, build
from fairsweep.report.text.result import Result
from fairsweep.report.text.wording import facts
from fairsweep.work import Compiled, Work

from .builders import LOSS, confirm, confirmed, finished, search, searched, sweep

pytestmark = pytest.mark.usefixtures("without_pictures")


def _says(report: Report, *parts: str) -> None:
    for part in parts:
        assert any(part in note for note in report.notes), (part, report.notes)


def test_a_winner_with_its_numbers() -> None:
    report = build(finished({"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]}))
    assert report.result.status == "Winner"
    # means 0.975 and 0.905; differences 0.07, 0.069, 0.071: mean 0.07, sd 0.001, t = 121.2
    assert report.result.headline == "adam wins"
    assert report.result.details == (
        "val_accuracy 0.9750 ± 0.0050 over 3 trainings: +0.0700 against sgd, the next best "
        "(p < 0.001). This holds for models trained on these training rows, on new rows like these."
    )
    assert report.notes == ()
    assert report.best_run == "adam-1-search-1"


def test_a_score_is_judged_by_the_crossed_bootstrap() -> None:
    values = {"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]}
    report = build(finished(values, Objective("val_auc", "maximize")))
    assert "that of the crossed bootstrap, by each row's share of the metric" in report.markdown
    assert "crossed bootstrap" not in build(finished(values)).markdown


def test_a_winner_by_lower_loss() -> None:
    report = build(finished({"adam": [0.30, 0.31, 0.29], "sgd": [0.10, 0.112, 0.091]}, LOSS))
    assert report.result.headline == "sgd wins"
    assert report.result.details.startswith("val_loss 0.1010 ± 0.0105 over 3 trainings: -0.19")
    assert "val_loss, lower is better" in report.markdown


def test_a_tie_of_two() -> None:
    report = build(finished({"adam": [0.97, 0.96, 0.98], "sgd": [0.975, 0.95, 0.98]}))
    assert report.result.status == "Tie"
    assert report.result.headline == "No winner: adam and sgd tie"
    assert report.result.details == (
        "val_accuracy 0.9700 ± 0.0100 over 3 trainings "
        "against 0.9683 ± 0.0161 over 3 trainings. With 95 % confidence, they are within 0.0206 of "
        "each other. This holds for models trained on these training rows, on new rows like these. "
        "A difference of 0.0017 would take more than 150 seeds to settle."
    )
    assert "best mean of the tied arms" in report.markdown


def test_a_tie_of_three_leaves_the_others_out() -> None:
    values = {name: [0.97, 0.96, 0.98] for name in ("adam", "adamw", "nadam")}
    result = build(finished({**values, "sgd": [0.501, 0.49, 0.511]})).result
    assert result.headline == "No winner: adam, adamw and nadam tie"
    assert result.details.startswith(
        "adam has the best mean, val_accuracy 0.9700 ± 0.0100 over 3 trainings, but not by enough."
    )
    assert " With 95 % confidence for each, the others are within " in result.details


def test_a_tie_that_allows_every_difference_says_that() -> None:
    values = {"adam": [0.97, 0.2], "sgd": [0.3, 0.75]}
    report = build(finished(values))
    assert " The data can't tell how far apart they are. " in report.result.details
    (row,) = [line for line in report.markdown.splitlines() if line.startswith("| sgd | 2 |")]
    assert "-1.0000 to +1.0000" in row.replace("\\", "")


def test_no_interval_of_a_mean_goes_beyond_its_metric() -> None:
    assert build(finished({"adam": [0.99, 0.98, 1.0]})).table.rows[0][4].endswith(" to 1.0000")


def test_an_accuracy_in_percent_has_no_such_end() -> None:
    """A model of the user's own may measure something else by that name."""
    interval = build(finished({"adam": [99.0, 98.0, 100.0]})).table.rows[0][4]
    assert float(interval.rpartition(" ")[2]) > 100


def test_one_arm_is_only_described() -> None:
    report = build(finished({"adam": [0.97, 0.96, 0.98]}))
    assert report.result.status == "One arm"
    assert report.result.headline == "adam reaches val_accuracy 0.9700"
    assert report.result.details == "Confirmed: val_accuracy 0.9700 ± 0.0100 over 3 trainings."
    assert "Is the difference real?" not in report.markdown


def test_one_arm_with_one_trial_and_nothing_else() -> None:
    report = build(sweep(search("adam", 0, 0.9), arms=["adam"], trials=1, confirm_seeds=0))
    assert report.result.status == "Not confirmed"
    assert report.result.headline == "Not confirmed: adam/0 is the best of the search"
    assert report.result.details == "val_accuracy 0.9000."
    _says(report, "weren't confirmed (confirm.seeds=0)")
    _says(report, "no model is published")
    assert report.best_run == "adam-0-search-1"


def test_no_run_at_all() -> None:
    report = build(sweep())
    assert report.result == Result("Nothing to judge yet", "No trial has completed yet")
    assert (report.best_run, report.command) == ("", "")
    _says(report, "still running, or was interrupted", "adam: 0 of 2 trials ended")
    assert len(report.table.rows) == 2


def test_what_cut_a_search_off_is_said_where_it_is_known() -> None:
    runs = search("adam", 0, 0.9), search("sgd", 0, 0.8)
    why = {"adam": "its grid has no more combinations"}
    _says(
        build(sweep(*runs, finished=True, cut_off=why)),
        "adam: 1 of 2 trials ended: its grid has no more combinations.",
        "sgd: 1 of 2 trials ended: a limit of epochs or minutes, or the end of its grid, came fir",
    )
    _says(build(sweep(*runs, cut_off=why)), "adam: 1 of 2 trials ended.")


def test_only_running_trials() -> None:
    report = build(sweep(search("adam", 0, None, "running"), search("sgd", 0, 0.2, "diverged")))
    assert report.result.headline == "No trial has completed yet"
    assert report.result.details == "1 diverged, 1 running."
    _says(report, "1 run training")


@pytest.mark.parametrize("outcome", ["failed", "diverged", "pruned"])
def test_no_trial_completed(outcome: Any) -> None:
    runs = [search(arm, i, None, outcome) for arm in ("adam", "sgd") for i in (0, 1)]
    report = build(sweep(*runs))
    assert report.result == Result("No result", "No trial completed", f"4 {outcome}.")
    _says(report, f"adam: no trial completed (2 {outcome})")
    assert report.table.rows[0][1:3] == (outcome, "–")


def test_a_search_that_is_over_and_a_confirmation_not_begun() -> None:
    runs = [search(arm, i, 0.9 + i / 100) for arm in ("adam", "sgd") for i in (0, 1)]
    report = build(sweep(*runs))
    assert report.result.status == "Not decided yet"
    assert report.result.headline == "Not decided yet: adam/1 leads the search"
    assert report.result.details == "val_accuracy 0.9100, not confirmed yet."
    _says(report, "adam: 3 of 3 confirmations not trained yet")
    assert "It isn't confirmed." in report.markdown


def test_a_confirmation_half_done_names_no_winner() -> None:
    whole = finished({"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]})
    runs = [run for run in whole.runs if run.run_id != "sgd-1-confirm2-1"]
    report = build(sweep(*runs))
    assert report.result.status == "Not decided yet"
    assert report.result.headline == "Not decided yet: adam leads"
    assert report.result.details == "So far val_accuracy 0.9750 ± 0.0050 over 3 trainings."
    _says(report, "sgd: 1 of 3 confirmations not trained yet")


def test_an_arm_with_a_diverged_seed_cannot_win() -> None:
    runs = [*finished({"adam": [0.90, 0.911, 0.904], "rmsprop": [0.8, 0.81, 0.803]}).runs]
    runs += [search("sgd", 0, 0.9), search("sgd", 1, 0.99), *confirmed("sgd", 1, [0.99, 0.99])]
    runs.append(confirm("sgd", 1, 2, 0.2, "diverged"))
    report = build(sweep(*runs, arms=["sgd", "adam", "rmsprop"]))
    assert report.result.headline == "adam wins"
    assert ". sgd diverged in some trainings and can't win. This" in report.result.details
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
    assert report.result.status == "No winner"
    assert report.result.headline == "No winner: every confirmed arm diverged"
    assert report.best_run == "adam-0-search-1"


def test_one_arm_left_when_the_other_never_finished() -> None:
    runs = [*finished({"adam": [0.97, 0.96, 0.98]}).runs]
    runs += [search("sgd", i, None, "diverged") for i in (0, 1)]
    report = build(sweep(*runs))
    assert report.result.headline == "No comparison: adam is the only arm left"
    _says(report, "sgd: no trial completed (2 diverged)")


def test_one_seed_allows_no_test() -> None:
    report = build(finished({"adam": [0.97], "sgd": [0.90]}))
    assert report.result.status == "Tie"
    _says(report, "one confirmation per arm there can be no interval and no test")
    assert "too few trainings to tell" in report.markdown


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize(
    "objective", [Objective("accuracy", "maximize"), Objective("loss", "minimize")]
)
def test_training_rows_name_no_winner(objective: Objective, folds: int) -> None:
    values = {"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]}
    report = build(finished(values, objective, folds=folds, confirm_seeds=3 - 2 * bool(folds)))
    best = "adam" if objective.higher_is_better else "sgd"
    assert report.result.headline == f"No winner: {best} did best, but on its training rows only"
    assert "validation rows" not in "".join((report.result.details, *report.notes))
    assert "scored on these same rows" in report.markdown
    assert "didn't train on" not in report.markdown
    _says(report, f"Start another sweep with objective.metric=val_{objective.metric}.")


def test_rows_of_which_nothing_is_stored_name_no_winner() -> None:
    whole = finished({"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]})
    older = build(sweep(*(replace(run, judged=None) for run in whole.runs)))
    assert older.result.headline == "No winner: adam did best, but on these validation rows only"
    assert older.result.details == (
        "val_accuracy 0.9750 ± 0.0050 over 3 trainings: +0.0700 against sgd, the next best. "
        "Nothing is known of other rows."
    )
    _says(older, "isn't stored", "Start another sweep with sweep.name=… to have it stored.")
    nothing = Judged(np.arange(2), ["a", "a"], ["a", "a"], {})
    own = build(sweep(*(replace(run, judged=nothing) for run in whole.runs)))
    _says(own, "val_accuracy isn't the mean over rows", "Start another sweep with confirm.folds=5.")


def test_failed_trials_and_seeds_are_counted() -> None:
    runs = [*finished({"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]}, trials=3).runs]
    runs = [run for run in runs if run.run_id != "sgd-1-confirm2-1"]
    runs += [search("adam", 2, None, "failed"), search("sgd", 2, None, "failed")]
    runs.append(confirm("sgd", 1, 2, None, "failed"))
    report = build(sweep(*runs, trials=3))
    assert report.result.status == "Winner"
    _says(
        report,
        "2 trials failed; the error is on their MLflow runs.",
        "sgd: 1 of 3 confirmations failed; the error is on its MLflow run.",
    )


def test_why_trials_failed_is_told() -> None:
    reason = "training.metrics: mine.py:3: cost() gives no number in any epoch, but NaN"
    runs = [search("adam", 0, 0.9), *(search("adam", n, None, "failed") for n in (1, 2, 3))]
    alike = [replace(run, error=reason if run.outcome == "failed" else "") for run in runs]
    _says(build(sweep(*alike, arms=["adam"], trials=4)), f"3 trials failed: {reason}")
    other = [*alike[:-1], replace(alike[-1], error="ValueError: another")]
    _says(
        build(sweep(*other, arms=["adam"], trials=4)),
        "3 trials failed, 2 of them alike (the other errors are on their MLflow runs): " + reason,
    )


def test_a_pruned_default_shows_its_value_as_such() -> None:
    runs = [search("adam", 0, 0.5, "pruned"), search("adam", 1, 0.9)]
    assert build(sweep(*runs, arms=["adam"])).table.rows[0][1] == "0.5000 (pruned)"


def test_several_searches_are_part_of_what_is_claimed() -> None:
    report = build(searched({"adam": [0.90, 0.91, 0.92], "sgd": [0.80, 0.812, 0.82]}))
    assert report.result.headline == "adam, tuned with 2 trials, wins"
    assert report.result.details.endswith(
        "This holds for each arm, whichever 2 trials its search draws, on new rows like these."
    )
    assert report.best_run == "adam/search-2/1-search"
    for part in (
        "2 arms with 3 searches of 2 trials each",
        # the best search's mean, over two folds, and that of all: 0.90, 0.91 and 0.92
        "confirmed, it averaged 0.9200 ± 0.0000 over 2 trainings. The confirmed mean is the best "
        "of the 3 searches of adam, and partly luck: over all of them adam averaged 0.9100 ± "
        "0.0089 over 6 trainings, which is what the verdict compares.",
        "Every arm was searched 3 times",
        "only rows, seeds and searches differed",
    ):
        assert part in report.markdown, part


def test_the_champion_of_several_searches_is_told_with_its_arms_own_mean() -> None:
    whole = searched({"adam": [0.90, 0.91, 0.92], "sgd": [0.80, 0.812, 0.82]})
    run = next(r for r in whole.runs if r.key.stage == "confirm" and r.best_value == 0.92)
    champion = Champion(whole.name, "1", run.run_id, 0.92, whole.data_sha256)
    _, _, told = build(replace(whole, champion=champion)).markdown.partition("## The model")
    assert (
        "confirmed mean is 0.9200. The confirmed mean is the best of the 3 searches of adam" in told
    )
    assert "over all of them adam averaged 0.9100 ± 0.0089 over 6 trainings" in told


def test_searches_that_differ_are_what_settles_a_tie() -> None:
    result = build(searched({"adam": [0.90, 0.96, 0.84], "sgd": [0.86, 0.83, 0.85]})).result
    assert result.headline == "No winner: adam and sgd tie, tuned with 2 trials"
    assert " This holds for each arm, whichever 2 trials its search draws," in result.details
    assert re.search(
        r"about (\d+) searches to settle \(search\.repeats=\1 in another sweep, sweep\.name=…\)",
        result.details,
    )


@pytest.mark.parametrize("searches", [2, 3])
def test_two_searches_tell_next_to_nothing(searches: int) -> None:
    values = {"adam": [0.90, 0.91, 0.92], "sgd": [0.80, 0.812, 0.82]}
    report = build(searched({arm: own[:searches] for arm, own in values.items()}))
    warned = [note for note in report.notes if "search.repeats=3" in note]
    assert len(warned) == (searches == 2)


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_tie_of_one_repeat_asks_for_another(repeats: int) -> None:
    report = build(on_folds(repeats))
    assert report.result.status == "Tie"
    assert len([note for note in report.notes if "add confirm.repeats=2" in note]) == 2 - repeats
    assert ("to settle" in report.result.details) == (repeats == 2)
    how = {1: "confirmed on 2 folds, once", 2: "confirmed on 2 folds, 2 times"}[repeats]
    assert how in report.markdown
    assert ("each time they are cut in another way" in report.markdown) == (repeats == 2)


def test_where_single_answers_vary_either_more_rows_or_more_repeats_settle_a_tie() -> None:
    details = build(on_folds(2)).result.details
    assert re.search(
        r"about (\d+) repeats to settle \(confirm\.repeats=\1\), or about [\d,]+ more rows\.$",
        details,
    )


def on_folds(repeats: int) -> SweepRecord:
    """Two arms that were judged on two folds of 100 rows, each told right by chance, a half by adam
    and somewhat fewer by sgd: no row is harder than another, and no training better."""
    noise = np.random.default_rng(5)
    runs = []
    for arm, share in (("adam", 0.5), ("sgd", 0.42)):
        runs += [search(arm, i, 0.3 + i / 10) for i in (0, 1)]
        for repeat in range(repeats):
            for fold in range(2):
                right = (noise.random(100) < share).astype(float)
                told = Judged(
                    np.arange(100) + 100 * fold, ["a"] * 100, ["a"] * 100, {"accuracy": right}
                )
                run = confirm(arm, 1, repeat, float(right.mean()), fold=fold)
                runs.append(replace(run, run_id=f"{run.key}", judged=told))
    return sweep(*runs, folds=2, confirm_seeds=repeats, finished=True)


def test_an_arm_with_an_empty_search_cannot_win() -> None:
    whole = searched({"adam": [0.90, 0.91, 0.92], "sgd": [0.80, 0.812, 0.82]})
    runs = tuple(run for run in whole.runs if (run.key.arm, run.key.search) != ("adam", 2))
    result = build(replace(whole, runs=runs)).result
    assert result.headline == "No comparison: sgd is the only arm left"
    assert "adam found nothing in some search and can't win." in result.details


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (None, ()),
        (Work(0.957), ("workers busy 96%",)),
        (Work(0.957, Compiled()), ("workers busy 96%",)),
        (
            Work(0.957, Compiled(13, 4.26)),
            ("workers busy 96%", "13 programs compiled in 4.3 s of their time"),
        ),
        (
            Work(0.5, Compiled(1, 0.5)),
            ("workers busy 50%", "1 program compiled in 0.5 s of their time"),
        ),
    ],
)
def test_what_workers_did_is_told(work: Work | None, said: Sequence[str]) -> None:
    without = len(facts(sweep()))
    assert facts(sweep(work=work))[without:] == tuple(said)

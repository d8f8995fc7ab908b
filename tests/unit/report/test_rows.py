"""The rows that every arm gets wrong and those on which arms differ, counted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fairsweep.judged import Judged
from fairsweep.records import RunRecord, SweepRecord
from fairsweep.report.analysis.rows import MOST, Answer, HardRows, hard_rows
from fairsweep.report.analysis.select import select
from fairsweep.tasks import CLASSES, LABELS, Task

from .builders import confirm, search, sweep

TRUE = "abcab"


def judged(rows: Sequence[int], true: Sequence[str], said: Sequence[str]) -> Judged:
    right = np.array([float(a == b) for a, b in zip(true, said, strict=True)])
    return Judged(np.array(rows), list(true), list(said), {"accuracy": right})


def record(said: Mapping[str, Sequence[Sequence[str]]], true: Sequence[str] = TRUE) -> SweepRecord:
    """Arms whose trainings said this of the rows from 0."""
    runs = []
    for arm, trainings in said.items():
        runs.append(search(arm, 0, 0.9))
        for repeat, own in enumerate(trainings):
            run = confirm(arm, 0, repeat, 0.5)
            runs.append(replace(run, judged=judged(range(len(true)), true, own)))
    return sweep(*runs, arms=tuple(said), confirm_seeds=max(map(len, said.values())))


def with_losses(stored: SweepRecord, losses: Mapping[str, Sequence[float]]) -> SweepRecord:
    """The sweep, with this loss of each row in every training of these arms."""
    return replace(stored, runs=tuple(_with_loss(run, losses) for run in stored.runs))


def _with_loss(run: RunRecord, losses: Mapping[str, Sequence[float]]) -> RunRecord:
    if run.judged is None or run.key.arm not in losses:
        return run
    metrics = {**run.judged.metrics, "loss": np.array(losses[run.key.arm])}
    return replace(run, judged=replace(run.judged, metrics=metrics))


def found(stored: SweepRecord, task: Task = CLASSES) -> HardRows:
    hard = hard_rows(select(stored), task)
    assert hard is not None
    return hard


def numbers(hard: HardRows) -> tuple[list[int], list[int]]:
    return [row.row for row in hard.shared], [row.row for row in hard.apart]


def test_rows_that_all_get_wrong_and_rows_on_which_they_differ() -> None:
    """Wrong in a half of an arm's trainings is neither mostly wrong nor mostly right."""
    hard = found(
        record(
            {
                #        row 0 wrong by all, 1 by adam alone, 2 by half of both, 3 and 4 differ less
                "adam": ["bcaab", "bccbb", "bcaab", "baccb"],
                "sgd": ["bbaab", "bbcac", "bbcac", "abaac"],
            }
        )
    )
    # wrong, adam: row 0 4/4, row 1 4/4, row 2 2/4, row 3 2/4, row 4 0/4
    # wrong, sgd:  row 0 3/4, row 1 0/4, row 2 2/4, row 3 0/4, row 4 3/4
    assert hard.rows == 5
    assert numbers(hard) == ([0], [1, 4])
    assert (hard.n_shared, hard.n_apart) == (1, 2)
    (shared,) = hard.shared
    assert shared.true == "a"
    assert shared.answers == {"adam": Answer(4, 4, "b", 4), "sgd": Answer(4, 3, "b", 3)}
    first, _ = hard.apart
    assert first.answers == {"adam": Answer(4, 4, "c", 3), "sgd": Answer(4, 0)}
    assert hard.numbers == (0, 1, 4)


def test_the_hardest_come_first_and_equals_by_their_number() -> None:
    hard = found(record({"adam": ["bca", "bcc", "bab"], "sgd": ["bcb", "bca", "aca"]}, "abc"))
    # errors, adam: 3, 3, 2 of 3; sgd: 2, 3, 3 of 3
    assert numbers(hard) == ([1, 0, 2], [])


def test_of_equals_the_highest_loss_comes_first() -> None:
    losses = {"adam": [1.0, 0.1, 3.0, 0.2, 0.2, 9.0], "sgd": [1.0, 0.1, 2.0, 0.2, 0.7, 0.0]}
    stored = record({"adam": ["bbbbba"], "sgd": ["bbbaaa"]}, "aaaaaa")
    hard = found(with_losses(stored, losses))
    # means of the loss: 1.0, 0.1, 2.5 of the shared; differences: 0.0 and 0.5 of those apart
    assert numbers(hard) == ([2, 0, 1], [4, 3])
    assert hard.by_loss


def test_more_errors_come_before_a_higher_loss() -> None:
    stored = record({"adam": ["bb", "bb", "ab"]}, "aa")
    hard = found(with_losses(stored, {"adam": [9.0, 0.1]}))
    assert numbers(hard) == ([1, 0], [])


def test_without_the_loss_of_some_training_equals_come_by_their_number() -> None:
    stored = record({"adam": ["bb"], "sgd": ["bb"]}, "aa")
    hard = found(with_losses(stored, {"adam": [0.1, 9.0]}))
    assert (numbers(hard), hard.by_loss) == (([0, 1], []), False)


def test_the_most_frequent_wrong_answer_is_the_first_by_spelling_of_equals() -> None:
    (row,) = found(record({"adam": ["c", "b", "b", "c", "d"]}, "a")).shared
    assert row.answers == {"adam": Answer(5, 5, "b", 2)}


def test_a_few_of_many_are_listed_and_all_are_counted() -> None:
    many = MOST + 5
    hard = found(record({"adam": ["b" * many + "a"], "sgd": ["b" * many + "a"]}, "a" * (many + 1)))
    assert numbers(hard) == (list(range(MOST)), [])
    assert (hard.rows, hard.n_shared, hard.n_apart) == (many + 1, many, 0)


def test_folds_judge_each_row_once_a_repeat() -> None:
    """Rows that some arm wasn't judged on are left out: one of its trainings failed."""
    stored = record({"adam": ["ab", "ab"], "sgd": ["ab", "ab"]}, "ab")
    parts = {
        ("adam", 0): judged([4, 9], "aa", "bb"),
        ("adam", 1): judged([7], "a", "b"),
        ("sgd", 0): judged([9, 4], "aa", "ca"),
    }
    runs = tuple(
        replace(run, judged=parts.get((run.key.arm, run.key.repeat)))
        if run.key.stage == "confirm"
        else run
        for run in stored.runs
    )
    hard = found(replace(stored, runs=runs))
    assert hard.rows == 2
    assert numbers(hard) == ([9], [4])
    assert hard.shared[0].answers == {"adam": Answer(1, 1, "b", 1), "sgd": Answer(1, 1, "c", 1)}


def test_labels_are_wrong_where_one_is_and_more_errors_come_first() -> None:
    true = ["red;round", "", "heavy"]
    said = [["red", "red;round;heavy", "heavy"]]
    hard = found(record({"adam": said, "sgd": said}, true), LABELS)
    assert numbers(hard) == ([1, 0], [])  # three labels too many, and one that is missing
    assert hard.shared[0].answers["adam"] == Answer(1, 1, "red;round;heavy", 1)


def test_a_diverged_training_says_nothing() -> None:
    stored = record({"adam": ["b", "b"], "sgd": ["b", "a"]}, "a")
    lost = [run for run in stored.runs if run.key.arm == "sgd" and run.key.repeat == 1]
    runs = tuple(replace(r, outcome="diverged") if r in lost else r for r in stored.runs)
    assert numbers(found(replace(stored, runs=runs))) == ([0], [])


def test_nothing_is_told_where_nothing_is_known_of_rows() -> None:
    stored = record({"adam": ["b"], "sgd": ["b"]}, "a")
    runs = tuple(replace(run, judged=None) for run in stored.runs)
    assert hard_rows(select(replace(stored, runs=runs)), CLASSES) is None

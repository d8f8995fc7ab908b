"""An arm whose first three trials fail alike gets no more of them; any other arm does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.records import Outcome
from fairsweep.search.study import ArmStudy

from .builders import begin, open_study, plan, result

PLAN = plan("search=random", "search.trials=8")
HERE, THERE = "KeyError at model.py:3", "KeyError at model.py:4"
FAILED: Outcome = "failed"


def end(study: ArmStudy, outcome: Outcome, cause: str = "") -> None:
    trial = begin(study).trial
    value = 0.5 if outcome == "complete" else None
    study.tell(trial, replace(result(study, trial, value, outcome, 1), cause=cause))


def test_three_alike_stop_the_arm_for_good(tmp_path: Path) -> None:
    study = open_study(tmp_path, PLAN)
    for number in range(3):
        assert (study.stopped, study.wants_trial()) == ("", True), number
        end(study, FAILED, HERE)
    for opened in (study, open_study(tmp_path, PLAN)):
        assert opened.stopped == HERE
        assert not opened.wants_trial()
        assert not opened.is_open


@pytest.mark.parametrize(
    "ended",
    [
        [(FAILED, HERE), (FAILED, THERE), (FAILED, HERE)],
        [(FAILED, HERE), (FAILED, HERE), ("diverged", "")],
        [("complete", ""), (FAILED, HERE), (FAILED, HERE), (FAILED, HERE)],
        [("diverged", ""), ("diverged", ""), ("diverged", "")],
        [(FAILED, ""), (FAILED, ""), (FAILED, "")],
    ],
    ids=["elsewhere", "one-diverged", "not-the-first", "all-diverged", "of-no-known-cause"],
)
def test_anything_else_goes_on(ended: Sequence[tuple[Outcome, str]], tmp_path: Path) -> None:
    study = open_study(tmp_path, PLAN)
    for outcome, cause in ended:
        end(study, outcome, cause)
    for opened in (study, open_study(tmp_path, PLAN)):
        assert opened.stopped == ""
        assert opened.wants_trial()


def test_it_is_those_that_end_first_that_count(tmp_path: Path) -> None:
    """Trial 0 is a slow one, which hasn't ended yet."""
    study = open_study(tmp_path, PLAN)
    slow, *others = [begin(study) for _ in range(4)]
    for candidate in others:
        failed = result(study, candidate.trial, None, FAILED, 1)
        study.tell(candidate.trial, replace(failed, cause=HERE))
    assert study.stopped == HERE
    study.tell(slow.trial, result(study, slow.trial, 0.5))
    for opened in (study, open_study(tmp_path, PLAN)):
        assert opened.stopped == HERE


def test_an_arm_that_has_no_more_to_get_is_not_stopped(tmp_path: Path) -> None:
    study = open_study(tmp_path, plan("search=random", "search.trials=3"))
    for _ in range(3):
        end(study, FAILED, HERE)
    assert study.stopped == ""
    assert not study.is_open


def test_trials_that_were_begun_end_after_it(tmp_path: Path) -> None:
    study = open_study(tmp_path, PLAN)
    begun = [begin(study) for _ in range(5)]
    for candidate in begun[:3]:
        failed = result(study, candidate.trial, None, FAILED, 1)
        study.tell(candidate.trial, replace(failed, cause=HERE))
    assert not study.wants_trial()
    assert study.is_open
    for candidate in begun[3:]:
        study.tell(candidate.trial, result(study, candidate.trial, 0.5))
    assert not study.is_open
    assert study.best_trials(1)[0][0] == 3

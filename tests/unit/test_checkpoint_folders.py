"""Which checkpoints a sweep keeps: those of trainings that may still go on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairsweep.records import SearchKey, TrialKey
from fairsweep.stages.checkpoints import CheckpointFolders

SEARCHED, CONFIRMED = TrialKey("adam", "search", 3), TrialKey("adam", "confirm", 3, 2)


@pytest.fixture
def checkpoints(tmp_path: Path) -> CheckpointFolders:
    return CheckpointFolders(tmp_path / "digits.checkpoints")


def leave(checkpoints: CheckpointFolders, key: TrialKey, name: str = "00000001-0.npz") -> None:
    checkpoints.folder(key).mkdir(parents=True)
    (checkpoints.folder(key) / name).write_bytes(b"")


def studies(*unfinished: int, search: int = 0) -> Mapping[SearchKey, Any]:
    return {SearchKey("adam", search): SimpleNamespace(unfinished=set(unfinished))}


def test_there_is_none_before_the_first(checkpoints: CheckpointFolders) -> None:
    assert not checkpoints.exist(SEARCHED)
    checkpoints.drop(SEARCHED)
    checkpoints.tidy(studies(), ())
    checkpoints.close()


def test_every_attempt_has_the_same(checkpoints: CheckpointFolders) -> None:
    leave(checkpoints, SEARCHED)
    assert checkpoints.exist(TrialKey("adam", "search", 3, attempt=5))


@pytest.mark.parametrize(
    "other",
    [
        TrialKey("sgd", "search", 3),
        TrialKey("adam", "search", 4),
        TrialKey("adam", "confirm", 3),
        TrialKey("adam", "confirm", 3, 1),
        TrialKey("adam", "search", 3, search=1),
    ],
    ids=str,
)
def test_every_training_has_its_own(checkpoints: CheckpointFolders, other: TrialKey) -> None:
    leave(checkpoints, SEARCHED)
    assert not checkpoints.exist(other)
    checkpoints.drop(other)
    assert checkpoints.exist(SEARCHED)


def test_a_draft_is_nothing_to_go_on_from(checkpoints: CheckpointFolders) -> None:
    leave(checkpoints, SEARCHED, "17.tmp")
    assert not checkpoints.exist(SEARCHED)


def test_those_of_a_training_go_with_it(checkpoints: CheckpointFolders) -> None:
    leave(checkpoints, SEARCHED)
    checkpoints.drop(SEARCHED)
    assert not checkpoints.folder(SEARCHED).exists()


def test_a_start_keeps_what_goes_on(checkpoints: CheckpointFolders) -> None:
    leave(checkpoints, SEARCHED)
    leave(checkpoints, CONFIRMED)
    checkpoints.tidy(studies(3), ())
    assert checkpoints.exist(SEARCHED)
    assert checkpoints.exist(CONFIRMED)


def test_a_start_takes_away_what_has_ended(checkpoints: CheckpointFolders) -> None:
    leave(checkpoints, SEARCHED)
    leave(checkpoints, CONFIRMED)
    checkpoints.tidy(studies(4), {SEARCHED, CONFIRMED})
    assert not checkpoints.folder(SEARCHED).exists()
    assert not checkpoints.folder(CONFIRMED).exists()


def test_a_start_knows_which_search_a_trial_is_of(checkpoints: CheckpointFolders) -> None:
    second = TrialKey("adam", "search", 3, search=1)
    leave(checkpoints, SEARCHED)
    leave(checkpoints, second)
    checkpoints.tidy(studies(3, search=1), ())
    assert not checkpoints.folder(SEARCHED).exists()
    assert checkpoints.exist(second)
    checkpoints.tidy(studies(3, search=1), {second})
    assert not checkpoints.folder(second).exists()


@pytest.mark.parametrize("name", ["sgd-search-3-0", "adam-train-3-0", "adam", "adam-search-x-0"])
def test_a_start_takes_away_what_is_of_no_training(
    checkpoints: CheckpointFolders, name: str
) -> None:
    leave(checkpoints, SEARCHED)
    unknown = checkpoints.folder(SEARCHED).with_name(name)
    unknown.mkdir()
    checkpoints.tidy(studies(3), ())
    assert not unknown.exists()
    assert checkpoints.exist(SEARCHED)

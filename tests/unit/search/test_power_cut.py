"""What of a journal is on the disk when the power fails: only what was waited for is sure to be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .builders import begin, open_study, plan, tell

PLAN = ("search=random", "search.trials=3")


@pytest.fixture
def synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the journal was each time that the disk was waited for."""
    lengths: list[int] = []
    wait = os.fsync

    def note(descriptor: int) -> None:
        wait(descriptor)
        lengths.append((tmp_path / "studies.log").stat().st_size)

    monkeypatch.setattr(os, "fsync", note)
    return lengths


def test_a_training_that_began_is_a_trial_that_is_on_the_disk(
    synced: list[int], tmp_path: Path
) -> None:
    """MLflow has a run of it from then on, and no other may be drawn in its place."""
    study = open_study(tmp_path, plan(*PLAN))
    tell(study, begin(study))
    candidate = begin(study)
    os.truncate(tmp_path / "studies.log", synced[-1])
    (again,) = open_study(tmp_path, plan(*PLAN)).take_up()
    assert (again.trial, again.values) == (candidate.trial, candidate.values)
    assert again.attempt == candidate.attempt + 1


def test_a_trial_that_ended_is_on_the_disk_as_it_ended(synced: list[int], tmp_path: Path) -> None:
    study = open_study(tmp_path, plan(*PLAN))
    tell(study, begin(study))
    os.truncate(tmp_path / "studies.log", synced[-1])
    assert open_study(tmp_path, plan(*PLAN)).tally() == study.tally()


def test_a_trial_that_was_only_drawn_waits_for_no_disk(synced: list[int], tmp_path: Path) -> None:
    study = open_study(tmp_path, plan(*PLAN))
    tell(study, begin(study))  # the defaults, which Optuna has in a queue first
    before = len(synced)
    candidate = study.ask()
    assert len(synced) == before
    study.begin(candidate.trial, candidate.attempt)
    assert len(synced) == before + 1
    assert study.keep(candidate.trial, 1, 0.5)
    assert len(synced) == before + 1

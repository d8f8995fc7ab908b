"""A sweep under kills at random moments, and that what judges it can tell good from bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.chaos import chaos
from tests.faults.epochs import Repeated, repeated
from tests.faults.kills import strikes

SECOND = 1_000_000_000
KILLS, TRIALS, SEED = 7, 20, 315
"""A seed that draws workers and the sweep at work, the start of one that goes on, and the end."""


@pytest.mark.long(60)
def test_a_sweep_under_kills_and_a_jumping_clock_becomes_whole(tmp_path: Path) -> None:
    folder = tmp_path / "chaos"
    verdict = chaos(KILLS, SEED, TRIALS, epochs=200, folder=folder, jumping=True)
    assert verdict.whole, "\n".join(verdict.lines())
    assert verdict.struck.kills == KILLS
    assert verdict.struck.sweeps > 0
    assert verdict.struck.workers > 0
    assert verdict.trainings == TRIALS + 4 + 1  # two folds an arm, and what is published


def test_a_seed_gives_the_same_schedule_and_another_one_another() -> None:
    assert strikes(50, 7, 10, 2) == strikes(50, 7, 10, 2)
    assert strikes(50, 7, 10, 2) != strikes(50, 8, 10, 2)


def test_a_schedule_comes_to_every_moment() -> None:
    schedule = strikes(200, 0, 10, 2)
    assert {strike.moment for strike in schedule} == {"start", "work", "end"}
    assert 30 < sum(strike.worker for strike in schedule) < 100


def log(folder: Path, process: str, training: str, epochs: range, start: int, step: float) -> None:
    """A process's log of one training: an epoch every `step` seconds from second `start`."""
    lines = [
        f"{training} {epoch} {round((start + i * step) * SECOND)}\n"
        for i, epoch in enumerate(epochs)
    ]
    with (folder / process).open("a") as file:
        file.write("".join(lines))


class TestRepeated:
    def test_what_is_trained_once_is_not_repeated(self, tmp_path: Path) -> None:
        log(tmp_path, "1", "adam/search/0/0", range(1, 11), 0, 1)
        log(tmp_path, "1", "adam/search/1/0", range(1, 11), 20, 1)
        log(tmp_path, "2", "adam/search/2/0", range(1, 11), 0, 1)
        assert repeated(tmp_path, 2.0) == Repeated(30, 0, 0)

    def test_what_goes_on_from_a_checkpoint_repeats_what_came_after_it(
        self, tmp_path: Path
    ) -> None:
        log(tmp_path, "1", "adam/search/0/0", range(1, 11), 0, 1)
        log(tmp_path, "2", "adam/search/0/0", range(8, 13), 20, 1)
        assert repeated(tmp_path, 2.0) == Repeated(15, 3, 0)

    def test_more_than_was_promised_shows(self, tmp_path: Path) -> None:
        log(tmp_path, "1", "adam/search/0/0", range(1, 11), 0, 1)
        log(tmp_path, "2", "adam/search/0/0", range(1, 11), 20, 1)
        # 2 s and one epoch are allowed before the last of the ten: 4 epochs with 3 s between them.
        assert repeated(tmp_path, 2.0) == Repeated(20, 10, 6)

    def test_what_is_lost_twice_counts_once_each_time(self, tmp_path: Path) -> None:
        log(tmp_path, "1", "adam/search/0/0", range(1, 11), 0, 1)
        log(tmp_path, "2", "adam/search/0/0", range(9, 12), 20, 1)
        log(tmp_path, "3", "adam/search/0/0", range(9, 13), 40, 1)
        assert repeated(tmp_path, 2.0) == Repeated(17, 2 + 3, 0)

    def test_one_process_that_trains_it_again_counts_as_two(self, tmp_path: Path) -> None:
        log(tmp_path, "1", "adam/search/0/0", range(1, 4), 0, 1)
        log(tmp_path, "1", "adam/search/0/0", range(1, 4), 20, 1)
        assert repeated(tmp_path, 9.0) == Repeated(6, 3, 0)

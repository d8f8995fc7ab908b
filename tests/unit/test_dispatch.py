"""The order in which a search hears of things, whatever the speed of the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.errors import PipelineError, StorageError
from fairsweep.files import TrialFolders
from fairsweep.records import (
    DISK_FULL,
    EpochMetrics,
    Outcome,
    TrialKey,
    TrialResult,
    TrialSpec,
    WorkerLost,
)
from fairsweep.stages.checkpoints import CheckpointFolders
from fairsweep.stages.dispatch import ATTEMPTS, Dispatcher, SweepStage
from fairsweep.stages.search import trial_spec
from fairsweep.testing import ScriptedExecutor, Step, died

PLAN = compose_sweep(["optimizer=adam"])


def spec(trial: int) -> TrialSpec:
    key = TrialKey("adam", "search", trial)
    return trial_spec(PLAN, PLAN.arms[0], key, {}, seed=trial)


Notes = list[tuple[str, int]]


class Disk:
    """Puts down results, and notes it."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def finish(self, result: TrialResult) -> None:
        self.notes.append(("put down", result.key.trial))

    def tick(self) -> None: ...

    def begin(self, *_: object) -> None: ...

    def epoch(self, _: EpochMetrics) -> None: ...

    def lose(self, _: object) -> None: ...


class Blind:
    def began(self, _: object) -> None: ...

    def epoch(self, _: object) -> None: ...

    def ended(self, _: object) -> None: ...

    def lost(self, *_: object) -> None: ...

    def began_anew(self, _: object) -> None: ...

    def stopped(self, *_: object) -> None: ...


class Job:
    """Trainings that are dispatched to workers with a script. `script` has the steps of each
    attempt at a trial; one that isn't there trains an epoch and is complete."""

    def __init__(
        self,
        script: Mapping[tuple[int, int], Sequence[Step]] | None = None,
        workers: int = 1,
        at_once: int = 1,
        root: Path | None = None,
    ) -> None:
        self.notes: Notes = []
        self._script = script or {}
        self._folders = None if root is None else TrialFolders(root, root)
        self.workers = ScriptedExecutor(self._steps, workers, self._folders, at_once=at_once)
        checkpoints = None if root is None else CheckpointFolders(root)
        self.found_checkpoints: list[bool] = []
        self.dispatcher = Dispatcher(
            self.workers,
            Disk(self.notes),  # type: ignore[arg-type]
            Blind(),
            checkpoints,
        )

    @property
    def attempts(self) -> list[tuple[int, int]]:
        """(trial, attempt), in the order in which workers got them."""
        return [(spec.key.trial, spec.key.attempt) for spec in self.workers.given]

    def _steps(self, spec: TrialSpec) -> Sequence[Step]:
        self.notes.append(("given", spec.key.trial))
        if self._folders is not None:
            folder = self._folders.checkpoints_of(spec.checkpoints)
            self.found_checkpoints.append(folder.exists())
        return self._script.get((spec.key.trial, spec.key.attempt), [EPOCH])

    def run(self, trials: int) -> list[EpochMetrics | TrialResult]:
        """Dispatches so many trials; what is told of them."""
        waiting = [spec(trial) for trial in range(trials)]
        told: list[EpochMetrics | TrialResult] = []
        while waiting or self.dispatcher.running:
            while waiting and self.dispatcher.has_room:
                self.dispatcher.submit(waiting.pop(0), SweepStage())
            for event in self.dispatcher.events():
                told.append(event)
                if isinstance(event, TrialResult):
                    self.notes.append(("told", event.key.trial))
        return told


EPOCH = {"loss": 1.0, "val_accuracy": 0.5}


def shape(events: Sequence[EpochMetrics | TrialResult]) -> list[tuple[int, int, str]]:
    """(trial, attempt, outcome or epoch) of each event."""
    return [
        (e.key.trial, e.key.attempt, e.outcome if isinstance(e, TrialResult) else f"{e.epoch}")
        for e in events
    ]


def outcomes(events: Sequence[EpochMetrics | TrialResult]) -> list[tuple[int, int, str]]:
    return shape([event for event in events if isinstance(event, TrialResult)])


@pytest.mark.parametrize("at_once", [4, 1], ids=["in-one-batch", "one-by-one"])
def test_with_one_worker_a_result_is_told_before_any_epoch_after_it(at_once: int) -> None:
    assert shape(Job(at_once=at_once).run(2)) == [
        *((0, 1, "1"), (0, 1, "complete")),
        *((1, 1, "1"), (1, 1, "complete")),
    ]


def test_a_worker_has_its_next_training_before_a_result_is_put_down_and_told() -> None:
    job = Job()
    job.run(2)
    assert job.notes == [
        *(("given", 0), ("given", 1), ("put down", 0), ("told", 0)),
        *(("put down", 1), ("told", 1)),
    ]


def test_a_worker_has_its_first_training_as_soon_as_it_is_ready() -> None:
    job = Job()
    job.dispatcher.submit(spec(0), SweepStage())
    assert job.attempts == []
    assert list(job.dispatcher.events()) == []  # but that a worker is ready
    assert job.attempts == [(0, 1)]


def test_one_training_for_each_worker_is_taken_ahead() -> None:
    job = Job(workers=2)
    list(job.dispatcher.events())  # they are ready
    trial = 0
    while job.dispatcher.has_room:
        job.dispatcher.submit(spec(trial), SweepStage())
        trial += 1
    assert job.attempts == [(0, 1), (1, 1)]
    assert trial == 4


# Trainings that begin again.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Of checkpoints; trial 0 has left one of another time."""
    folder = tmp_path / "adam-search-0-0"
    folder.mkdir()
    (folder / "00000001-0.npz").write_bytes(b"")
    return tmp_path


def test_a_training_whose_worker_died_goes_on_from_its_checkpoint(root: Path) -> None:
    job = Job({(0, 1): [died()]}, root=root)
    assert outcomes(job.run(1)) == [(0, 2, "complete")]
    assert job.attempts == [(0, 1), (0, 2)]
    assert job.found_checkpoints == [True, True]
    assert list(root.iterdir()) == []


def test_a_training_whose_checkpoints_are_of_no_use_begins_anew(root: Path) -> None:
    job = Job({(0, 1): [ended("interrupted")]}, root=root)
    assert outcomes(job.run(1)) == [(0, 2, "complete")]
    assert job.attempts == [(0, 1), (0, 2)]
    assert job.found_checkpoints == [True, False]


def test_time_trained_before_a_checkpoint_is_not_of_this_process(tmp_path: Path) -> None:
    job = Job({(0, 1): [replace(ended("complete"), seconds=1e6, earlier=1e6)]}, root=tmp_path)
    job.run(1)
    assert not job.dispatcher.work.share > 0


def ended(outcome: Outcome) -> TrialResult:
    return TrialResult(TrialKey("adam", "search", 0), outcome, 1, 0.1, 1, 0.5)


def after(*deaths: bool) -> tuple[TrialResult, int]:
    """The result of a training whose workers died so, each for want of memory or not, and how many
    attempts were made."""
    script: dict[tuple[int, int], Sequence[Step]] = {
        (0, n): [*[EPOCH] * 4, died(out_of_memory=m)] for n, m in enumerate(deaths, 1)
    }
    job = Job(script)
    results = [event for event in job.run(1) if isinstance(event, TrialResult)]
    assert len(results) == 1
    return results[0], len(job.attempts)


def test_want_of_memory_is_tried_once_more_and_told_with_peak_and_remedy() -> None:
    assert after(True)[0].outcome == "complete"
    result, attempts = after(True, True)
    assert attempts == 2
    assert result.outcome == "failed"
    assert result.error == (
        "its worker ran out of memory (it had 3.0 GiB); lower training.batch_size=32 or "
        "executor.workers"
    )
    assert result.cause == "out of memory"
    assert result.epochs == 4


STARVED = [died(out_of_memory=True)]


def test_what_ran_out_of_memory_is_tried_again_alone() -> None:
    """Trial 0 dies beside trial 1; 2 and 3 are at hand, and wait until it has ended."""
    job = Job({(0, 1): STARVED}, workers=2)
    assert outcomes(job.run(4)) == [
        *((1, 1, "complete"), (0, 2, "complete"), (2, 1, "complete"), (3, 1, "complete")),
    ]
    assert job.notes[:9] == [
        *(("given", 0), ("given", 1), ("given", 0), ("put down", 1), ("told", 1)),
        *(("given", 2), ("given", 3), ("put down", 0), ("told", 0)),
    ]


def test_two_that_ran_out_of_memory_are_tried_again_one_after_the_other() -> None:
    job = Job({(0, 1): STARVED, (1, 1): STARVED}, workers=2)
    assert outcomes(job.run(2)) == [(0, 2, "complete"), (1, 2, "complete")]
    assert job.notes[2:] == [
        *(("given", 0), ("given", 1), ("put down", 0), ("told", 0)),
        *(("put down", 1), ("told", 1)),
    ]


def test_a_full_disk_ends_the_sweep_and_no_attempt_is_made_again() -> None:
    full = replace(ended("interrupted"), cause=DISK_FULL, error="no room")
    job = Job({(0, 1): [full]})
    with pytest.raises(StorageError, match="adam/0: no room"):
        job.run(1)
    assert len(job.attempts) == 1


def test_any_other_death_is_tried_twice_more_and_says_no_word_of_memory() -> None:
    assert after(False, False)[0].outcome == "complete"
    assert after(False, True)[0].outcome == "complete"
    result, attempts = after(False, False, False)
    assert attempts == 3
    assert result.error == "its worker died (exit code -9), as did 2 before; its log is worker.log"
    assert result.cause == ""


def test_workers_that_die_before_they_can_train_end_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = Job()
    deaths = iter([[WorkerLost(None, 1, "worker.log")]] * (ATTEMPTS + 1))
    monkeypatch.setattr(job.workers, "events", lambda _: next(deaths))
    with pytest.raises(PipelineError, match=r"before they can train \(exit code 1\).*worker\.log"):
        job.run(1)
    assert list(deaths) == []


def test_deaths_of_workers_that_could_train_end_no_sweep_however_many_they_are() -> None:
    """Each trial loses its first worker; the workers that follow are ready before the next dies."""
    trials = 2 * ATTEMPTS
    job = Job({(trial, 1): [died()] for trial in range(trials)})
    assert outcomes(job.run(trials)) == [(trial, 2, "complete") for trial in range(trials)]


# Trainings that have to stop.


def test_what_has_to_stop_ends_and_nothing_begins() -> None:
    """Trial 0 ends well all the same, 1 after its epoch, 2 with its worker; 3 was only at hand."""
    job = Job({(0, 1): [ended("complete")], (1, 1): [EPOCH] * 3, (2, 1): [died()]}, workers=3)
    list(job.dispatcher.events())
    for trial in range(4):
        job.dispatcher.submit(spec(trial), SweepStage())
    assert job.dispatcher.running == 4
    job.dispatcher.stop()
    told: list[EpochMetrics | TrialResult] = []
    while job.dispatcher.running:
        told += job.dispatcher.events()
    assert shape(told) == [(0, 1, "complete"), (1, 1, "1")]
    assert [trial for trial, _ in job.attempts] == [0, 1, 2]
    assert ("put down", 0) in job.notes
    assert ("put down", 1) not in job.notes


def test_a_training_that_was_only_about_to_begin_is_not_waited_for() -> None:
    job = Job()  # its worker imports TensorFlow
    job.dispatcher.submit(spec(0), SweepStage())
    job.dispatcher.stop()
    assert job.dispatcher.running == 0
    assert list(job.dispatcher.events()) == []
    assert job.attempts == []

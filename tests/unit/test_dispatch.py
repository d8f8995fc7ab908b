"""The order in which a search hears of things, whatever the speed of the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.errors import StorageError
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
from fairsweep.stages.dispatch import Dispatcher, SweepStage
from fairsweep.stages.search import trial_spec

PLAN = compose_sweep(["optimizer=adam"])


def spec(trial: int) -> TrialSpec:
    key = TrialKey("adam", "search", trial)
    return trial_spec(PLAN, PLAN.arms[0], key, {}, seed=trial)


Event = EpochMetrics | TrialResult | WorkerLost


class Workers:
    """Workers whose events are scripted: one batch for each time they are asked."""

    def __init__(self, size: int, batches: Sequence[Sequence[Event]]) -> None:
        self.size = size
        self.idle = size
        self.batches = list(batches)
        self.given: list[TrialKey] = []
        self.notes: list[tuple[str, int]] = []
        self.checkpoints: list[bool] = []

    def submit(self, spec: TrialSpec) -> None:
        self.given.append(spec.key)
        self.notes.append(("given", spec.key.trial))
        self.checkpoints.append(bool(spec.checkpoints) and any(Path(spec.checkpoints).glob("*")))
        self.idle = max(0, self.idle - 1)

    def stop(self) -> set[TrialKey]:
        return set(self.given)

    def events(self, timeout: float) -> Iterator[Event]:
        if not self.batches:
            time.sleep(timeout)
            return
        for event in self.batches.pop(0):
            if isinstance(event, TrialResult | WorkerLost):
                self.idle += 1
            yield event


class Disk:
    """Puts down results, and notes it."""

    def __init__(self, notes: list[tuple[str, int]]) -> None:
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


def heard(
    workers: Workers, trials: int, checkpoints: CheckpointFolders | None = None
) -> list[EpochMetrics | TrialResult]:
    disk = Disk(workers.notes)
    dispatcher = Dispatcher(workers, disk, Blind(), checkpoints)  # type: ignore[arg-type]
    waiting = [spec(trial) for trial in range(trials)]
    found: list[EpochMetrics | TrialResult] = []
    while waiting or dispatcher.running:
        while waiting and dispatcher.has_room:
            dispatcher.submit(waiting.pop(0), SweepStage())
        for event in dispatcher.events():
            found.append(event)
            workers.notes.append(("told", event.key.trial))
    return found


def result(trial: int) -> TrialResult:
    return TrialResult(TrialKey("adam", "search", trial), "complete", 1, 0.1, 1, 0.5)


def epoch(trial: int) -> EpochMetrics:
    return EpochMetrics(TrialKey("adam", "search", trial), 1, {"loss": 1.0}, 1)


@pytest.mark.parametrize("together", [True, False], ids=["in-one-batch", "one-by-one"])
def test_with_one_worker_a_result_is_told_before_any_epoch_after_it(together: bool) -> None:
    events = [epoch(0), result(0), epoch(1), result(1)]
    batches = [[events[0]], events[1:]] if together else [[event] for event in events]
    assert heard(Workers(1, batches), 2) == events


def test_a_worker_has_its_next_training_before_a_result_is_put_down_and_told() -> None:
    workers = Workers(1, [[result(0)], [result(1)]])
    heard(workers, 2)
    assert workers.notes == [
        *(("given", 0), ("given", 1), ("put down", 0), ("told", 0)),
        *(("put down", 1), ("told", 1)),
    ]


def test_one_training_for_each_worker_is_taken_ahead() -> None:
    workers = Workers(2, [])
    dispatcher = Dispatcher(workers, Disk([]), Blind())  # type: ignore[arg-type]
    trial = 0
    while dispatcher.has_room:
        dispatcher.submit(spec(trial), SweepStage())
        trial += 1
    assert [key.trial for key in workers.given] == [0, 1]
    assert trial == 4


# Trainings that begin again.


@pytest.fixture
def checkpoints(tmp_path: Path) -> CheckpointFolders:
    """Trial 0 has left a checkpoint."""
    found = CheckpointFolders(tmp_path)
    folder = found.folder(TrialKey("adam", "search", 0))
    folder.mkdir()
    (folder / "00000001-0.npz").write_bytes(b"")
    return found


def attempt(number: int, outcome: Outcome = "complete") -> TrialResult:
    return TrialResult(TrialKey("adam", "search", 0, attempt=number), outcome, 1, 0.1, 1, 0.5)


def test_a_training_whose_worker_died_goes_on_from_its_checkpoint(
    checkpoints: CheckpointFolders,
) -> None:
    lost = WorkerLost(TrialKey("adam", "search", 0), -9, "worker-1.log")
    workers = Workers(1, [[lost], [attempt(2)]])
    assert heard(workers, 1, checkpoints) == [attempt(2)]
    assert [key.attempt for key in workers.given] == [1, 2]
    assert workers.checkpoints == [True, True]
    assert not checkpoints.folder(attempt(2).key).exists()


def test_a_training_whose_checkpoints_are_of_no_use_begins_anew(
    checkpoints: CheckpointFolders,
) -> None:
    workers = Workers(1, [[attempt(1, "interrupted")], [attempt(2)]])
    assert heard(workers, 1, checkpoints) == [attempt(2)]
    assert [key.attempt for key in workers.given] == [1, 2]
    assert workers.checkpoints == [True, False]


def test_time_trained_before_a_checkpoint_is_not_of_this_process(tmp_path: Path) -> None:
    workers = Workers(1, [[replace(attempt(1), seconds=1e6, earlier=1e6)]])
    dispatcher = Dispatcher(workers, Disk([]), Blind(), CheckpointFolders(tmp_path))  # type: ignore[arg-type]
    dispatcher.submit(spec(0), SweepStage())
    while dispatcher.running:
        list(dispatcher.events())
    assert not dispatcher.utilisation > 0


def killed(number: int, starved: bool) -> WorkerLost:
    key = TrialKey("adam", "search", 0, attempt=number)
    return WorkerLost(key, -9, "worker-1.log", 4, starved, 3 * 2**30)


def ended(*deaths: bool) -> tuple[TrialResult, int]:
    """The result of a training whose workers died so, each for want of memory or not, and how many
    attempts were made."""
    workers = Workers(1, [[killed(n, starved)] for n, starved in enumerate(deaths, 1)])
    workers.batches += [[attempt(len(deaths) + 1)]]
    told = heard(workers, 1)
    assert len(told) == 1
    assert isinstance(told[0], TrialResult)
    return told[0], len(workers.given)


def test_want_of_memory_is_tried_once_more_and_told_with_peak_and_remedy() -> None:
    assert ended(True)[0].outcome == "complete"
    result, attempts = ended(True, True)
    assert attempts == 2
    assert result.outcome == "failed"
    assert result.error == (
        "its worker ran out of memory (it had 3.0 GiB); lower training.batch_size=32 or "
        "executor.workers"
    )
    assert result.cause == "out of memory"
    assert result.epochs == 4


def test_what_ran_out_of_memory_is_tried_again_alone() -> None:
    """Trial 0 dies beside trial 1; 2 and 3 are at hand, and wait until it has ended."""
    again = attempt(2)
    workers = Workers(2, [[killed(1, True)], [result(1)], [again], [result(2)], [result(3)]])
    assert heard(workers, 4) == [result(1), again, result(2), result(3)]
    assert workers.notes[:9] == [
        *(("given", 0), ("given", 1), ("given", 0), ("put down", 1), ("told", 1)),
        *(("given", 2), ("given", 3), ("put down", 0), ("told", 0)),
    ]


def test_two_that_ran_out_of_memory_are_tried_again_one_after_the_other() -> None:
    other = TrialKey("adam", "search", 1)
    starved = replace(killed(1, True), key=other)
    ends = [attempt(2), replace(result(1), key=replace(other, attempt=2))]
    workers = Workers(2, [[killed(1, True), starved], [ends[0]], [ends[1]]])
    assert heard(workers, 2) == ends
    assert workers.notes[2:] == [
        *(("given", 0), ("given", 1), ("put down", 0), ("told", 0)),
        *(("put down", 1), ("told", 1)),
    ]


def test_a_full_disk_ends_the_sweep_and_no_attempt_is_made_again() -> None:
    full = replace(attempt(1, "interrupted"), cause=DISK_FULL, error="no room")
    workers = Workers(1, [[full]])
    with pytest.raises(StorageError, match="adam/0: no room"):
        heard(workers, 1)
    assert len(workers.given) == 1


def test_any_other_death_is_tried_twice_more_and_says_no_word_of_memory() -> None:
    assert ended(False, False)[0].outcome == "complete"
    assert ended(False, True)[0].outcome == "complete"
    result, attempts = ended(False, False, False)
    assert attempts == 3
    assert result.error == (
        "its worker died (exit code -9), as did 2 before; its log is worker-1.log"
    )
    assert result.cause == ""


# Trainings that have to stop.


def test_what_has_to_stop_ends_and_nothing_begins() -> None:
    """Trial 0 ends well all the same, 1 after its epoch, 2 with its worker; 3 was only at hand."""
    cut = replace(result(1), outcome="interrupted")
    lost = WorkerLost(TrialKey("adam", "search", 2), -9, "worker-1.log")
    workers = Workers(3, [[epoch(1), result(0)], [cut], [lost]])
    disk = Disk(workers.notes)
    dispatcher = Dispatcher(workers, disk, Blind())  # type: ignore[arg-type]
    for trial in range(4):
        dispatcher.submit(spec(trial), SweepStage())
    assert dispatcher.running == 4
    dispatcher.stop()
    told: list[EpochMetrics | TrialResult] = []
    while dispatcher.running:
        told += dispatcher.events()
    assert told == [epoch(1), result(0)]
    assert [key.trial for key in workers.given] == [0, 1, 2]
    assert ("put down", 0) in workers.notes
    assert ("put down", 1) not in workers.notes


def test_a_training_that_was_only_about_to_begin_is_not_waited_for() -> None:
    workers = Workers(1, [[epoch(0), result(0)]])
    workers.stop = set  # type: ignore[method-assign] - its worker imports TensorFlow
    dispatcher = Dispatcher(workers, Disk(workers.notes), Blind())  # type: ignore[arg-type]
    dispatcher.submit(spec(0), SweepStage())
    dispatcher.stop()
    assert dispatcher.running == 0
    assert list(dispatcher.events()) == []

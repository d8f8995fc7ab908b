"""Epochs leave a worker in batches, in order, and never later than they must."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from fairsweep.records import EpochMetrics, StillTraining, TrialKey, TrialResult
from fairsweep.training import outbox
from fairsweep.training.outbox import Outbox

NEVER = 3600.0
"""Longer than a test takes on any machine."""
KEY = TrialKey("adam", "search", 0)


def epoch(number: int) -> EpochMetrics:
    return EpochMetrics(KEY, number, {"loss": 1 / number}, 1000 + number)


@pytest.fixture
def ends() -> Iterator[tuple[Outbox, Connection]]:
    receiving, sending = Pipe(duplex=False)
    with receiving, sending:
        yield Outbox(sending), receiving


def sent(receiving: Connection) -> object:
    assert receiving.poll(300), "nothing was sent"
    return receiving.recv()


def test_epochs_close_together_go_together(
    ends: tuple[Outbox, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SECONDS", NEVER)
    box, receiving = ends
    for number in range(1, 7):
        box.epoch(epoch(number), awaited=False)
    result = TrialResult(KEY, "complete", 6, 0.1)
    box.send(result)
    assert sent(receiving) == [epoch(1)]
    assert sent(receiving) == [epoch(number) for number in range(2, 7)]
    assert sent(receiving) == result


def test_an_awaited_epoch_goes_at_once_with_those_before_it(
    ends: tuple[Outbox, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SECONDS", NEVER)
    box, receiving = ends
    for number in (1, 2, 3):
        box.epoch(epoch(number), awaited=number == 3)
    assert receiving.poll()
    assert receiving.recv() == [epoch(1)]
    assert receiving.poll()
    assert receiving.recv() == [epoch(2), epoch(3)]


def test_an_epoch_does_not_wait_for_the_next_one(ends: tuple[Outbox, Connection]) -> None:
    box, receiving = ends
    box.epoch(epoch(1), awaited=False)
    box.epoch(epoch(2), awaited=False)
    received: list[object] = []
    while len(received) < 2:
        epochs = sent(receiving)
        assert isinstance(epochs, list)
        received += epochs
    assert received == [epoch(1), epoch(2)]


def test_a_long_epoch_is_heard_of_now_and_then(
    ends: tuple[Outbox, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "STILL_SECONDS", NEVER)
    box, receiving = ends
    box.epoch(epoch(1), awaited=True)
    assert sent(receiving) == [epoch(1)]
    box.still_training()
    assert not receiving.poll()
    monkeypatch.setattr(outbox, "STILL_SECONDS", 0.0)
    box.still_training()
    assert sent(receiving) == StillTraining()

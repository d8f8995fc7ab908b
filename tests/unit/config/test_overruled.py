"""Keys that a command line gives more than once."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import pytest

from fairsweep.config.compose.entry import command
from fairsweep.config.compose.overrides import overruled


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "training.callbacks=[A] training.epochs=3 training.callbacks=[B]",
            "training.callbacks is given 2 times, and only the last counts: training.callbacks=[B]",
        ),
        (
            "optimizer=adam optimizer=sgd optimizer=adam",
            "optimizer is given 3 times, and only the last counts: optimizer=adam",
        ),
        ("+a.b=1 ++a.b=2", "a.b is given 2 times, and only the last counts: ++a.b=2"),
    ],
)
def test_what_does_not_count_is_told(words: str, told: str) -> None:
    assert list(overruled(words.split())) == [told]


@pytest.mark.parametrize("words", ["a=1 a=1", "a=1 b=1", "~a a=1", "s.low=1 s.high=2"])
def test_nothing_is_said_of_what_all_counts(words: str) -> None:
    assert list(overruled(words.split())) == []


def test_every_command_tells_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def runs(config: str, job: Any) -> NoReturn:  # noqa: ARG001
        raise SystemExit(0)

    monkeypatch.setattr(sys, "argv", ["fairsweep", "report.terminal=quiet", "report.terminal=auto"])
    monkeypatch.setattr("fairsweep.config.compose.entry._hydra_main", runs)
    with pytest.raises(SystemExit):
        command("report", lambda *_: None, lambda *_: 0, "report")
    told = "warning: report.terminal is given 2 times, and only the last counts: "
    assert capsys.readouterr().err == f"{told}report.terminal=auto\n"

"""What remains on the screen of a finished sweep: all of it, or in quiet the result alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.records import Champion, SweepRecord
from fairsweep.report.render import build
from fairsweep.stages.outcome import Published, show_report
from fairsweep.terminal import Terminal
from fairsweep.tracking.store import Store

from .builders import finished, search

pytestmark = pytest.mark.usefixtures("without_pictures")

STORE = Store(Path("/data/runs"), "sqlite:////data/runs/mlflow.db", local=True)
VALUES = {"adam": [0.97, 0.98, 0.975], "sgd": [0.90, 0.911, 0.904]}


def shown(record: SweepRecord, setting: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that `show_report` prints of a sweep in a store that isn't the usual one."""
    report = build(record, STORE.ui, store=STORE.overrides)
    terminal = Terminal(setting, record.name, record.objective, {}, 0)
    show_report(Published(record, report, Path("/data/report")), STORE, terminal)
    return capsys.readouterr().out.splitlines()


def test_quiet_shows_the_headline_and_where_the_report_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    headline, details, place = shown(finished(VALUES), "quiet", capsys)
    assert headline == "adam wins"
    assert details.startswith("val_accuracy 0.9750")
    assert place == "report: /data/report/report.html"


def test_all_of_it_with_commands_that_find_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    record = finished(VALUES)
    champion = Champion(record.name, "1", record.runs[-1].run_id, 0.975, record.data_sha256)
    lines = shown(replace(record, champion=champion), "plain", capsys)
    (again,) = [line for line in lines if line.startswith("train it again: ")]
    assert again.endswith(" tracking.root=/data/runs")
    (model,) = [line for line in lines if line.startswith("the model: ")]
    assert model.endswith("output=classes.csv tracking.root=/data/runs")
    assert any(line.startswith("confirmed mean: ") for line in lines)
    assert any(line.startswith("p: ") for line in lines)
    assert not any("fix what failed" in line for line in lines)


def test_a_failure_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    record = finished(VALUES)
    failed = replace(record, runs=(*record.runs, search("sgd", 2, None, "failed")), trials=3)
    lines = shown(failed, "plain", capsys)
    assert "note: 1 trial failed; the error is on its MLflow run." in lines
    assert lines[-1] == "fix what failed, then start another sweep: sweep.name=…"

"""The last stage: the report of a stored sweep, as files, in MLflow and in the terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.errors import DONE, TRIAL_FAILED
from pipeline.records import SweepRecord
from pipeline.report.render import Report, build, write
from pipeline.terminal import Terminal
from pipeline.tracking.store import Store


def make_report(store: Store, sweep: SweepRecord, logs: Path) -> tuple[Report, Path]:
    """Renders the report and puts it among the sweep run's artifacts.

    Returns:
        The report, and the folder of its files: the artifacts themselves where they are local.
    """
    report = build(sweep)
    folder = logs / "report"
    write(report, folder)
    published = store.publish(sweep.run_id, folder, "report")
    if published != folder:
        shutil.rmtree(folder)
    return report, published


def show_report(report: Report, folder: Path, terminal: Terminal) -> None:
    """What remains on the screen: the table, the verdict, the way to the rest."""
    terminal.say("")
    terminal.table(report.table.header, report.table.rows)
    terminal.say("")
    terminal.say(report.headline)
    for note in report.notes:
        terminal.say(f"note: {note}")
    if report.command:
        terminal.say(f"train it again: {report.command}")
    terminal.say(f"report: {folder / 'report.html'}")
    terminal.say("every run: make ui")


def exit_code(sweep: SweepRecord) -> int:
    """0, or 1 when some trial failed by an error."""
    failed = any(run.outcome == "failed" for run in sweep.runs)
    return TRIAL_FAILED if failed else DONE

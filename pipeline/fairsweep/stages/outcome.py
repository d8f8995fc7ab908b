"""The last stage: the report of a stored sweep, as files, in MLflow and in the terminal."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairsweep.errors import DONE, TRIAL_FAILED
from fairsweep.invocation import command_line
from fairsweep.records import Champion, SweepRecord
from fairsweep.terminal import Terminal
from fairsweep.tracking.store import Store
from fairsweep.tracking.ui.summary import show_result
from fairsweep.tracking.ui.view import view_link

if TYPE_CHECKING:
    from fairsweep.report.render import Report

# What the page's table has and a terminal of 80 columns has no room for.
PAGE_ONLY = ("95 % interval", "optimism gap")


@dataclass(frozen=True)
class Published:
    """A sweep's report, and the folder of its files: the artifacts themselves where they are
    local."""

    sweep: SweepRecord
    report: Report
    folder: Path


def rebuild_report(store: Store, sweep: SweepRecord, terminal: str, logs: Path) -> int:
    """Makes the report of a stored sweep again and shows it; returns the exit code.

    Args:
        store: has the sweep.
        sweep: what it has of it.
        terminal: auto, live, plain or quiet.
        logs: the folder for files on their way.
    """
    published = make_report(store, sweep, logs)
    show_report(published, store, Terminal(terminal, sweep.name, sweep.objective, {}, 0))
    return DONE


def make_report(store: Store, sweep: SweepRecord, logs: Path) -> Published:
    """Renders the report, puts it among the sweep run's artifacts, and has MLflow's pages show the
    result."""
    os.environ.setdefault("MPLCONFIGDIR", str(store.root / "hydra" / "matplotlib"))
    from fairsweep.report.render import build, write  # 1 s, and only now is it needed
    from fairsweep.report.text.description import confirmed_numbers, description
    from fairsweep.search.importance import importances

    report = build(sweep, store.ui, importances(sweep))
    folder = logs / "report"
    write(report, folder)
    published = store.publish(sweep.run_id, folder, "report")
    if published != folder:
        shutil.rmtree(folder)
    text = description(sweep, report, view_link(sweep))
    show_result(store, sweep, text, confirmed_numbers(sweep))
    return Published(sweep, report, published)


def show_report(published: Published, store: Store, terminal: Terminal) -> None:
    """What remains on the screen: the table, the verdict, the way to the files and to the runs."""
    sweep, report = published.sweep, published.report
    table = report.table
    kept = [i for i, name in enumerate(table.header) if name not in PAGE_ONLY]
    terminal.say("")
    rows = [[row[i].replace(" / ", "/") for i in kept] for row in table.rows]
    terminal.table([table.header[i] for i in kept], rows)
    terminal.say("")
    terminal.say(report.headline)
    for note in report.notes:
        terminal.say(f"note: {note}")
    if report.command:
        again = command_line("train", *report.overrides, *store.overrides)
        terminal.say(f"train it again: {again}")
    if sweep.champion is not None:
        terminal.say(
            f"the model: {sweep.champion.uri}, version {sweep.champion.version}; "
            f"{predict_command(sweep.champion, store)}"
        )
    terminal.say(f"report: {published.folder / 'report.html'}")
    command = f"{store.ui_command}, at " if store.ui_command else ""
    terminal.say(f"every run: {command}{store.link(sweep.experiment_id, sweep.name)}")
    if any(run.outcome == "failed" for run in sweep.runs):
        terminal.say("after a repair of what failed, start another sweep: sweep.name=…")


def predict_command(champion: Champion, store: Store) -> str:
    """What asks the champion about rows."""
    asked = (f"model={champion.name}", "input=rows.csv", "output=classes.csv")
    return command_line("predict", *asked, *store.overrides)


def exit_code(sweep: SweepRecord) -> int:
    """0, or 1 when some trial failed by an error."""
    failed = any(run.outcome == "failed" for run in sweep.runs)
    return TRIAL_FAILED if failed else DONE

"""The last stage: the report of a stored sweep, as files, in MLflow and in the terminal."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairsweep.errors import DONE, TRIAL_FAILED
from fairsweep.records import SweepRecord
from fairsweep.stages.draft import Draft, load_report
from fairsweep.terminal import Terminal
from fairsweep.tracking.store import Store
from fairsweep.tracking.ui.summary import mark_front, show_result
from fairsweep.tracking.ui.view import view_link

if TYPE_CHECKING:
    from fairsweep.report.render import Report


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
    published = make_report(store, sweep, logs, Draft(None, logs))
    show_report(published, store, Terminal(terminal, sweep.name, sweep.objective, {}, 0))
    return DONE


def make_report(store: Store, sweep: SweepRecord, logs: Path, draft: Draft) -> Published:
    """Renders the report, puts it among the sweep run's artifacts, and has MLflow's pages show the
    result. What of it is in the draft isn't made again."""
    load_report(logs)
    from fairsweep.report.render import build, write
    from fairsweep.report.text.description import confirmed_numbers, description, front_runs
    from fairsweep.search.importance import importances

    told = importances(sweep) if draft.importances is None else draft.importances
    report = build(sweep, store.ui, told, store.overrides, draft.pictures)
    folder = logs / "report"
    write(report, folder)
    published = store.publish(sweep.run_id, folder, "report")
    if published != folder:
        shutil.rmtree(folder)
    text = description(sweep, report, view_link(sweep))
    show_result(store, sweep, text, confirmed_numbers(sweep))
    if sweep.objective.second is not None:
        mark_front(store, sweep, front_runs(sweep))
    return Published(sweep, report, published)


def show_report(published: Published, store: Store, terminal: Terminal) -> None:
    """What remains on the screen: the table, the verdict, the way to the files and to the runs;
    where it is to be quiet, the verdict and the way to the report alone."""
    sweep, report = published.sweep, published.report
    terminal.say("")
    objectives = 1 if sweep.objective.second is None else 2
    terminal.table(report.summary.header, report.summary.rows, keep=1 + objectives)
    for line in report.terms:
        terminal.say(line, prose=True)
    terminal.say("")
    terminal.result(report.result.headline)
    if report.result.details:
        terminal.result(report.result.details, prose=True)
    for note in report.notes:
        terminal.say(f"note: {note}", prose=True)
    if report.command:
        terminal.say(f"{report.again}: {report.command}")
    if sweep.champion is not None:
        terminal.say(
            f"the model: {sweep.champion.uri}, version {sweep.champion.version}; {report.predict}"
        )
    terminal.result(f"report: {published.folder / 'report.html'}")
    command = f"{store.ui_command}, at " if store.ui_command else ""
    terminal.say(f"every run: {command}{store.link(sweep.experiment_id, sweep.name)}")
    if any(run.outcome == "failed" for run in sweep.runs):
        terminal.say("fix what failed, then start another sweep: sweep.name=…")


def exit_code(sweep: SweepRecord) -> int:
    """0, or 1 when a trial failed with an error."""
    failed = any(run.outcome == "failed" for run in sweep.runs)
    return TRIAL_FAILED if failed else DONE

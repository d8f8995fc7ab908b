"""Puts the report together: terminal table, Markdown, one HTML page, an SVG of each picture.

In: a `SweepRecord`. Out: a `Report`, the same to the byte for the same record, and on request its
files. The HTML page needs nothing but itself: plotly.js is inside, so it opens from a file,
offline, and in MLflow's artifact viewer; the SVGs are inside for readers without scripts.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from fairsweep.files import replaced
from fairsweep.importances import Importances
from fairsweep.invocation import command_line
from fairsweep.plural import plural
from fairsweep.records import RunRecord, SweepRecord
from fairsweep.report import figures, static
from fairsweep.report.analysis.curves import styles
from fairsweep.report.analysis.select import ArmSelection, Selection, select, value_of
from fairsweep.report.analysis.statistics import Verdict, summarize
from fairsweep.report.figures.trials import POINTS
from fairsweep.report.static import Picture
from fairsweep.report.text import method, rows, tables, terms, wording
from fairsweep.report.text.escape import markdown_block, markdown_code, markdown_text, script_json
from fairsweep.report.text.result import Result, result
from fairsweep.report.text.tables import Table
from fairsweep.tasks import OWN, task_in

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Report:
    """A finished report.

    Attributes:
        result: What was found, plain text.
        notes: What is missing or has to be known, plain text.
        table: The arms side by side, as on the page.
        summary: The same in short, for a terminal.
        terms: What a terminal says of the words in it.
        best_run: Id of the best run; empty when no trial is complete.
        again: What that command does.
        command: The command that trains it again; empty when there is none.
        predict: The command that asks the published model; empty while there is none.
        markdown: The page as Markdown; it shows the pictures beside it.
        html: The page as one self-contained HTML document.
        pictures: An SVG of each picture of the page, by the name of its file.
    """

    result: Result
    notes: tuple[str, ...]
    table: Table
    summary: Table
    terms: tuple[str, ...]
    best_run: str
    again: str
    command: str
    predict: str
    markdown: str
    html: str
    pictures: Mapping[str, bytes]


def build(
    sweep: SweepRecord,
    ui: str = "",
    importances: Mapping[str, Importances] | None = None,
    store: Sequence[str] = (),
    drawn: Sequence[Picture] = (),
) -> Report:
    """Makes the report of a stored sweep, finished or not.

    Args:
        sweep: What the tracking store holds of it.
        ui: Address of the MLflow UI that links start from, such as `http://127.0.0.1:5000/`.
            Without one, links are relative to the UI (`#/experiments/…`).
        importances: What each searched parameter had to do with good results, by arm.
        store: Overrides by which the commands that are shown find the store.
        drawn: Pictures that `draw` made of the same sweep before; one whose figure has changed
            since is drawn again.
    """
    selection = select(sweep)
    verdict, told = selection.verdict, importances or {}
    shown = [*_draw(sweep, selection, told, drawn)]
    page = _contents(sweep, selection, verdict, ui, store) | {
        "figures": [picture.figure for picture in shown],
        "importance_line": wording.importance_line(told),
    }
    pictures = {picture.figure.name: picture.svg for picture in shown}
    return Report(
        result=page["result"],
        notes=page["notes"],
        table=page["arms"],
        summary=tables.summary_table(sweep, selection, verdict),
        terms=terms.brief(sweep, verdict),
        best_run=page["best"]["run_id"] if page["best"] else "",
        again=wording.again(sweep),
        command=page["best"]["command"] if page["best"] else "",
        predict=page["predict"],
        markdown=_markdown(page),
        html=_html(page, pictures),
        pictures={f"{name}.svg": picture for name, picture in pictures.items()},
    )


def draw(sweep: SweepRecord, importances: Mapping[str, Importances]) -> Iterator[Picture]:
    """Draws the pictures of a stored sweep, finished or not; see `build`."""
    return _draw(sweep, select(sweep), importances, ())


def write(report: Report, folder: Path) -> list[Path]:
    """Writes report.md, report.html and the pictures; each is replaced whole or not at all.

    Args:
        report: What `build` made.
        folder: Made when it doesn't exist.

    Returns:
        The paths of all files.

    Raises:
        OSError: When the folder can't be written; older files of the report then stay as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "report.md": report.markdown.encode(),
        "report.html": report.html.encode(),
        **report.pictures,
    }
    for name, content in contents.items():
        with replaced(folder / name) as draft:
            draft.write_bytes(content)
    return [folder / name for name in contents]


def best_arm(selection: Selection) -> ArmSelection | None:
    """The arm whose best trial is the report's best run.

    That is the one with the best confirmed mean among the arms that may win, or the one that is
    recommended instead; when none may win, among all confirmed ones; and before any confirmation,
    the leader of the search.
    """
    if selection.recommended is not None:
        return selection[selection.recommended]
    confirmed = [entry for entry in selection.arms if entry.confirmed]
    means = [summarize([value_of(run) for run in entry.confirmed]) for entry in confirmed]
    index = selection.objective.best([item.mean for item in means if item is not None])
    return selection.leader() if index is None else confirmed[index]


def _draw(
    sweep: SweepRecord,
    selection: Selection,
    importances: Mapping[str, Importances],
    drawn: Sequence[Picture],
) -> Iterator[Picture]:
    verdict = selection.verdict
    order, arm = tables.ranking(selection, verdict), best_arm(selection)
    style, before = styles(sweep.arms), {picture.figure.name: picture for picture in drawn}
    for figure in figures.figures(selection, order, arm, sweep.spaces, importances):
        picture = before.get(figure.name)
        if picture is None or picture.figure != figure:
            picture = Picture(figure, static.draw(figure, style))
        yield picture


def _contents(
    sweep: SweepRecord, selection: Selection, verdict: Verdict, ui: str, store: Sequence[str]
) -> dict[str, Any]:
    arm = best_arm(selection)
    return {
        "sweep": sweep,
        "result": result(sweep, selection, verdict),
        "facts": wording.facts(sweep),
        "notes": wording.notes(sweep, selection, verdict),
        "arms": tables.arms_table(sweep, selection, verdict),
        "tested": tables.tested_table(sweep, selection, verdict),
        "arm_terms": terms.arm_terms(sweep),
        "cost": tables.cost_table(sweep, selection, verdict),
        "comparisons": tables.comparisons_table(selection, verdict)
        if verdict.comparisons
        else None,
        "comparisons_line": wording.comparisons_line(verdict),
        "comparison_terms": terms.comparison_terms(verdict),
        "front": tables.front_table(sweep, selection),
        "best": _best_run(sweep, selection, verdict, arm, ui, store) if arm else None,
        "champion": wording.champion_line(sweep, selection),
        "predict": _predict(sweep, store),
        "winner": verdict.best if verdict.kind == "winner" else None,
        "rows": rows.section(sweep, selection),
        "data": tables.data_table(sweep),
        "method": method.method(sweep),
        "sources": method.SOURCES,
        "styles": styles(sweep.arms),
        "points": POINTS,
    }


def _predict(sweep: SweepRecord, store: Sequence[str]) -> str:
    if sweep.champion is None:
        return ""
    task, model = task_in(sweep.data), f"model={sweep.champion.name}"
    output = f"output={task.name}{'.npz' if task is OWN else '.csv'}"
    return command_line("predict", model, *sweep.champion.asked, output, *store)


def _best_run(
    sweep: SweepRecord,
    selection: Selection,
    verdict: Verdict,
    arm: ArmSelection,
    ui: str,
    store: Sequence[str],
) -> dict[str, Any] | None:
    run = arm.chosen
    if run is None:
        return None
    exact = run.run_id in sweep.commands
    overrides = sweep.commands.get(run.run_id) or sweep.commands.get(arm.arm)
    space = sweep.spaces.get(arm.arm, ())
    return {
        "title": wording.best_run_title(run, arm, verdict, sweep.objective),
        "name": str(run.key),
        "arm": arm.arm,
        "run_id": run.run_id,
        "link": _link(sweep, run, ui),
        "clickable": bool(ui),
        "line": wording.best_run_line(run, sweep, verdict, selection),
        "searched": tables.searched_table(arm, run, space),
        "fixed": tables.fixed_table(arm, run, space),
        "again": wording.again(sweep),
        "command": "" if overrides is None else command_line("train", *overrides, *store),
        "exact": exact or run.key.trial == 0,
    }


def _link(sweep: SweepRecord, run: RunRecord, ui: str) -> str:
    place = f"#/experiments/{sweep.experiment_id}/runs/{quote(run.run_id)}"
    if ui and not ui.startswith(("http://", "https://")):
        raise ValueError(f"the MLflow UI's address starts with http:// or https://, got {ui!r}")
    return f"{ui.rstrip('/')}/{place}" if ui else place


def _markdown(page: Mapping[str, Any]) -> str:
    environment = _environment(autoescape=False)
    environment.filters["text"] = markdown_text
    environment.filters["code"] = markdown_code
    environment.filters["cell"] = lambda text: markdown_code(text, cell=True)
    environment.filters["block"] = markdown_block
    return environment.get_template("report.md.j2").render(page)


def _html(page: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    drawn = page["figures"]
    return (
        _environment(autoescape=True)
        .get_template("report.html.j2")
        .render(
            page,
            figures_json=script_json([asdict(figure) for figure in drawn]),
            plotly=figures.library() if drawn else "",
            encoded={name: base64.b64encode(own).decode() for name, own in pictures.items()},
        )
    )


def _environment(*, autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plural"] = plural
    return environment

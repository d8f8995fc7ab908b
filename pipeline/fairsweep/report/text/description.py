"""What MLflow's own pages show of the result: a description of the sweep's run, and numbers on its
arms' runs.

In: a report and its sweep. Out: Markdown in the dialect of MLflow's UI, and plain values by name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from urllib.parse import quote

from fairsweep.records import WHOLE, SweepRecord
from fairsweep.report.analysis.front import weighed
from fairsweep.report.analysis.select import select, value_of
from fairsweep.report.analysis.statistics import summarize
from fairsweep.report.render import Report
from fairsweep.report.text.escape import markdown_text

MOST_COMPARED = 100
"""Runs side by side on one of MLflow's pages; it gets slow with more."""


def description(sweep: SweepRecord, report: Report, view: str) -> str:
    """The result, the ways to the report, the confirmations and the model, and the table of arms.

    Args:
        sweep: what was judged.
        report: how.
        view: address of MLflow's charts of the confirmations.
    """
    header, *rows = [
        f"| {' | '.join(map(markdown_text, row))} |"
        for row in (report.table.header, *report.table.rows)
    ]
    rule = f"| --- |{' ---: |' * (len(report.table.header) - 1)}"
    return "\n".join(
        [
            f"**{markdown_text(report.result.headline)}**",
            "",
            *([markdown_text(report.result.details), ""] if report.result.details else []),
            " · ".join(f"[{text}]({address})" for text, address in _links(sweep, view).items()),
            "",
            *(header, rule, *rows),
            "",
            *[line for note in report.notes for line in (f"> {markdown_text(note)}", "")],
        ]
    )


def confirmed_numbers(sweep: SweepRecord) -> Mapping[str, Mapping[str, float]]:
    """Mean, standard deviation and 95 % interval of each confirmed arm's objective, once no more is
    to come; the best arm's stand for the sweep, too."""
    selection = select(sweep)
    numbers: dict[str, dict[str, float]] = {}
    for entry in selection.arms:
        summary = summarize([value_of(run) for run in entry.confirmed])
        if summary is None or selection.pending:
            continue
        own = {"confirmed_mean": summary.mean}
        if sweep.objective.second is not None and math.isfinite(entry.second):
            own[sweep.objective.stored_second] = entry.second
        interval = selection.interval(entry)
        if summary.sd is not None and interval is not None:
            low, high = interval
            own |= {"confirmed_sd": summary.sd, "confirmed_low": low, "confirmed_high": high}
        numbers[entry.arm] = own
    best = selection.verdict.best
    return numbers | ({WHOLE: numbers[best]} if best in numbers else {})


def front_runs(sweep: SweepRecord) -> Collection[str]:
    """The ids of the trials that are on the Pareto front."""
    found = weighed(select(sweep))
    return [] if found is None else [point.run.run_id for point in found.front]


def _links(sweep: SweepRecord, view: str) -> Mapping[str, str]:
    """Addresses inside of the MLflow UI by what they lead to."""
    place = f"#/experiments/{sweep.experiment_id}/runs/{quote(sweep.run_id)}"
    links = {"report": f"{place}/artifacts/report/report.html", "charts of all confirmations": view}
    ids = [run.run_id for entry in select(sweep).arms for run in entry.confirmed]
    if 1 < len(ids) <= MOST_COMPARED:
        runs, experiments = (quote(json.dumps(own)) for own in (ids, [sweep.experiment_id]))
        links["every confirmation, as a box plot"] = (
            f"#/compare-runs?runs={runs}&experiments={experiments}"
        )
    if sweep.champion is not None:
        version = f"{quote(sweep.champion.name)}/versions/{sweep.champion.version}"
        links["the champion"] = f"#/models/{version}"
    return links

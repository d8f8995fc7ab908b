"""The tables of the report, as plain strings.

In: a sweep, what was selected from it, and the verdict. Out: `Table` values that the terminal, the
Markdown page and the HTML page all show.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairsweep.config.stored_space import Space, searched
from fairsweep.metrics import base_name
from fairsweep.records import RunRecord, SweepRecord
from fairsweep.report.analysis.front import weighed
from fairsweep.report.analysis.luck import LEVEL
from fairsweep.report.analysis.search import epochs_to, target
from fairsweep.report.analysis.select import ArmSelection, Selection, value_of
from fairsweep.report.analysis.statistics import Comparison, Verdict, summarize
from fairsweep.report.text.numbers import (
    MISSING,
    duration,
    interval,
    number,
    p_value,
    setting,
    signed,
    spread,
)
from fairsweep.report.text.second import called, written
from fairsweep.report.text.wording import group_of, scale_of

USUALLY = 2
"""How many metrics there are where none is asked for: the loss, and one that selects."""


@dataclass(frozen=True)
class Table:
    """A header and rows of the same length; the first column names the row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def arms_table(sweep: SweepRecord, selection: Selection, verdict: Verdict) -> Table:
    """One row per arm, best confirmed mean first."""
    header = (
        group_of(sweep),
        "default",
        "tuned",
        "confirmed mean ± sd (trainings)",
        "95 % interval",
        "optimism gap",
        "test mean ± sd",
        *_second_header(selection),
        "complete / pruned / diverged / failed",
    )
    order = ranking(selection, verdict)
    rows = (_arm_row(selection, selection[arm]) for arm in order)
    return Table(header, tuple(rows))


def summary_table(sweep: SweepRecord, selection: Selection, verdict: Verdict) -> Table:
    """The same in short, for a terminal of 80 columns: the most important columns first, which are
    those of the objectives."""
    header = (
        group_of(sweep),
        "confirmed mean ± sd",
        *_second_header(selection),
        "tuned",
        "default",
        "test mean ± sd",
        "complete/pruned/ diverged/failed",
    )
    return Table(
        header,
        tuple(_summary_row(selection, selection[arm]) for arm in ranking(selection, verdict)),
    )


def tested_table(sweep: SweepRecord, selection: Selection, verdict: Verdict) -> Table | None:
    """One row per metric, with what it is on test rows, ± from training to training; None where it
    is no more than the arms table says, and the loss."""
    if len(sweep.metrics) <= USUALLY or not any(entry.confirmed for entry in selection.arms):
        return None
    order = ranking(selection, verdict)
    rows = [(name, *(_tested(selection[arm], name) for arm in order)) for name in sweep.metrics]
    return Table(("on test rows", *order), tuple(rows))


def cost_table(sweep: SweepRecord, selection: Selection, verdict: Verdict) -> Table:
    """What each arm's search took, in the order of the arms table, and how fast its best
    configuration learns."""
    goal = target(selection)
    header = [
        group_of(sweep),
        *("stopped early", "diverged", "epochs trained", "training time"),
    ]
    if goal is not None:
        header.append(
            f"epochs to {sweep.objective.metric} {number(goal, of=sweep.objective.metric)}"
        )
    rows = []
    for arm in ranking(selection, verdict):
        entry = selection[arm]
        row = [
            arm,
            _share(entry.counts["pruned"], len(entry.trials)),
            _share(entry.counts["diverged"], len(entry.trials)),
            f"{entry.epochs:,}",
            duration(entry.seconds),
        ]
        if goal is not None:
            row.append(_epochs_to(epochs_to(entry, goal, sweep.objective)))
        rows.append(tuple(row))
    return Table(tuple(header), tuple(rows))


def ranking(selection: Selection, verdict: Verdict) -> tuple[str, ...]:
    """The arms: judged ones by their mean, then the others in the sweep's order."""
    judged = [*filter(None, [verdict.best]), *(item.arm for item in verdict.comparisons)]
    return (*judged, *(entry.arm for entry in selection.arms if entry.arm not in judged))


def comparisons_table(selection: Selection, verdict: Verdict) -> Table:
    """The best arm against each other one."""
    header = (
        f"{verdict.best} against",
        "trainings",
        "mean difference",
        "95 % interval",
        "p",
        "p, corrected",
        "result",
    )
    scale, metric = scale_of(selection, verdict), selection.objective.metric
    rows = (_comparison_row(item, verdict, scale, metric) for item in verdict.comparisons)
    return Table(header, tuple(rows))


def searched_table(entry: ArmSelection, run: RunRecord, space: Space) -> Table:
    """What the search could change: each such parameter, its default, and its value in `run`."""
    names = _searched(entry, space)
    default = entry.default.params if entry.default else {}
    return Table(
        ("searched", "default", "best run"),
        tuple(
            (name, setting(default[name]) if name in default else MISSING, setting(value))
            for name, value in sorted(run.params.items())
            if name in names
        ),
    )


def fixed_table(entry: ArmSelection, run: RunRecord, space: Space) -> Table:
    """The parameters that weren't searched, and the seed."""
    names = _searched(entry, space)
    rows = sorted(run.params.items())
    return Table(
        ("fixed", "value"),
        tuple((name, setting(value)) for name, value in rows if name not in names),
    )


def front_table(sweep: SweepRecord, selection: Selection) -> Table | None:
    """The trials on the Pareto front, each with both values and what was searched; None where there
    is none."""
    found, objective = weighed(selection), sweep.objective
    if found is None or objective.second is None:
        return None
    second = objective.second.metric
    rows = []
    for run, first, other in found.front:
        entry, space = selection[run.key.arm], sweep.spaces.get(run.key.arm, ())
        names = sorted(_searched(entry, space).intersection(run.params))
        params = ", ".join(f"{name} {setting(run.params[name])}" for name in names)
        values = number(first, of=objective.metric), written(other, second)
        rows.append((str(run.key), *values, params or MISSING))
    return Table(("trial", objective.metric, called(second), "searched"), tuple(rows))


def data_table(sweep: SweepRecord) -> Table:
    """The data set's facts as they were stored, and the start of its fingerprint."""
    rows = [(str(name), _fact(value)) for name, value in sweep.data.items()]
    return Table(("data", "value"), (*rows, ("sha256", sweep.data_sha256[:12])))


def test_metric(metric: str) -> str:
    """The objective's name on the test split."""
    return f"test_{base_name(metric)}"


def _arm_row(selection: Selection, entry: ArmSelection) -> tuple[str, ...]:
    objective, own = selection.objective, selection.interval(entry)
    metric = objective.metric
    summary = summarize([value_of(run) for run in entry.confirmed])
    return (
        entry.arm,
        _default(entry.default, metric),
        number(value_of(entry.best), of=metric),
        MISSING
        if summary is None
        else f"{spread(summary.mean, summary.sd, metric)} {_trainings(entry)}",
        interval(own, summary.mean, metric) if summary else MISSING,
        signed(objective.gain(value_of(entry.best), over=summary.mean), summary.mean, metric)
        if summary
        else MISSING,
        _tested(entry, metric),
        *_second_cell(selection, entry),
        _tally(entry, " / "),
    )


def _second_header(selection: Selection) -> Iterator[str]:
    if (second := selection.objective.second) is not None:
        yield called(second.metric)


def _second_cell(selection: Selection, entry: ArmSelection) -> Iterator[str]:
    if (second := selection.objective.second) is not None:
        yield written(entry.second, second.metric)


def _summary_row(selection: Selection, entry: ArmSelection) -> tuple[str, ...]:
    """Trainings are counted only where some are missing: how many there are is said once."""
    metric = selection.objective.metric
    summary = summarize([value_of(run) for run in entry.confirmed])
    missing = "" if len(entry.confirmations) == len(entry.confirmed) else f" {_trainings(entry)}"
    return (
        entry.arm,
        MISSING if summary is None else f"{spread(summary.mean, summary.sd, metric)}{missing}",
        *_second_cell(selection, entry),
        number(value_of(entry.best), of=metric),
        _default(entry.default, metric),
        _tested(entry, metric),
        _tally(entry, "/"),
    )


def _tested(entry: ArmSelection, metric: str) -> str:
    """The mean of the objective on test rows."""
    measured = [run.test.get(test_metric(metric), math.nan) for run in entry.confirmed]
    tests = summarize([value for value in measured if math.isfinite(value)])
    return spread(tests.mean, tests.sd, metric) if tests else MISSING


def _tally(entry: ArmSelection, between: str) -> str:
    """How many trials ended how, and how many are running."""
    counts = entry.counts
    ended = between.join(str(counts[name]) for name in ("complete", "pruned", "diverged", "failed"))
    return f"{ended} ({counts['running']} running)" if counts["running"] else ended


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else MISSING


def _epochs_to(counts: Sequence[float]) -> str:
    """The median over the trainings that got there, and how many did where not all."""
    there = [epochs for epochs in counts if math.isfinite(epochs)]
    if not counts:
        return MISSING
    if not there:
        return "never"
    of_all = "" if len(there) == len(counts) else f" ({len(there)} of {len(counts)} trainings)"
    return f"{statistics.median(there):g}{of_all}"


def _trainings(entry: ArmSelection) -> str:
    """How many stand behind a mean: `(5)`, or `(3 of 5)` where some are missing."""
    ended, good = len(entry.confirmations), len(entry.confirmed)
    return f"({good})" if ended == good else f"({good} of {ended})"


def _default(run: RunRecord | None, metric: str) -> str:
    if run is None:
        return MISSING
    if run.outcome == "complete":
        return number(value_of(run), of=metric)
    if run.outcome == "pruned" and run.best_value is not None:
        return f"{number(run.best_value, of=metric)} (pruned)"
    return run.outcome


def _comparison_row(
    item: Comparison, verdict: Verdict, scale: float, metric: str
) -> tuple[str, ...]:
    if item.p is None or item.difference is None:
        count = item.difference.n if item.difference else 0
        mean = signed(item.difference.mean, scale, metric) if item.difference else MISSING
        return (item.arm, str(count), mean, *[MISSING] * 3, "too few trainings to tell")
    return (
        item.arm,
        str(item.difference.n),
        signed(item.difference.mean, scale, metric),
        interval(item.difference.interval, scale, metric, sign=True),
        p_value(item.p),
        p_value(item.corrected),
        _reading(item, verdict),
    )


def _reading(item: Comparison, verdict: Verdict) -> str:
    """What the corrected p says, and the threshold that it was compared with."""
    if verdict.claim == "rows":
        return "on these rows only"
    limit = LEVEL if len(verdict.tied) == 1 else verdict.limit
    if item.behind:
        return f"{verdict.best} is better (p < {limit:.3g})"
    return f"no clear difference (p ≥ {limit:.3g})"


def _searched(entry: ArmSelection, space: Space) -> frozenset[str]:
    """What is in the space; where no space is stored, what the trials differ in besides seeds."""
    if space:
        return searched(space)
    names = {name for run in entry.trials for name in run.params}
    return frozenset(
        name
        for name in names
        if len({run.params.get(name) for run in entry.trials}) > 1
        and any(run.params.get(name) != str(run.seed) for run in entry.trials)
    )


def _fact(value: object) -> str:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value)
    return ", ".join(map(str, value))

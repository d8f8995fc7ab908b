"""The searched parameters: which ones mattered, and what each of their values came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairsweep.config.stored_space import Space
from fairsweep.importances import Importance, Importances
from fairsweep.report.analysis.curves import Style, styles
from fairsweep.report.analysis.parameters import Slice, labels, slices
from fairsweep.report.analysis.select import Selection
from fairsweep.report.figures.parts import (
    Figure,
    faint,
    identifier,
    layout,
    log_axis,
    name,
    rounded,
    value_axis,
)
from fairsweep.report.figures.trials import edge, shown, thinned, told, trial_points

LIMIT = 800
"""Trials drawn in the picture of one parameter."""
BAR, GAP = 11, 12
"""Pixels of a bar of importance, and between two parameters."""
HATCHES = {"none": "", "diamond": "/", "square": "x", "triangle-up": "."}


def importance(selection: Selection, importances: Mapping[str, Importances]) -> Figure | None:
    """A bar for each parameter of each arm; None where nothing can be told of any."""
    found = {
        entry.arm: {item.parameter: item for item in importances[entry.arm].parameters}
        for entry in selection.arms
        if entry.arm in importances and importances[entry.arm].parameters
    }
    if not found:
        return None
    best = {
        parameter: max(own[parameter].share for own in found.values() if parameter in own)
        for parameter in dict.fromkeys(name for own in found.values() for name in own)
    }
    if len(best) == 1:
        return None  # all of it, whatever it did
    order = sorted(best, key=lambda parameter: -best[parameter])
    style = styles([entry.arm for entry in selection.arms])
    places, middles, bottom = _places(order, found)
    data = [_bars(arm, own, places[arm], style[arm]) for arm, own in found.items()]
    words = labels(order)
    missing = "; ".join(f"{arm} ({own.missing})" for arm, own in importances.items() if own.missing)
    return Figure(
        name="importance",
        section="parameters",
        title="Which parameters mattered",
        caption="How much each parameter had to do with a trial being in the best quarter of its "
        "arm, as a share of all parameters (PED-ANOVA, arXiv 2304.10255). Chance is enough to "
        "explain a hollow bar: with the results shuffled, one search in twenty has one as long."
        f"{f' Not known for {missing}.' if missing else ''}",
        height=round(bottom) + 52,
        spec={
            "data": data,
            "layout": layout(
                xaxis={"rangemode": "tozero", "tickformat": ".0%", "title": {"text": "share"}},
                yaxis={
                    "tickvals": middles,
                    "ticktext": [name(words[parameter]) for parameter in order],
                    "range": [bottom, 0],
                    "automargin": True,
                    "showgrid": False,
                },
            ),
        },
    )


def parameter_slices(selection: Selection, spaces: Mapping[str, Space]) -> tuple[Figure, ...]:
    """The objective of every trial against the value of each parameter, a picture for each."""
    worst = edge(selection)
    if worst is None:
        return ()
    drawn = slices(selection, spaces)
    words = labels([item.parameter for item in drawn])
    figures: dict[str, Figure] = {}
    for item in drawn:
        plain = f"parameter-{identifier(item.parameter)}"
        own = plain if plain not in figures else f"{plain}-{len(figures)}"
        figures[own] = _slice(item, own, words[item.parameter], selection, worst)
    return tuple(figures.values())


def _places(
    order: Sequence[str], found: Mapping[str, Mapping[str, Importance]]
) -> tuple[dict[str, dict[str, float]], list[float], float]:
    """Where the middle of each bar is, by arm and parameter; the middle of each parameter; and the
    end of the picture. All in pixels from the top."""
    places: dict[str, dict[str, float]] = {arm: {} for arm in found}
    middles, top = [], GAP / 2
    for parameter in order:
        arms = [arm for arm, own in found.items() if parameter in own]
        for row, arm in enumerate(arms):
            places[arm][parameter] = top + BAR * (row + 0.5)
        middles.append(top + BAR * len(arms) / 2)
        top += BAR * len(arms) + GAP
    return places, middles, top - GAP / 2


def _bars(
    arm: str, own: Mapping[str, Importance], places: Mapping[str, float], style: Style
) -> dict[str, Any]:
    items = list(own.values())
    return {
        "type": "bar",
        "orientation": "h",
        "name": name(arm),
        "meta": arm,
        "x": rounded([item.share for item in items]),
        "y": [places[item.parameter] for item in items],
        "width": BAR - 2,
        "marker": {
            "color": [faint(style.colour) if item.lucky else style.colour for item in items],
            "pattern": {"shape": HATCHES[style.marker]},
            "line": {"color": style.colour, "width": 1.2},
        },
        "customdata": [
            f"{item.share:.0%}, {'could be chance' if item.lucky else 'more than chance'}"
            for item in items
        ],
        "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>",
    }


def _slice(item: Slice, own: str, label: str, selection: Selection, worst: float) -> Figure:
    style = styles([entry.arm for entry in selection.arms])
    metric = selection.objective.metric
    data: list[dict[str, Any]] = []
    drawn = total = 0
    best = []
    for row, (arm, values) in enumerate(item.values.items()):
        visible = {run.run_id for run in shown(selection[arm])}
        texts = {run.run_id: text for run, _, text in values}
        aside = _aside(row, len(item.values)) if item.scale == "steps" else 0.0
        placed = [(run, x + aside) for run, x, _ in values if run.run_id in visible]
        kept = thinned(placed, LIMIT // len(item.values), selection.objective)
        names = [f"{label} {texts[run.run_id]}" for run, _ in kept]
        data += trial_points(arm, kept, names, worst, style[arm], metric, size=7)
        drawn, total = drawn + len(kept), total + len(placed)
        top = selection[arm].best
        if top is not None and top.run_id in texts:
            best.append(f"{arm} {texts[top.run_id]}")
    xaxis = _axis(item)
    if item.parameter.endswith(".widths"):
        xaxis["title"] = {"text": "sum over the layers"}
    return Figure(
        name=own,
        section="slices",
        title=label[:1].upper() + label[1:],
        caption=f"Best trial: {', '.join(best) or 'none has completed'}.{told(drawn, total)}",
        height=250,
        spec={
            "data": data,
            "layout": layout(
                xaxis=xaxis,
                yaxis=value_axis(metric, data),
            ),
        },
    )


def _aside(row: int, arms: int) -> float:
    """How far beside a step an arm's trials stand, so that arms don't hide each other."""
    return round((row - (arms - 1) / 2) * 0.8 / arms, 4)


def _axis(item: Slice) -> dict[str, Any]:
    if item.scale == "steps":
        return {
            "tickvals": list(range(len(item.steps))),
            "ticktext": [name(text) for text in item.steps],
            "range": [-0.6, len(item.steps) - 0.4],
            "showgrid": False,
        }
    places = [x for values in item.values.values() for _, x, _ in values]
    return log_axis(min(places), max(places)) if item.scale == "log" else {}

"""How far each arm is from the best one, and where the luck in that comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairsweep.report.analysis.curves import Style, styles
from fairsweep.report.analysis.luck import Difference, settling
from fairsweep.report.analysis.select import Selection
from fairsweep.report.analysis.statistics import Verdict
from fairsweep.report.figures.parts import (
    GREY,
    Figure,
    faint,
    layout,
    name,
    points,
    reach,
    rounded,
    symbol,
)
from fairsweep.report.text.numbers import interval, signed
from fairsweep.report.text.wording import repeated, scale_of

SHADES = ("rgba(118,131,144,0.85)", "rgba(118,131,144,0.5)", "rgba(118,131,144,0.22)")
LABELLED = 0.2
"""The share from which a part of a bar has room for its name, on a phone too."""


def differences(selection: Selection, verdict: Verdict) -> Figure | None:
    """The best arm minus each other one, with 95 % intervals and the least difference that the
    rows can tell; None where no two arms can be compared."""
    found = [(item.arm, item.difference) for item in verdict.comparisons if item.difference]
    if not found:
        return None
    style = styles([entry.arm for entry in selection.arms])
    scale, metric = scale_of(selection, verdict), selection.objective.metric
    bands = [_band(row, difference) for row, (_, difference) in enumerate(found)]
    names = [name(arm) for arm, _ in found]
    bottom = len(names) - 0.4
    zero = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 0],
        "y": [-0.6, bottom],
        "line": {"color": GREY, "width": 1.2},
        "hoverinfo": "skip",
    }
    data = [
        *(band for band in bands if band is not None),
        zero,
        *(_dot(arm, own, row, style[arm], scale, metric) for row, (arm, own) in enumerate(found)),
    ]
    place = layout(
        xaxis={"title": {"text": f"difference in {name(metric)}"}, "automargin": True},
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "range": [bottom, -0.6],
            "automargin": True,
            "showgrid": False,
        },
    )
    return Figure(
        name="differences",
        section="difference",
        title=f"How far {verdict.best} is from each other arm",
        caption=_caption(selection, verdict, any(bands)),
        height=96 + 44 * len(names),
        spec={"data": data, "layout": place},
    )


def luck(selection: Selection, verdict: Verdict) -> Figure | None:
    """The parts of the variance of the difference to the next best arm, as shares of it; None where
    nothing is known about rows."""
    nearest = verdict.comparisons[0] if verdict.comparisons else None
    parts = nearest.difference.parts if nearest is not None and nearest.difference else None
    if nearest is None or parts is None:
        return None
    variances = (
        parts.rows / parts.n_rows,
        parts.units / parts.n_units,
        parts.rest / (parts.n_rows * parts.n_units),
    )
    total = sum(variances)
    if total <= 0:
        return None
    shares = [own / total for own in variances]
    more, _ = repeated(selection.scheme)
    trained = more if selection.scheme.searches > 1 else "training"
    place = layout(
        xaxis={"range": [0, 1], "tickvals": [], "ticktext": [], "showgrid": False},
        yaxis={"range": [1.15, -0.45], "tickvals": [], "ticktext": [], "showgrid": False},
    )
    return Figure(
        name="luck",
        section="difference",
        title="Where the luck comes from",
        caption=f"How much of the uncertainty in {verdict.best} against {nearest.arm} is due to "
        f"which rows there are ({shares[0]:.0%}), to chance in {trained} ({shares[1]:.0%}), and to "
        f"chance in single answers, of one training for one row ({shares[2]:.0%}). More rows "
        f"reduce the first and the last part, more {more} the second and the last.",
        height=112,
        spec={"data": _bar(shares, ("rows", trained, "single answers")), "layout": place},
    )


def _dot(
    arm: str, own: Difference, row: int, style: Style, scale: float, metric: str
) -> dict[str, Any]:
    text = signed(own.mean, scale, metric)
    if own.interval is not None:
        text = f"{text}, 95 % interval {interval(own.interval, scale, metric, sign=True)}"
    dot = points(arm, [own.mean], [row], [text], symbol(style, style.shape, 11, 0))
    if own.interval is not None:
        dot["error_x"] = reach(own.mean, own.interval, style)
    return dot


def _band(row: int, difference: Difference) -> dict[str, Any] | None:
    """What the rows can't tell, around zero."""
    found = settling(difference)
    if found is None or not found.floor:
        return None
    across = [-found.floor, found.floor, found.floor, -found.floor]
    return _area(across, [row - 0.38, row - 0.38, row + 0.38, row + 0.38], faint(GREY))


def _bar(shares: Sequence[float], names: Sequence[str]) -> list[dict[str, Any]]:
    """Parts side by side, with the names of the larger ones below."""
    ends = [sum(shares[: i + 1]) for i in range(len(shares))]
    starts = [0.0, *ends[:-1]]
    areas = [
        _area([start, end, end, start], [-0.4, -0.4, 0.4, 0.4], shade)
        for start, end, shade in zip(starts, ends, SHADES, strict=True)
        if end > start
    ]
    wide = [i for i, share in enumerate(shares) if share >= LABELLED]
    texts = {
        "type": "scatter",
        "mode": "text",
        "x": rounded([(starts[i] + ends[i]) / 2 for i in wide]),
        "y": [0.78] * len(wide),
        "text": [f"{names[i]}<br>{shares[i]:.0%}" for i in wide],
        "textfont": {"size": 12},
        "hoverinfo": "skip",
    }
    return [*areas, texts]


def _area(x: Sequence[float], y: Sequence[float], colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": rounded(x),
        "y": list(y),
        "fill": "toself",
        "fillcolor": colour,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _caption(selection: Selection, verdict: Verdict, banded: bool) -> str:
    better = "right" if selection.objective.higher_is_better else "left"
    caption = (
        f"Each dot is the mean difference, {verdict.best} minus the other arm; {better} of zero "
        f"{verdict.best} did better. The bar is the 95 % interval; where it reaches zero, the arms "
        "may be equally good."
    )
    if not banded:
        return caption
    more, _ = repeated(selection.scheme)
    return (
        f"{caption} A true difference inside the shaded band is too small for these rows to show, "
        f"with any number of {more}."
    )

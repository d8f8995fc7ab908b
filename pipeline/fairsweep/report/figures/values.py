"""Predicted and true values of the test rows, and what is left between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.report.analysis.curves import Style, styles
from fairsweep.report.analysis.select import ArmSelection, Selection
from fairsweep.report.figures.parts import (
    DIGITS,
    GREY,
    Figure,
    digits_between,
    faint,
    layout,
    name,
    rounded,
)
from fairsweep.report.text.numbers import SMALL, with_unit
from fairsweep.tested import Residuals, Target

MOST_DOTS = 150
"""Test rows that a picture shows."""
MOST_TARGETS = 6
"""Targets that have pictures, the first ones."""
MARGIN = 0.04
"""The share of an axis that is left free at each end."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Said:
    """What an arm's trainings predicted of a target: the true values (rows,), the predicted ones
    and the ends of a band, (trainings, rows), or (trainings, 0) without one."""

    target: str
    true: Numbers
    predicted: Numbers
    low: Numbers
    high: Numbers

    @property
    def errors(self) -> Numbers:
        """All that are numbers, (errors,); above 0 where the prediction is too high."""
        found = (self.predicted - self.true).ravel()
        return found[np.isfinite(found)]

    @property
    def inside(self) -> float:
        """The share of predictions whose band has the true value in it."""
        return float(((self.low <= self.true) & (self.true <= self.high)).mean())

    def drawn(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Some rows, evenly spread, (dots,): their true value, what one of the trainings predicts,
        which take turns, and how far its band reaches below and above that."""
        trainings, rows = self.predicted.shape
        kept = np.arange(min(rows, MOST_DOTS)) * rows // min(rows, MOST_DOTS)
        turn = np.arange(len(kept)) % trainings
        own = np.isfinite(self.predicted[turn, kept])
        kept, turn = kept[own], turn[own]
        predicted = self.predicted[turn, kept]
        if not self.low.size:
            return self.true[kept], predicted, np.zeros(0), np.zeros(0)
        below, above = predicted - self.low[turn, kept], self.high[turn, kept] - predicted
        return self.true[kept], predicted, np.maximum(0, below), np.maximum(0, above)


def predicted_values(selection: Selection, entry: ArmSelection | None) -> Iterator[Figure]:
    """For each target of an arm's test rows the predicted values against the true ones, and their
    errors; none where no values were stored."""
    if entry is None:
        return
    style = styles([own.arm for own in selection.arms])[entry.arm]
    stored = [run.tested for run in entry.confirmed if isinstance(run.tested, Residuals)]
    names = [target.name for target in stored[0].targets] if stored else []
    for place in range(min(len(names), MOST_TARGETS)):
        said = _together([own.targets[place] for own in stored if len(own.targets) == len(names)])
        if not len(said.errors):
            continue
        end = "" if len(names) == 1 else f"-{place + 1}"
        some = f" The first {MOST_TARGETS} of {len(names)} targets are drawn."
        left_out = some if len(names) > MOST_TARGETS and not place else ""
        yield _against_true(entry.arm, said, style, f"predicted{end}", stored[0], left_out)
        yield _errors(entry.arm, said, style, f"errors{end}")


def _together(trainings: Sequence[Target]) -> _Said:
    """What all trainings predicted that were tested on the rows of the first."""
    first = trainings[0]
    same = [own for own in trainings if own.true == first.true]
    predicted, low, high = (
        np.array([getattr(own, column) for own in same], np.float64)
        for column in ("predicted", "low", "high")
    )
    return _Said(first.name, np.array(first.true, np.float64), predicted, low, high)


def _against_true(
    arm: str, said: _Said, style: Style, own: str, stored: Residuals, left_out: str
) -> Figure:
    true, predicted, below, above = said.drawn()
    ends = np.concatenate([true, predicted, predicted - below, predicted + above] if len(below)
                          else [true, predicted])  # fmt: skip
    low, high = float(ends.min()), float(ends.max())
    across, digits = _across(low, high)
    dots = _dots(true, predicted, style, digits, digits)
    said_to = f",.{digits - 2}~r"
    dots["hovertemplate"] = f"predicted %{{y:{said_to}}}, true %{{x:{said_to}}}<extra></extra>"
    if len(below):
        dots["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": rounded(above.tolist()),
            "arrayminus": rounded(below.tolist()),
            "color": faint(style.colour),
            "thickness": 3,
            "width": 0,
        }
    what = name(said.target)
    return Figure(
        name=own,
        section="values",
        title=f"Predicted against true {said.target}, {arm}",
        caption=_how_far(said, len(true), stored.rows) + _band(said, stored) + left_out,
        height=360,
        spec={
            "data": [_line(across, across), dots],
            "layout": layout(
                xaxis={**_axis(f"true {what}", across), "range": across},
                yaxis={**_axis(f"predicted {what}", across), "range": across, "automargin": True},
            ),
        },
    )


def _errors(arm: str, said: _Said, style: Style, own: str) -> Figure:
    true, predicted, _, _ = said.drawn()
    low, high = float(predicted.min()), float(predicted.max())
    across, digits = _across(low, high)
    off = rounded((predicted - true).tolist())
    dots = _dots(predicted, predicted - true, style, digits)
    dots["hovertemplate"] = (
        f"predicted %{{x:,.{digits - 2}~r}}, off by %{{y:+,.4~r}}<extra></extra>"
    )
    mean = float(said.errors.mean())
    typical = float(np.abs(said.errors).mean())
    bias = f"{with_unit(abs(mean), typical)} too {'high' if mean > 0 else 'low'}"
    what = name(said.target)
    return Figure(
        name=own,
        section="values",
        title=f"Errors by predicted {said.target}, {arm}",
        caption=f"Above zero a prediction is too high. On average predictions are {bias}. Where "
        "the dots bend, the model misses a shape; where they open like a fan, it is less exact.",
        height=360,
        spec={
            "data": [_line(across, [0.0, 0.0]), dots],
            "layout": layout(
                xaxis={**_axis(f"predicted {what}", across), "range": across},
                yaxis={**_axis("predicted minus true", off), "automargin": True},
            ),
        },
    )


def _how_far(said: _Said, drawn: int, rows: int) -> str:
    """How to read the dots, and how far off all predictions are."""
    by = "as it is predicted" if len(said.predicted) == 1 else "as one of the trainings predicts it"
    which = f"one of {drawn:,} of {rows:,} test rows" if drawn < rows else "a test row"
    half, most = (float(own) for own in np.quantile(np.abs(said.errors), (0.5, 0.9)))
    return (
        f"Each dot is {which}, {by}. On the line it is right. Half of all predictions are off by "
        f"less than {with_unit(half)}, nine in ten by less than {with_unit(most)}."
    )


def _band(said: _Said, stored: Residuals) -> str:
    """What the bars are, and whether they are as long as they should be."""
    if stored.band is None:
        return ""
    low, high = stored.band
    return (
        f" A bar reaches from the {low:.0%} to the {high:.0%} quantile: {high - low:.0%} of the "
        f"true values should be inside, and {said.inside:.0%} are."
    )


def _axis(title: str, across: Sequence[float]) -> dict[str, Any]:
    """An axis of values, which has no prefixes for small ones, such as µ."""
    small = max(map(abs, across)) < SMALL
    return {"title": {"text": title}, **({"exponentformat": "e"} if small else {})}


def _across(low: float, high: float) -> tuple[list[float], int]:
    """The ends of an axis of values from `low` to `high`, which may be equal, and the digits that
    tell them apart."""
    margin = MARGIN * (high - low) or max(1.0, MARGIN * abs(low))
    digits = digits_between(low - margin, high + margin)
    return rounded([low - margin, high + margin], digits), digits


def _dots(
    x: Numbers, y: Numbers, style: Style, digits: int, digits_up: int = DIGITS
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": rounded(x.tolist(), digits),
        "y": rounded(y.tolist(), digits_up),
        "marker": {"color": style.colour, "symbol": style.shape, "size": 6, "opacity": 0.55},
    }


def _line(x: Sequence[float], y: Sequence[float]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(x),
        "y": list(y),
        "line": {"color": GREY, "width": 1.2},
        "hoverinfo": "skip",
    }

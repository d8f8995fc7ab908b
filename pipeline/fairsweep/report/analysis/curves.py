"""What the pictures of learning curves have in common: which metrics, which runs, which colours.

In: a `Selection`. Out: one `Panel` per metric, and in it per arm the median and the range over
seeds. Drawing is left to `figures` (interactive) and `static` (one SVG).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fairsweep.metrics import VALIDATION, base_name, falls_by_much
from fairsweep.records import RunRecord
from fairsweep.report.analysis.select import ArmSelection, Selection

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C")
"""Okabe and Ito's colours for all kinds of colour vision; grey for black, which a dark page hides,
and no yellow, which a light one does. The first four stand out on both."""

MARKERS = ("none", "diamond", "square", "triangle-up")
"""Tells arms apart that share a colour: the second seven are drawn with diamonds, and so on."""

LOG_RATIO = 20.0
"""A loss that falls by more than this factor is drawn on a log axis."""


@dataclass(frozen=True)
class Style:
    """The colour and marker of an arm, the same in every picture."""

    colour: str
    marker: str

    @property
    def shape(self) -> str:
        """What the arm's single points are."""
        return "circle" if self.marker == "none" else self.marker


@dataclass(frozen=True)
class Band:
    """A metric over epochs: median, lowest and highest of the runs that got that far."""

    epochs: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    runs: int


@dataclass(frozen=True)
class ArmCurves:
    """One arm in one panel; `validation` is None where it wasn't measured."""

    arm: str
    style: Style
    training: Band | None
    validation: Band | None


@dataclass(frozen=True)
class Panel:
    """One metric: `loss` stands for `loss` and `val_loss`."""

    metric: str
    arms: tuple[ArmCurves, ...]
    log: bool

    @property
    def bands(self) -> tuple[Band, ...]:
        """Everything drawn in it."""
        both = [band for arm in self.arms for band in (arm.training, arm.validation)]
        return tuple(band for band in both if band is not None)


def styles(arms: Sequence[str]) -> dict[str, Style]:
    """The style of each arm, by its place in the sweep."""
    rounds = len(PALETTE)
    return {
        arm: Style(PALETTE[i % rounds], MARKERS[i // rounds % len(MARKERS)])
        for i, arm in enumerate(arms)
    }


def panels(selection: Selection) -> tuple[Panel, ...]:
    """The sweep's metrics, and the objective where it is none of them; only those with anything
    to draw."""
    style = styles([entry.arm for entry in selection.arms])
    made = []
    for metric in dict.fromkeys((*selection.metrics, base_name(selection.objective.metric))):
        arms = tuple(_arm_curves(entry, metric, style[entry.arm]) for entry in selection.arms)
        drawn = tuple(arm for arm in arms if arm.training or arm.validation)
        if drawn:
            panel = Panel(metric, drawn, log=False)
            made.append(Panel(metric, drawn, log=_spans_decades(panel)))
    return tuple(made)


def curve_runs(entry: ArmSelection) -> tuple[RunRecord, ...]:
    """The runs whose curves stand for an arm: its confirmed seeds, else its best search run."""
    confirmed = tuple(run for run in entry.confirmed if run.curves)
    if confirmed:
        return confirmed
    return (entry.best,) if entry.best is not None and entry.best.curves else ()


def band(runs: Sequence[RunRecord], metric: str) -> Band | None:
    """Median and range over `runs` at each epoch that at least half of them reached.

    Early stopping ends seeds at different epochs; past half of them the median would jump
    because runs leave, not because anything was learned.
    """
    curves = [run.curves[metric] for run in runs if metric in run.curves]
    epochs, median, low, high = [], [], [], []
    for i in range(max(map(len, curves), default=0)):
        values = [curve[i] for curve in curves if i < len(curve) and math.isfinite(curve[i])]
        if values and 2 * len(values) >= len(curves):
            epochs.append(i + 1)
            median.append(statistics.median(values))
            low.append(min(values))
            high.append(max(values))
    if not epochs:
        return None
    return Band(tuple(epochs), tuple(median), tuple(low), tuple(high), len(curves))


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2, 5 times a power of ten; powers alone over three decades) in a range."""
    steps = (1, 2, 5) if high / low < 1e3 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{step}e{power}") for power in powers for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def _arm_curves(entry: ArmSelection, metric: str, style: Style) -> ArmCurves:
    runs = curve_runs(entry)
    return ArmCurves(entry.arm, style, band(runs, metric), band(runs, f"{VALIDATION}{metric}"))


def _spans_decades(panel: Panel) -> bool:
    low = min(value for band in panel.bands for value in band.low)
    high = max(value for band in panel.bands for value in band.high)
    return falls_by_much(panel.metric) and low > 0 and high / low > LOG_RATIO

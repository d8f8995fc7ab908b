"""The table of a calibration, from the draws that are done.

In: outcomes. Out: Markdown, a row for each world and number of trainings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from fairsweep.metrics import direction_of
from fairsweep.records import Objective
from fairsweep.tasks import VALUES
from tests.calibration.draws import Outcome
from tests.calibration.worlds import WORLDS

HEADER = (
    "| world | draws | true difference | trainings an arm | winner named | 95 % interval "
    "| wrong for these rows |"
)


@dataclass(frozen=True)
class Counts:
    """Of the draws of a world, judged by some number of trainings: how many there are, how many
    named a winner, and how many one that isn't the best of the models that were trained."""

    draws: int
    named: int
    wrong: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share in which a winner is named (Clopper and Pearson 1934)."""
        found = binomtest(self.named, self.draws).proportion_ci()
        return float(found.low), float(found.high)


def objective(world: str) -> Objective:
    metric = WORLDS[world].metric
    return Objective(metric, direction_of(metric))  # type: ignore[arg-type]


def count(outcomes: Iterable[Outcome], trainings: str) -> Counts:
    """How the verdicts on draws of one world came out."""
    draws = named = wrong = 0
    for outcome in outcomes:
        winner = outcome.winners[trainings]
        draws += 1
        named += winner != ""
        if winner:
            best = objective(outcome.world).best(list(outcome.truth.values()))
            wrong += winner != list(outcome.truth)[best or 0]
    return Counts(draws, named, wrong)


def difference(outcomes: Sequence[Outcome]) -> float:
    """By how much the first arm is better than the others on fresh rows, on average."""
    gains = []
    for outcome in outcomes:
        first, *others = outcome.truth.values()
        gains.append(objective(outcome.world).gain(first, sum(others) / len(others)))
    return sum(gains) / len(gains)


def table(outcomes: Iterable[Outcome]) -> str:
    """Markdown; a world without draws isn't in it."""
    by_world: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_world.setdefault(outcome.world, []).append(outcome)
    lines = [HEADER, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for world in WORLDS:
        own = by_world.get(world, [])
        for trainings in own[0].winners if own else ():
            found = count(own, trainings)
            low, high = found.interval
            lines.append(
                f"| {world} | {found.draws} | {_size(world, own)} | {trainings} "
                f"| {found.named / found.draws:.1%} | {low:.1%} to {high:.1%} "
                f"| {found.wrong / found.draws:.1%} |"
            )
    return "\n".join(lines)


def _size(world: str, outcomes: Sequence[Outcome]) -> str:
    if WORLDS[world].better is None:
        return "none"
    size = difference(outcomes)
    return f"{size:.2f}" if WORLDS[world].task is VALUES else f"{100 * size:.1f} points"


def self_check_table(winners: Mapping[str, Sequence[str]]) -> str:
    """Markdown: by data set, how many sweeps of an optimizer against itself named a winner."""
    lines = ["| data | sweeps | winner named |", "| --- | ---: | ---: |"]
    for data, own in winners.items():
        lines.append(f"| {data} | {len(own)} | {sum(map(bool, own))} |")
    return "\n".join(lines)

"""Judges the arms: their means, and whether there is a winner.

In: what the confirmations of each arm gave. Out: a `Verdict`. The rules, and the reasons for them,
stand at `judge`; `make calibrate` measures how often they are wrong.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fairsweep.metrics import measured_on_validation
from fairsweep.records import Confirmation, Objective
from fairsweep.report.analysis.differences import Sample, Test, compare
from fairsweep.report.analysis.luck import LEVEL, Difference, pooled

Claim = Literal["configuration", "search", "split", "rows"]
"""What the evidence can speak of: a configuration on new rows; an arm with its search; models of
one training part, on new rows; or only the rows that were there."""


@dataclass(frozen=True)
class Summary:
    """Mean of `n` values, and their standard deviation (n - 1; None below two)."""

    n: int
    mean: float
    sd: float | None


@dataclass(frozen=True)
class Comparison:
    """The best arm against `arm`, over the trainings that both have.

    Attributes:
        arm: The other arm.
        difference: None when they share no training.
        test: Which test gave `p` (see `compare`).
        p: Its two-sided p-value; None where there is too little to tell.
        corrected: `p` after Holm's correction over all comparisons of this verdict.
        behind: Whether the other arm is really behind the best one (see `judge`).
    """

    arm: str
    difference: Difference | None
    test: Test
    p: float | None
    corrected: float | None = None
    behind: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the confirmed values allow to say.

    Attributes:
        kind: `winner`: `best` beats every other arm. `tie`: it doesn't, `tied` lists the arms
            that may be as good. `described`: the best arm on the rows that were there, of which
            nothing follows for others. `open`: trainings are still to come. `single`: one arm, no
            comparison. `none`: no confirmed value at all.
        best: The arm with the best mean, the first of equals.
        tied: In a tie the best arm and all that aren't really behind it, best mean first.
        comparisons: `best` against each other arm, best mean first.
        limit: Corrected p-value below which an arm is left out of a tie.
        claim: What the evidence can speak of.
    """

    kind: Literal["winner", "tie", "described", "open", "single", "none"]
    best: str | None = None
    tied: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    limit: float = LEVEL
    claim: Claim = "configuration"

    @property
    def allowed(self) -> float | None:
        """The largest difference that the data still allow between the best arm and those tied
        with it, in either direction; None where nothing tells."""
        intervals = [
            item.difference.interval
            for item in self.comparisons
            if item.arm in self.tied and item.difference is not None
        ]
        ends = [abs(end) for interval in intervals if interval is not None for end in interval]
        return max(ends) if ends and None not in intervals else None


def summarize(values: Sequence[float]) -> Summary | None:
    """Mean and standard deviation.

    Args:
        values: Finite numbers; None is the answer to an empty sequence.
    """
    n = len(values)
    if n == 0:
        return None
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(1, mean, None)
    return Summary(n, mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Holm 1979): adjusted p-values in the order given.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may fall below one
    before it, or exceed 1.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def judge(
    samples: Mapping[str, Sample],
    objective: Objective,
    scheme: Confirmation,
    *,
    final: bool = True,
) -> Verdict:
    """Compares the arm with the best mean to every other one, and says whether it won.

    A winner is named when Holm's corrected p is below 0.05 against *every* other arm. The best
    arm was picked from the same numbers, which a single test wouldn't forgive: but to win by
    chance it has to beat all others at once, and with two arms the two-sided test already counts
    either one winning. So equal arms bring a winner in at most 5 % of sweeps (Gutmann and Maymin
    1987, "Is the selected population the best?").

    Leaving one arm out of a tie is a weaker claim, made in more ways: the two furthest of k arms
    would be told apart by chance more often than in 5 %. There are k (k - 1) / 2 pairs, k / 2
    times as many as the comparisons made, so the limit for that is 0.05 * 2 / k.

    What differs from seed to seed on rows that are always the same ones says nothing about other
    rows: without anything known of them no winner is named (`described`). Nor do rows that a model
    was trained on.

    Args:
        samples: What each arm's confirmations gave; arms without any are left out.
        objective: Which values are better.
        scheme: How arms were confirmed.
        final: False while trainings are still to come. Looking again and again until some result
            looks good finds a winner by chance, so none is named before the last one.

    Returns:
        The verdict; its comparisons are there in every case.
    """
    means = {arm: own.mean for arm, own in samples.items() if own.values}
    index = objective.best(list(means.values()))
    if index is None:
        return Verdict("none")
    best = list(means)[index]
    others = sorted(
        (arm for arm in means if arm != best), key=lambda arm: objective.cost(means[arm])
    )
    if not others:
        return Verdict("single" if final else "open", best, (best,))
    limit = LEVEL * 2 / (len(others) + 1)
    raw = [Comparison(arm, *compare(samples[best], samples[arm], scheme)) for arm in others]
    raw = _pooled(raw, [samples[arm] for arm in others], scheme)
    corrected = holm([1.0 if item.p is None else item.p for item in raw])
    won = all(p < LEVEL for p in corrected)
    comparisons = tuple(
        replace(
            item,
            corrected=None if item.p is None else p,
            behind=p < (LEVEL if won else limit),
        )
        for item, p in zip(raw, corrected, strict=True)
    )
    tied = (best, *(item.arm for item in comparisons if not item.behind))
    claim = _claim(comparisons, scheme, objective)
    kind: Literal["winner", "tie", "described", "open"] = "winner" if won else "tie"
    if not final:
        kind = "open"
    elif claim == "rows":
        kind = "described"
    return Verdict(kind, best, (best,) if won else tied, comparisons, limit, claim)


def _pooled(
    comparisons: Sequence[Comparison], others: Sequence[Sample], scheme: Confirmation
) -> list[Comparison]:
    """The comparisons, with the parts of their luck estimated from all pairs of arms."""
    among = [compare(*pair, scheme)[0] for pair in itertools.combinations(others, 2)]
    found = [*(item.difference for item in comparisons), *among]
    pairs = [own.parts for own in found if own is not None and own.parts is not None]
    return [
        item
        if item.difference is None or item.difference.parts is None
        else replace(
            item,
            difference=replace(item.difference, parts=pooled(item.difference.parts, pairs)),
        )
        for item in comparisons
    ]


def _claim(comparisons: Sequence[Comparison], scheme: Confirmation, objective: Objective) -> Claim:
    if not measured_on_validation(objective.metric):
        return "rows"
    if scheme.folds:
        return "search" if scheme.searches > 1 else "configuration"
    known = all(item.test != "paired t" for item in comparisons)
    return "split" if known else "rows"

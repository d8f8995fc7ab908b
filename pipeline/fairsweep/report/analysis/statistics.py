"""Judges the arms: means with intervals, paired differences, and whether there is a winner.

In: the confirmed values of the objective by arm and seed. Out: a `Verdict`. The rules, and the
reasons for them, stand at `judge`; `tests/unit/report/test_calibration.py` measures how often
they are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtr, stdtrit

from fairsweep.records import Objective

LEVEL = 0.05
"""The share of sweeps of equal arms in which a winner may be named by chance."""

RESOLUTION = 1e-6
"""Differences that vary by less than this share of the values are the same number: metrics are
computed in 32-bit floats, which carry seven digits."""

Test = Literal["paired t", "sign flip", "equal", "none"]


@dataclass(frozen=True)
class Summary:
    """Mean of `n` values, standard deviation (n - 1) and 95 % t interval (None below two)."""

    n: int
    mean: float
    sd: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Comparison:
    """The best arm against `arm`, over the seeds that both have.

    Attributes:
        arm: The other arm.
        difference: Best minus other, seed by seed; None when they share no seed.
        test: Which test gave `p` (see `paired_test`).
        p: Its two-sided p-value; None when fewer than two seeds are shared.
        corrected: `p` after Holm's correction over all comparisons of this verdict.
        behind: Whether the other arm is really behind the best one (see `judge`).
    """

    arm: str
    difference: Summary | None
    test: Test
    p: float | None
    corrected: float | None = None
    behind: bool = False

    @property
    def effect(self) -> float | None:
        """Cohen's d of paired values: the mean difference in standard deviations of the
        differences; None where they don't vary."""
        if self.test != "paired t" or self.difference is None or not self.difference.sd:
            return None
        return self.difference.mean / self.difference.sd


@dataclass(frozen=True)
class Verdict:
    """What the confirmed values allow to say.

    Attributes:
        kind: `winner`: `best` beats every other arm. `tie`: it doesn't, `tied` lists the arms
            that may be as good. `open`: seeds are still to come. `single`: one arm, no
            comparison. `none`: no confirmed value at all.
        best: The arm with the best mean, the first of equals.
        tied: In a tie the best arm and all that aren't really behind it, best mean first.
        comparisons: `best` against each other arm, best mean first.
        limit: Corrected p-value below which an arm is left out of a tie.
    """

    kind: Literal["winner", "tie", "open", "single", "none"]
    best: str | None = None
    tied: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    limit: float = LEVEL


def summarize(values: Sequence[float]) -> Summary | None:
    """Mean, standard deviation and the 95 % t interval of the mean.

    Args:
        values: Finite numbers; None is the answer to an empty sequence.
    """
    n = len(values)
    if n == 0:
        return None
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(1, mean, None, None)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(stdtrit(n - 1, 1 - LEVEL / 2)) * sd / math.sqrt(n)
    return Summary(n, mean, sd, (mean - half, mean + half))


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


def paired_test(first: Sequence[float], second: Sequence[float]) -> tuple[Test, float | None]:
    """Tests whether paired values differ: the name of the test, and its two-sided p-value.

    Below two pairs nothing can be tested (`none`). Differences that are all zero give p = 1
    (`equal`). Differences that are all the same number but not zero have no variance, and a
    t-test has no answer; it would be infinitely sure after two seeds. The exact sign-flip test
    has one: if the arms were equal, each of the n differences could as well have had the other
    sign, so all n agreeing has probability 2 / 2**n (`sign flip`); with fewer than six seeds that
    is not below 0.05. Everything else is the paired t-test (`paired t`).
    """
    differences = [a - b for a, b in zip(first, second, strict=True)]
    summary = summarize(differences)
    if summary is None or summary.sd is None:
        return "none", None
    smallest = RESOLUTION * max(map(abs, (*first, *second)))
    if summary.sd <= smallest:
        if abs(summary.mean) <= smallest:
            return "equal", 1.0
        return "sign flip", 2.0 ** (1 - summary.n)
    t = abs(summary.mean) / (summary.sd / math.sqrt(summary.n))
    return "paired t", 2 * float(stdtr(summary.n - 1, -t))


def judge(
    samples: Mapping[str, Mapping[int, float]], objective: Objective, *, final: bool = True
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

    Args:
        samples: Confirmed values by arm and seed; arms without any are left out.
        objective: Which values are better.
        final: False while seeds are still to come. Looking again and again until some result
            looks good finds a winner by chance, so none is named before the last one.

    Returns:
        The verdict; its comparisons are there in every case.
    """
    means = {arm: math.fsum(own.values()) / len(own) for arm, own in samples.items() if own}
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
    raw = [_compare(samples[best], samples[arm], arm) for arm in others]
    corrected = holm([1.0 if item.p is None else item.p for item in raw])
    won = all(p < LEVEL for p in corrected)
    comparisons = tuple(
        Comparison(
            arm=item.arm,
            difference=item.difference,
            test=item.test,
            p=item.p,
            corrected=None if item.p is None else p,
            behind=p < (LEVEL if won else limit),
        )
        for item, p in zip(raw, corrected, strict=True)
    )
    tied = (best, *(item.arm for item in comparisons if not item.behind))
    kind: Literal["winner", "tie", "open"] = "open" if not final else "winner" if won else "tie"
    return Verdict(kind, best, (best,) if won else tied, comparisons, limit)


def _compare(best: Mapping[int, float], other: Mapping[int, float], arm: str) -> Comparison:
    shared = sorted(best.keys() & other.keys())
    first, second = [best[seed] for seed in shared], [other[seed] for seed in shared]
    test, p = paired_test(first, second)
    difference = summarize([a - b for a, b in zip(first, second, strict=True)])
    return Comparison(arm, difference, test, p)

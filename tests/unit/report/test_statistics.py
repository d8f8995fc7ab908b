"""The numbers behind the verdict, against scipy.stats, hand calculation and textbook examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fairsweep.report.analysis.statistics import holm, judge, paired_test, summarize

from .builders import ACCURACY, LOSS


def _seeds(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_summary_of_one_to_five_by_hand() -> None:
    summary = summarize([1.0, 2.0, 3.0, 4.0, 5.0])
    assert summary is not None and summary.interval is not None
    assert summary.n == 5
    assert summary.mean == 3.0
    assert summary.sd == pytest.approx(math.sqrt(2.5))
    # 2.776445 is t(0.975) with 4 degrees of freedom, from the table in any textbook
    half = 2.776445 * math.sqrt(2.5) / math.sqrt(5)
    assert summary.interval == pytest.approx((3 - half, 3 + half), abs=1e-6)


def test_summary_against_scipy() -> None:
    values = np.random.default_rng(0).normal(0.97, 0.01, 7)
    summary = summarize(list(values))
    assert summary is not None
    assert summary.interval == pytest.approx(
        stats.t.interval(0.95, 6, loc=values.mean(), scale=stats.sem(values))
    )


def test_one_value_has_no_interval_and_none_no_summary() -> None:
    one = summarize([0.5])
    assert one is not None
    assert (one.mean, one.sd, one.interval) == (0.5, None, None)
    assert summarize([]) is None


def test_holm_textbook_example() -> None:
    # p = 0.01 0.04 0.03 0.005: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 1 x 0.04 raised to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stays_below_one_and_handles_none_and_one() -> None:
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_paired_t_test_against_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.97, 0.01, 6), rng.normal(0.96, 0.01, 6)
    name, p = paired_test(list(first), list(second))
    assert name == "paired t"
    assert p == pytest.approx(stats.ttest_rel(first, second).pvalue)


def test_equal_values_are_no_evidence() -> None:
    assert paired_test([0.9, 0.8, 0.7], [0.9, 0.8, 0.7]) == ("equal", 1.0)
    assert paired_test([0.0, 0.0], [0.0, 0.0]) == ("equal", 1.0)


@pytest.mark.parametrize(("n", "p"), [(2, 0.5), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_a_constant_difference_is_judged_by_its_signs(n: Any, p: Any) -> None:
    """All n signs agree by chance in 2 of 2**n cases."""
    rows = np.array([350 - i for i in range(n)], np.float32)
    first, second = rows / np.float32(360), (rows - 1) / np.float32(360)
    assert paired_test(first.astype(float).tolist(), second.astype(float).tolist()) == (
        "sign flip",
        p,
    )


def test_fewer_than_two_pairs_test_nothing() -> None:
    assert paired_test([0.9], [0.8]) == ("none", None)
    assert paired_test([], []) == ("none", None)


def test_a_winner_beats_every_other_arm() -> None:
    verdict = judge(
        {
            "sgd": _seeds(0.90, 0.91, 0.90, 0.92, 0.91),
            "adam": _seeds(0.97, 0.975, 0.968, 0.981, 0.974),
            "adamw": _seeds(0.94, 0.948, 0.939, 0.949, 0.946),
        },
        ACCURACY,
    )
    assert (verdict.kind, verdict.best, verdict.tied) == ("winner", "adam", ("adam",))
    assert [item.arm for item in verdict.comparisons] == ["adamw", "sgd"]
    differences = [0.03, 0.027, 0.029, 0.032, 0.028]
    item = verdict.comparisons[0]
    assert item.difference is not None
    assert item.difference.mean == pytest.approx(sum(differences) / 5)
    assert item.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    both = [entry.p or 0 for entry in verdict.comparisons]
    assert sorted(entry.corrected or 0 for entry in verdict.comparisons)[0] == 2 * min(both)


def test_losses_are_better_when_lower() -> None:
    arms = {"a": _seeds(0.30, 0.31, 0.29, 0.30), "b": _seeds(0.10, 0.12, 0.10, 0.11)}
    verdict = judge(arms, LOSS)
    assert (verdict.kind, verdict.best) == ("winner", "b")
    assert verdict.comparisons[0].difference is not None
    assert verdict.comparisons[0].difference.mean == pytest.approx(-0.1925)
    assert judge(arms, ACCURACY).best == "a"


def test_a_tie_lists_the_arms_that_may_be_as_good_best_first() -> None:
    verdict = judge(
        {
            "sgd": _seeds(0.80, 0.81, 0.80, 0.82, 0.81),
            "adam": _seeds(0.960, 0.975, 0.968, 0.981, 0.964),
            "adamw": _seeds(0.975, 0.965, 0.979, 0.970, 0.972),
        },
        ACCURACY,
    )
    assert (verdict.kind, verdict.tied) == ("tie", ("adamw", "adam"))
    assert [item.behind for item in verdict.comparisons] == [False, True]
    assert verdict.limit == pytest.approx(0.05 * 2 / 3)


def test_only_shared_seeds_are_compared() -> None:
    verdict = judge({"a": {1: 0.9, 2: 0.8, 3: 0.7}, "b": {2: 0.6, 3: 0.6, 9: 0.1}}, ACCURACY)
    difference = verdict.comparisons[0].difference
    assert difference is not None
    assert difference.n == 2
    assert difference.mean == pytest.approx((0.2 + 0.1) / 2)


def test_arms_without_a_shared_seed_or_with_one_tie() -> None:
    apart = judge({"a": {1: 0.9}, "b": {2: 0.1}}, ACCURACY)
    assert (apart.kind, apart.tied, apart.comparisons[0].difference) == ("tie", ("a", "b"), None)
    one = judge({"a": {1: 0.9}, "b": {1: 0.1}}, ACCURACY)
    assert (one.kind, one.comparisons[0].p, one.comparisons[0].corrected) == ("tie", None, None)


def test_an_arm_that_cannot_be_tested_keeps_others_from_winning() -> None:
    arms = {"a": _seeds(0.9, 0.91, 0.92), "b": _seeds(0.1, 0.12, 0.11), "c": {0: 0.2}}
    verdict = judge(arms, ACCURACY)
    assert (verdict.kind, verdict.tied) == ("tie", ("a", "c"))


def test_equal_means_name_the_first_arm_and_tie() -> None:
    verdict = judge({"a": _seeds(0.9, 0.9), "b": _seeds(0.9, 0.9)}, ACCURACY)
    assert (verdict.kind, verdict.tied, verdict.comparisons[0].p) == ("tie", ("a", "b"), 1.0)


def test_no_winner_while_seeds_are_to_come() -> None:
    arms = {"a": _seeds(0.90, 0.91, 0.92), "b": _seeds(0.1, 0.12, 0.11)}
    assert judge(arms, ACCURACY).kind == "winner"
    assert judge(arms, ACCURACY, final=False).kind == "open"


def test_one_arm_is_not_compared_and_none_not_judged() -> None:
    assert judge({"a": _seeds(0.9, 0.8)}, ACCURACY).kind == "single"
    assert judge({"a": {}}, ACCURACY).kind == "none"
    assert judge({}, ACCURACY).kind == "none"

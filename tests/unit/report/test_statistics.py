"""The numbers behind the verdict, against scipy.stats, hand calculation and textbook examples."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fairsweep.records import Confirmation
from fairsweep.report.analysis.differences import Sample, compare, interval_of
from fairsweep.report.analysis.luck import Difference, Parts, crossed, pooled, searched, settling
from fairsweep.report.analysis.statistics import Verdict, holm, judge, summarize

from .builders import ACCURACY, LOSS

SEEDS = Confirmation(0, 5)
FOLDS = Confirmation(5, 2)


def _metrics(*values: float) -> Sample:
    """Trainings of which only the metric is known."""
    return Sample({(i, 0): value for i, value in enumerate(values)})


def _seeds(*values: float, rows: int = 30) -> Sample:
    """Trainings on one split: rows differ alike in all of them, so that seeds are all the luck."""
    steps = np.linspace(-0.1, 0.1, rows)
    return Sample(
        _metrics(*values).values,
        {(i, 0): (np.arange(rows), value + steps) for i, value in enumerate(values)},
    )


def _folds(table: Any, folds: int) -> Sample:
    """Trainings on folds: `table` (repeats, rows) is what the model that didn't see a row says of
    it; each repeat cuts the rows in another way."""
    rows: dict[tuple[int, int], Any] = {}
    for repeat, own in enumerate(table):
        order = np.random.default_rng(repeat).permutation(len(own))
        for fold, part in enumerate(np.array_split(order, folds)):
            rows[repeat, fold] = (np.sort(part), own[np.sort(part)])
    return Sample({place: float(own.mean()) for place, (_, own) in rows.items()}, rows)


def _judge(samples: Any, objective: Any = ACCURACY, **more: Any) -> Verdict:
    return judge(samples, objective, SEEDS, **more)


def test_summary_of_one_to_five_by_hand() -> None:
    summary = summarize([1.0, 2.0, 3.0, 4.0, 5.0])
    assert summary is not None
    assert (summary.n, summary.mean) == (5, 3.0)
    assert summary.sd == pytest.approx(math.sqrt(2.5))


def test_one_value_has_no_deviation_and_none_no_summary() -> None:
    one = summarize([0.5])
    assert one is not None
    assert (one.mean, one.sd) == (0.5, None)
    assert summarize([]) is None


def test_holm_textbook_example() -> None:
    # p = 0.01 0.04 0.03 0.005: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 1 x 0.04 raised to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stays_below_one_and_handles_none_and_one() -> None:
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_rows_and_trainings_by_hand() -> None:
    """Two trainings of three rows: differences 1 2 3 and 3 2 7, of mean 3.

    Their means 2 and 4 have variance 2, so their mean has 2 / 2. What is left, -1 0 1 and -1 -2 3,
    has products of 1, 0 and 3 from one training to the other, 4 / 3 in the mean: that is what a row
    has in common with itself. Both means are over the same rows, and can't show it, so it adds
    (4 / 3) / 3. The means of rows, 2 2 5, would give 3 / 3 alone, which is less.
    """
    found, p = crossed(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]]))
    trainings, rows = 1.0, 4 / 9
    freedom = (trainings + rows) ** 2 / (trainings**2 / 1 + rows**2 / 2)
    error = math.sqrt(trainings + rows)
    assert found.mean == 3
    assert p == pytest.approx(2 * stats.t.sf(3 / error, freedom))
    half = stats.t.ppf(0.975, freedom) * error
    assert found.interval == pytest.approx((3 - half, 3 + half))
    parts = found.parts
    assert parts is not None
    # All that is left has a mean square of 16 / 6, of which a row shares 4 / 3 with itself; of the
    # rest a mean of three rows has a third.
    assert (parts.rows, parts.units, parts.rest) == pytest.approx((4 / 3, 2 - 4 / 9, 4 / 3))
    assert (parts.n_rows, parts.n_units) == (3, 2)
    assert parts.error(3, 2) == pytest.approx(error)


def test_other_training_rows_are_as_much_luck_as_the_rows_that_judge_are_of_them() -> None:
    """Of four training rows one judges, so a fourth of what a row has in common with itself comes
    on top: by hand, (4 / 3) / 4 / 3 = 1 / 9 more than above."""
    table = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 7.0]])
    found, _ = crossed(table, overlap=1 / 4)
    assert found.parts is not None
    assert found.parts.error(3, 2) ** 2 == pytest.approx(1 + 4 / 9 + 1 / 9)
    one, more = (searched(table, overlap=own)[0] for own in (0.0, 1 / 4))
    assert one.parts is not None and more.parts is not None
    assert more.parts.error(3, 2) ** 2 - one.parts.error(3, 2) ** 2 == pytest.approx(1 / 9)


@pytest.mark.parametrize("folds", [1, 5])
def test_the_variance_is_neither_too_small_nor_too_large(folds: int) -> None:
    """Where rows, trainings and both together bring as much luck each; a training takes the rows of
    a fold, or all of them, as on a split that is given."""
    rng, repeats, rows, sweeps = np.random.default_rng(5), 4, 100, 2_000
    means, parts = [], []
    for _ in range(sweeps):
        trainings = np.array([rng.permutation(np.arange(rows) % folds) for _ in range(repeats)])
        of_trainings = rng.normal(0, math.sqrt(repeats * folds), (repeats, folds))
        table = (
            rng.normal(0, math.sqrt(rows), rows)
            + np.take_along_axis(of_trainings, trainings, axis=1)
            + rng.normal(0, math.sqrt(repeats * rows), (repeats, rows))
        )
        found, _ = crossed(table, trainings)
        assert found.parts is not None
        means.append(found.mean)
        parts.append((found.parts.rows, found.parts.units, found.parts.rest))
    assert np.var(means) == pytest.approx(3, rel=0.1)
    estimated = np.mean(parts, axis=0) / (rows, repeats, repeats * rows)
    assert estimated == pytest.approx([1, 1, 1], abs=0.1)


def test_shares_have_the_variance_of_the_crossed_bootstrap() -> None:
    """Drawn by hand: rows and trainings anew, each with replacement, as often as there are of them.
    A share is worth as much as its row and its training are drawn together."""
    rng = np.random.default_rng(11)
    rows, trainings, draws = 200, 20, 4_000
    table = (
        rng.normal(0.1, 1, (1, rows))
        + rng.normal(0, 0.2, (trainings, 1))
        + rng.normal(0, 2, (trainings, rows))
    )
    found, _ = crossed(table, scored=True)
    of_rows = rng.multinomial(rows, np.full(rows, 1 / rows), draws) / rows
    of_trainings = rng.multinomial(trainings, np.full(trainings, 1 / trainings), draws) / trainings
    drawn = np.einsum("dt,tr,dr->d", of_trainings, table, of_rows)
    assert found.interval is not None and found.parts is not None
    low, high = found.interval
    assert (high - low) / 2 / 2 == pytest.approx(drawn.std(), rel=0.1)
    assert found.parts.error(rows, trainings) == pytest.approx(drawn.std(), rel=0.1)
    exact, _ = crossed(table)
    assert exact.interval is not None
    assert high - low > 1.1 * (exact.interval[1] - exact.interval[0])


def test_what_is_scored_is_tested_by_shares() -> None:
    table = np.random.default_rng(3).normal(size=(2, 2, 50))
    first, second = (replace(_folds(own, 5), scored=True) for own in table)
    found, test, _ = compare(first, second, FOLDS)
    exact, other, _ = compare(_folds(table[0], 5), _folds(table[1], 5), FOLDS)
    assert (test, other) == ("crossed bootstrap", "crossed")
    assert found and exact and found.interval and exact.interval
    assert found.mean == exact.mean
    assert found.interval[0] < exact.interval[0]
    alone, bare = interval_of(first, FOLDS), interval_of(_folds(table[0], 5), FOLDS)
    assert alone and bare and alone[0] < bare[0]


def test_folds_are_trainings_of_their_own() -> None:
    """Two repeats of two folds, each of two rows: four means, 1 3 and 2 2, of variance 2 / 3; what
    is left has products 1 1 -1 -1 of a row with itself, which add up to nothing."""
    table = np.array([[0.0, 2.0, 2.0, 4.0], [1.0, 3.0, 3.0, 1.0]])
    trainings = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    found, p = crossed(table, trainings)
    means = np.array([1.0, 3.0, 2.0, 2.0])
    by_row = np.array([0.5, 2.5, 2.5, 2.5])
    variance = max(means.var(ddof=1) / 4, by_row.var(ddof=1) / 4)
    assert variance == by_row.var(ddof=1) / 4 == 0.25
    assert found.mean == 2
    assert p == pytest.approx(2 * stats.t.sf(2 / 0.5, 3))


def test_a_variance_is_never_less_than_that_of_rows_alone() -> None:
    """Means of trainings that are alike by chance say nothing of the luck of rows."""
    rows = np.random.default_rng(0).normal(0.05, 1, 50)
    found, _ = crossed(np.array([rows, rows[::-1]]))
    error = ((rows + rows[::-1]) / 2).std(ddof=1) / math.sqrt(50)
    assert found.interval is not None
    low, high = found.interval
    assert (high - low) / 2 >= stats.t.ppf(0.975, 49) * error


def test_where_only_seeds_are_luck_it_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.97, 0.01, 6), rng.normal(0.96, 0.01, 6)
    found, test, p = compare(_seeds(*first), _seeds(*second), SEEDS)
    assert test == "crossed"
    assert found is not None
    assert p == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.interval == pytest.approx(
        stats.t.interval(0.95, 5, (first - second).mean(), stats.sem(first - second))
    )


def test_folds_are_put_together_by_the_numbers_of_their_rows() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.random((3, 50)), rng.random((3, 50))
    found, test, p = compare(_folds(first, 5), _folds(second, 5), Confirmation(5, 3))
    trainings = np.zeros((3, 50), np.int64)
    for repeat in range(3):
        order = np.random.default_rng(repeat).permutation(50)
        for fold, part in enumerate(np.array_split(order, 5)):
            trainings[repeat, part] = fold
    wanted, chance = crossed(first - second, trainings, overlap=1 / 4)
    assert (test, p) == ("crossed", pytest.approx(chance))
    assert found is not None and found.n == 15
    assert found.mean == pytest.approx(wanted.mean)


def test_rows_that_some_repeat_lacks_are_left_out() -> None:
    """A fold that failed in one arm: its rows are judged in the other repeats only."""
    rng = np.random.default_rng(3)
    first, second = _folds(rng.random((2, 50)), 5), _folds(rng.random((2, 50)), 5)
    failed = dict(first.values)
    del failed[0, 1]
    found, _, _ = compare(Sample(failed, first.rows), second, FOLDS)
    assert found is not None and found.parts is not None
    assert (found.n, found.parts.n_rows) == (9, 40)


def test_repeats_of_one_search_are_one_unit() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.random((4, 60)), rng.random((4, 60))
    scheme = Confirmation(5, 4, searches=2)
    found, _, p = compare(_folds(first, 5), _folds(second, 5), scheme)
    table = first - second
    _, chance = searched(np.array([table[[0, 2]].mean(axis=0), table[[1, 3]].mean(axis=0)]))
    assert found is not None and found.parts is not None and found.parts.n_units == 2
    assert p == pytest.approx(chance)


def test_three_searches_have_two_degrees_of_freedom_however_many_rows_judge_them() -> None:
    means = np.array([0.01, 0.03, 0.05])
    found, p = searched(np.repeat(means[:, np.newaxis], 500, axis=1))
    assert p == pytest.approx(stats.ttest_1samp(means, 0).pvalue)
    assert found.interval == pytest.approx(stats.ttest_1samp(means, 0).confidence_interval())


def test_searches_that_agree_leave_the_luck_of_rows() -> None:
    rows = np.random.default_rng(7).normal(0.1, 1, 40)
    found, p = searched(np.array([rows, rows, rows]))
    assert p == pytest.approx(stats.ttest_1samp(rows, 0).pvalue)
    assert found.parts is not None
    assert (found.parts.units, found.parts.rest) == pytest.approx((0, 0))


def test_both_lucks_add_up_and_each_keeps_its_degrees_of_freedom() -> None:
    """Cochran and Cox: the critical value is the mean of both, weighted by the variances."""
    rows, means = np.random.default_rng(8).normal(0, 1, 50), np.array([-0.2, 0.1, 0.7])
    found, p = searched(rows + means[:, np.newaxis])
    of_searches, of_rows = means.var(ddof=1) / 3, rows.var() / 50
    both = of_searches + of_rows

    def critical(level: float) -> float:
        two, many = (stats.t.isf(level / 2, freedom) for freedom in (2, 49))
        return float((of_searches * two + of_rows * many) / both)

    assert found.interval is not None
    assert found.interval[1] - found.mean == pytest.approx(critical(0.05) * math.sqrt(both))
    assert critical(p) == pytest.approx(abs(found.mean) / math.sqrt(both))
    assert found.parts is not None
    assert found.parts.units == pytest.approx(means.var(ddof=1))


def test_where_metrics_alone_are_known_a_search_counts_once() -> None:
    """Its trainings agree with each other more than with those of another search."""
    values = [0.01, 0.05, 0.03, 0.02, 0.06, 0.04]  # repeats 0 and 3 are of search 0
    found, test, p = compare(
        _metrics(*values), _metrics(*[0.0] * 6), Confirmation(0, 6, searches=3)
    )
    assert (found is not None and found.n, test) == (6, "paired t")
    assert p == pytest.approx(stats.ttest_1samp([0.015, 0.055, 0.035], 0).pvalue)


@pytest.mark.parametrize("known", [True, False])
def test_one_search_says_nothing_of_others(known: bool) -> None:
    table = np.random.default_rng(9).random((1, 40))
    first, second = _folds(table, 5), _folds(table + 1, 5)
    if not known:
        first, second = Sample(first.values), Sample(second.values)
    found, test, p = compare(first, second, Confirmation(5, 3, searches=3))
    assert (found is not None and found.interval, test, p) == (None, "none", None)


def test_metrics_alone_on_folds_are_corrected_for_their_overlap() -> None:
    """Nadeau and Bengio: the variance of the mean is (1/k + test rows / training rows) s**2."""
    differences = np.array([0.03, 0.01, 0.02, 0.04, 0.00])
    found, test, p = compare(_metrics(*(0.5 + differences)), _metrics(*[0.5] * 5), FOLDS)
    assert test == "corrected t"
    error = differences.std(ddof=1) * math.sqrt(1 / 5 + 1 / 4)
    assert p == pytest.approx(2 * stats.t.sf(0.02 / error, 4))
    assert found is not None and found.parts is None


def test_an_interval_ends_where_the_metric_does() -> None:
    """Two accuracies whose difference Student's t would have between -6 and 6."""
    whole = compare(_metrics(0.5, 0.9), _metrics(0.9, 0.5), SEEDS)
    first, second = (
        replace(s, bounds=(0.0, 1.0)) for s in (_metrics(0.5, 0.9), _metrics(0.9, 0.5))
    )
    assert whole[0] is not None and whole[0].interval is not None and whole[0].interval[1] > 1
    assert compare(first, second, SEEDS) == (
        replace(whole[0], interval=(-1.0, 1.0)),
        *whole[1:],
    )
    assert interval_of(first, SEEDS) == (0.0, 1.0)


def test_metrics_alone_on_one_split_name_no_winner() -> None:
    arms = {"a": _metrics(0.90, 0.91, 0.92, 0.905), "b": _metrics(0.1, 0.12, 0.11, 0.1)}
    verdict = _judge(arms)
    assert (verdict.kind, verdict.claim, verdict.best) == ("described", "rows", "a")
    assert verdict.comparisons[0].test == "paired t"


def test_equal_values_are_no_evidence() -> None:
    for arm in (_seeds(0.9, 0.8, 0.7), _metrics(0.9, 0.8, 0.7), _metrics(0.0, 0.0)):
        _, test, p = compare(arm, arm, SEEDS)
        assert (test, p) == ("equal", 1.0)


@pytest.mark.parametrize(("n", "p"), [(2, 0.5), (3, 0.25), (5, 0.0625), (6, 0.03125)])
@pytest.mark.parametrize("known", [_seeds, _metrics])
def test_a_constant_difference_is_judged_by_its_signs(known: Any, n: Any, p: Any) -> None:
    """All n signs agree by chance in 2 of 2**n cases."""
    rows = np.array([350 - i for i in range(n)], np.float32)
    first, second = rows / np.float32(360), (rows - 1) / np.float32(360)
    found, _, chance = compare(known(*first.astype(float)), known(*second.astype(float)), SEEDS)
    assert chance == p
    assert found is not None and found.interval is None


def test_fewer_than_two_pairs_test_nothing() -> None:
    assert compare(_metrics(0.9), _metrics(0.8), SEEDS)[1:] == ("none", None)
    assert compare(_metrics(), _metrics(), SEEDS) == (None, "none", None)


def test_an_arms_own_interval_has_the_luck_of_rows_in_it() -> None:
    table = np.random.default_rng(5).random((2, 40))
    nothing = _folds(np.zeros((2, 40)), 5)
    found, _, _ = compare(_folds(table, 5), nothing, FOLDS)
    assert found is not None
    assert interval_of(_folds(table, 5), FOLDS) == found.interval
    assert interval_of(_metrics(0.5), FOLDS) is None


def test_a_winner_beats_every_other_arm() -> None:
    verdict = _judge(
        {
            "sgd": _seeds(0.90, 0.91, 0.90, 0.92, 0.91),
            "adam": _seeds(0.97, 0.975, 0.968, 0.981, 0.974),
            "adamw": _seeds(0.94, 0.948, 0.939, 0.949, 0.946),
        },
    )
    assert (verdict.kind, verdict.best, verdict.tied) == ("winner", "adam", ("adam",))
    assert verdict.claim == "split"
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
    verdict = _judge(arms, LOSS)
    assert (verdict.kind, verdict.best) == ("winner", "b")
    assert verdict.comparisons[0].difference is not None
    assert verdict.comparisons[0].difference.mean == pytest.approx(-0.1925)
    assert _judge(arms).best == "a"


def test_a_tie_lists_the_arms_that_may_be_as_good_best_first() -> None:
    verdict = _judge(
        {
            "sgd": _seeds(0.80, 0.81, 0.80, 0.82, 0.81),
            "adam": _seeds(0.960, 0.975, 0.968, 0.981, 0.964),
            "adamw": _seeds(0.975, 0.965, 0.979, 0.970, 0.972),
        },
    )
    assert (verdict.kind, verdict.tied) == ("tie", ("adamw", "adam"))
    assert [item.behind for item in verdict.comparisons] == [False, True]
    assert verdict.limit == pytest.approx(0.05 * 2 / 3)


def test_a_tie_says_how_large_a_difference_may_be() -> None:
    """The end of the interval that is further from zero, of the arms in the tie alone."""
    first, second = (0.960, 0.975, 0.968, 0.981, 0.964), (0.975, 0.965, 0.979, 0.970, 0.972)
    far = _seeds(0.80, 0.81, 0.80, 0.82, 0.81)
    verdict = _judge({"adam": _seeds(*first), "adamw": _seeds(*second), "sgd": far})
    differences = np.array(second) - np.array(first)
    ends = stats.t.interval(0.95, 4, differences.mean(), stats.sem(differences))
    assert verdict.allowed == pytest.approx(max(map(abs, ends)))
    assert _judge({"a": _seeds(0.9), "b": _seeds(0.8)}).allowed is None


@pytest.mark.parametrize(
    ("scheme", "claim"),
    [
        (Confirmation(5, 2), "configuration"),
        (Confirmation(5, 3, searches=3), "search"),
        (Confirmation(0, 5), "split"),
    ],
)
def test_what_is_claimed_follows_from_what_varied(scheme: Confirmation, claim: str) -> None:
    table = np.random.default_rng(6).random((3, 50))
    arms = {"a": _folds(table, 5), "b": _folds(table[::-1], 5)}
    assert judge(arms, ACCURACY, scheme).claim == claim


def test_the_parts_of_luck_have_the_proportions_of_all_pairs() -> None:
    """One pair alone would say that rows are no luck at all."""
    own = Parts(rows=-0.1, units=0.1, rest=1.0, n_rows=200, n_units=2)
    others = [
        Parts(rows=6.0, units=0.0, rest=4.0, n_rows=200, n_units=2),
        Parts(rows=0.4, units=-0.2, rest=0.8, n_rows=180, n_units=2),
    ]
    found = pooled(own, [own, *others])
    assert found.rows + found.units + found.rest == pytest.approx(1.0)
    assert found.units == 0
    assert found.rows / found.rest == pytest.approx((-0.1 + 0.6 + 0.4) / (1.0 + 0.4 + 0.8))
    assert (found.n_rows, found.n_units) == (200, 2)
    assert pooled(Parts(0, 0, 0, 9, 2), [Parts(0, 0, 0, 9, 2)]) == Parts(0, 0, 0, 9, 2)


def test_every_pair_of_arms_tells_of_the_luck() -> None:
    """Two arms that are told apart by trainings alone, beside one whose rows differ from both."""
    rng = np.random.default_rng(12)
    base = rng.normal(0, 1, (2, 60))
    arms = {
        "a": _folds(base + 0.5, 5),
        "b": _folds(base + rng.normal(0, 0.1, (2, 60)), 5),
        "c": _folds(base + rng.normal(0, 1, 60) - 0.5, 5),
    }
    alone = judge({name: arms[name] for name in "ab"}, ACCURACY, FOLDS).comparisons[0].difference
    among = judge(arms, ACCURACY, FOLDS).comparisons[0]
    assert among.arm == "b" and among.difference and among.difference.parts
    assert alone and alone.parts
    assert among.difference.parts.rows > 5 * alone.parts.rows
    assert among.difference.interval == alone.interval


@pytest.mark.parametrize("mean", [0.03, 0.08])
def test_what_would_settle_a_difference_does_so(mean: float) -> None:
    """With the numbers of rows, or of units, that it names the difference is as many standard
    errors from zero as it has to be; with one fewer it isn't."""
    parts = Parts(rows=0.09, units=0.0001, rest=0.1, n_rows=200, n_units=4)
    needed = settling(Difference(20, -mean, parts=parts))
    assert needed is not None and needed.rows is not None
    wanted = mean / 2.8
    assert parts.error(needed.rows, 4) <= wanted < parts.error(needed.rows - 1, 4)
    assert needed.floor == pytest.approx(2.8 * math.sqrt(0.09 / 200))
    assert (needed.units is None) == (mean < needed.floor)
    if needed.units is not None:
        assert parts.error(200, needed.units) <= wanted
        assert needed.units == 1 or wanted < parts.error(200, needed.units - 1)


def test_no_number_of_repeats_settles_what_the_rows_decide() -> None:
    row = np.random.default_rng(8).normal(0.01, 1, 100)
    needed = settling(crossed(np.array([row, row + 0.001]))[0])
    assert needed is not None
    assert needed.units is None
    assert needed.rows is not None and needed.rows > 100


def test_only_shared_seeds_are_compared() -> None:
    verdict = _judge(
        {
            "a": Sample({(1, 0): 0.9, (2, 0): 0.8, (3, 0): 0.7}),
            "b": Sample({(2, 0): 0.6, (3, 0): 0.6, (9, 0): 0.1}),
        }
    )
    difference = verdict.comparisons[0].difference
    assert difference is not None
    assert difference.n == 2
    assert difference.mean == pytest.approx((0.2 + 0.1) / 2)


def test_arms_without_a_shared_seed_or_with_one_tie() -> None:
    apart = judge({"a": Sample({(1, 0): 0.9}), "b": Sample({(2, 0): 0.1})}, ACCURACY, FOLDS)
    assert (apart.kind, apart.tied, apart.comparisons[0].difference) == ("tie", ("a", "b"), None)
    one = judge({"a": _metrics(0.9), "b": _metrics(0.1)}, ACCURACY, FOLDS)
    assert (one.kind, one.comparisons[0].p, one.comparisons[0].corrected) == ("tie", None, None)


def test_an_arm_that_cannot_be_tested_keeps_others_from_winning() -> None:
    arms = {"a": _seeds(0.9, 0.91, 0.92), "b": _seeds(0.1, 0.12, 0.11), "c": _seeds(0.2)}
    verdict = _judge(arms)
    assert (verdict.kind, verdict.tied) == ("tie", ("a", "c"))


def test_equal_means_name_the_first_arm_and_tie() -> None:
    verdict = _judge({"a": _seeds(0.9, 0.9), "b": _seeds(0.9, 0.9)})
    assert (verdict.kind, verdict.tied, verdict.comparisons[0].p) == ("tie", ("a", "b"), 1.0)


def test_no_winner_while_seeds_are_to_come() -> None:
    arms = {"a": _seeds(0.90, 0.91, 0.92), "b": _seeds(0.1, 0.12, 0.11)}
    assert _judge(arms).kind == "winner"
    assert _judge(arms, final=False).kind == "open"


def test_one_arm_is_not_compared_and_none_not_judged() -> None:
    assert _judge({"a": _seeds(0.9, 0.8)}).kind == "single"
    assert _judge({"a": _metrics()}).kind == "none"
    assert _judge({}).kind == "none"

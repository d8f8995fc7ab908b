"""A second objective: which trial stands for its arm, which arm is recommended, and what is said of
it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fairsweep.configurations import ranked
from fairsweep.records import Objective, SweepRecord
from fairsweep.report.analysis.front import weighed
from fairsweep.report.analysis.select import select
from fairsweep.report.figures import figures
from fairsweep.report.render import build
from fairsweep.report.text.description import confirmed_numbers, front_runs
from fairsweep.report.text.second import with_name, written
from fairsweep.stages.refit import leading

from .builders import ACCURACY, LOSS, confirmed, finished, search, sweep

PARAMETERS = Objective("parameters", "minimize")


def objective(tolerance: float | None = None, second: Objective = PARAMETERS) -> Objective:
    return replace(ACCURACY, second=second, tolerance=tolerance)


def weighing(
    arms: Mapping[str, tuple[Sequence[float], float]], own: Objective, **more: Any
) -> SweepRecord:
    """A finished sweep whose arms were confirmed at these values, with this second value each."""
    record = finished({arm: values for arm, (values, _) in arms.items()}, **more)
    runs = [replace(run, second=arms[run.key.arm][1]) for run in record.runs]
    return replace(record, runs=tuple(runs), objective=own, finished=True)


AHEAD = {"adam": ([0.970, 0.972, 0.971], 5060.0), "sgd": ([0.967, 0.968, 0.969], 1234.0)}
"""Adam is better by 0.003, in every training."""
ALIKE = {"adam": ([0.970, 0.960, 0.975], 5060.0), "sgd": ([0.966, 0.974, 0.962], 1234.0)}


def test_a_tolerance_holds_to_the_digits_of_32_bit_floats() -> None:
    """One row in 200: in floats of 32 bits the difference is a little more than 0.005."""
    values = [0.949999988079071, 0.944999992847442]
    assert values[0] - values[1] < 0.005 < 0.95 - 0.945
    for own in (values, [0.95, 0.945]):
        assert ranked(own, [2.0, 1.0], objective(0.005)) == [1, 0]
        assert ranked(own, [2.0, 1.0], objective(0.00499)) == [0, 1]


def test_without_a_value_nothing_is_preferred() -> None:
    assert ranked([0.9, 0.9, 0.9], [None, math.nan, 7.0], objective()) == [2, 0, 1]
    assert ranked([math.nan, 0.9], [1.0, 2.0], objective()) == [1]


@pytest.mark.parametrize(
    ("tolerance", "trial"), [(None, 1), (0.005, 1), (0.02, 2), (0.05, 0)], ids=str
)
def test_a_trial_within_the_tolerance_stands_for_its_arm(
    tolerance: float | None, trial: int
) -> None:
    values = {0: (0.90, 100.0), 1: (0.94, 900.0), 2: (0.93, 300.0), 3: (0.94, 1000.0)}
    runs = [
        search("adam", number, value, second=cost, params={"units": str(cost)})
        for number, (value, cost) in values.items()
    ]
    record = sweep(*runs, arms=["adam"], trials=4, objective=objective(tolerance))
    arm = select(record)["adam"]
    assert arm.chosen is not None and arm.chosen.key.trial == trial
    assert arm.best is not None and arm.best.key.trial == 1
    (entry,) = select(replace(record, runs=(*runs, *confirmed("adam", trial, [0.91] * 3)))).arms
    assert (len(entry.confirmed), entry.pending) == (3, False)


def test_why_a_trial_stands_for_its_arm_is_told() -> None:
    runs = [search("adam", 0, 0.93, second=1234.0, params={"units": "8"})]
    runs += [search("adam", 1, 0.94, second=5060.0, params={"units": "64"})]
    runs += [replace(run, second=1234.0) for run in confirmed("adam", 0, [0.92, 0.91, 0.93])]
    record = sweep(*runs, arms=["adam"], objective=objective(0.02), finished=True)
    told = build(record).markdown
    assert "## Recommended run: adam/0" in told
    assert (
        "Its value in the search is within the tolerance of 0.02 of that of adam/1, the best of "
        "the search (0.9400), and it needs 4.1 times fewer parameters (1,234 against 5,060)."
    ) in told
    assert "whose configuration needn't be the best trial's" in told
    assert "## Best run: adam/1" in build(replace(record, objective=ACCURACY)).markdown


def test_a_winner_stays_the_winner_and_another_arm_is_recommended() -> None:
    record = weighing(AHEAD, objective(0.005))
    selection, report = select(record), build(record)
    assert (selection.verdict.kind, selection.verdict.best) == ("winner", "adam")
    assert selection.recommended == "sgd"
    assert leading(selection) == selection["sgd"]
    assert report.result.status == "Winner"
    assert report.result.headline == "adam wins; sgd is recommended"
    # the interval of the difference, which is the same in every training but for 0.001
    assert report.result.details.endswith(
        "sgd is recommended: its mean val_accuracy is within the tolerance of 0.005 of adam's "
        "(0.9680 against 0.9710; adam minus sgd is +0.0005 to +0.0055 with 95 % confidence), and "
        "it needs 4.1 times fewer parameters (1,234 against 5,060)."
    )
    assert report.best_run == "sgd-1-search-1"


@pytest.mark.parametrize("tolerance", [None, 0.0, 0.002])
def test_a_winner_out_of_reach_is_recommended(tolerance: float | None) -> None:
    record = weighing(AHEAD, objective(tolerance))
    told = build(record).result
    assert select(record).recommended == "adam"
    assert told.headline == "adam wins"
    reach = "" if tolerance is None else f"No other mean is within the tolerance of {tolerance:g}."
    assert told.details.endswith(reach or "on new rows like these.")


def test_a_tie_is_left_to_the_second_objective() -> None:
    told = build(weighing(ALIKE, objective())).result
    assert told.headline == "No winner: adam and sgd tie; sgd is recommended"
    assert told.details.endswith(
        "sgd is recommended: the verdict can't tell it from adam, and it needs 4.1 times fewer "
        "parameters (1,234 against 5,060)."
    )
    small_first = {**ALIKE, "adam": (ALIKE["adam"][0], 600.0)}
    told = build(weighing(small_first, objective())).result
    assert told.headline == "No winner: adam and sgd tie; adam is recommended"
    assert "no arm that counts as equal needs fewer parameters (600)" in told.details


def test_a_tie_beyond_the_tolerance_is_left_to_the_best_mean() -> None:
    """The means are 0.0010 apart."""
    assert select(weighing(ALIKE, objective(0.0005))).recommended == "adam"
    assert select(weighing(ALIKE, objective(0.0015))).recommended == "sgd"


def test_an_arm_that_diverged_is_never_recommended() -> None:
    record = weighing({**AHEAD, "lion": ([0.97, 0.97, 0.97], 10.0)}, objective(0.01))
    bad = [
        replace(run, outcome="diverged")
        if (run.key.arm, run.key.place) == ("lion", (2, 0))
        else run
        for run in record.runs
    ]
    assert select(record).recommended == "lion"
    assert select(replace(record, runs=tuple(bad))).recommended == "sgd"


def test_nothing_is_recommended_while_trainings_are_to_come() -> None:
    record = weighing(AHEAD, objective(0.005))
    more = replace(record.confirmation, repeats=4)
    record = replace(record, finished=False, confirmation=more)
    told = build(record).result
    assert told.headline == "Not decided yet: adam leads"
    assert "recommended" not in told.details
    assert leading(select(record)) is None


def test_a_metric_as_the_second_objective_has_its_direction() -> None:
    arms = {"adam": ([0.970, 0.972, 0.971], 0.30), "sgd": ([0.967, 0.968, 0.969], 0.25)}
    f1 = Objective("val_f1", "maximize")
    assert select(weighing(arms, objective(0.005, f1))).recommended == "adam"
    told = build(weighing(arms, objective(0.005, Objective("val_loss", "minimize")))).result
    assert "and it has the better val_loss (0.2500 against 0.3000)." in told.details


def test_an_objective_that_is_minimized() -> None:
    arms = {"adam": ([0.10, 0.11, 0.12], 5060.0), "sgd": ([0.13, 0.14, 0.15], 1234.0)}
    own = replace(LOSS, second=PARAMETERS, tolerance=0.05)
    assert select(weighing(arms, own, objective=LOSS)).recommended == "sgd"


def test_the_front_is_drawn_listed_and_told() -> None:
    runs = [
        search("adam", 0, 0.90, second=1000.0, params={"optimizer.learning_rate": "0.1"}),
        search("adam", 1, 0.95, second=4000.0, params={"optimizer.learning_rate": "0.2"}),
        search("adam", 2, 0.99, "pruned", second=None),
        search("sgd", 0, 0.89, second=2000.0),  # adam/0 beats it in both
        search("sgd", 1, 0.95, second=4000.0, params={"optimizer.learning_rate": "0.3"}),
    ]
    record = sweep(*runs, objective=objective())
    found = weighed(select(record))
    assert found is not None
    assert [str(point.run.key) for point in found.front] == ["adam/0", "adam/1", "sgd/1"]
    assert len(found.points) == 4
    assert front_runs(record) == [runs[0].run_id, runs[1].run_id, runs[4].run_id]
    told = build(record).markdown
    assert "| `adam/1` | `0.9500` | `4,000` | `optimizer.learning_rate 0.2` |" in told
    selection = select(record)
    drawn = figures(selection, record.arms, selection.leader(), {}, {})
    (picture,) = [figure for figure in drawn if figure.section == "front"]
    line, *points = picture.spec["data"]
    assert (line["x"], line["y"]) == ([1000.0, 4000.0, 4000.0], [0.9, 0.95, 0.95])
    rings = [trace for trace in points if trace["marker"]["symbol"].endswith("-open")]
    assert [(ring["meta"], ring["x"]) for ring in rings] == [
        ("adam", [1000.0, 4000.0]),
        ("sgd", [4000.0]),
    ]
    assert "The best place is at the top left." in picture.caption


def test_without_one_nothing_is_told_of_it() -> None:
    record = weighing(AHEAD, ACCURACY)
    report = build(record)
    assert weighed(select(record)) is None
    assert front_runs(record) == []
    assert "Two objectives" not in report.html
    assert "parameters" not in report.table.header
    assert set(confirmed_numbers(record)["adam"]) == {
        *("confirmed_mean", "confirmed_sd", "confirmed_low", "confirmed_high")
    }


def test_its_mean_is_in_the_tables_and_on_the_runs_of_arms() -> None:
    record = weighing(AHEAD, objective())
    report = build(record)
    for table in (report.table, report.summary):
        place = table.header.index("parameters")
        assert [row[place] for row in table.rows] == ["5,060", "1,234"]
    assert confirmed_numbers(record)["sgd"]["second_parameters"] == 1234


@pytest.mark.parametrize(
    ("name", "value", "cell", "said"),
    [
        ("parameters", 1234.0, "1,234", "1,234 parameters"),
        ("bytes", 4936.0, "4,936", "4,936 bytes of weights"),
        ("seconds", 2.13e-6, "2.13 µs", "2.13 µs a row"),
        ("seconds", 0.0034, "3.4 ms", "3.4 ms a row"),
        ("seconds", 2.5, "2.5 s", "2.5 s a row"),
        ("val_f1", 0.91, "0.9100", "val_f1 0.9100"),
        ("parameters", math.nan, "–", "– parameters"),
    ],
)
def test_values_are_written_in_their_own_way(name: str, value: float, cell: str, said: str) -> None:
    assert (written(value, name), with_name(value, name)) == (cell, said)

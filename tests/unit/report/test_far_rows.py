"""The rows whose values are predicted worst, and the section that lists them, by numbers that were
planted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from fairsweep.judged import Judged
from fairsweep.records import Objective, SweepRecord
from fairsweep.report.analysis.far_rows import FarRows, Prediction, far_rows
from fairsweep.report.analysis.rows import MOST, hard_rows
from fairsweep.report.analysis.select import select
from fairsweep.report.render import build
from fairsweep.report.text.listing import Section
from fairsweep.report.text.rows import section
from fairsweep.shown import Shown, ShownRow
from fairsweep.tasks import CLASSES, VALUES

from .builders import confirm, search, sweep

pytestmark = pytest.mark.usefixtures("without_pictures")
MAE = Objective("val_mae", "minimize")
Words = Sequence[str]


def record(said: Mapping[str, Sequence[Words]], true: Words, names: str = "price") -> SweepRecord:
    """Arms whose trainings predicted this for the rows from 0."""
    runs = []
    for arm, trainings in said.items():
        runs.append(search(arm, 0, 9.0))
        for repeat, own in enumerate(trainings):
            judged = Judged(np.arange(len(true)), true, own, {"mae": np.ones(len(true))})
            runs.append(confirm(arm, 0, repeat, 9.0, judged=judged))
    return sweep(
        *runs,
        arms=tuple(said),
        confirm_seeds=max(map(len, said.values())),
        objective=MAE,
        data={"name": "houses", "values": names},
    )


TRUE = ("100", "200", "300", "400")
TWO = record(
    {
        # means: 110 200 350 370; off by 10, 0, 50, 30
        "adam": [("100", "200", "340", "380"), ("120", "200", "360", "360")],
        # means: 100 260 320 450; off by 0, 60, 20, 50
        "sgd": [("90", "250", "320", "450"), ("110", "270", "320", "450")],
    },
    TRUE,
)


def found(stored: SweepRecord) -> FarRows:
    far = far_rows(select(stored), VALUES)
    assert far is not None
    return far


def of(stored: SweepRecord) -> Section:
    own = section(stored, select(stored))
    assert own is not None
    return own


def cells(stored: SweepRecord) -> list[list[str]]:
    """The tables of the section in Markdown, without their headers."""
    _, _, after = build(stored).markdown.partition("## Hard rows")
    lines = re.findall(r"^\| (.*) \|$", after.partition("\n## ")[0], re.M)
    return [line.split(" | ") for line in lines if not line.startswith(("row ", "---"))]


def test_what_even_the_closest_arm_misses_and_what_arms_predict_differently() -> None:
    """Even the closest arm is off by 0, 0, 20 and 30; the predictions differ by 10, 60, 30 and 80.
    A row that some arm gets right isn't one that every arm misses."""
    far = found(TWO)
    assert (far.arms, far.rows) == (("adam", "sgd"), 4)
    assert [row.row for row in far.shared] == [3, 2]
    assert [row.row for row in far.apart] == [3, 1, 2, 0]
    assert far.numbers == (0, 1, 2, 3)
    first = far.shared[0]
    assert first.true == (400.0,)
    assert first.predictions == {"adam": Prediction(2, (370.0,)), "sgd": Prediction(2, (450.0,))}


def test_targets_count_alike_whatever_their_unit() -> None:
    """Rows are a standard deviation of 500 and of 0.5 around their mean: row 0 is off by 3 of the
    first one, row 1 by 4 of the second."""
    stored = record({"adam": [("1500;1", "1000;4")]}, ("0;1", "1000;2"), "price, rent")
    (first, second) = found(stored).shared
    assert (first.row, second.row) == (1, 0)
    assert first.true == (1000.0, 2.0)


def test_only_rows_that_all_arms_were_judged_on_are_listed() -> None:
    runs = list(TWO.runs)
    for i, run in enumerate(runs):
        if run.judged is not None and run.key.arm == "sgd":
            own = run.judged
            some = replace(own, rows=own.rows[:3], true=own.true[:3], predicted=own.predicted[:3])
            runs[i] = replace(run, judged=some)
    far = found(replace(TWO, runs=tuple(runs)))
    assert far.rows == 3
    assert 3 not in far.numbers


def test_a_few_of_many() -> None:
    true = tuple(map(str, range(100)))
    off = tuple(str(2 * i) for i in range(100))
    far = found(record({"adam": [off]}, true))
    assert [row.row for row in far.shared] == list(range(99, 99 - MOST, -1))
    assert far.apart == ()


def test_what_overflowed_is_furthest() -> None:
    far = found(record({"adam": [("100", "inf", "390", "nan")]}, TRUE))
    assert {row.row for row in far.shared[:2]} == {1, 3}
    assert cells(record({"adam": [("inf",)]}, ("1",)))[0][:3] == ["1", "1", "–, –"]


def test_each_task_has_rows_of_its_kind() -> None:
    assert far_rows(select(TWO), CLASSES) is None
    assert hard_rows(select(TWO), VALUES) is None
    assert far_rows(select(sweep(search("adam", 0, 1.0))), VALUES) is None


def test_the_section_has_true_and_predicted_numbers() -> None:
    own = of(TWO)
    assert own.answer == "true price"
    assert [listing.title for listing in own.listings] == [
        "Rows that every arm misses by most",
        "Rows on which the arms differ",
    ]
    assert [listing.line for listing in own.listings] == [
        "Of 4 rows, the 2 for which even the closest arm is furthest from the true value.",
        "Of 4 rows, the 4 for which the arms predict the most different values.",
    ]
    assert cells(TWO)[:2] == [
        ["4", "400", "370.0, 30.0 too low", "450.0, 50.0 too high"],
        ["3", "300", "350.0, 50.0 too high", "320.0, 20.0 too high"],
    ]
    assert own.notes[0].startswith("For each arm you see the mean prediction of 2 trainings that")


def test_several_targets_stand_side_by_side() -> None:
    stored = record({"adam": [("1500.5;1", "1000;2.5e-5")]}, ("0;1", "1000;2e-5"), "price, rent")
    assert of(stored).answer == "true price, rent"
    assert cells(stored) == [
        ["1", "0; 1", "1,500; 1.000, 1,500 too high; exact"],
        ["2", "1,000; 2e-5", "1,000; 2.500e-5, exact; 5.00e-6 too high"],
    ]
    assert of(stored).notes[0].startswith("For each arm you see the prediction of 1 training that")


def test_how_rows_look_stands_beside() -> None:
    looks = Shown(("rooms",), 2, {3: ShownRow("row 9 of b.csv", ("5",))})
    own = of(replace(TWO, shown=looks))
    assert own.listings[0].rows[0].values == ("5",)
    assert own.notes[1].endswith("; beside each number is the row's place in the data.")
    assert own.notes[2] == "The first 1 of 3 columns are listed."


def test_what_is_predicted_without_an_error_has_no_table() -> None:
    stored = record({"adam": [TRUE], "sgd": [TRUE]}, TRUE)
    assert cells(stored) == []
    assert [listing.line for listing in of(stored).listings] == [
        "Each of the 4 rows is predicted exactly by some arm.",
        "The arms predict the same values for all 4 rows.",
    ]

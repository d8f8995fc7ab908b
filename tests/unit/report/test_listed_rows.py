"""The section of hard rows on both pages: what it says, and that text from data does nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from fairsweep.records import SweepRecord
from fairsweep.report.analysis.select import select
from fairsweep.report.render import build
from fairsweep.report.text.listing import Section
from fairsweep.report.text.rows import section
from fairsweep.shown import PNG, Shown, ShownRow

from .test_rows import record, with_losses

pytestmark = pytest.mark.usefixtures("without_pictures")

NASTY = "<img src=x onerror=alert(1)>|`_a_`"
SAID: Mapping[str, Sequence[str]] = {
    "adam": ["bb", "bb", "cb"],  # 0 wrong in all, 1 right in all
    "sgd": ["cc", "dc", "ea"],  # both wrong in all
}
TWO = record(SAID, "ab")


def of(stored: SweepRecord) -> Section:
    found = section(stored, select(stored))
    assert found is not None
    return found


def cells(stored: SweepRecord) -> list[list[str]]:
    """The tables of the section in Markdown, without their headers."""
    _, _, after = build(stored).markdown.partition("## Hard rows")
    lines = re.findall(r"^\| (.*) \|$", after.partition("\n## ")[0], re.M)
    return [line.split(" | ") for line in lines if not line.startswith(("row ", "---"))]


def test_what_arms_took_rows_for() -> None:
    assert cells(TWO) == [
        ["1", "a", "b in 2 of 3, wrong in 3", "c in 1 of 3, wrong in 3"],
        ["2", "b", "right in 3 of 3", "c in 2 of 3, wrong in 3"],
    ]


def test_how_many_there_are_and_how_to_read_them() -> None:
    found = of(TWO)
    assert [listing.title for listing in found.listings] == [
        "Rows that every arm gets wrong",
        "Rows on which the arms differ",
    ]
    assert [listing.line for listing in found.listings] == [
        "1 of 2 rows is taken for something else by every arm in most of its trainings.",
        "1 of 2 rows is wrong in most trainings of one arm and right in most of another.",
    ]
    assert found.answer == "true class"
    how, counted, _ = found.notes
    assert how.startswith(
        "Each arm was judged on a row in 3 trainings, by models that didn't train"
    )
    assert "“b in 2 of 3”: in 2 of its 3 trainings the arm took it for b" in how
    assert counted == "Rows are counted from 1 in the order in which the data was read."


def test_the_only_training_of_an_arm_is_called_that() -> None:
    how = of(record({"adam": ["b"], "sgd": ["b"]}, "a")).notes[0]
    assert "“b in 1 of 1”: in its only training the arm took it for b" in how


def test_how_equals_are_ordered_is_told_where_the_loss_is_known() -> None:
    many = with_losses(
        record({"adam": ["b" * 20 + "a" * 20], "sgd": ["b" * 20 + "b" * 20]}, "a" * 40),
        dict.fromkeys(("adam", "sgd"), np.arange(40.0).tolist()),
    )
    shared, apart = of(many).listings
    assert shared.line.endswith(
        "Listed are the 12 with the most errors, of equals those with the highest loss."
    )
    assert apart.line.endswith(
        "Listed are the 12 with the largest difference, of equals those that differ most in loss."
    )


def test_the_first_of_many() -> None:
    many = record({"adam": ["b" * 2000], "sgd": ["b" * 1999 + "a"]}, "a" * 2000)
    shared, apart = of(many).listings
    assert shared.line == (
        "1,999 of 2,000 rows are taken for something else by every arm in most of its trainings. "
        "Listed are the 12 with the most errors."
    )
    assert [row.number for row in shared.rows] == [str(i) for i in range(1, 13)]
    assert [row.number for row in apart.rows] == ["2000"]


def test_one_arm_differs_from_none() -> None:
    (listing,) = of(record({"adam": ["bb"]}, "ab")).listings
    assert listing.title == "Rows that adam gets wrong"
    assert listing.line == "1 of 2 rows is taken for something else in most trainings of adam."


def test_where_all_is_right_there_is_a_sentence_and_no_table() -> None:
    found = of(record({"adam": ["ab"], "sgd": ["ab"]}, "ab"))
    assert [listing.line.partition(" is ")[0] for listing in found.listings] == [
        "None of the 2 rows"
    ] * 2
    assert found.notes == ()
    assert cells(record({"adam": ["ab"], "sgd": ["ab"]}, "ab")) == []


def test_labels_by_their_names_and_none_of_them() -> None:
    said = {"adam": [["", "red"]], "sgd": [["red;round", "red"]]}
    stored = record(said, ["red", ""])
    stored = replace(stored, data={"labels": "red, round"})
    assert of(stored).answer == "true labels"
    assert cells(stored) == [
        ["1", "red", "none in 1 of 1", "red;round in 1 of 1"],
        ["2", "none", "red in 1 of 1", "red in 1 of 1"],
    ]


LOOKS = Shown(
    ("size", NASTY),
    3,
    {
        0: ShownRow(f"{NASTY}.png", ("1.5", NASTY), PNG + b"pixels"),
        1: ShownRow("", ("", "2"), b""),
    },
)


def test_values_and_places_stand_beside() -> None:
    first, second = cells(replace(TWO, shown=LOOKS))
    assert first[0].startswith("1 (")
    assert first[4] == "1.5"
    assert (second[0], second[4:]) == ("2", ["–", "2"])
    notes = of(replace(TWO, shown=LOOKS)).notes
    assert notes[1].endswith("; beside each number is the row's place in the data.")
    assert notes[2] == "The first 2 of 5 columns are listed."
    assert len(notes) == 3


def test_text_from_data_shows_and_does_nothing() -> None:
    hostile = record({"adam": [[NASTY]], "sgd": [[NASTY]]}, ["</script>"])
    report = build(replace(hostile, shown=LOOKS))
    assert "<img src=x" not in report.html
    assert "&lt;img src=x onerror=alert(1)&gt;|`_a_`" in report.html
    assert "&lt;/script&gt;" in report.html
    assert "</script></td>" not in report.html
    assert "\\<img src=x onerror=alert(1)>\\|\\`\\_a\\_\\`" in report.markdown
    assert not re.search(r"(?<!\\)<img", report.markdown)


def test_a_picture_is_inside_of_the_page_and_says_what_it_shows() -> None:
    report = build(replace(TWO, shown=LOOKS))
    (picture,) = re.findall(
        r'<img alt="picture of row 1" src="data:image/png;base64,([^"]*)">', report.html
    )
    assert base64.b64decode(picture) == PNG + b"pixels"
    assert "pictures are in [report.html](report.html)." in report.markdown
    assert "pictures are in" not in build(TWO).markdown


def test_a_sweep_stored_without_looks_says_so() -> None:
    assert of(TWO).notes[-1] == (
        "What these rows look like isn't stored with this sweep; its command, run again, stores it."
    )
    known = replace(TWO, shown=Shown(rows={0: ShownRow(), 1: ShownRow()}))
    assert len(of(known).notes) == 2


def test_a_sweep_that_knows_nothing_of_rows_has_no_section() -> None:
    runs = tuple(replace(run, judged=None) for run in TWO.runs)
    report = build(replace(TWO, runs=runs))
    assert "Hard rows" not in report.html
    assert "Hard rows" not in report.markdown

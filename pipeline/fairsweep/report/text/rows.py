"""The section of hard rows: sentences, and a table of each kind of them.

In: a sweep and what was selected from it. Out: plain text, and pictures as they are stored;
escaping is up to the page they go into.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairsweep.plural import plural
from fairsweep.records import SweepRecord
from fairsweep.report.analysis.far_rows import far_rows
from fairsweep.report.analysis.rows import Answer, HardRow, HardRows, hard_rows
from fairsweep.report.analysis.select import Selection
from fairsweep.report.text.far_rows import far_section
from fairsweep.report.text.listing import (
    ListedRow,
    Listing,
    Said,
    Section,
    look_notes,
    looked,
    section_of,
)
from fairsweep.shown import Shown
from fairsweep.tasks import task_in

NO_ANSWER = "none"
"""Stands for an answer without a word: a row that has none of the labels."""


def section(sweep: SweepRecord, selection: Selection) -> Section | None:
    """The section; None where nothing is known of single rows."""
    task, shown = task_in(sweep.data), sweep.shown
    if (far := far_rows(selection, task)) is not None:
        return far_section(sweep, far) if far.rows else None
    hard = hard_rows(selection, task)
    if hard is None or not hard.rows:
        return None
    shared = _listing(f"Rows that {_all(hard.arms)} wrong", _shared_line(hard), hard.shared, shown)
    listings = [shared]
    if len(hard.arms) > 1:
        listings.append(
            _listing("Rows on which the arms differ", _apart_line(hard), hard.apart, shown)
        )
    true = f"true {next(iter(task.columns(())))}"
    return section_of(true, hard.arms, shown, listings, _notes(hard, shown))


def _all(arms: Sequence[str]) -> str:
    return "every arm gets" if len(arms) > 1 else f"{arms[0]} gets"


def _shared_line(hard: HardRows) -> str:
    by = f"in most trainings of {hard.arms[0]}"
    if len(hard.arms) > 1:
        by = "by every arm in most of its trainings"
    which = f"taken for something else {by}"
    first = "most errors" + (", of equals those with the highest loss" if hard.by_loss else "")
    return _counted(hard, hard.n_shared, which, len(hard.shared), first)


def _apart_line(hard: HardRows) -> str:
    which = "wrong in most trainings of one arm and right in most of another"
    first = "largest difference" + (
        ", of equals those that differ most in loss" if hard.by_loss else ""
    )
    return _counted(hard, hard.n_apart, which, len(hard.apart), first)


def _counted(hard: HardRows, count: int, which: str, listed: int, first: str) -> str:
    """How many rows there are of a kind, and which of them are listed."""
    many = f"{count:,} of {hard.rows:,} rows {'is' if count == 1 else 'are'}"
    line = f"{many if count else f'None of the {hard.rows:,} rows is'} {which}."
    return f"{line} Listed are the {listed} with the {first}." if listed < count else line


def _listing(title: str, line: str, rows: Sequence[HardRow], shown: Shown) -> Listing:
    return Listing(title, line, tuple(_listed(row, shown) for row in rows))


def _listed(row: HardRow, shown: Shown) -> ListedRow:
    return looked(row.row, row.true or NO_ANSWER, tuple(map(_said, row.answers.values())), shown)


def _said(answer: Answer) -> Said:
    if not answer.wrong:
        return Said(f"right in {answer.trainings} of {answer.trainings}")
    most = f"{answer.said or NO_ANSWER} in {answer.times} of {answer.trainings}"
    return Said(most, f"wrong in {answer.wrong}" if answer.times < answer.wrong else "")


def _notes(hard: HardRows, shown: Shown) -> Iterator[str]:
    """How to read the tables."""
    rows = (*hard.shared, *hard.apart)
    answers = [answer for row in rows for answer in row.answers.values()]
    counts = {answer.trainings for answer in answers}
    example = max(answers, key=lambda answer: answer.times)
    up_to = "up to " if len(counts) > 1 else ""
    some = f"{example.times} of its {plural(example.trainings, 'training')}"
    yield (
        f"Each arm was judged on a row in {up_to}{plural(max(counts), 'training')}, by models that "
        f"didn't train on it. “{_said(example).most}”: in "
        f"{'its only training' if example.trainings == 1 else some} the arm took it for "
        f"{example.said or NO_ANSWER}. Where every arm is wrong, the answer in the data may be "
        "wrong, too."
    )
    yield from look_notes([row.row for row in rows], shown)

"""A journal whose lines aren't those that were written, in their order, is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.storages import JournalStorage

from fairsweep.errors import StorageError
from fairsweep.search.journal import CHECKSUM, open_storage, read_journal

from .builders import begin, open_study, plan, search, tell

PLAN = ("search=random", "search.trials=3")
Lines = list[bytes]


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """The journal of three trials, two of which trained at the same time."""
    study = open_study(tmp_path, plan(*PLAN))
    first, second = begin(study), begin(study)
    study.keep(first.trial, 1, 0.25)
    tell(study, second)
    tell(study, first)
    assert len(list(search(study))) == 1
    return (tmp_path / "studies.log").read_bytes().splitlines(keepends=True)


def put_down(folder: Path, lines: Lines) -> Path:
    path = folder / "changed.journal"
    path.write_bytes(b"".join(lines))
    return path


def refused(folder: Path, lines: Lines) -> str:
    """What is said of a journal with these lines, which stays as it is."""
    path = put_down(folder, lines)
    with pytest.raises(StorageError) as error:
        open_storage(path)
    assert error.value.exit_code == 5
    assert path.read_bytes() == b"".join(lines)
    return str(error.value)


def without_checksums(lines: Lines) -> Iterator[bytes]:
    """As versions without checksums wrote them."""
    for line in lines:
        record = json.loads(line)
        del record[CHECKSUM]
        yield json.dumps(record, separators=(",", ":")).encode() + b"\n"


def test_a_line_taken_out_of_the_middle_is_told_with_the_remedy(
    lines: Lines, tmp_path: Path
) -> None:
    for index in range(len(lines) - 1):
        said = refused(tmp_path, lines[:index] + lines[index + 1 :])
        assert f"line {index + 1} doesn't follow from the lines before it" in said
        assert "restore it from a backup, or start another sweep with sweep.name=…" in said


def doubled(lines: Lines, index: int) -> Lines:
    return lines[: index + 1] + lines[index:]


def swapped(lines: Lines, index: int) -> Lines:
    return [*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :]]


def changed(lines: Lines, index: int) -> Lines:
    record = json.loads(lines[index])
    record["worker_id"] += "x"
    line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    return [*lines[:index], line, *lines[index + 1 :]]


@pytest.mark.parametrize("damage", [doubled, swapped, changed])
def test_any_other_line_than_was_written_is_told(
    damage: Callable[[Lines, int], Lines], lines: Lines, tmp_path: Path
) -> None:
    for index in range(len(lines) - 1):
        assert "doesn't follow from the lines before it" in refused(tmp_path, damage(lines, index))


def test_a_change_of_the_last_line_is_told(lines: Lines, tmp_path: Path) -> None:
    assert f"line {len(lines)} doesn't follow" in refused(tmp_path, changed(lines, len(lines) - 1))


def test_a_journal_of_an_older_version_opens_and_goes_on(lines: Lines, tmp_path: Path) -> None:
    old = list(without_checksums(lines))
    path = put_down(tmp_path, old)
    storage = open_storage(path)
    assert trials(storage) == trials(open_storage(tmp_path / "studies.log"))
    storage.set_study_user_attr(0, "note", 1)
    assert path.read_bytes().startswith(b"".join(old))
    assert open_storage(path).get_study_user_attrs(0)["note"] == 1
    for index in range(len(old)):  # from then on its old lines are covered as well
        new = path.read_bytes().splitlines(keepends=True)
        assert f"line {len(old)} doesn't follow" in refused(
            tmp_path, new[:index] + new[index + 1 :]
        )
        path.write_bytes(b"".join(new))


def test_an_older_version_may_have_gone_on_in_between(lines: Lines, tmp_path: Path) -> None:
    half = len(lines) // 2
    path = put_down(tmp_path, [*lines[:half], *without_checksums(lines[half:])])
    storage = open_storage(path)
    storage.set_study_user_attr(0, "note", 1)
    assert trials(open_storage(path)) == trials(open_storage(tmp_path / "studies.log"))


def test_a_trial_that_was_drawn_in_part_leaves_the_checksum_of_what_stays(
    lines: Lines, tmp_path: Path
) -> None:
    last = max(i for i, line in enumerate(lines) if json.loads(line)["op_code"] == 4)
    path = put_down(tmp_path, lines[: last + 2])
    open_storage(path).set_study_user_attr(0, "note", 1)
    *kept, _ = path.read_bytes().splitlines(keepends=True)
    assert kept == lines[:last]
    assert len(read_journal(path).records) == last + 1


def trials(storage: JournalStorage) -> list[object]:
    return list(storage.get_all_trials(0))

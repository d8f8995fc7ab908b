"""The file of what MLflow has yet to be told: what survives, and what never counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.errors import StorageError
from fairsweep.tracking.write.spool import Operation, Spool

FIRST = Operation("begin", {"key": {"arm": "adam — é", "trial": 0}, "started": 5})
SECOND = Operation("epochs", {"rows": [[1, 0.1, float("inf")], [2, 1 / 3, -0.0]]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.spool"


def test_operations_come_back_in_order_and_unchanged(path: Path) -> None:
    spool = Spool(path)
    spool.append(FIRST, sync=False)
    spool.append(SECOND, sync=True)
    assert Spool(path).left() == [FIRST, SECOND]
    assert spool.waiting == 2


def test_numbers_come_back_to_the_last_bit_nan_too(path: Path) -> None:
    Spool(path).append(Operation("epochs", {"value": float("nan"), "third": 1 / 3}), sync=True)
    (found,) = Spool(path).left()
    assert str(found.values["value"]) == "nan"
    assert found.values["third"] == 1 / 3


def test_a_line_that_was_cut_short_never_counted(path: Path) -> None:
    Spool(path).append(FIRST, sync=True)
    content = path.read_bytes()
    path.write_bytes(content + content[:-7])
    assert Spool(path).left() == [FIRST]


def test_what_follows_a_line_that_was_cut_short_is_whole(path: Path) -> None:
    path.write_bytes(b'{"name":"beg')
    spool = Spool(path)
    assert spool.left() == []
    spool.append(FIRST, sync=False)
    assert Spool(path).left() == [FIRST]


def test_the_file_is_empty_once_all_of_it_is_carried_out(path: Path) -> None:
    spool = Spool(path)
    for operation in (FIRST, SECOND):
        spool.append(operation, sync=False)
    spool.done()
    assert Spool(path).left() == [FIRST, SECOND]
    spool.done()
    assert Spool(path).left() == []
    assert spool.waiting == 0
    spool.append(SECOND, sync=False)
    assert Spool(path).left() == [SECOND]


def test_without_a_file_nothing_is_left_and_none_is_made(path: Path) -> None:
    assert Spool(path).left() == []
    Spool(path).clear()
    assert not path.exists()


def test_a_full_disk_is_told() -> None:
    with pytest.raises(
        StorageError, match=r"writing to /dev/full failed: the disk is full \(\d+ MB free\)"
    ):
        Spool(Path("/dev/full")).append(FIRST, sync=True)

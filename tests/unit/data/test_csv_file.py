"""A large CSV is read in blocks, one that memory has no room for as it goes: the same data as when
it is read as a whole, or told to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fairsweep.config.schema import Data
from fairsweep.data.csv import file as csv_file
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import load
from fairsweep.data.tables import files as table_files
from fairsweep.errors import BadInput

ROWS = 400


def rows(change: dict[int, str] | None = None) -> str:
    random = np.random.default_rng(0)
    lines = [
        f"{random.normal():.5f},{i},{'red green blue'.split()[i % 3]},{i % 2 < 1},{i % 5 % 2}"
        for i in range(ROWS)
    ]
    for i, line in (change or {}).items():
        lines[i] = line
    return "\n".join(["a,b,c,d,label", *lines, ""])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Blocks of a few rows; says of each file read in blocks whether it came to its end so."""
    ended: list[bool] = []
    blocks = csv_file.CsvReader.blocks

    def watched(reader: csv_file.CsvReader, types: csv_file.Types) -> Iterator[object]:
        ended.append(False)
        yield from blocks(reader, types)
        ended[-1] = True

    monkeypatch.setattr(csv_file.CsvReader, "blocks", watched)
    monkeypatch.setattr(csv_file, "BLOCK", 500)
    monkeypatch.setattr(csv_file, "SAMPLE", 400)
    return ended


def read(folder: Path, text: str | bytes, large: int, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    path = folder / "rows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setattr(csv_file, "LARGE", large)
    return load(Data("t", "csv", str(path), target="label", missing="fill"))


def streamed(folder: Path, text: str | bytes, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The same, where memory has no room for the file."""
    with monkeypatch.context() as little:
        for module in (csv_file, table_files):
            little.setattr(module, "available_bytes", lambda: 1000)
        return read(folder, text, 10**9, little)


AT = 300  # far from the rows that types are taken from
CASES = {
    "as-it-begins": (rows(), True),
    "byte-order-mark": ("\ufeff" + rows(), True),
    "windows": (rows().replace("\n", "\r\n"), True),
    "no-line-break-at-the-end": (rows().rstrip("\n"), True),
    "blank-lines": (rows({AT: "\n"}), True),
    "gaps": (rows({AT: ",,,,1"}), True),
    "quotes": (rows({AT: '1,2,"blue",True,1'}), True),
    "a-delimiter-in-quotes": (rows({AT: '1,2,"sky, blue",True,1'}), True),
    "a-line-break-in-quotes": (rows({AT: '1,2,"sky\nblue",True,1'}), None),
    "many-line-breaks-in-quotes": (
        rows({i: f'1,2,"sky\n{i % 7}\nblue",True,1' for i in range(AT, AT + 50)}),
        False,
    ),
    "fractions-later": (rows({AT: "1,2.5,red,True,1"}), False),
    "larger-later": (rows({AT: f"1,{2**40},red,True,1"}), False),
    "another-word-later": (rows({AT: "1,2,violet,True,1"}), True),
    "empty-at-first": (rows({i: f"1,,red,True,{i % 2}" for i in range(40)}), False),
    "ends-of-lines-of-old": (rows().replace("\n", "\r"), False),
    "line-breaks-in-quotes-at-first": (
        rows({i: f'1,2,"sky\n{i % 7}\nblue",True,{i % 2}' for i in range(50)}),
        False,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_blocks_are_the_same_data_as_the_whole(
    case: str, tmp_path: Path, small_blocks: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    text, in_blocks = CASES[case]
    whole = read(tmp_path, text, 10**9, monkeypatch)
    assert not small_blocks
    blocks = read(tmp_path, text, 100, monkeypatch)
    assert in_blocks in (None, small_blocks == [True])
    np.testing.assert_array_equal(blocks.x, whole.x)
    np.testing.assert_array_equal(blocks.y, whole.y)
    assert blocks.columns == whole.columns
    assert blocks.class_names == whole.class_names


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("small_blocks")
def test_rows_as_they_are_read_are_the_same_data_as_the_whole(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = CASES[case]
    whole = read(tmp_path, text, 10**9, monkeypatch)
    passing = streamed(tmp_path, text, monkeypatch)
    np.testing.assert_array_equal(passing.x, whole.x)
    np.testing.assert_array_equal(passing.y, whole.y)
    assert passing.columns == whole.columns
    assert passing.class_names == whole.class_names


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rows({AT: "1,2,red,True"}), "line 302 has 4"),
        (rows({AT: "1,many,red,True,1"}), "column 'b' has numbers, except in row 301: 'many'"),
        (rows({AT: "1,2,größe,True,1"}).encode("latin-1"), "isn't UTF-8"),
        (rows({AT: "1,2,red,True,"}), "is missing in 1 row, row 301 the first"),
        (rows({AT: "inf,2,red,True,1"}), "infinite or too large for 32 bits: a 1"),
        (rows({AT: "1e39,2,red,True,1"}), "too large for 32 bits: a 1"),
    ],
    ids=["ragged", "mixed", "latin-1", "missing-target", "infinite", "too-large"],
)
def test_a_mistake_in_a_late_block_is_told_as_in_an_early_one(
    text: str | bytes,
    told: str,
    tmp_path: Path,
    small_blocks: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text, 100, monkeypatch)
    assert told in str(caught.value)
    assert len(small_blocks) <= 1  # the first kilobytes are looked at for themselves


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rows({AT: "1,2,red,True"}), "line 302 has 4"),
        (rows({3: "1,2,red,True"}), "line 5 has 4"),
        (rows({AT: "1,many,red,True,1"}), "has numbers in its first rows, but 'many' in row 301"),
        (rows({2: "1,many,red,True,1"}), "column 'b' has numbers, except in row 3: 'many'"),
        (
            rows({AT - 1: '1,2,"sky\nblue",True,1', AT: "1,many,red,True,1"}),
            "but 'many' in row 301",
        ),
        (
            rows({i: f"1,,red,True,{i % 2}" for i in range(40)} | {AT: "1,many,red,True,1"}),
            "but 'many' in row 301",
        ),
        (rows({AT: "1,2,größe,True,1"}).encode("latin-1"), "isn't UTF-8"),
        (rows({2: "1,2,größe,True,1"}).encode("latin-1"), "isn't UTF-8"),
        (rows({AT: "1,2,red,True,"}), "is missing in 1 row, row 301 the first"),
        (rows({AT: "inf,2,red,True,1"}), "infinite or too large for 32 bits: a 1"),
        (rows({i: f"1,,red,True,{i % 2}" for i in range(ROWS)}), "column 'b' is empty"),
        (rows({AT: f"1,2,{'red' * 300},True,1"}), "isn't valid CSV"),
    ],
    ids=[
        *("ragged", "ragged-at-first", "mixed", "mixed-at-first", "mixed-after-a-line-break"),
        *("mixed-after-nothing", "latin-1", "latin-1-at-first", "missing-target", "infinite"),
        "empty",
        "a-row-longer-than-a-block",
    ],
)
@pytest.mark.usefixtures("small_blocks")
def test_a_mistake_is_told_while_rows_are_read(
    text: str | bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput) as caught:
        streamed(tmp_path, text, monkeypatch)
    assert told in str(caught.value)

"""Folders of Parquet files: what is a column, which files are read, and how they may differ; and
what a column may hold."""

from __future__ import annotations

import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import load
from fairsweep.errors import BadInput


def put(path: Path, start: int = 0, **columns: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = [start + i for i in range(4)]
    own = {"a": pa.array(numbers), "label": ["yn"[i % 2] for i in range(4)], **columns}
    parquet.write_table(pa.table(own), path)


def read(folder: Path, **given: Any) -> Dataset:
    return load(Data("t", "parquet", str(folder), target="label", **given))


def test_files_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for i, name in enumerate(("a/2.parquet", "b.parq", "c/1.pq")):
        put(tmp_path / name, 10 * i)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".b.parq.crc").touch()
    put(tmp_path / "_temporary" / "d.parquet", 99)
    assert read(tmp_path).x[:, 0].tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]


def test_names_of_folders_are_columns(tmp_path: Path) -> None:
    for year, place in ((2023, "S%C3%A3o Paulo"), (2024, "Rome"), (2024, "Oslo")):
        put(tmp_path / f"year={year}" / f"place={place}" / "0.parquet", year)
    data = read(tmp_path)
    assert [column.name for column in data.columns] == ["a", "year", "place"]
    assert data.columns[2].vocabulary == ("Oslo", "Rome", "São Paulo")
    np.testing.assert_array_equal(
        data.x[:, 1], np.repeat(np.array([2023, 2024, 2024], np.float32), 4)
    )
    assert [data.columns[2].vocabulary[int(i)] for i in data.x[::4, 2]] == [
        "São Paulo",
        *("Oslo", "Rome"),
    ]


def test_a_name_of_a_folder_may_be_missing_a_code_or_the_part(tmp_path: Path) -> None:
    for part, zip_code in (("train", "007"), ("test", "__HIVE_DEFAULT_PARTITION__")):
        put(tmp_path / f"part={part}" / f"zip={zip_code}" / "0.parquet")
    data = read(tmp_path, split="part", missing="fill")
    assert data.columns[1].vocabulary == ("", "007")
    assert data.parts is not None
    assert data.parts.tolist() == [2] * 4 + [0] * 4


def odd_type(folder: Path) -> None:
    put(folder / "1.parquet", a=pa.array(["x"] * 4))


def more(folder: Path) -> None:
    put(folder / "1.parquet", b=[1] * 4)


def other_folder(folder: Path) -> None:
    put(folder / "year=2024" / "1.parquet")


def link(folder: Path) -> None:
    put(folder.parent / "secret.parquet")
    (folder / "1.parquet").symlink_to(folder.parent / "secret.parquet")


def cut(folder: Path) -> None:
    put(folder / "1.parquet")
    (folder / "1.parquet").write_bytes((folder / "1.parquet").read_bytes()[:100])


BAD = {
    "type": (odd_type, "column 'a' is string in", "int64 in"),
    "columns": (more, "column 'b' is int64 in", "missing in"),
    "partitions": (other_folder, "column 'year' is a folder in", "missing in"),
    "link": (link, "1.parquet is a link that leads out of", "copy the file"),
    "damaged": (cut, "1.parquet isn't a complete Parquet file", "write it again"),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_do_not_fit_are_named(case: str, tmp_path: Path) -> None:
    change, *told = BAD[case]
    put(tmp_path / "rows" / "0.parquet")
    change(tmp_path / "rows")
    with pytest.raises(BadInput) as caught:
        read(tmp_path / "rows")
    assert [part for part in told if part not in str(caught.value)] == []


def test_a_column_in_files_and_in_names_of_folders_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "a=1" / "0.parquet")
    with pytest.raises(BadInput, match=r"column 'a' is in .* and in the names of folders"):
        read(tmp_path)


def test_a_folder_without_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(BadInput, match=r"has no files that end in \.parquet or"):
        read(tmp_path)


def test_decimals_booleans_and_dictionaries_are_taken(tmp_path: Path) -> None:
    put(
        tmp_path / "rows.parquet",
        price=pa.array([decimal.Decimal(n) for n in ("1.25", "2.50", "3.75", "5.00")]),
        member=[True, False, None, True],
        city=pa.array(["Rome", "Oslo", "Rome", "Bonn"]).dictionary_encode(),
    )
    data = read(tmp_path / "rows.parquet", missing="fill")
    assert data.x[:, 1].tolist() == [1.25, 2.5, 3.75, 5]
    np.testing.assert_array_equal(data.x[:, 2], [1, 0, np.nan, 1])
    assert data.columns[3].vocabulary == ("Bonn", "Oslo", "Rome")


NESTED = {
    "list": (pa.array([[1, 2]] * 4), "is nested (list<"),
    "fixed": (pa.array([[1, 2]] * 4, pa.list_(pa.int8(), 2)), "is nested (fixed_size_list<"),
    "struct": (pa.array([{"x": 1}] * 4), "is nested (struct<x: int64>)"),
    "map": (pa.array([[("x", 1)]] * 4, pa.map_(pa.string(), pa.int8())), "is nested (map<"),
    "binary": (pa.array([b"x"] * 4), "has the type binary, which isn't supported"),
    "time": (pa.array([1] * 4, pa.time32("ms")), "has times without a date (time32[ms])"),
}


@pytest.mark.parametrize("kind", NESTED)
def test_what_is_no_value_is_refused_with_its_type(kind: str, tmp_path: Path) -> None:
    column, told = NESTED[kind]
    put(tmp_path / "rows.parquet", b=column)
    with pytest.raises(BadInput) as caught:
        read(tmp_path / "rows.parquet")
    assert f"data.path: column 'b' {told}" in str(caught.value)
    assert "drop it: data.drop=[b]" in str(caught.value)

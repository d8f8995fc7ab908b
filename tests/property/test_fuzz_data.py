"""Whatever bytes a data file has: rows, or what is wrong with it; never another exception, and
never a file more."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairsweep.config.schema import Data
from fairsweep.data.csv import file as csv_file
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import load
from fairsweep.data.split import load_split
from fairsweep.data.tables import files as table_files
from fairsweep.errors import BadInput
from tests.property.profiles import examples

X = np.arange(48, dtype=np.float32).reshape(24, 2)
Y = np.arange(24) % 3


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def csv() -> bytes:
    rows = [f"{i},{i / 7:.3f},{'abc'[i % 3]},{'yes' if i % 2 else 'no'}" for i in range(24)]
    return ("size,weight,colour,label\n" + "\n".join(rows) + "\n").encode()


def parquet() -> bytes:
    file = io.BytesIO()
    table = pa.table({"a": X[:, 0], "b": [f"w{i % 4}" for i in range(24)], "label": Y})
    pq.write_table(table, file)
    return file.getvalue()


WHOLE = {"csv": csv(), "npz": npz(x=X, y=Y), "parquet": parquet()}
# What tears a file of each kind in places of its own.
PIECES = {
    "csv": [
        b",",
        b"\n",
        b'"',
        b"\r\n",
        b";",
        b"\0",
        b"\xff",
        b"nan",
        b"1e999",
        b"\t",
        b",,,",
        b"-",
    ],
    "npz": [b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY", b"'descr': '|O'", b"(9999999999,)", b"\0"],
    "parquet": [b"PAR1", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x15\x00"],
}


@st.composite
def damaged(draw: st.DrawFn, kind: str) -> bytes:
    """A good file in which some bytes are others, are gone, or come again."""
    content = bytearray(WHOLE[kind])
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 12) | st.integers(0, len(content)))
        piece = draw(st.binary(max_size=8) | st.sampled_from(PIECES[kind]))
        content[start : start + length] = piece
    return bytes(content)


def read(kind: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{kind}"
        path.write_bytes(content)
        target = None if kind == "npz" else "label"
        settings = Data(name="rows", source=kind, path=str(path), target=target, missing="fill")
        try:
            data = load_split(settings)
        except BadInput as error:
            assert str(error).strip()
            assert "Traceback" not in str(error)
        else:
            assert len(data.train) > 0
            assert data.dataset.x.dtype == np.float32
            assert not np.isinf(data.dataset.x).any()
        assert [file.name for file in Path(folder).iterdir()] == [path.name]


def test_whole_files_are_read() -> None:
    for kind, content in WHOLE.items():
        read(kind, content)


@given(damaged("csv") | st.binary(max_size=300))
@examples(400)
def test_bytes_of_a_csv(content: bytes) -> None:
    read("csv", content)


@given(damaged("csv") | st.binary(max_size=300))
@examples(300)
def test_bytes_of_a_csv_that_is_read_as_it_goes(content: bytes) -> None:
    """If both ways take it, it is the same data."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as little:
        path = Path(folder) / "rows.csv"
        path.write_bytes(content)
        settings = Data(name="rows", source="csv", path=str(path), target="label", missing="fill")
        whole = taken(settings)
        little.setattr(csv_file, "BLOCK", 150)
        little.setattr(csv_file, "SAMPLE", 150)
        for module in (csv_file, table_files):
            little.setattr(module, "available_bytes", lambda: 0)
        passing = taken(settings)
        if whole is not None and passing is not None:
            np.testing.assert_array_equal(passing.x, whole.x)
            np.testing.assert_array_equal(passing.y, whole.y)
            assert (passing.columns, passing.class_names) == (whole.columns, whole.class_names)


def taken(settings: Data) -> Dataset | None:
    """The data of a file; None where it is bad."""
    try:
        return load(settings)
    except BadInput:
        return None


@given(damaged("npz") | st.binary(max_size=300))
@examples(400)
def test_bytes_of_an_npz(content: bytes) -> None:
    read("npz", content)


@given(damaged("parquet") | st.binary(max_size=300))
@examples(300)
def test_bytes_of_a_parquet_file(content: bytes) -> None:
    read("parquet", content)

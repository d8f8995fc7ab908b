"""CSV files that aren't UTF-8: which byte shows it, what is advised, and that they are read so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fairsweep.config.checks.data import data_problems
from fairsweep.config.form import Form
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Column, Dataset
from fairsweep.data.inputs.rows import InputSpec, read_rows
from fairsweep.data.sources import load
from fairsweep.data.tables import files as table_files
from fairsweep.errors import BadInput

CITIES = ("Köln", "Málaga", "Łódź", "Oslo")
TEXT = "größe,stadt,label\n" + "".join(f"{i},{CITIES[i % 4]},{i % 2}\n" for i in range(24))
WEST = TEXT.replace("Łódź", "Zürich")


def settings(folder: Path, written: bytes, **given: Any) -> Data:
    (folder / "rows.csv").write_bytes(written)
    return Data("t", "csv", str(folder / "rows.csv"), **{"target": "label", **given})


def read(folder: Path, written: bytes, **given: Any) -> Dataset:
    return load(settings(folder, written, **given))


def refused(folder: Path, written: bytes, **given: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read(folder, written, **given)
    return str(caught.value)


@pytest.mark.parametrize("more", [{}, {"comment": "#"}], ids=["plain", "with-comments"])
@pytest.mark.parametrize("memory", [10**9, 1000], ids=["in-memory", "streamed"])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *(("utf-16", TEXT), ("utf-16-le", TEXT), ("utf-8", TEXT), ("utf-8-sig", TEXT)),
        *(("cp1250", TEXT), ("cp1252", WEST), ("latin-1", WEST)),
    ],
)
def test_it_is_read_as_it_is_said(
    encoding: str,
    text: str,
    memory: int,
    more: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table_files, "available_bytes", lambda: memory)
    expected = read(tmp_path, text.encode())
    data = read(tmp_path, text.encode(encoding), encoding=encoding, **more)
    assert data.columns == expected.columns
    assert data.x.tolist() == expected.x.tolist()


def test_codes_with_leading_zeros_are_told_in_any_encoding(tmp_path: Path) -> None:
    text = "zip,label\n" + "".join(f"0{i},{i % 2}\n" for i in range(1000, 1020))
    data = read(tmp_path, text.encode("utf-16"), encoding="utf-16")
    assert any("leading zeros" in note for note in data.notes)


TOLD = {
    "windows": (
        WEST.encode("cp1252"),
        "rows.csv isn't UTF-8: line 1 has the byte 0xf6, in cp1252 'größe,stadt,label'; "
        "data.encoding=cp1252",
    ),
    "latin-1": (
        ("a,label\n1,x\n2,K\xf6ln \x81\n").encode("latin-1"),
        "line 3 has the byte 0xf6, in latin-1 '2,Köln \\x81'; data.encoding=latin-1",
    ),
    "far-down": (
        b"a,label\n" + b"1,x\n" * 300_000 + "2,Köln\n".encode("cp1252"),
        "line 300002 has the byte 0xf6, in cp1252 '2,Köln'; data.encoding=cp1252",
    ),
    "utf-16": (TEXT.encode("utf-16"), "rows.csv is text in UTF-16; use data.encoding=utf-16"),
    "no-mark": (TEXT.encode("utf-16-le"), "may be text in UTF-16; use data.encoding=utf-16-le"),
    "no-mark-be": (TEXT.encode("utf-16-be"), "may be text in UTF-16; use data.encoding=utf-16-be"),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_is_not_utf_8_is_told_with_its_byte_and_the_remedy(case: str, tmp_path: Path) -> None:
    written, told = TOLD[case]
    assert refused(tmp_path, written).endswith(told)


@pytest.mark.parametrize(
    ("encoding", "written", "told"),
    [
        (
            "cp1252",
            b"a,label\n1,\x81\n",
            "data.encoding: {path} isn't in cp1252: line 2 has the byte 0x81, in latin-1 '1,\\x81'"
            "; data.encoding=latin-1",
        ),
        (
            "utf-16",
            WEST.encode("cp1252") + b"x",
            "data.encoding: {path} isn't in utf-16: line ",
        ),
        (
            "cp1252",
            WEST.encode(),
            "data.encoding: {path} is UTF-8: line 1 has the byte 0xc3, in utf-8 "
            "'größe,stadt,label'; data.encoding=utf-8, or leave it out",
        ),
    ],
    ids=["not-windows", "not-utf-16", "utf-8"],
)
def test_what_is_not_in_the_encoding_that_is_said(
    encoding: str, written: bytes, told: str, tmp_path: Path
) -> None:
    said = refused(tmp_path, written, encoding=encoding)
    assert said.startswith(told.format(path=tmp_path / "rows.csv"))


@pytest.mark.parametrize("name", ["klingon", "base64", "idna", ""])
def test_what_is_no_encoding_is_told_before_a_file_is_read(name: str) -> None:
    data = Data("t", "csv", "rows.csv", target="label", encoding=name)
    told = f"need one such as cp1252, latin-1 or utf-16, got {name!r}"
    assert ("data.encoding", told) in list(data_problems(data))


def test_rows_to_predict_have_an_encoding_too(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("größe\nKöln\n".encode("cp1252"))
    takes = InputSpec((1,), (Column("größe", ("",)),))
    frame = read_rows(tmp_path / "rows.csv", takes, Form(encoding="cp1252"))
    assert isinstance(frame, pd.DataFrame)
    assert frame["größe"].tolist() == ["Köln"]
    with pytest.raises(BadInput, match=r"in cp1252 'größe'; encoding=cp1252$"):
        read_rows(tmp_path / "rows.csv", takes)

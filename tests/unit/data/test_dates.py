"""Columns of dates: what becomes of them in data, in rows to predict, and where they can't be."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from fairsweep.config.schema import Data
from fairsweep.data.csv import file as csv_file
from fairsweep.data.dataset import Dataset, in_file
from fairsweep.data.inputs.encoding import decode, encode
from fairsweep.data.inputs.rows import InputSpec, read_rows
from fairsweep.data.sources import load
from fairsweep.data.split import fingerprint, load_split
from fairsweep.data.tables import files as table_files
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput

START = datetime.datetime(1969, 12, 30, 6, 30)
TIMES = [START + datetime.timedelta(days=37 * i, minutes=90 * i) for i in range(40)]


def lines(dates: list[str], header: str = "when,a,label") -> str:
    return "\n".join([header, *(f"{d},{i % 7},{'yn'[i % 2]}" for i, d in enumerate(dates)), ""])


def table(folder: Path, text: str, **given: Any) -> Data:
    (folder / "rows.csv").write_text(text)
    return Data("t", "csv", str(folder / "rows.csv"), target="label", **given)


def values(data: Dataset) -> dict[str, list[Any]]:
    """Each column, words as they are."""
    return {
        column.name: [column.vocabulary[int(v)] for v in data.x[:, i]]
        if column.vocabulary
        else data.x[:, i].tolist()
        for i, column in enumerate(data.columns)
    }


@pytest.mark.parametrize("way", ["whole", "blocks", "stream"])
def test_a_date_becomes_its_parts(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way != "whole":
        for name in ("BLOCK", "SAMPLE", "LARGE"):
            monkeypatch.setattr(csv_file, name, 200)
    if way == "stream":
        for module in (csv_file, table_files):
            monkeypatch.setattr(module, "available_bytes", lambda: 1000)
    found = values(load(table(tmp_path, lines([str(time.date()) for time in TIMES]))))
    epoch = datetime.date(1970, 1, 1)
    assert found["when: days"] == [(time.date() - epoch).days for time in TIMES]
    assert found["when: day"] == [time.day for time in TIMES]
    assert found["when: month"] == [f"{time.month:02}" for time in TIMES]
    assert found["when: weekday"] == [f"{time:%A}" for time in TIMES]
    assert "when: hour" not in found


FORMS = {
    "blank": "%Y-%m-%d %H:%M",
    "t": "%Y-%m-%dT%H:%M:%S",
    "utc": "%Y-%m-%dT%H:%M:%SZ",
    "fractions": "%Y-%m-%d %H:%M:%S.000",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_time_has_an_hour_besides(form: str, tmp_path: Path) -> None:
    found = values(load(table(tmp_path, lines([time.strftime(FORMS[form]) for time in TIMES]))))
    assert found["when: hour"] == [time.hour + time.minute / 60 for time in TIMES]


def test_a_zone_is_taken_into_account(tmp_path: Path) -> None:
    found = values(load(table(tmp_path, lines(["2024-01-01T01:00:00+02:00"] * 4))))
    assert (found["when: weekday"][0], found["when: hour"][0]) == ("Sunday", 23)


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("ns"), pa.timestamp("s", "Asia/Tokyo")])
def test_parquet_and_csv_are_the_same_data(kind: pa.DataType, tmp_path: Path) -> None:
    one = table(tmp_path, lines([str(time.date()) for time in TIMES]))
    days = [datetime.datetime.combine(t.date(), datetime.time(), datetime.UTC) for t in TIMES]
    column = pa.array(days, pa.timestamp("us", "UTC")).cast(kind, safe=False)
    label = ["yn"[i % 2] for i in range(len(TIMES))]
    rows = pa.table({"when": column, "a": [i % 7 for i in range(len(TIMES))], "label": label})
    parquet.write_table(rows, tmp_path / "rows.parquet")
    two = Data("t", "parquet", str(tmp_path / "rows.parquet"), target="label")
    own, other = values(load(one)), values(load(two))
    assert set(other.pop("when: hour", [0])) == {0}
    assert own == other


def test_missing_dates_are_told_filled_or_left_out(tmp_path: Path) -> None:
    text = lines(["", *(str(time) for time in TIMES[1:])])
    with pytest.raises(BadInput, match="has missing values: when 1"):
        load(table(tmp_path, text))
    assert len(load(table(tmp_path, text, missing="drop")).x) == len(TIMES) - 1
    filled = load(table(tmp_path, text, missing="fill"))
    assert np.isnan(filled.x[0, 0])
    assert filled.columns[2].vocabulary[0] == ""


def test_rows_to_predict_have_dates_as_files_have_them(tmp_path: Path) -> None:
    data = load(table(tmp_path, lines([str(time) for time in TIMES])))
    takes = InputSpec((2,), in_file(data.columns))
    assert [column.name for column in takes.columns] == ["when", "a"]
    frame = read_rows(tmp_path / "rows.csv", takes)
    assert isinstance(frame, pd.DataFrame)
    np.testing.assert_array_equal(encode(frame, data.columns), data.x)
    np.testing.assert_array_equal(encode(decode(data.x, data.columns), data.columns), data.x)
    served = pd.DataFrame({"when": TIMES, "a": [i % 7 for i in range(len(TIMES))]})
    np.testing.assert_array_equal(encode(served, data.columns), data.x)


def test_a_time_is_written_to_the_second(tmp_path: Path) -> None:
    """Hours are 32-bit floats, which may be just below the second that they stand for."""
    times = [START + datetime.timedelta(minutes=i) for i in range(1440)]
    data = load(table(tmp_path, lines([str(time) for time in times])))
    assert decode(data.x, data.columns)["when"].tolist() == [
        time.isoformat() if time.time() != datetime.time() else str(time.date()) for time in times
    ]


BAD = {
    "another-form": (
        "31.12.2024,1",
        "must have dates such as 2024-12-31, as in training: row 1 has '31.12.2024'",
    ),
    "no-day": (
        "2024-12-31,1\n2024-02-30,1",
        "must have dates such as 2024-12-31, as in training: row 2 has '2024-02-30'",
    ),
    "a-number": ("7,1", "7 is a number, and no date"),
    "missing": (",1", "row 1, column 'when', has no value"),
}


@pytest.mark.parametrize("case", BAD)
def test_rows_to_predict_without_a_date_are_refused(case: str, tmp_path: Path) -> None:
    columns = load(table(tmp_path, lines([str(time) for time in TIMES]))).columns
    row, told = BAD[case]
    (tmp_path / "ask.csv").write_text(f"when,a\n{row}\n")
    with pytest.raises(BadInput) as caught:
        read_rows(tmp_path / "ask.csv", InputSpec((2,), in_file(columns)))
    assert told in str(caught.value)


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y/%m/%d", "%Y-%m"])
def test_dates_in_another_form_are_told(form: str, tmp_path: Path) -> None:
    dates = [time.strftime(form) for time in TIMES]
    told = f"has dates in another form, such as '{sorted(dates)[0]}'; write them as 2024-12-31"
    with pytest.raises(BadInput) as caught:
        load(table(tmp_path, lines(dates)))
    assert f"column 'when' {told}" in str(caught.value)
    few = load_split(table(tmp_path, lines([dates[i % 5] for i in range(40)])))
    assert any("column when was read as words, but has dates" in w for w in data_warnings(few))


@pytest.mark.parametrize("slip", ["2024-02-30", "unknown"])
def test_what_keeps_a_column_from_being_dates_is_told(slip: str, tmp_path: Path) -> None:
    dates = [*(f"2024-01-{i % 9 + 1:02}" for i in range(40)), slip]
    split = load_split(table(tmp_path, lines(dates)))
    told = f"column when was read as words, but has dates, except {slip!r}; mend them, or say that"
    assert [warning for warning in data_warnings(split) if warning.startswith(told)]
    mended = replace(table(tmp_path, lines(dates)), missing="fill", missing_words=[slip])
    assert "when: days" in {column.name for column in load(mended).columns}


def test_a_gap_in_dates_is_counted_once(tmp_path: Path) -> None:
    dates = [f"2024-05-{i % 28 + 1:02}" for i in range(40)]
    with pytest.raises(BadInput) as caught:
        load(table(tmp_path, lines(["", "", *dates])))
    assert "has missing values: when 2 (rows); data.missing=fill" in str(caught.value)
    assert "missing_words" not in str(caught.value)


def test_a_part_that_is_always_the_same_needs_no_word(tmp_path: Path) -> None:
    dates = [f"2024-05-{i % 28 + 1:02} 12:00" for i in range(40)]
    assert not [w for w in data_warnings(load_split(table(tmp_path, lines(dates)))) if "when" in w]


def test_dates_in_one_file_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(lines(["soon", "late"] * 4))
    settings = table(tmp_path, lines([str(t) for t in TIMES]), test_path=str(tmp_path / "test.csv"))
    with pytest.raises(BadInput, match="features that have dates in every file"):
        load(settings)


def test_a_date_is_no_answer_and_may_be_a_word_or_left_out(tmp_path: Path) -> None:
    text = lines([str(TIMES[i % 3].date()) for i in range(40)])
    with pytest.raises(BadInput, match="column 'when' has dates"):
        load(replace(table(tmp_path, text), target="when"))
    kept = load(table(tmp_path, text, categorical=["when"]))
    assert kept.columns[0].vocabulary == tuple(sorted({str(t.date()) for t in TIMES[:3]}))
    assert [c.name for c in load(table(tmp_path, text, drop=["when"])).columns] == ["a"]


def test_parts_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    data = load_split(table(tmp_path, lines([str(time.date()) for time in TIMES])))
    plain = tuple(replace(column, date="") for column in data.dataset.columns)
    other = replace(data, dataset=replace(data.dataset, columns=plain))
    assert fingerprint(other) != fingerprint(data)

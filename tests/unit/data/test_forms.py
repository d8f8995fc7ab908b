"""CSV files of every form: what is told of one that is read in another, and that it is read right
in its own, at once, in blocks, and as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.config.checks.data import data_problems
from fairsweep.config.form import form_of
from fairsweep.config.schema import Data
from fairsweep.data.csv import file as csv_file
from fairsweep.data.inputs.rows import InputSpec, read_rows
from fairsweep.data.sources import load
from fairsweep.data.split import load_split
from fairsweep.data.tables import files as table_files
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput

ROWS = 40
Settings = dict[str, Any]


def settings(folder: Path, text: str, **given: Any) -> Data:
    (folder / "rows.csv").write_text(text)
    return Data("t", "csv", str(folder / "rows.csv"), **{"target": "label", **given})


def refused(folder: Path, text: str, **given: Any) -> str:
    with pytest.raises(BadInput) as caught:
        load_split(settings(folder, text, **given))
    return str(caught.value)


def number(i: int, thousands: str, point: str) -> str:
    return f"{i % 3 + 1}{thousands}{i * 37 % 1000:03}{point}{i % 10}5"


def rows_of(numbers: Sequence[str], delimiter: str) -> str:
    lines = [("a", "b", "label"), *((n, str(i % 7), "yn"[i % 2]) for i, n in enumerate(numbers))]
    return "\n".join(delimiter.join(line) for line in lines) + "\n"


THOUSANDS: dict[str, tuple[str, str, str, str, Settings]] = {
    "point": (".", ",", ";", "data.thousands=point", {"decimal": ",", "delimiter": ";"}),
    "comma": (",", ".", ";", "data.thousands=comma", {"delimiter": ";"}),
    "comma-in-quotes": (",", ".", ",", "data.thousands=comma", {}),
    "point-in-quotes": (".", ",", ",", "data.thousands=point", {"decimal": ","}),
    "blank": (" ", ",", ";", "data.thousands=blank", {"decimal": ",", "delimiter": ";"}),
    "narrow-blank": ("\u202f", ".", ";", "data.thousands=blank", {"delimiter": ";"}),
    "fixed-blank": ("\u00a0", ".", ",", "data.thousands=blank", {}),
    "apostrophe": ("'", ".", ",", "data.thousands=apostrophe", {}),
    "curly-apostrophe": ("\u2019", ".", ",", "data.thousands=apostrophe", {}),
}


@pytest.mark.parametrize("way", ["whole", "blocks", "stream"])
@pytest.mark.parametrize("case", THOUSANDS)
def test_marks_between_thousands(
    case: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, point, delimiter, told, given = THOUSANDS[case]
    quote = '"' if delimiter in (mark, point) else ""
    numbers = [f"{quote}{number(i, mark, point)}{quote}" for i in range(ROWS)]
    text = rows_of(numbers, delimiter)
    if way == "whole":
        said = refused(tmp_path, text, **given)
        assert "column 'a' has numbers with a" in said
        assert told in said
    else:
        monkeypatch.setattr(csv_file, "BLOCK", 200)
        monkeypatch.setattr(csv_file, "SAMPLE", 200)
        monkeypatch.setattr(csv_file, "LARGE", 200)
    if way == "stream":
        for module in (csv_file, table_files):
            monkeypatch.setattr(module, "available_bytes", lambda: 1000)
    data = load(settings(tmp_path, text, **given, thousands=told.partition("=")[2]))
    expected = [float(number(i, "", ".")) for i in range(ROWS)]
    np.testing.assert_array_equal(data.x[:, 0], np.array(expected, np.float32))


@pytest.mark.parametrize("way", ["whole", "blocks", "stream"])
def test_a_number_whose_thousands_are_not_three_digits_is_none(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [number(i, ",", ".") for i in range(ROWS)]
    numbers[30] = "1,29"
    if way != "whole":
        for name in ("BLOCK", "SAMPLE", "LARGE"):
            monkeypatch.setattr(csv_file, name, 200)
    if way == "stream":
        for module in (csv_file, table_files):
            monkeypatch.setattr(module, "available_bytes", lambda: 1000)
    said = refused(tmp_path, rows_of(numbers, ";"), delimiter=";", thousands="comma")
    assert "'1,29'" in said
    assert "row 31" in said


def test_decimal_commas_in_quotes_between_commas(tmp_path: Path) -> None:
    """One setting reads them, also where some numbers have none; rows to predict as well."""
    text = rows_of([f'"{i},5"' if i % 2 else str(i) for i in range(ROWS)], ",")
    told = refused(tmp_path, text)
    assert "column 'a' has numbers with a comma, such as '1,5'; \"data.decimal=','\"" in told
    asked = settings(tmp_path, text, decimal=",")
    assert not [*data_problems(asked)]
    expected = np.array([i + i % 2 / 2 for i in range(ROWS)], np.float32)
    np.testing.assert_array_equal(load(asked).x[:, 0], expected)
    (tmp_path / "new.csv").write_text(
        text.replace(",label", "").replace(",y", "").replace(",n", "")
    )
    rows = read_rows(tmp_path / "new.csv", InputSpec((2,)), form_of(asked))
    np.testing.assert_array_equal(np.asarray(rows)[:, 0], expected)


def test_indian_thousands_are_read_too(tmp_path: Path) -> None:
    text = rows_of(["12,34,567", "1,000", "999.5", "-2,000.25"], ";")
    data = load(settings(tmp_path, text, delimiter=";", thousands=","))
    assert data.x[:, 0].tolist() == [1234567, 1000, 999.5, -2000.25]


def test_words_stay_words_beside_thousands(tmp_path: Path) -> None:
    text = rows_of(["1.000", "2.000", "1.000", "3.000"], ";").replace("label", "label")
    data = load(
        settings(tmp_path, text, delimiter=";", decimal=",", thousands="point", categorical=["a"])
    )
    assert data.columns[0].vocabulary == ("1.000", "2.000", "3.000")


ALIGNED = [f"{i * i:>6}  {i / 7:<9.4f}{'yn'[i % 2]:>3}" for i in range(ROWS)]
BLANKS = {
    "one-in-the-header": "\n".join(["a b label", *ALIGNED, ""]),
    "aligned": "\n".join(["     a  b          label   ", *ALIGNED, ""]),
    "tabs-and-blanks": "\n".join(["a \tb\t\tlabel", *(f"\t{row} \t" for row in ALIGNED), ""]),
    "one-tab": "\n".join(["a  b\tlabel", *ALIGNED, ""]),
    "windows": "\r\n".join(["a b label", *ALIGNED, ""]),
    "in-quotes": "\n".join(["a b label", *(r.replace("y", '"y"') for r in ALIGNED), ""]),
}


@pytest.mark.parametrize("delimiter", [None, " ", r"\t"])
@pytest.mark.parametrize("case", BLANKS)
def test_runs_of_blanks_are_told(case: str, delimiter: str | None, tmp_path: Path) -> None:
    said = refused(tmp_path, BLANKS[case], delimiter=delimiter)
    assert "data.delimiter=blank" in said
    assert "quote values" not in said


@pytest.mark.parametrize("memory", [10**9, 1000])
@pytest.mark.parametrize("case", BLANKS)
def test_runs_of_blanks_are_one_delimiter(
    case: str, memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (csv_file, table_files):
        monkeypatch.setattr(module, "available_bytes", lambda: memory)
    data = load(settings(tmp_path, BLANKS[case], delimiter="blank"))
    expected = [[i * i, float(f"{i / 7:.4f}")] for i in range(ROWS)]
    np.testing.assert_array_equal(data.x, np.array(expected, np.float32))
    assert data.class_names == ("n", "y")


def test_blanks_in_quotes_are_part_of_a_value(tmp_path: Path) -> None:
    text = 'a b label\n1  "sky  blue" y\n2 "#sky\t# b" n\n# 3 red y\n3   red    y\n4 red n\n'
    data = load(settings(tmp_path, text, delimiter="blank", comment="#"))
    assert data.columns[1].vocabulary == ("#sky\t# b", "red", "sky  blue")


def test_a_line_of_another_length_is_told_by_its_number(tmp_path: Path) -> None:
    text = "# by hand\na b label\n\n1 2 y\n# and\n1 2\n"
    said = refused(tmp_path, text, delimiter="blank", comment="#")
    assert "the first line has 3 columns, but line 6 has 2" in said
    assert "write NA where one is missing" in said


LINES = [f"{i},{i * i % 7},{'yn'[i % 2]}" for i in range(ROWS)]


@pytest.mark.parametrize("memory", [10**9, 1000])
@pytest.mark.parametrize("mark", ["#", "%", "//"])
def test_comments_are_left_out(
    mark: str, memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (csv_file, table_files):
        monkeypatch.setattr(module, "available_bytes", lambda: memory)
    lines = [f'{mark} made, by "hand', "", "a,b,label", *LINES[:9], f" {mark},,,", *LINES[9:], ""]
    text = "\n".join(lines)
    assert f"\"data.comment='{mark}'\" if they are comments" in refused(tmp_path, text)
    data = load(settings(tmp_path, text, comment=mark))
    assert data.x[:, 0].tolist() == list(range(ROWS))


@pytest.mark.parametrize("delimiter", [",", "\t", "blank"])
def test_comments_at_the_end_of_lines_are_taken_off(delimiter: str, tmp_path: Path) -> None:
    """Not in quotes, nor without a blank before them."""
    rows = [f'{i},"#1 #2",a#b,{"yn"[i % 2]} # note {i}, "so' for i in range(ROWS)]
    if delimiter == "blank":
        rows = [row.replace("#1 #2", "#1_#2").replace(", ", " ") for row in rows]
    mark = " " if delimiter == "blank" else delimiter
    text = "\n".join(["a,b,c,label # units: m", *rows, ""]).replace(",", mark)
    data = load(settings(tmp_path, text, comment="#", delimiter=delimiter))
    assert data.class_names == ("n", "y")
    assert [own.vocabulary[0].replace("_", " ") for own in data.columns[1:]] == ["#1 #2", "a#b"]


def test_comments_in_classes_are_told_how_to_be_taken_off(tmp_path: Path) -> None:
    rows = [f"{i},{'yn'[i % 2]} # note {i}" for i in range(ROWS)]
    with pytest.raises(BadInput, match=r"behind # are comments: \"data\.comment='#'\""):
        load_split(settings(tmp_path, "\n".join(["a,label", *rows, ""])))


def test_what_comes_after_a_value_is_no_comment(tmp_path: Path) -> None:
    text = "a,b,label\n1,#1,y\n2,#2,n\n3,#1,y\n4,#2,n\n"
    data = load(settings(tmp_path, text, comment="#"))
    assert data.columns[1].vocabulary == ("#1", "#2")


def test_blank_lines_are_left_out_wherever_they_are(tmp_path: Path) -> None:
    text = "\n\n".join(["", "a,b,label", *LINES, ""])
    assert len(load(settings(tmp_path, text)).x) == ROWS


@pytest.mark.parametrize("memory", [10**9, 1000])
@pytest.mark.parametrize(("columns", "target"), [(["a", "b", "label"], "label"), ("numbered", 3)])
def test_a_file_without_a_header(
    columns: object, target: Any, memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (csv_file, table_files):
        monkeypatch.setattr(module, "available_bytes", lambda: memory)
    monkeypatch.setattr(csv_file, "LARGE", 100)
    monkeypatch.setattr(csv_file, "BLOCK", 100)
    text = "\n".join([*LINES, ""])
    data = load(settings(tmp_path, text, columns=columns, target=target))
    names = ["a", "b"] if isinstance(columns, list) else ["1", "2"]
    assert [column.name for column in data.columns] == names
    assert data.x[:, 0].tolist() == list(range(ROWS))


HEADERS: dict[str, tuple[str, Settings, tuple[str, ...]]] = {
    "numbers": ("1,2,0\n3,4,1\n", {}, ("data.columns=[…] names the 3 columns", "=numbered")),
    "numbers-and-words": (
        "5.1,5.1,iris\n4.9,3.0,iris\n",
        {},
        ("more than one column '5.1'", "if the first line is a row: data.columns=[…]"),
    ),
    "other-numbers-and-words": (
        "5.1,3.5,iris\n4.9,3.0,iris\n",
        {},
        ("no column 'label'", "5.1, 3.5, iris", "if the first line is a row: data.columns=[…]"),
    ),
    "too-few-names": (
        "1,2,y\n",
        {"columns": ["a", "label"]},
        ("data.columns: need a name for each of the 3 values", "got 2 names"),
    ),
    "there-is-a-header": (
        "a,b,label\n1,2,y\n",
        {"columns": ["a", "b", "label"]},
        ("the first line of", "has these names; leave data.columns out"),
    ),
    "nothing-but-comments": ("# a\n# b\n", {"comment": "#"}, ("has no rows",)),
    "delimiters-at-the-end": (
        "a,b,label\n1,2,y,\n2,3,n,\n",
        {},
        ("line 2 has 4, line 3 has 4; remove the ',' at the end of lines",),
    ),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_first_line_that_is_no_header_is_told(case: str, tmp_path: Path) -> None:
    text, given, told = HEADERS[case]
    said = refused(tmp_path, text, **given)
    assert [part for part in told if part not in said] == []


@pytest.mark.parametrize("word", ["NA", "null", "nan", "N/A", "NULL", "NaN"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("memory", [10**9, 1000])
def test_a_class_may_be_called_like_a_missing_value(
    word: str, quote: str, memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (csv_file, table_files):
        monkeypatch.setattr(module, "available_bytes", lambda: memory)
    rows = [f"{i},{quote}{(word, 'EU')[i % 2]}{quote}" for i in range(ROWS)]
    text = "\n".join(["a,label", *rows, ""])
    assert "data.missing_words=[] takes these for words" in refused(tmp_path, text)
    assert set(load(settings(tmp_path, text, missing_words=[])).class_names) == {word, "EU"}


def test_a_word_may_be_called_so_too_and_numbers_may_be_missing_beside_it(tmp_path: Path) -> None:
    rows = [f"{'NA' if i % 5 else i},{('NA', 'DE', '')[i % 3]},{'yn'[i % 2]}" for i in range(ROWS)]
    text = "\n".join(["a,country,label", *rows, ""])
    said = refused(tmp_path, text)
    assert "country 27 (rows)" in said
    assert "; if NA, N/A, NaN, NULL, null are words there: data.missing_words=[]" in said
    data = load(settings(tmp_path, text, missing_words=[], missing="fill"))
    assert data.columns[1].vocabulary == ("", "DE", "NA")
    assert int(np.isnan(data.x[:, 0]).sum()) == ROWS - ROWS // 5


def test_words_of_your_own_mean_missing(tmp_path: Path) -> None:
    rows = [f"{'?' if i == 3 else i},{('?', 'NA', 'DE')[i % 3]},{'yn'[i % 2]}" for i in range(ROWS)]
    text = "\n".join(["a,country,label", *rows, ""])
    assert "\"data.missing_words=['?']\"" in refused(tmp_path, text)
    data = load(settings(tmp_path, text, missing_words=["?"], missing="fill"))
    assert data.columns[1].vocabulary == ("", "DE", "NA")
    assert np.flatnonzero(np.isnan(data.x[:, 0])).tolist() == [3]


@pytest.mark.parametrize("memory", [10**9, 1000])
def test_leading_zeros_are_told_where_they_get_lost(
    memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (csv_file, table_files):
        monkeypatch.setattr(module, "available_bytes", lambda: memory)
    rows = [f"{i % 17 + 5:05},0.{i},{i % 3:02},00{i},{'yn'[i % 2]}" for i in range(5, ROWS)]
    text = "\n".join(["zip,share,part,id,label", *rows, ""])
    told = list(data_warnings(load_split(settings(tmp_path, text, drop=["id"]))))
    zeros = [line for line in told if "leading zeros" in line]
    assert zeros == [
        f"column {name} has leading zeros, such as {word}, and is taken for numbers; if they are "
        f"codes: data.categorical=[{name}]"
        for name, word in (("zip", "00010"), ("part", "02"))
    ]
    kept = settings(tmp_path, text, drop=["id"], categorical=["zip", "part"])
    data = load_split(kept)
    assert data.dataset.columns[2].vocabulary == ("00", "01", "02")
    assert not any("leading zeros" in line for line in data_warnings(data))


def test_classes_with_leading_zeros_are_told(tmp_path: Path) -> None:
    text = "\n".join(["a,label", *(f"{i},{i % 2 + 1:02}" for i in range(ROWS)), ""])
    (told,) = load(settings(tmp_path, text)).notes
    assert told.startswith("column label has leading zeros, such as 01")


@pytest.mark.parametrize("classes", ["words", "numbers"])
def test_rows_without_a_class_can_be_left_out(classes: str, tmp_path: Path) -> None:
    words = ("y", "n") if classes == "words" else ("1", "0")
    rows = [f"{i if i != 5 else ''},{words[i % 2] if i % 4 else ''}" for i in range(ROWS)]
    text = "\n".join(["a,label", *rows, ""])
    said = refused(tmp_path, text, missing="drop")
    assert "missing in 10 rows, row 1 the first" in said
    assert "data.unlabeled=drop does" in said
    data = load(settings(tmp_path, text, missing="drop", unlabeled="drop"))
    assert data.x[:, 0].tolist() == [i for i in range(ROWS) if i % 4 and i != 5]
    assert data.notes == (
        "left out: 10 rows without a value in column label",
        "left out: 1 row with missing values",
    )
    assert data.origin is not None
    assert data.origin.place(3) == "row 7 of rows.csv"


def test_rows_without_every_label_can_be_left_out(tmp_path: Path) -> None:
    rows = [f"{i},{i % 2},{'' if i < 4 else i // 2 % 2}" for i in range(ROWS)]
    rows[0] = ",,1"  # nor does it matter what else such a row misses
    text = "\n".join(["a,red,round", *rows, ""])
    data = load(settings(tmp_path, text, target=["red", "round"], unlabeled="drop"))
    assert len(data.y) == ROWS - 4


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (1, "there is only row 8 of class 'maybe', and training, validation and test need one"),
        (2, "there are only 2 rows, row 8 the first of class 'maybe', and training, validation"),
    ],
)
def test_a_class_with_fewer_rows_than_parts_is_told(rows: int, told: str, tmp_path: Path) -> None:
    lines = [f"{i * i},{'maybe' if 7 <= i < 7 + rows else 'yn'[i % 2]}" for i in range(ROWS)]
    said = refused(tmp_path, "\n".join(["a,label", *lines, ""]))
    assert told in said
    assert "no share helps; leave this class out, or merge it with another" in said

"""Files of rows to predict: what is read, and what each mistake is told as."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from fairsweep.config.command_schema import Predict
from fairsweep.config.form import Form, form_of
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Column
from fairsweep.data.inputs.encoding import encode
from fairsweep.data.inputs.images import are_images
from fairsweep.data.inputs.rows import InputSpec, read_rows
from fairsweep.data.tables.parquet import ParquetRows
from fairsweep.data.tables.table import load_table
from fairsweep.errors import BadInput


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "with-a-bom"])
def test_columns_are_put_in_the_shape_of_a_row(tmp_path: Path, start: str) -> None:
    (tmp_path / "rows.csv").write_text(f"{start}a,b,c,d\n1,2,3,4\n5,6,7,8\n")
    rows = read_rows(tmp_path / "rows.csv", InputSpec((2, 2)))
    assert rows.dtype == np.float32
    assert np.asarray(rows).tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def test_arrays_may_have_the_shape_already(tmp_path: Path) -> None:
    x = np.arange(8).reshape(2, 2, 2)
    np.savez(tmp_path / "rows.npz", x=x)
    np.testing.assert_array_equal(read_rows(tmp_path / "rows.npz", InputSpec((2, 2))), x)


def test_a_tab_may_be_written_as_two_characters(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\tb\n1\t2\n")
    rows = read_rows(tmp_path / "rows.csv", InputSpec((2,)), form_of(Predict(delimiter=r"\t")))
    assert np.asarray(rows).tolist() == [[1, 2]]


FORMS = {
    "blanks": ("  a  b\n 1  x\n20  NA\n", Form("blank")),
    "thousands": ('a;b\n1;x\n"20";NA\n', Form(";", ",", ".")),
    "comments": ("# made by hand\na,b\n1,x\n# and\n20,NA\n", Form(comment="#")),
    "no-header": ("1,x\n20,NA\n", Form(columns=("a", "b"))),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_csv_is_read_in_the_form_that_is_said(case: str, tmp_path: Path) -> None:
    text, form = FORMS[case]
    (tmp_path / "rows.csv").write_text(text)
    columns = (Column("a"), Column("b", ("",)))
    for words, expected in ((None, None), ((), "NA")):
        takes = InputSpec((2,), columns, missing=True, missing_words=words)
        frame = read_rows(tmp_path / "rows.csv", takes, form)
        assert isinstance(frame, pd.DataFrame)
        assert frame["a"].tolist() == [1, 20]
        assert frame["b"].tolist() == ["x", expected]


@pytest.mark.parametrize(
    ("word", "missing_words", "aside"),
    [("NA", None, "; words such as NA"), ("", None, "; words such"), ("?", ("?",), "")],
    ids=["usual", "empty", "own"],
)
def test_a_missing_word_is_refused_as_in_training(
    tmp_path: Path, word: str, missing_words: tuple[str, ...] | None, aside: str
) -> None:
    (tmp_path / "rows.csv").write_text(f"a,b,c\n1,x,one text\n2,{word},\n")
    columns = (Column("a"), Column("b", ("",)), Column("c", ("",), length=1))
    takes = InputSpec((3,), columns, missing_words=missing_words)
    told = rf"row 2, column 'b', has no value, .*; fill it in, .*data\.missing=fill{aside}"
    with pytest.raises(BadInput, match=told):
        read_rows(tmp_path / "rows.csv", takes)
    frame = read_rows(tmp_path / "rows.csv", replace(takes, missing=True))
    assert isinstance(frame, pd.DataFrame)
    assert frame["b"].tolist() == ["x", None]


def test_columns_without_a_name_are_left_alone_by_a_model_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(",b,a,\n0,2,1,\n1,4,3,\n")
    takes = InputSpec((2,), (Column("a"), Column("b")))
    frame = read_rows(tmp_path / "rows.csv", takes)
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    with pytest.raises(BadInput, match="column 1, 4 has no name"):
        read_rows(tmp_path / "rows.csv", InputSpec((2,)))


@pytest.mark.parametrize("name", ["rows.txt", "rows.tsv", "rows.CSV", "rows"])
def test_a_csv_may_have_any_ending_as_in_training(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a;b\n1;2\n")
    rows = read_rows(tmp_path / name, InputSpec((2,)), Form(";"))
    assert np.asarray(rows).tolist() == [[1, 2]]


def test_two_columns_of_one_name_are_refused_in_parquet(tmp_path: Path) -> None:
    own = pa.Table.from_arrays([pa.array([1, 2])] * 2, names=["a", "a"])
    parquet.write_table(own, tmp_path / "rows.parquet")
    for key in ("input", "data.path"):
        with pytest.raises(
            BadInput, match=rf"^{key}: .* has more than one column 'a'; column names"
        ):
            ParquetRows(key, tmp_path / "rows.parquet")


TYPES = {
    "decimals": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
    "numbers-in-a-dictionary": pa.array([1.5, None]).dictionary_encode(),
    "switches": pa.array([True, None]),
    "small-whole-numbers": pa.array([1, None], pa.uint8()),
    "long-words": pa.array(["red", None], pa.large_string()),
    "words-in-a-dictionary": pa.array(["red", None]).dictionary_encode(),
}


@pytest.mark.parametrize(
    ("kind", "words"),
    [(kind, words) for kind in TYPES for words in (False, True) if words or "words" not in kind],
)
def test_columns_of_parquet_are_what_they_are_in_training(
    kind: str, words: bool, tmp_path: Path
) -> None:
    table = pa.table({"a": TYPES[kind], "y": ["no", "yes"]})
    parquet.write_table(table, tmp_path / "rows.parquet")
    data = Data("table", "parquet", path=str(tmp_path / "rows.parquet"), target="y", missing="fill")
    trained = load_table(replace(data, categorical=["a"] if words else None))
    asked = read_rows(tmp_path / "rows.parquet", InputSpec((1,), trained.columns, missing=True))
    np.testing.assert_array_equal(encode(asked, trained.columns), trained.x)


@pytest.mark.parametrize("name", ["rows.PARQUET", "rows.pq", "folder"])
def test_parquet_is_read_by_every_ending_and_from_folders(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    if name == "folder":
        for part in (1, 2):
            (place / f"b={part}").mkdir(parents=True)
            pd.DataFrame({"a": [part * 10.0]}).to_parquet(place / f"b={part}" / "rows.parquet")
        expected = {"a": [10, 20], "b": [1, 2]}
    else:
        pd.DataFrame({"b": [1, 2], "a": [3, 4]}).to_parquet(place)
        expected = {"a": [3, 4], "b": [1, 2]}
    assert not are_images(place)
    frame = read_rows(place, InputSpec((2,), (Column("a"), Column("b"))))
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_dict("list") == expected
    assert np.asarray(read_rows(place, InputSpec((2,)))).shape == (2, 2)


@pytest.mark.parametrize(
    ("given", "shape", "told"),
    [
        ((3, 8, 6), (8, 6, 3), "rows of 3 × 8 × 6, and the model takes 8 × 6 × 3; put its axes"),
        ((8, 6), (8, 6, 1), ""),
        ((1, 8, 6), (8, 6, 1), ""),
        ((48,), (8, 6, 1), ""),
        ((8, 6), (6, 8), "rows of 8 × 6, and"),
        ((6, 8), (48,), ""),
        ((8, 7, 1), (8, 6, 1), "rows of 8 × 7 × 1, .* takes 8 × 6 × 1; give rows of this shape$"),
    ],
)
def test_axes_of_arrays_are_in_the_order_of_training(
    tmp_path: Path, given: tuple[int, ...], shape: tuple[int, ...], told: str
) -> None:
    np.savez(tmp_path / "rows.npz", x=np.zeros((2, *given)))
    if told:
        with pytest.raises(BadInput, match=told):
            read_rows(tmp_path / "rows.npz", InputSpec(shape))
    else:
        assert np.asarray(read_rows(tmp_path / "rows.npz", InputSpec(shape))).shape == (2, *shape)


def test_a_csv_that_names_images_is_no_row_of_pixels(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\na.png,cat\n")
    with pytest.raises(BadInput, match="of images that it names, give the folder"):
        read_rows(tmp_path / "labels.csv", InputSpec((8, 8, 1)))


def test_an_index_that_pandas_wrote_is_no_number_of_a_row(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=[8, 7])
    frame.to_parquet(tmp_path / "rows.parquet")
    rows = read_rows(tmp_path / "rows.parquet", InputSpec((2,)))
    assert np.asarray(rows).tolist() == [[1, 3], [2, 4]]


BAD = {
    "missing": ("rows.csv", None, r"there is no file .*rows\.csv"),
    "no-parquet": ("rows.parquet", b"x", "isn't a complete Parquet file"),
    "parquet-by-another-name": ("rows.txt", b"PAR1", "not text; let its name end in .parquet"),
    "a-sheet": ("rows.xlsx", b"PK\x03\x04", "is a zip archive, not text; .* save a sheet as CSV"),
    "an-array-alone": ("rows.npy", b"\x93NUMPY", r"numpy\.savez\(path, x=x\)$"),
    "empty": ("rows.csv", b"", "is empty"),
    "header-only": ("rows.csv", b"a,b\n", "has no rows"),
    "no-header": ("rows.csv", b"1,2\n3,4\n", "first line .* must name the columns"),
    "no-header-and-equal-numbers": ("rows.csv", b"0.5,0.5\n2,2\n", "must name the columns"),
    "too-few-columns": ("rows.csv", b"a\n1\n", r"rows of 2 numbers, .* has rows of 1"),
    "too-many-columns": ("rows.csv", b"a,b,c\n1,2,3\n", "has rows of 3"),
    "words": ("rows.csv", b"a,b\n1,red\n", "column 'b' must have numbers only"),
    "gap": ("rows.csv", b"a,b\n1,2\n3,\n", "row 2 has a value that is missing"),
    "ragged": ("rows.csv", b"a,b\n1,2\n1,2,3,4\n", "line 3 has 4"),
    "latin": ("rows.csv", "größe,b\n1,2\n".encode("latin-1"), "isn't UTF-8"),
    "no-zip": ("rows.npz", b"PK\x03\x04 no", r"is damaged \(it is cut short\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_told(tmp_path: Path, case: str) -> None:
    name, content, message = BAD[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_rows(tmp_path / name, InputSpec((2,)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros(2)}, "needs an array x"),
        ({"x": np.array(["a", "b"])}, "x must be numbers"),
        ({"x": np.array([{}], dtype=object)}, "contains Python objects"),
        ({"x": np.float32(1)}, "rows first"),
        ({"x": np.array([[1.0, np.inf]])}, "row 1 has a value"),
    ],
    ids=["no-x", "strings", "objects", "no-rows", "infinite"],
)
def test_arrays_that_are_no_rows_are_told(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "rows.npz", allow_pickle=True, **arrays)
    with pytest.raises(BadInput, match=message):
        read_rows(tmp_path / "rows.npz", InputSpec((2,)))


@pytest.mark.parametrize(
    ("missing", "remedy"), [(True, "leave it empty if it is missing"), (False, "or drop the row")]
)
def test_a_word_among_numbers_may_be_left_out_only_where_a_number_may(
    tmp_path: Path, missing: bool, remedy: str
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,many\n5,6\n")
    takes = InputSpec((2,), (Column("a"), Column("b")), missing)
    with pytest.raises(BadInput, match=f"except in row 2: 'many'; correct it, {remedy}$"):
        read_rows(tmp_path / "rows.csv", takes)

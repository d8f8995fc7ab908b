"""Every kind of bad data: refused with the place and the remedy, or taken with a word about it.

Numbers in the ids are those of the list of bad input that the project promises to handle.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from fairsweep.commands import train
from fairsweep.config.checks.data import data_problems
from fairsweep.config.schema import Data
from fairsweep.data import memory
from fairsweep.data.csv import file as csv_file
from fairsweep.data.memory import room
from fairsweep.data.sources import npz as arrays
from fairsweep.data.split import SplitData, load_split
from fairsweep.data.tables import files as table_files
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput

Make = Callable[[Path], dict[str, Any]]
"""Puts files into a folder; gives settings beside what every case has."""

ROWS = 20
NUMBERS = [f"{i},{i * 7 % 5},{'yes' if i % 2 else 'no'}" for i in range(ROWS)]


def load_with(settings: dict[str, Any]) -> SplitData:
    return load_split(Data(name="d", **{"source": "csv", **settings}))


def csv(text: str | bytes, **settings: Any) -> Make:
    """A file rows.csv whose class is in the column label."""

    def make(folder: Path) -> dict[str, Any]:
        content = text.encode() if isinstance(text, str) else text
        (folder / "rows.csv").write_bytes(content)
        return {"path": str(folder / "rows.csv"), "target": "label", **settings}

    return make


def lines(*rows: str, header: str = "a,b,label") -> str:
    return "\n".join((header, *rows, ""))


def with_row(row: str, at: int = 11) -> str:
    return lines(*NUMBERS[:at], row, *NUMBERS[at:])


def parquet_of(**settings: Any) -> Callable[[Callable[[], dict[str, Any]]], Make]:
    def of(columns: Callable[[], dict[str, Any]]) -> Make:
        def make(folder: Path) -> dict[str, Any]:
            parquet.write_table(pa.table(columns()), folder / "rows.parquet")
            return {
                "source": "parquet",
                "path": str(folder / "rows.parquet"),
                "target": "label",
                **settings,
            }

        return make

    return of


def npz(write: Callable[[Path], None]) -> Make:
    def make(folder: Path) -> dict[str, Any]:
        write(folder / "rows.npz")
        return {"source": "npz", "path": str(folder / "rows.npz")}

    return make


def of_arrays(**named: Any) -> Make:
    return npz(lambda path: np.savez(path, **named))


def given(name: str, **settings: Any) -> Make:
    """A path that is given as it is; {} stands for the folder."""
    return lambda folder: {"path": name.format(folder), "target": "label", **settings}


def file(name: str, content: bytes) -> Make:
    """A file of any kind."""

    def make(folder: Path) -> dict[str, Any]:
        (folder / name).write_bytes(content)
        return given(f"{{}}/{name}")(folder)

    return make


X, Y = np.arange(40.0).reshape(ROWS, 2), np.arange(ROWS) % 2
LABELS = ["yes", "no"] * 10


def picture(path: Path, size: tuple[int, int] = (6, 4), mode: str = "RGB", seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(path)


def photos(change: Callable[[Path], object] = lambda _: None, **settings: Any) -> Make:
    """Six images of cats and six of dogs, 6 × 4 pixels, and then a change."""

    def make(folder: Path) -> dict[str, Any]:
        root = folder / "photos"
        for i in range(6):
            for j, name in enumerate(("cat", "dog")):
                picture(root / name / f"{i}.png", seed=2 * i + j)
        change(root)
        return {"source": "images", "path": str(root), **settings}

    return make


def fifo(folder: Path) -> dict[str, Any]:
    os.mkfifo(folder / "pipe.csv")
    return {"path": str(folder / "pipe.csv"), "target": "label"}


def close_by(folder: Path) -> dict[str, Any]:
    (folder / "rows.csv").write_text(lines(*NUMBERS))
    return {"path": str(folder / "row.csv"), "target": "label"}


def a_folder(folder: Path) -> dict[str, Any]:
    (folder / "data.csv").mkdir()
    (folder / "data.csv" / "part.csv").write_text(lines(*NUMBERS))
    return {"path": str(folder / "data.csv"), "target": "label"}


def a_file_for_images(folder: Path) -> dict[str, Any]:
    picture(folder / "one.png")
    return {"source": "images", "path": str(folder / "one.png")}


def misnamed_parquet(folder: Path) -> dict[str, Any]:
    parquet.write_table(pa.table({"a": range(ROWS), "label": LABELS}), folder / "rows.parquet")
    content = (folder / "rows.parquet").read_bytes()
    (folder / "rows.parquet").write_bytes(content.replace(b"\x18\x05label", b"\x18\x05l\x80bel"))
    return {"source": "parquet", "path": str(folder / "rows.parquet"), "target": "label"}


def cut_parquet(folder: Path) -> dict[str, Any]:
    table = pa.table({"a": list(range(1000)), "label": LABELS * 50})
    parquet.write_table(table, folder / "rows.parquet")
    content = (folder / "rows.parquet").read_bytes()
    (folder / "rows.parquet").write_bytes(content[: len(content) // 2])
    return {"source": "parquet", "path": str(folder / "rows.parquet"), "target": "label"}


def parquet_indexed(folder: Path) -> dict[str, Any]:
    frame = pd.DataFrame({"a": [i * i for i in range(ROWS)], "label": LABELS})
    frame.sample(frac=1, random_state=0).to_parquet(folder / "rows.parquet")
    return {"source": "parquet", "path": str(folder / "rows.parquet"), "target": "label"}


def cut_npz(path: Path) -> None:
    np.savez(path, x=X, y=Y)
    path.write_bytes(path.read_bytes()[:-200])


def bomb(path: Path) -> None:
    np.savez_compressed(path, x=np.zeros((60_000_000,), np.uint8).reshape(-1, 2), y=Y)


def liar(path: Path) -> None:
    """Declares more than it has."""
    np.savez(path, y=Y)
    head = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10)}
    np.lib.format.write_array_header_1_0(head, about)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x.npy", head.getvalue() + b"\0" * 400)


def a_link(root: Path) -> None:
    picture(root.parent / "secret.png", seed=99)
    (root / "cat" / "link.png").symlink_to(root.parent / "secret.png")


def huge(root: Path) -> None:
    Image.new("1", (10_000, 6_000)).save(root / "cat" / "huge.png")


def much_too_huge(root: Path) -> None:
    Image.new("1", (20_000, 6_000)).save(root / "cat" / "huge.png")


def several(root: Path) -> None:
    (root / "cat" / "zero.png").write_bytes(b"")
    (root / "dog" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    (root / "dog" / "notes.txt").write_text("no image")


def of_the_system(root: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (root / "cat" / name).write_bytes(b"not for anybody")


def cut_image(root: Path) -> None:
    whole = (root / "dog" / "3.png").read_bytes()
    (root / "dog" / "3.png").write_bytes(whole[: len(whole) - 40])


REFUSED: dict[str, tuple[Make, tuple[str, ...]]] = {
    "44-missing-file": (given("{}/nothing/rows.csv"), ("data.path: there is no file", "/nothing/")),
    "44-near-match": (close_by, ("there is no file", "did you mean", "rows.csv")),
    "45-folder-for-a-file": (a_folder, ("need a file", "is a folder", "part.csv")),
    "45-file-for-a-folder": (a_file_for_images, ("need a folder", "is a file")),
    "46-empty": (csv(""), ("data.path", "is empty")),
    "46-header-only": (csv("a,b,label\n"), ("has no rows below its first line",)),
    "46-no-header": (csv("1,2,0\n3,4,1\n"), ("first line", "must name the columns")),
    "48-ragged": (
        csv(lines("1,2,x", "1,2,3,x", "1,x", "2,1,y", "1,2,3,4,x", "0")),
        ("has 3 columns", "line 3 has 4, line 4 has 2, line 6 has 5", "quote values"),
    ),
    "49-mixed": (
        csv(with_row("3,unknown,yes")),
        (
            "column 'b' has numbers, except in row 12: 'unknown'; correct it, leave it empty if "
            "it is missing, say that it means missing: data.missing_words=[unknown], or read "
            "the column as words: data.categorical=[b]",
        ),
    ),
    "50-semicolons": (csv(lines(*NUMBERS).replace(",", ";")), ("one column", "data.delimiter")),
    "50-tabs": (csv(lines(*NUMBERS).replace(",", "\t")), ("one column", r"'\t'")),
    "51-decimal-comma": (
        csv("a;b;label\n1,5;2;x\n2,5;1;y\n", delimiter=";"),
        ("column 'a' has numbers with a comma, such as '1,5'", "data.decimal"),
    ),
    "51-point-where-a-comma-is-said-to-stand": (
        csv("a;b;label\n0.5;2,5;x\n2;1,5;y\n", delimiter=";", decimal=","),
        ("column 'a' has numbers with a point, such as '0.5', but data.decimal is ','",),
    ),
    "51-thousands": (
        csv(lines(*(f'"{i + 1},000",{i},{w}' for i, w in enumerate(LABELS)))),
        (
            "column 'a' has numbers with a comma between thousands, such as '1,000'; "
            "data.thousands=comma",
        ),
    ),
    "51-thousands-with-a-point": (
        csv("a;b;label\n1,234.5;2;x\n12.5;1;y\n", delimiter=";"),
        ("such as '1,234.5'; data.thousands=comma",),
    ),
    "51-thousands-or-decimal-comma": (
        csv("a;b;label\n5,976;2;x\n2,500;1;y\n", delimiter=";"),
        (
            "a comma between thousands, such as '5,976'; data.thousands=comma; if it is the "
            "decimal mark: \"data.decimal=','\"",
        ),
    ),
    "51-three-decimals": (
        csv("a;b;label\n0,976;2;x\n2,500;1;y\n", delimiter=";"),
        ("such as '0,976'; \"data.decimal=','\"",),
    ),
    "51-decimal-comma-between-commas": (
        csv('a,b,label\n"1,5",2,x\n"2,5",1,y\n'),
        ("such as '1,5'; \"data.decimal=','\"",),
    ),
    "46-a-title": (
        csv("Report of 2024,,\n,,\n" + lines(*NUMBERS)),
        ("begins with 'Report of 2024', but lines below have 3 values", "remove the lines above"),
    ),
    "46-a-comment": (
        csv("# made by hand\n" + lines(*NUMBERS)),
        ("begins with '# made by hand'", "the first line must name the columns"),
    ),
    "46-a-word-to-excel": (
        csv("sep=;\n" + lines(*NUMBERS).replace(",", ";")),
        ("begins with 'sep=;', which only Excel reads; remove this line", "data.delimiter"),
    ),
    "46-colons": (
        csv(lines(*NUMBERS).replace(",", ":")),
        ("its delimiter may be ':': \"data.delimiter=':'\"",),
    ),
    "46-two-colons": (
        csv(lines(*NUMBERS).replace(",", "::")),
        ("its delimiter may be '::': write one character instead",),
    ),
    "46-a-caret": (csv(lines(*NUMBERS).replace(",", "^")), ("\"data.delimiter='^'\"",)),
    "47-a-blank-before-a-name": (
        csv(lines(*NUMBERS).replace("label", " label")),
        ("has no column 'label'; did you mean ' label'?",),
    ),
    "49-the-minus-of-typesetters": (
        csv(lines(*(f"\u2212{i}.5,{i},{'xy'[i % 2]}" for i in range(20)))),
        ("numbers with a sign, a unit or separators, such as '\u22120.5'; write plain numbers",),
    ),
    "52-utf16": (
        csv(lines(*NUMBERS).encode("utf-16")),
        ("is text in UTF-16; use data.encoding=utf-16",),
    ),
    "52-utf16-no-mark": (
        csv(lines(*NUMBERS).encode("utf-16-le")),
        ("may be text in UTF-16", "=utf-16-le"),
    ),
    "52-latin-1-header": (
        csv("größe,label\n1,x\n2,y\n".encode("latin-1")),
        ("isn't UTF-8: line ", "'; data.encoding=cp1252"),
    ),
    "52-latin-1-far-down": (
        csv(lines(*NUMBERS * 900, "1,2,größe").encode("latin-1")),
        ("isn't UTF-8: line ", "'; data.encoding=cp1252"),
    ),
    "53-missing": (
        csv(with_row(",1,yes", 3).replace("\n5,0,yes", "\n5,NA,yes")),
        ("has missing values: a 1, b 1 (rows)", "data.missing=fill", "data.missing=drop"),
    ),
    "53-infinite": (
        csv(with_row("inf,1,yes"), missing="fill"),
        ("infinite or too large for 32 bits: a 1",),
    ),
    "53-too-large": (csv(with_row("1e39,1,yes")), ("too large for 32 bits", "a 1")),
    "53-nan-in-arrays": (
        of_arrays(x=np.where(X == 3, np.nan, X), y=Y),
        ("x has NaN or infinite values in 1 row", "data.missing=fill"),
    ),
    "54-missing-target": (
        csv(with_row("1,2,"), missing="fill"),
        ("data.target: column 'label' is missing in 1 row", "row 12 the first"),
    ),
    "54-missing-number-target": (
        csv(lines("1,2,0", "2,3,1", "3,4,"), missing="drop"),
        ("column 'label' is missing in 1 row",),
    ),
    "54-words-that-count-as-missing": (
        csv(lines(*(f"{i},{i % 3},{w}" for i, w in enumerate(("NA", "EU") * 10)))),
        ("is missing in 10 rows", "these count as missing: an empty value, NA,"),
    ),
    "54-missing-numbers": (
        csv(lines(*(f"{i},{i % 3},{w}" for i, w in enumerate(("NA", "1", "2") * 10)))),
        (
            "is missing in 10 rows",
            "(these count as missing: an empty value, NA, N/A, NaN, NULL, null)",
        ),
    ),
    "56-leading-zeros": (
        csv(lines(*(f"{i},{i % 3},{w}" for i, w in enumerate(("01", "1") * 10)))),
        (
            "fewer than two classes",
            "if they are words, such as 01 and 1: data.categorical=[label]",
        ),
    ),
    "57-quantities": (
        csv(lines(*(f"{i},{i % 3},{100 + i * i}" for i in range(30)))),
        (
            "some class of column 'label' without rows on one side (rows of class '1",
            "30 whole numbers for 30 rows: if they are quantities, data.task=values predicts them",
        ),
    ),
    "57-fractions": (
        csv(lines("1,2,0.5", "2,3,1.5"), task="classes"),
        ("row 1 has 0.5", "data.task=values predicts them as numbers"),
    ),
    "57-fractions-in-arrays": (
        lambda folder: {**of_arrays(x=X, y=Y / 2)(folder), "task": "classes"},
        ("row 2 has 0.5", "data.task=values"),
    ),
    "58-one-class": (
        csv(lines("1,2,x", "2,3,x")),
        ("'label' has fewer than two classes", "or another target"),
    ),
    "59-no-training-rows": (
        csv(
            lines(
                "1,train,x",
                "2,train,x",
                "3,validation,x",
                "4,test,y",
                "5,test,x",
                "6,validation,y",
                header="a,part,label",
            ),
            split="part",
        ),
        ("no training rows of class 'y'",),
    ),
    "60-one-row-of-a-part": (
        csv(
            lines(
                "1,train,x",
                "2,train,y",
                "3,validation,x",
                "4,test,y",
                "5,test,x",
                header="a,part,label",
            ),
            split="part",
        ),
        ("one validation row", "at least two"),
    ),
    "61-no-target-column": (
        csv(lines(*NUMBERS), target="lable"),
        ("data.target: data.path has no column 'lable'", "did you mean label?", "a, b, label"),
    ),
    "61-copy-of-the-target": (
        csv(lines(*(f"{i},{w},{w}" for i, w in enumerate(LABELS)))),
        ("column 'b' is a copy of the target", "data.drop=[b]"),
    ),
    "61-copy-in-numbers": (
        csv(lines(*(f"{i},{i % 2},{i % 2}" for i in range(ROWS)))),
        ("column 'b' is a copy of the target",),
    ),
    "61-blank-in-a-name": (
        csv(lines(*NUMBERS, header="a,b, label")),
        ("no column 'label'; did you mean ' label'?",),
    ),
    "62-twice": (csv("a,a,label\n1,2,x\n2,1,y\n"), ("more than one column 'a'",)),
    "62-unnamed": (
        csv(",a,label\n0,2,x\n1,1,y\n"),
        ("column 1 has no name", "index=False", "\"data.drop=['']\" drops such columns"),
    ),
    "63-words-one-per-row": (
        csv(lines(*(f"{i},name {i},{w}" for i, w in enumerate(LABELS)))),
        ("'b' has 20 different words (one per row)", "data.drop=[b]"),
    ),
    "63-numbers-with-a-sign-one-per-row": (
        csv(lines(*(f"{i * i},{i + 0.5}%,{w}" for i, w in enumerate(LABELS)))),
        ("'b' has 20 different words (one per row)", "such as '0.5%'; write plain numbers"),
    ),
    "63-too-many-words": (
        csv(lines(*(f"{i},w{i % 1001},{i % 2}" for i in range(2500)))),
        ("'b' has 1001 different words", "data.drop=[b]"),
    ),
    "63-times": (
        csv(lines(*(f"{i},10:{i + 10}:00,{w}" for i, w in enumerate(LABELS)))),
        ("column 'b' has times without a date", "data.drop=[b]"),
    ),
    "63-empty-column": (csv(lines("1,,x", "2,,y")), ("column 'b' is empty", "data.drop=[b]")),
    "65-object-arrays": (
        of_arrays(x=X.astype(object), y=Y),
        ("Python objects", "without object arrays"),
    ),
    "66-no-x": (of_arrays(y=Y), ("needs arrays x and y, or pairs x_train", "has y")),
    "66-half-a-pair": (
        of_arrays(x_train=X, y_train=Y, x_test=X),
        ("pairs x_train", "has x_test, x_train, y_train"),
    ),
    "66-a-single-value": (
        of_arrays(x=np.array(5), y=Y),
        ("x must be numbers of shape (rows, features, …), got int64 of shape ()",),
    ),
    "66-labels-as-a-column": (
        of_arrays(x=X, y=Y[:, None]),
        ("data.path: ", "y has the shape (20, 1); save y.ravel()"),
    ),
    "66-lengths": (of_arrays(x=X, y=Y[:-1]), ("x has 20 rows and y has 19",)),
    "66-lengths-of-a-part": (
        of_arrays(x_train=X, y_train=Y, x_test=X, y_test=Y[:-1]),
        ("x_test of shape (20, 2) and y_test of shape (19,)",),
    ),
    "66-shapes-of-parts": (
        of_arrays(x_train=X, y_train=Y, x_test=X[:, :1], y_test=Y),
        ("the same shape in every part", "x_train float64 (20, 2), x_test float64 (20, 1)"),
    ),
    "67-bomb": (npz(bomb), ("unpacks to", "more than is safe")),
    "67-declares-too-much": (npz(liar), ("damaged", "declares 40000000000 bytes and has 400")),
    "68-cut-npz": (npz(cut_npz), ("rows.npz is damaged (it is cut short)",)),
    "68-parquet-with-a-name-that-is-no-text": (
        misnamed_parquet,
        ("isn't a complete Parquet file", "can't decode byte 0x80"),
    ),
    "68-cut-parquet": (cut_parquet, ("isn't a complete Parquet file",)),
    "68-no-parquet": (
        lambda folder: {**csv(lines(*NUMBERS))(folder), "source": "parquet"},
        ("isn't a complete Parquet file",),
    ),
    "69-python-objects": (
        file("a.pkl", b"\x80\x04N."),
        ("may contain Python objects, which are never loaded",),
    ),
    "69-python-objects-in-disguise": (
        csv(b"\x80\x04\x95\x00\x00\x00\x00\x00N."),
        ("a file of Python objects", "never loaded"),
    ),
    "69-hdf5": (
        file("a.h5", b"\x89HDF"),
        ("a.h5", "never loaded", "numpy.savez"),
    ),
    "69-parquet-as-csv": (csv(b"PAR1...."), ("is a Parquet file", "data=parquet")),
    "70-nested": (
        parquet_of()(lambda: {"a": [[1, 2]] * ROWS, "b": range(ROWS), "label": LABELS}),
        ("column 'a' is nested", "data.drop=[a]"),
    ),
    "70-times": (
        parquet_of()(
            lambda: {
                "a": pd.timedelta_range("1 day", periods=ROWS),
                "b": range(ROWS),
                "label": LABELS,
            }
        ),
        ("column 'a' has times without a date (duration[", "data.drop=[a]"),
    ),
    "71-no-classes": (
        photos(lambda root: (root / "cat").rename(root / ".cat")),
        ("but has dog",),
    ),
    "71-empty-class": (photos(lambda root: (root / "mouse").mkdir()), ("mouse has no images",)),
    "71-hidden-only": (
        photos(lambda root: picture(root / "mouse" / ".hidden.png")),
        ("mouse has no images",),
    ),
    "71-several": (
        photos(several),
        ("zero.png is empty", "broken.jpg is damaged", "notes.txt isn't an image"),
    ),
    "71-cut-short": (photos(cut_image), ("3.png is damaged",)),
    "71-huge": (photos(huge), ("huge.png has 10000 × 6000 pixels",)),
    "71-much-too-huge": (photos(much_too_huge), ("huge.png has too many pixels",)),
    "71-link-out": (photos(a_link), ("link.png is a link that leads out",)),
    "71-sizes": (
        photos(lambda root: picture(root / "cat" / "9.png", (8, 8))),
        ("9.png has 8 × 8 pixels, most have 6 × 4", "data.size=[4,6]"),
    ),
    **{
        f"72-{url.partition(':')[0]}": (given(url), ("need a path on this machine", url))
        for url in ("http://host/rows.csv", "s3://bucket/rows.csv", "file:///etc/rows.csv")
    },
    "72-password": (given("https://me:s3cret@host/rows.csv"), ("the URL https://…@host/rows",)),
    "73-pipe": (fifo, ("is a pipe, a device or a system file",)),
    "73-device": (given("/dev/zero"), ("is a pipe, a device or a system file",)),
    "73-proc": (given("/proc/self/environ"), ("is a pipe, a device or a system file",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, told = REFUSED[case]
    monkeypatch.setattr(arrays, "WORTH_A_LOOK", 2**20)
    settings = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as caught:
        load_with(settings)
    assert [part for part in told if part not in str(caught.value)] == []
    assert "s3cret" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


SAID: dict[str, tuple[Make, tuple[str, ...]]] = {
    "53-dropped": (
        csv(with_row(",1,yes", 3), missing="drop"),
        ("left out: 1 row with missing values",),
    ),
    "59-class-not-in-validation": (
        csv(
            lines(
                "1,train,x",
                "2,train,y",
                "3,validation,x",
                "4,validation,x",
                "5,test,x",
                "6,test,y",
                header="a,part,label",
            ),
            split="part",
        ),
        ("no validation row of class 'y'",),
    ),
    "60-fewer-rows-than-a-batch": (csv(lines(*NUMBERS)), ("12 training rows, fewer than a batch",)),
    "63-constant": (
        csv(lines(*(f"{i * i},7,{w}" for i, w in enumerate(LABELS)))),
        ("column b is the same in every training row", "data.drop=[b]"),
    ),
    "63-constant-by-a-name-that-needs-quotes": (
        csv(lines(*(f"{i * i},7,{w}" for i, w in enumerate(LABELS)), header="a,price ($),label")),
        ("drop it: 'data.drop=[\"price ($)\"]'",),
    ),
    "63-ids-that-floats-make-the-same": (
        csv(lines(*(f"{2**53 + 1 + i},{i * i},{w}" for i, w in enumerate(LABELS)))),
        (
            "column a has values around 9.0072e+15",
            "ids, drop it: data.drop=[a]; if",
            "data.categorical=[a]",
        ),
    ),
    "63-dates-without-hyphens": (
        csv(lines(*(f"202001{i + 1:02},{i * i},{w}" for i, w in enumerate(LABELS)))),
        ("column a has numbers that look like dates", "write them as 2024-12-31"),
    ),
    "63-seconds-since-1970": (
        csv(
            lines(
                *(f"{1577836800 + 86400 * i},{i * i},{w}" for i, w in enumerate(LABELS)),
                header="sent_at,b,label",
            )
        ),
        ("column sent_at has numbers that look like seconds since 1970", "rounded to 128"),
    ),
    "63-a-code-for-missing": (
        csv(lines(*(f"{-999 if i % 9 == 4 else i / 8},{i * i},{w}" for i, w in enumerate(LABELS)))),
        ("column a has -999 in", "far from its other numbers", "data.missing_words=['-999']"),
    ),
    "63-counting": (csv(lines(*NUMBERS)), ("column a only numbers the rows", "data.drop=[a]")),
    "64-repeated-rows": (
        csv(lines(*(f"1,{i % 2},{w}" for i, w in enumerate(LABELS)))),
        ("features of a training row are in 4 of 4 validation rows", "data.group"),
    ),
    "63-classes-alike": (
        csv(lines(*(f"{i * i},{i % 3},{('yes', 'no', 'Yes')[i % 3]}" for i in range(30)))),
        ("classes: 'Yes' and 'yes' differ only in case",),
    ),
    "63-words-alike": (
        csv(
            lines(*(f"{i * i},{('red ', 'red', 'blue')[i % 3]},{w}" for i, w in enumerate(LABELS)))
        ),
        ("column b: 'red' and 'red ' differ only in case", "spell them alike"),
    ),
    "an-accent-stored-twice": (
        csv(lines(*(f"{i},{i % 3},{('café', 'cafe' + chr(769))[i % 2]}" for i in range(40)))),
        (
            r"classes: 'cafe\u0301' and 'caf\xe9' differ only in how letters are stored (Unicode)",
            "spell them alike",
        ),
    ),
    **{
        f"63-numbers-with-{mark}": (
            csv(
                lines(*(f"{i * i};{value % (i % 3)};{w}" for i, w in enumerate(LABELS))).replace(
                    "a,b,label", "a;b;label"
                ),
                delimiter=";",
            ),
            (
                f"column b was read as words, but has numbers with a sign, "
                f"a unit or separators, such as '{value % 0}'",
            ),
        )
        for mark, value in {
            "percent": "%d.5%%",
            "dollars": "$%d.00",
            "euros": "%d,50 €",
            "kilograms": "%d kg",
            "rupees": "INR %d.5",
        }.items()
    },
    "66-channels-first": (
        of_arrays(x=np.random.default_rng(0).random((20, 3, 8, 8)), y=Y),
        ("rows have the shape 3 × 8 × 8; if these are images", "np.moveaxis(x, 1, -1)"),
    ),
    "70-index-of-pandas": (
        parquet_indexed,
        ("the index written by pandas, column __index_level_0__, was left out", "reset_index()"),
    ),
    "71-mixed-channels": (
        photos(lambda root: picture(root / "cat" / "9.png", mode="L", seed=50)),
        ("grey images were read as colour (channels=3): 1 of 13",),
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_taken_with_a_word_about_it(case: str, tmp_path: Path) -> None:
    make, told = SAID[case]
    said = "\n".join(data_warnings(load_with(make(tmp_path)), batch_size=32))
    assert [part for part in told if part not in said] == []


USUAL: dict[str, Callable[[int], object]] = {
    "a few levels": lambda i: i % 3 * 2**22,
    "amounts": lambda i: 1500 + 37 * i,
    "years and months": lambda i: 201901 + i,
    "one far value": lambda i: -999 if i == 4 else i / 8,
    "codes among their like": lambda i: -999 if i % 9 == 4 else -400 - i,
    "ids like dates": lambda i: 20200125 + 997 * i,
}


@pytest.mark.parametrize("case", USUAL)
def test_usual_numbers_are_not_taken_for_something_else(case: str, tmp_path: Path) -> None:
    rows = lines(*(f"{USUAL[case](i)},{i * i},{w}" for i, w in enumerate(LABELS)))
    told = "\n".join(data_warnings(load_with(csv(rows)(tmp_path))))
    assert not [word for word in ("look like", "32-bit", "far from") if word in told]


def test_rows_that_differ_in_what_is_rounded_are_not_called_repeated(tmp_path: Path) -> None:
    rows = lines(*(f"{2**53 + 2 * i},{i % 2},{w}" for i, w in enumerate(LABELS)))
    told = "\n".join(data_warnings(load_with(csv(rows)(tmp_path))))
    assert "few of them differ or none" in told
    assert "of a training row" not in told and "is the same in every" not in told


def test_good_data_is_taken_without_a_word() -> None:
    digits = load_split(Data(name="digits", source="digits"))
    assert list(data_warnings(digits, batch_size=32)) == []


TAKEN: dict[str, tuple[Make, tuple[str, ...]]] = {
    "47-byte-order-mark": (csv(b"\xef\xbb\xbf" + lines(*NUMBERS).encode()), ("no", "yes")),
    "55-string-labels": (csv(lines(*NUMBERS)), ("no", "yes")),
    "56-labels-from-1": (
        csv(lines(*(f"{i},{i * i % 7},{1 + i % 2}" for i in range(ROWS)))),
        ("1", "2"),
    ),
    "56-minus-1": (
        csv(lines(*(f"{i},{i * i % 7},{2 * (i % 2) - 1}" for i in range(ROWS)))),
        ("-1", "1"),
    ),
    "50-a-tab-as-two-characters": (
        csv(lines(*NUMBERS).replace(",", "\t"), delimiter=r"\t"),
        ("no", "yes"),
    ),
    "56-classes-with-leading-zeros": (
        csv(
            lines(*(f"{i},{i * i % 7},{('01', '1')[i % 2]}" for i in range(ROWS))),
            categorical=["label"],
        ),
        ("01", "1"),
    ),
    "62-unnamed-left-out": (
        csv(lines(*(f"0,{row},," for row in NUMBERS), header=",a,b,label,,"), drop=[""]),
        ("no", "yes"),
    ),
    "boolean-labels": (
        csv(lines(*(f"{i},{i * i % 7},{['false', 'true'][i % 2]}" for i in range(ROWS)))),
        ("false", "true"),
    ),
    "whole-floats": (
        csv(lines(*(f"{i},{i * i % 7},{i % 2}.0" for i in range(ROWS)))),
        ("0", "1"),
    ),
    "71-hidden-files": (photos(of_the_system), ("cat", "dog")),
}


@pytest.mark.parametrize("case", TAKEN)
def test_taken(case: str, tmp_path: Path) -> None:
    make, classes = TAKEN[case]
    data = load_with(make(tmp_path)).dataset
    assert data.class_names == classes
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    assert data.y.tolist()[:2] in ([0, 1], [0, 0])


@pytest.mark.parametrize(
    "make",
    [
        csv(lines(*NUMBERS * 5000)),
        parquet_of()(lambda: {"a": range(10**6), "label": LABELS * 50_000}),
        of_arrays(x=np.zeros((10**6, 2), np.uint8), y=np.arange(10**6) % 2),
    ],
    ids=["csv", "parquet", "npz"],
)
def test_74_too_large_for_memory_is_told_before_it_is_read(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be read from a file either; `test_larger_than_memory` has what can."""
    settings = make(tmp_path)
    for module in (memory, room, csv_file, table_files):
        monkeypatch.setattr(module, "available_bytes", lambda: 10**5)
    with pytest.raises(BadInput, match=r"about 0\.\d GiB .* 0\.0 GiB are free"):
        load_with(settings)


def test_problems_of_several_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("")
    paths = {"path": str(tmp_path / "rows.csv"), "test_path": "http://host/test.csv"}
    with pytest.raises(BadInput) as caught:
        load_with({**paths, "target": "label"})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "data.path",
        "data.test_path",
    ]


def test_a_line_break_in_quotes_is_part_of_a_value(tmp_path: Path) -> None:
    rows = [f'{i},"two\nlines {i % 3}",{w}' for i, w in enumerate(LABELS)]
    data = load_with(csv(lines(*rows))(tmp_path)).dataset
    assert data.columns[1].vocabulary == tuple(f"two\nlines {i}" for i in range(3))


def test_all_problems_of_columns_are_told_at_once(tmp_path: Path) -> None:
    text = lines(*(f"inf,10:0{i % 9 + 1}:00,," for i in range(ROWS)), header="a,b,c,label")
    with pytest.raises(BadInput) as caught:
        load_with(csv(text)(tmp_path))
    assert {problem.split(";")[0].split(": ")[1] for problem in caught.value.problems} >= {
        "column 'c' is empty",
    }
    assert len(caught.value.problems) == 3


ROWS_CSV = {"source": "csv", "path": "a.csv", "target": "b"}
SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no-target": ({**ROWS_CSV, "target": None}, "data.target: need the name of the column"),
    "no-file": ({"source": "csv", "target": "label"}, "data.path: data=d reads a file"),
    "no-folder": ({"source": "images"}, "data.path: data=d reads a folder"),
    "dropped-target": ({**ROWS_CSV, "drop": ["b"]}, "is also in data.drop"),
    "split-by-the-target": ({**ROWS_CSV, "split": "b"}, "is also in data.split"),
    "column-and-file": (
        {**ROWS_CSV, "split": "c", "test_path": "d.csv"},
        "data.split: this column gives the parts, and so do data.validation_path",
    ),
    "forgotten-csv": (
        {"source": "digits", "path": "a.csv", "target": "b"},
        "data=d is built in and reads no file; name the kind of yours: "
        "data=csv data.path=… data.target=…",
    ),
    "forgotten-parquet": (
        {"source": "digits", "path": "a.parquet"},
        "data=parquet data.path=… data.target=…",
    ),
    "forgotten-npz": ({"source": "digits", "path": "a.npz"}, "data=npz data.path=…"),
    "two-characters": ({**ROWS_CSV, "delimiter": "ab"}, "need one character"),
    "thousands-a-word": ({**ROWS_CSV, "thousands": "dot"}, "need comma, point, blank, apostrophe"),
    "one-mark-for-decimals-and-thousands": (
        {**ROWS_CSV, "thousands": "point"},
        "data.thousands: '.' is the decimal mark, too; set decimal=','",
    ),
    "blanks-for-two": (
        {**ROWS_CSV, "delimiter": "blank", "thousands": "blank"},
        "data.thousands: blanks stand between values already",
    ),
    "comment-a-letter": ({**ROWS_CSV, "comment": "c"}, "data.comment: need a mark such as '#'"),
    "columns-twice": ({**ROWS_CSV, "columns": ["a", "b", "a"]}, "must be unique, got a more"),
    "columns-a-word": ({**ROWS_CSV, "columns": "none"}, "data.columns: need a list of names"),
    "missing-null": (
        {**ROWS_CSV, "missing_words": [None]},
        "data.missing_words: need a list of words, got [None]; quote those",
    ),
    "unlabeled-fill": ({**ROWS_CSV, "unlabeled": "fill"}, "data.unlabeled: need one of drop"),
    "thousands-of-no-csv": ({"source": "parquet", "thousands": "."}, "applies to csv, images only"),
    "one-mark-for-two": (
        {**ROWS_CSV, "delimiter": ";", "decimal": ";"},
        "decimal mark are the same",
    ),
    "missing-zero": ({**ROWS_CSV, "missing": "zero"}, "need one of fill, indicate, drop"),
    "target-of-no-table": (
        {"source": "digits", "target": "b"},
        "csv, parquet, images, python only",
    ),
    "near-match": ({"source": "keras_dataset", "dataset": "mnits"}, "did you mean mnist?"),
    "one-size": ({"source": "images", "path": "a", "size": [8]}, "need [height,width]"),
    "two-channels": ({"source": "images", "path": "a", "channels": 2}, "data.channels: need 1"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_say_nothing_or_contradict_each_other(case: str) -> None:
    settings, told = SETTINGS[case]
    problems = [f"{key}: {problem}" for key, problem in data_problems(Data("d", **settings))]
    assert told in "\n".join(problems)


def test_a_forgotten_kind_of_data_is_one_problem() -> None:
    forgotten = Data("digits", "digits", path="a.csv", target="b", drop=["c"])
    assert len(list(data_problems(forgotten))) == 1


def test_problems_of_settings_reach_the_command() -> None:
    with pytest.raises(BadInput, match=r"^data\.path: data=csv reads a file"):
        train.prepare(["data=csv", "data.target=label"], None)


@pytest.mark.parametrize("given", ["data.split=part", "data.validation_path=b.csv", ""])
def test_no_share_for_validation_is_no_mistake_where_the_data_gives_it(given: str) -> None:
    settings = "data=csv data.path=a.csv data.target=b data.validation=0"
    with pytest.raises(BadInput) as caught:
        train.prepare([*settings.split(), *given.split()], None)
    refused = any(problem.startswith("objective.metric") for problem in caught.value.problems)
    assert refused == (not given)


def test_an_objective_without_rows_to_measure_it_on_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x_train=X, y_train=Y, x_test=X + 100, y_test=Y)
    settings = ["data=npz", f"data.path={tmp_path / 'rows.npz'}", "data.validation=0"]
    with pytest.raises(BadInput, match=r"objective\.metric: val_accuracy needs .* gives none"):
        train.prepare(settings, None)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.npz"]

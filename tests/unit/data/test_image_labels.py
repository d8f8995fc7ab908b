"""Images with a CSV that says what they show: which columns are meant, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fairsweep.config.checks.data import data_problems
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import load
from fairsweep.errors import BadInput

NAMES = [f"{i}.png" for i in range(8)]
ROWS = [f"{name},{'cat' if i % 2 else 'dog'}" for i, name in enumerate(NAMES)]


def photos(folder: Path, *more: str) -> Path:
    root = folder / "photos"
    for i, name in enumerate((*NAMES, *more)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2), i).save(path)
    return root


def read(root: Path, rows: list[str], header: str = "file,label", **given: Any) -> Dataset:
    """The data set of a folder and its CSV, which is in it unless `labels` are given."""
    table = Path(given.get("labels", root / "labels.csv"))
    table.write_text("\n".join([header, *rows, ""]))
    return load(Data("t", "images", str(root), **given))


def numbers(data: Dataset) -> list[float]:
    """The grey of each image, by which they are known."""
    values: list[float] = data.x[:, 0, 0, 0].tolist()
    return values


def test_the_one_csv_beside_images_without_folders_says_what_they_show(tmp_path: Path) -> None:
    data = read(photos(tmp_path), ROWS[::-1])
    assert numbers(data) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert [data.class_names[y] for y in data.y] == ["cat", "dog"] * 4
    assert data.notes == ("labels.csv: label says what the images in column file show",)
    assert data.origin is not None
    assert data.origin.place(1) == "6.png"


SPELLED: dict[str, Callable[[str], str]] = {
    "with-its-ending": lambda name: name,
    "without-an-ending": lambda name: name.removesuffix(".png"),
    "from-where-the-csv-is": lambda name: f"photos/{name}",
    "from-here": lambda name: f"./{name}",
    "of-windows": lambda name: f"..\\photos\\{name}",
}


@pytest.mark.parametrize("case", SPELLED)
def test_images_are_named_by_their_path(case: str, tmp_path: Path) -> None:
    rows = [f"{i},{SPELLED[case](row.split(',')[0])},{row[-3:]}" for i, row in enumerate(ROWS)]
    labels = str(tmp_path / "labels.csv")
    data = read(photos(tmp_path), rows, "n,name,label", labels=labels, target="label")
    assert numbers(data) == list(range(8))
    assert data.notes == ()


def test_the_csv_is_read_as_tables_are(tmp_path: Path) -> None:
    rows = [
        f"{name};{i % 2};{i // 2 % 2};{'train' if i < 4 else 'test'};{i // 4};{i},5"
        for i, name in enumerate(NAMES)
    ]
    header = "file;red;round;part;patient;price"
    root = photos(tmp_path)
    form: dict[str, Any] = {"delimiter": ";", "decimal": ","}
    labels = read(root, rows, header, target=["red", "round"], split="part", **form)
    assert labels.class_names == ("red", "round")
    assert labels.y.tolist() == [[i % 2, i // 2 % 2] for i in range(8)]
    assert labels.parts is not None
    assert labels.parts.tolist() == [0] * 4 + [2] * 4
    values = read(root, rows, header, target="price", group="patient", task="values", **form)
    assert values.y.reshape(-1).tolist() == [i + 0.5 for i in range(8)]
    assert values.groups is not None
    assert values.groups.tolist() == [0] * 4 + [1] * 4
    rows[0] = rows[0].replace("0.png;0", "0.png;")
    fewer = read(root, rows, header, target="red", unlabeled="drop", **form)
    assert numbers(fewer) == list(range(1, 8))
    assert "left out: 1 row without a value in column red" in fewer.notes
    assert "left out: 1 image that labels.csv doesn't name" not in fewer.notes


def test_a_csv_beside_the_images_needs_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names may start at the working directory."""
    root = photos(tmp_path, "more/8.png")
    monkeypatch.chdir(tmp_path)
    rows = [f"photos/{row}" for row in [*ROWS, "more/8.png,cat"]]
    (root / "said.csv").write_text("\n".join(["file,label", *rows, ""]))
    (root / "labels.csv").write_text("")
    data = load(Data("t", "images", "photos", labels="said.csv"))
    assert numbers(data) == list(range(9))


def test_images_that_no_row_names_are_told(tmp_path: Path) -> None:
    data = read(photos(tmp_path, "8.png", "more/9.png"), ROWS, labels=str(tmp_path / "l.csv"))
    assert "left out: 2 images that l.csv doesn't name" in data.notes


def outside(root: Path) -> None:
    Image.new("L", (3, 2)).save(root.parent / "secret.png")


def linked(root: Path) -> None:
    outside(root)
    (root / "8.png").symlink_to(root.parent / "secret.png")


def two_endings(root: Path) -> None:
    for name in ("8.bmp", "8.png"):
        Image.new("L", (3, 2)).save(root / name)


def nothing(_: Path) -> None:
    pass


BAD: dict[str, tuple[Callable[[Path], object], list[str], dict[str, Any], tuple[str, ...]]] = {
    "missing": (
        nothing,
        [*ROWS, "80.png,cat"],
        {},
        ("data.labels: row 9 of labels.csv names 80.png, which isn't in", "leave the row out"),
    ),
    "twice": (
        nothing,
        [*ROWS, "3,cat"],
        {},
        ("row 9 of labels.csv names 3, as row 4 does; leave one of them out",),
    ),
    "outside": (outside, [*ROWS, "../secret.png,cat"], {}, ("which is outside of", "copy the")),
    "absolute": (outside, [*ROWS, "/etc/hostname,cat"], {}, ("hostname, which is outside of",)),
    "link": (linked, [*ROWS, "8.png,cat"], {}, ("8.png is a link that leads out of",)),
    "no-name": (nothing, [*ROWS, ",cat"], {}, ("row 9 of labels.csv names no image",)),
    "no-image": (
        lambda root: (root / "notes.txt").write_text("cat"),
        [*ROWS, "notes.txt,cat"],
        {},
        ("names notes.txt, which isn't an image",),
    ),
    "damaged": (
        lambda root: (root / "8.png").write_bytes(b"\x89PNG cut short"),
        [*ROWS, "8.png,cat"],
        {},
        ("8.png is damaged, or isn't",),
    ),
    "two-endings": (
        two_endings,
        [*ROWS, "8,cat"],
        {},
        ("names 8, which may be 8.bmp or 8.png",),
    ),
    "no-names": (
        nothing,
        ["0.PNG,cat", "1.PNG,dog"],
        {},
        ("no column of", "its first row has '0.PNG', 'cat', and the folder '0.png'"),
    ),
    "no-such-target": (
        nothing,
        ROWS,
        {"target": "lable"},
        ("labels.csv has no column 'lable'; did you mean label?; its columns: file, label",),
    ),
    "no-class": (nothing, [*ROWS[:-1], "7.png,"], {}, ("missing in 1 row", "data.unlabeled=drop")),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_its_row(case: str, tmp_path: Path) -> None:
    change, rows, given, told = BAD[case]
    root = photos(tmp_path)
    change(root)
    with pytest.raises(BadInput) as caught:
        read(root, rows, **given)
    assert [part for part in told if part not in str(caught.value)] == []


def test_several_columns_need_a_target(tmp_path: Path) -> None:
    rows = [f"{row},{i}" for i, row in enumerate(ROWS)]
    with pytest.raises(BadInput, match=r"data\.target: need the column of .* one of label, n;"):
        read(photos(tmp_path), rows, "file,label,n")


def test_what_only_a_csv_can_say_is_refused_for_folders_of_classes(tmp_path: Path) -> None:
    root = photos(tmp_path, "cat/0.png", "dog/0.png")
    settings: list[dict[str, Any]] = [{"target": "label"}, {"task": "values"}]
    for given in settings:
        with pytest.raises(BadInput, match=r"is for images with a CSV .* data\.labels=…"):
            load(Data("t", "images", str(root), **given))


def test_a_folder_of_images_alone_is_told_both_ways(tmp_path: Path) -> None:
    root = photos(tmp_path)
    with pytest.raises(BadInput, match=r"one folder of images per class.*data\.labels=labels\.csv"):
        load(Data("t", "images", str(root)))
    for name in ("a.csv", "b.csv"):
        (root / name).write_text("file,label\n")
    with pytest.raises(BadInput, match=r"data\.labels=\S*a\.csv or data\.labels=\S*b\.csv"):
        load(Data("t", "images", str(root)))


def test_settings_of_the_csv_are_checked() -> None:
    settings = Data("t", "images", "photos", labels="l.csv", target="a", split="a", delimiter="ab")
    keys = {key for key, _ in data_problems(settings)}
    assert keys == {"data.delimiter", "data.target", "data.split"}


def test_pixels_are_those_of_the_row(tmp_path: Path) -> None:
    data = read(photos(tmp_path), ROWS, size=[4, 6], channels=3)
    assert data.x.shape == (8, 4, 6, 3)
    np.testing.assert_array_equal(data.x[5], np.full((4, 6, 3), 5, np.float32))

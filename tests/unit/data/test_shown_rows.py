"""What rows look like: values as they are in the file, pictures with the pixels of the data, and
where each row is in the files that were read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Column, Dataset
from fairsweep.data.shown import LONGEST, MOST_COLUMNS, SIDE, shown
from fairsweep.data.sources import load
from fairsweep.shown import NOTHING, Shown, ShownRow, packed, unpacked

WINE = """\
alcohol,proline,cask,mild,label
14.23,1065,oak,true,a
13.2,1050,steel,false,b
,2.5e-07,,true,a
12.37,-0.125,oak,false,b
"""


def csv(folder: Path, text: str = WINE, **more: Any) -> Data:
    (folder / "wine.csv").write_text(text)
    return Data("w", "csv", str(folder / "wine.csv"), target="label", **more)


def image_of(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=["PNG"])


def pixels_of(content: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(image_of(content))


def of_pixels(x: npt.NDArray[Any]) -> Dataset:
    return Dataset(x.astype(np.float32), np.arange(len(x)) % 2, ("a", "b"))


def test_values_are_those_of_the_file(tmp_path: Path) -> None:
    found = shown(load(csv(tmp_path, missing="fill")), [0, 2, 3])
    assert found.columns == ("alcohol", "proline", "cask", "mild")
    assert found.more == 0
    assert {number: row.values for number, row in found.rows.items()} == {
        0: ("14.23", "1065", "oak", "1"),
        2: ("", "2.5e-07", "", "1"),
        3: ("12.37", "-0.125", "oak", "0"),
    }
    assert {row.place for row in found.rows.values()} == {""}  # the number of a row says it
    assert {row.picture for row in found.rows.values()} == {b""}


def test_a_row_is_found_where_others_were_left_out(tmp_path: Path) -> None:
    found = shown(load(csv(tmp_path, missing="drop")), [1, 2])
    assert found.rows[1] == ShownRow("row 2 of wine.csv", ("13.2", "1050", "steel", "0"))
    assert found.rows[2].values[0] == "12.37"
    assert found.rows[2].place == "row 4 of wine.csv"


def test_a_row_is_found_in_the_file_of_its_part(tmp_path: Path) -> None:
    settings = csv(tmp_path, missing="drop")
    (tmp_path / "late.csv").write_text(WINE)
    settings.validation_path = str(tmp_path / "late.csv")
    found = shown(load(settings), range(6))
    assert [row.place for row in found.rows.values()] == [
        f"row {row} of {file}" for file in ("wine.csv", "late.csv") for row in (1, 2, 4)
    ]


def test_files_of_one_name_are_told_by_their_folders(tmp_path: Path) -> None:
    settings = csv(tmp_path, missing="fill")
    (tmp_path / "late").mkdir()
    settings.validation_path = csv(tmp_path / "late").path
    places = [row.place for row in shown(load(settings), [3, 4]).rows.values()]
    assert all(len(place) <= LONGEST for place in places)
    assert places[0].endswith("/wine.csv")
    assert places[1].endswith("/late/wine.csv")


def test_an_image_is_found_by_its_file(tmp_path: Path) -> None:
    for name in ("cat/1.png", "cat/old/2.png", "dog/1.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(path)
    data = Data("i", "images", str(tmp_path), validation=0, test=0)
    places = [row.place for row in shown(load(data), range(3)).rows.values()]
    assert places == ["cat/1.png", "cat/old/2.png", "dog/1.png"]


def test_a_row_of_arrays_is_found(tmp_path: Path) -> None:
    """The first row of each three is left out."""
    x, y = np.ones((6, 3)), np.array([0, 1, 0, 1, 0, 1])
    x[[0, 3], 1] = np.nan
    np.savez(tmp_path / "one.npz", x=x, y=y)
    np.savez(tmp_path / "two.npz", x_train=x[:3], y_train=y[:3], x_val=x[3:], y_val=y[3:])
    for name, places in {
        "one.npz": ["row 2 of x", "row 3 of x", "row 5 of x", "row 6 of x"],
        "two.npz": ["row 2 of x_train", "row 3 of x_train", "row 2 of x_val", "row 3 of x_val"],
    }.items():
        data = load(Data("n", "npz", str(tmp_path / name), missing="drop"))
        found = shown(data, range(4))
        assert [row.place for row in found.rows.values()] == places
        assert {row.values for row in found.rows.values()} == {()}  # columns have no names


def test_a_few_columns_and_the_start_of_what_is_long() -> None:
    words = ("w" * 100,)
    columns = [Column("c" * 100, words), *(Column(f"n{i}") for i in range(20))]
    x = np.zeros((2, 21), np.float32)
    found = shown(Dataset(x, np.array([0, 1]), ("a", "b"), tuple(columns)), [1])
    assert len(found.columns) == len(found.rows[1].values) == MOST_COLUMNS
    assert found.more == 21 - MOST_COLUMNS
    assert found.columns[0] == "c" * (LONGEST - 1) + "…"
    assert found.rows[1].values[0] == "w" * (LONGEST - 1) + "…"


def test_digits_are_pictures_of_their_own_pixels() -> None:
    data = load(Data("d", "digits"))
    found = shown(data, [0, 1, 1796])
    assert found.columns == ()
    assert data.x[[0, 1, 1796]].max() == 16
    for number, row in found.rows.items():
        expected = np.rint(data.x[number, :, :, 0] / 16 * 255)
        np.testing.assert_array_equal(pixels_of(row.picture), expected)


def test_pictures_of_8_bits_keep_their_pixels() -> None:
    x = np.random.default_rng(0).integers(0, 200, (3, 5, 7, 3))
    x[0, 0, 0] = 199
    for number, row in shown(of_pixels(x), [0, 2]).rows.items():
        assert image_of(row.picture).mode == "RGB"
        np.testing.assert_array_equal(pixels_of(row.picture), x[number])


def test_numbers_around_zero_go_from_black_to_white() -> None:
    x = np.array([-1.0, 0.0, 1.0, 0.5]).reshape(1, 2, 2, 1)
    found = shown(of_pixels(np.repeat(x, 2, axis=0)), [1])
    np.testing.assert_array_equal(pixels_of(found.rows[1].picture), [[0, 128], [255, 191]])


def test_a_black_picture_is_one() -> None:
    found = shown(of_pixels(np.zeros((2, 3, 3, 1))), [0])
    np.testing.assert_array_equal(pixels_of(found.rows[0].picture), np.zeros((3, 3)))


def test_a_large_picture_is_made_smaller() -> None:
    """256 x 128 pixels, left half white: each of the small one is the mean of 4 x 4."""
    x = np.zeros((2, 128, 256, 1))
    x[:, :, :128] = 255
    pixels = pixels_of(shown(of_pixels(x), [0]).rows[0].picture)
    assert pixels.shape == (SIDE // 2, SIDE)
    np.testing.assert_array_equal(pixels[:, : SIDE // 2], 255)
    np.testing.assert_array_equal(pixels[:, SIDE // 2 :], 0)


@pytest.mark.parametrize("shape", [(6,), (4, 5), (4, 5, 2), (3, 4, 5, 1)])
def test_what_is_no_picture_is_not_drawn(shape: tuple[int, ...]) -> None:
    found = shown(of_pixels(np.ones((2, *shape))), [1])
    assert found == Shown(rows={1: ShownRow()})


def test_only_the_rows_are_read(tmp_path: Path) -> None:
    """A file of 400 GB that takes no room: there is no memory for a tenth of it."""
    rows = 10**10
    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=(rows, 10))
    x[rows - 1] = 7
    columns = tuple(Column(f"n{i}") for i in range(10))
    found = shown(Dataset(x, np.zeros(2, np.int64), ("a", "b"), columns), [0, rows - 1])
    assert [row.values[9] for row in found.rows.values()] == ["0", "7"]


def test_no_rows_have_no_look() -> None:
    assert shown(load(Data("d", "digits")), []) == NOTHING


KEPT = Shown(
    ("alter", "größe"),
    3,
    {
        16: ShownRow("row 19 of a.csv", ("", "<b>"), b"\x89PNG\r\n\x1a\n-"),
        0: ShownRow("", ("1", "")),
    },
)


def test_the_file_holds_all_of_it() -> None:
    assert unpacked(packed(KEPT)) == KEPT
    assert set(json.loads(packed(KEPT))["rows"]) == {"1", "17"}  # from 1, as users count


def changed(*path: str, to: Any) -> bytes:
    about = json.loads(packed(KEPT))
    place = about
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return json.dumps(about).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        packed(KEPT)[:-9],
        b"\xff" + packed(KEPT),
        changed("format", to=2),
        changed("columns", to="ab"),
        changed("columns", to=["alter"]),
        changed("more_columns", to="many"),
        changed("rows", to=[]),
        changed("rows", "17", to=3),
        changed("rows", "17", "place", to=3),
        changed("rows", "17", "values", to=[1, 2]),
        changed("rows", "17", "picture", to="no base 64"),
        changed("rows", "17", "picture", to="bm8gcGljdHVyZQ=="),
    ],
)
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpacked(content)

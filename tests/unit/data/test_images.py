"""Images as they are seen: upright, in 0 to 255 whatever their bits, in the part they stand in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.split import load_split
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput

ORIENTATION = 274
NOISE = np.random.default_rng(0).integers(0, 255, (40, 4, 6, 3), np.uint8)


def save(path: Path, pixels: npt.NDArray[np.generic], orientation: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    Image.fromarray(pixels).save(path, exif=exif)


def load(root: Path, **settings: Any) -> Dataset:
    return load_split(images(root, **settings)).dataset


def images(root: Path, validation: float = 0, test: float = 0, **settings: Any) -> Data:
    return Data("i", "images", str(root), validation=validation, test=test, **settings)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_16_bits_goes_to_255(tmp_path: Path, channels: int) -> None:
    values = np.array([[0, 257, 65535], [128, 1000, 30000]], np.uint16)
    save(tmp_path / "dark" / "1.png", values)
    save(tmp_path / "light" / "1.png", 65535 - values)
    x = load(tmp_path, channels=channels).x
    expected = np.array([[0, 1, 255], [128 / 257, 1000 / 257, 30000 / 257]])
    assert x.shape == (2, 2, 3, channels)
    for channel in range(channels):
        np.testing.assert_allclose(x[0, :, :, channel], expected, rtol=1e-6)
        np.testing.assert_allclose(x[1, :, :, channel], 255 - expected, rtol=1e-5)


def test_grey_of_16_bits_is_scaled_as_other_images_are(tmp_path: Path) -> None:
    grey = NOISE[0, :, :, 0]
    save(tmp_path / "16" / "1.png", grey.astype(np.uint16) * 257)
    save(tmp_path / "8" / "1.png", grey)
    x = load(tmp_path, size=[2, 3]).x
    np.testing.assert_allclose(x[0], x[1], atol=0.5)  # what scales 8 bits rounds


TURNED = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.transpose(1, 0, 2),
    6: lambda seen: np.rot90(seen, 1),
    7: lambda seen: seen[::-1, ::-1].transpose(1, 0, 2),
    8: lambda seen: np.rot90(seen, -1),
    9: lambda seen: seen,
}
"""What a camera stores of an image that is to be seen so, by the orientation that it notes (EXIF
2.32, table 6: where row 0 and column 0 are)."""


@pytest.mark.parametrize("orientation", TURNED)
def test_an_image_is_turned_as_its_camera_says(tmp_path: Path, orientation: int) -> None:
    for i, name in enumerate(("cat", "dog")):
        save(tmp_path / name / "1.png", NOISE[i])
        stored = np.ascontiguousarray(TURNED[orientation](NOISE[i]))
        save(tmp_path / name / "2.png", stored, orientation)
    x = load(tmp_path).x
    np.testing.assert_array_equal(x[1], NOISE[0])
    np.testing.assert_array_equal(x, x[[0, 0, 2, 2]])


def test_what_a_camera_notes_may_be_unreadable(tmp_path: Path) -> None:
    for i, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        Image.fromarray(NOISE[i]).save(tmp_path / name / "1.png", exif=b"Exif\0\0no notes")
    np.testing.assert_array_equal(load(tmp_path).x, NOISE[:2])


def by_part(root: Path, *parts: str) -> None:
    for i, part in enumerate(parts):
        for j, name in enumerate(("cat", "dog")):
            for k in range(2):
                save(root / part / name / f"{k}.png", NOISE[4 * i + 2 * j + k])


def test_folders_of_parts_are_the_split(tmp_path: Path) -> None:
    by_part(tmp_path, "test", "Train", "val")
    data = load_split(images(tmp_path, validation=0.2, test=0.2))
    assert data.dataset.class_names == ("cat", "dog")
    assert data.dataset.y.tolist() == [0, 0, 1, 1] * 3
    np.testing.assert_array_equal(data.dataset.x[data.test], NOISE[:4])
    np.testing.assert_array_equal(data.dataset.x[data.train], NOISE[4:8])
    np.testing.assert_array_equal(data.dataset.x[data.validation], NOISE[8:12])


def test_a_part_without_a_folder_is_held_out(tmp_path: Path) -> None:
    by_part(tmp_path, "test", "train")
    data = load_split(images(tmp_path, validation=0.5, test=0.5))
    assert (len(data.test), len(data.validation), len(data.train)) == (4, 2, 2)
    assert set(data.test) == {0, 1, 2, 3}


def test_a_class_that_a_part_lacks_is_told(tmp_path: Path) -> None:
    by_part(tmp_path, "train", "val")
    for i in range(2):
        save(tmp_path / "train" / "mouse" / f"{i}.png", NOISE[20 + i])
    assert "there is no validation row of class 'mouse'" in "\n".join(
        data_warnings(load_split(images(tmp_path, test=0)))
    )
    save(tmp_path / "val" / "bird" / "1.png", NOISE[30])
    with pytest.raises(BadInput, match="no training rows of class 'bird'"):
        load_split(images(tmp_path))


def test_images_of_a_part_need_a_class(tmp_path: Path) -> None:
    by_part(tmp_path, "train")
    save(tmp_path / "test" / "1.png", NOISE[20])
    with pytest.raises(BadInput, match=r"test is a part of the split, but 1\.png is in it without"):
        load_split(images(tmp_path))


@pytest.mark.parametrize("names", [("train", "test"), ("test", "val"), ("train", "plane")])
def test_classes_may_have_the_names_of_parts(tmp_path: Path, names: tuple[str, str]) -> None:
    for i, name in enumerate(names):
        save(tmp_path / name / "1.png", NOISE[i])
        if "train" not in names or "plane" in names:
            save(tmp_path / name / "more" / "1.png", NOISE[i + 2])
    assert load(tmp_path).class_names == tuple(sorted(names))


FILES: dict[str, dict[str, Any]] = {
    "a.webp": {"lossless": True},
    "a.tif": {},
    "a.tiff": {"compression": "tiff_lzw"},
    "a.jfif": {"quality": 100, "subsampling": 0},
    "a.bmp": {},
    "a.ppm": {},
    "a.gif": {},
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_that_pillow_reads_safely(name: str, tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        for i in range(2):
            (tmp_path / kind).mkdir(exist_ok=True)
            picture = Image.fromarray(np.full((3, 2, 3), (200, 40 * i, 90), np.uint8))
            picture.save(tmp_path / kind / f"{i}{name}", **FILES[name])
    x = load(tmp_path).x
    assert x.shape == (4, 3, 2, 3)
    np.testing.assert_allclose(x[1], np.full((3, 2, 3), (200, 40, 90)), atol=2)


@pytest.mark.parametrize("name", ["a.tif", "a.webp"])
def test_all_of_them_are_turned_upright_once(name: str, tmp_path: Path) -> None:
    about = Image.Exif()
    about[0x0112] = 6  # to be turned by a quarter
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        picture = Image.fromarray(np.array([[0, 100, 200]], np.uint8))
        picture.save(tmp_path / kind / name, exif=about, **FILES[name])
    assert load(tmp_path, channels=1).x[0, :, :, 0].tolist() == [[0], [100], [200]]


def test_the_first_frame_is_read_and_told(tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        first, *others = (Image.new("L", (2, 2), grey) for grey in (10, 200, 90))
        first.save(tmp_path / kind / "a.gif", save_all=True, append_images=others)
    data = load(tmp_path)
    assert np.unique(data.x).tolist() == [10]
    assert data.notes == ("only the first frame is read of 2 images, such as cat/a.gif",)


@pytest.mark.parametrize(
    "ending", ["avif", "jp2", "ico", "pcx", "dib", "dds", "qoi", "sgi", "tga", "webp"]
)
def test_kinds_that_pillow_reads_are_read(ending: str, tmp_path: Path) -> None:
    for kind, grey in (("cat", 40), ("dog", 200)):
        (tmp_path / kind).mkdir()
        Image.new("RGB", (16, 16), (grey, grey, grey)).save(tmp_path / kind / f"a.{ending}")
    x = load(tmp_path).x
    assert x.shape == (2, 16, 16, 3)
    np.testing.assert_allclose(x[:, 0, 0, 0], [40, 200], atol=4)


def test_files_of_a_kind_that_is_not_read_are_told_together(tmp_path: Path) -> None:
    for i, kind in enumerate(("cat", "dog")):
        save(tmp_path / kind / "1.png", NOISE[i])
        for number in range(9):
            (tmp_path / kind / f"{number}.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(BadInput) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert "cat/0.heic is an image of a kind (HEIF)" in problem
    assert problem.endswith("(and 17 more files)")


UNREAD: dict[str, tuple[bytes | np.ndarray[Any, Any], str]] = {
    "a.svg": (b"<svg/>", "a.svg is a drawing, which has no pixels; save it as PNG or JPEG"),
    "a.heic": (b"\0\0\0\x18ftypheic", "a.heic is an image of a kind (HEIF) that isn't read; save"),
    "a.jpg": (b"\0\0\0\x18ftypheic", "a.jpg is damaged, or isn't PNG, JPEG,"),
    "a.webp": (b"RIFF\x10\0\0\0WEBPVP8 ", "a.webp is damaged"),
    "a.tif": (np.zeros((2, 3), np.float32), "a.tif has fractions for pixels; save it with 8 or 16"),
    "b.tif": (np.full((2, 3), 70_000, np.int32), "b.tif has pixels from 70000 to 70000; save it"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_is_told_by_its_name(name: str, tmp_path: Path) -> None:
    content, told = UNREAD[name]
    for i, kind in enumerate(("cat", "dog")):
        save(tmp_path / kind / "1.png", NOISE[i])
    if isinstance(content, bytes):
        (tmp_path / "cat" / name).write_bytes(content)
    else:
        Image.fromarray(content).save(tmp_path / "cat" / name)
    with pytest.raises(BadInput) as caught:
        load(tmp_path, size=[4, 4])
    assert told in str(caught.value)

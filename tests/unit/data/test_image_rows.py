"""Images to predict: named, in order, in the form that the model takes; and what each mistake is
told as."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fairsweep.data.dataset import Column
from fairsweep.data.inputs.images import are_images, read_images
from fairsweep.data.inputs.rows import InputSpec
from fairsweep.errors import BadInput
from fairsweep.stages import predict
from fairsweep.tracking.store import Store

GREY = np.random.default_rng(0).integers(0, 255, (3, 4, 6), np.uint8)
TAKES = InputSpec((4, 6, 1))


def photos(folder: Path) -> Path:
    for i, name in enumerate(("b.png", "more/a.png", "z.PNG")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(GREY[i]).save(folder / name)
    (folder / "Thumbs.db").touch()
    (folder / "labels.csv").write_text("file,label\nb.png,cat\n")  # of a folder to train on
    return folder


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    names, pixels = read_images(photos(tmp_path / "photos"), TAKES)
    assert names == ["b.png", "more/a.png", "z.PNG"]
    np.testing.assert_array_equal(pixels, GREY[..., None])
    assert pixels.dtype == np.float32


def test_an_image_alone_is_one_row_with_its_name(tmp_path: Path) -> None:
    names, pixels = read_images(photos(tmp_path) / "more" / "a.png", TAKES)
    assert names == ["a.png"]
    np.testing.assert_array_equal(pixels[0, :, :, 0], GREY[1])


@pytest.mark.parametrize("shape", [(2, 3, 3), (8, 12, 1)])
def test_images_take_the_form_of_those_that_were_trained_on(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    _, pixels = read_images(photos(tmp_path), InputSpec(shape))
    assert pixels.shape == (3, *shape)
    means = pixels.reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(means, GREY.reshape(3, -1).mean(axis=1), rtol=0.1)


def broken(folder: Path) -> Path:
    photos(folder)
    (folder / "cut.png").write_bytes((folder / "b.png").read_bytes()[:60])
    (folder / "more" / "notes.txt").write_text("no image")
    return folder


def empty(folder: Path) -> Path:
    (folder / "more").mkdir()
    return folder


MISTAKES: dict[str, tuple[Callable[[Path], Path], InputSpec, tuple[str, ...]]] = {
    "several-damaged": (broken, TAKES, ("cut.png is damaged", "notes.txt isn't an image")),
    "no-images": (empty, TAKES, ("has no images",)),
    "a-model-of-a-table": (
        photos,
        InputSpec((2,), (Column("a"),)),
        ("takes a table; need a CSV",),
    ),
    "a-model-of-numbers": (photos, InputSpec((4,)), ("takes rows of 4; need", "an .npz")),
    "four-channels": (photos, InputSpec((4, 6, 4)), ("takes rows of 4 × 6 × 4; need",)),
    "an-address": (lambda _: Path("https://u:secret@host/a.png"), TAKES, ("…@host/a.png",)),
    "not-there": (
        lambda folder: photos(folder) / "c.png",
        TAKES,
        ("there is no file", "did you mean"),
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told(tmp_path: Path, case: str) -> None:
    make, takes, told = MISTAKES[case]
    path = make(tmp_path)
    assert are_images(path)
    with pytest.raises(BadInput) as caught:
        read_images(path, takes)
    said = str(caught.value)
    assert [part for part in told if part not in said] == []
    assert "secret" not in said
    assert all(problem.startswith("input: ") for problem in caught.value.problems)


def test_the_output_names_the_file_of_each_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Model:
        def predict(self, rows: np.ndarray) -> pd.DataFrame:
            return pd.DataFrame({"class": ["cat"] * len(rows), "p_cat": 1.0})

    monkeypatch.setattr(predict, "load_model", lambda *_: Model())
    names, pixels = read_images(photos(tmp_path / "photos"), TAKES)
    store = Store(tmp_path, "", local=True)
    question = predict.Question(store, "m", pixels, names, tmp_path / "out.csv")
    assert predict.answer(question, tmp_path) == f"3 images by m: {tmp_path / 'out.csv'}"
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "file,class,p_cat",
        "b.png,cat,1.0",
        "more/a.png,cat,1.0",
        "z.PNG,cat,1.0",
    ]

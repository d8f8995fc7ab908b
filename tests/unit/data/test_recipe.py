"""A published model's folder: it comes back as it was written, and a changed one is refused."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from fairsweep.data.dataset import Column
from fairsweep.data.recipe import Recipe, read_model, write_model
from fairsweep.data.scaling import Ids, Scaling
from fairsweep.errors import StorageError

RECIPE = Recipe(
    "mlp",
    {"hidden_units": [2], "dropout": 0.1},
    Scaling(
        *(None, (0.1, 1 / 3), (2.0, 1e-12), (0, 1), (0.5, 7.0), ((2, 0), (2, 3))),
        ids=(Ids(3, 2, (1, 0), 2, 4),),
        gaps=(1,),
    ),
    (5,),
    ("no", "ja — é"),
    (Column("a"), Column("b"), Column("c", ("", "x", "ü")), Column("d", ("y", "z"), 2)),
    "binary_crossentropy",
)


def npz(*arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, *arrays)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    arrays = [np.full((2, 2), i, np.float32) for i in range(12)]
    write_model(tmp_path / "model", RECIPE, npz(*arrays))
    return tmp_path / "model"


def test_it_comes_back_as_it_was_written(folder: Path) -> None:
    recipe, weights = read_model(folder)
    assert recipe == RECIPE
    assert [array[0, 0] for array in weights] == list(range(12))


def test_other_weights_are_refused(folder: Path) -> None:
    (folder / "weights.npz").write_bytes(npz(np.zeros(2, np.float32)))
    with pytest.raises(StorageError, match=r"weights\.npz was changed after it was published"):
        read_model(folder)


def test_another_format_is_told(folder: Path) -> None:
    about = json.loads((folder / "model.json").read_text()) | {"format": 6}
    (folder / "model.json").write_text(json.dumps(about))
    with pytest.raises(StorageError, match=r"has format 6, and this version reads 1 to 5"):
        read_model(folder)


@pytest.mark.parametrize("name", ["model.json", "weights.npz"])
def test_a_missing_file_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(StorageError, match=rf"{re.escape(str(folder / name))} is missing$"):
        read_model(folder)


def test_weights_that_are_objects_are_not_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.savez(file, arr_0=np.array([{}], dtype=object))
    write_model(tmp_path / "model", RECIPE, file.getvalue())
    with pytest.raises(StorageError, match="contains no plain arrays"):
        read_model(tmp_path / "model")


def test_a_model_of_the_first_format_is_read(folder: Path) -> None:
    """It has no columns, and its scaling none of what tables need."""
    about = json.loads((folder / "model.json").read_text()) | {"format": 1}
    del about["columns"], about["loss"], about["task"]
    about["scaling"] = {"factor": 0.5, "mean": [], "variance": []}
    (folder / "model.json").write_text(json.dumps(about))
    recipe, _ = read_model(folder)
    assert recipe.scaling == Scaling(factor=0.5)
    assert (recipe.columns, recipe.loss) == ((), "sparse_categorical_crossentropy")


def test_a_model_of_the_second_format_has_classes(folder: Path) -> None:
    about = json.loads((folder / "model.json").read_text()) | {"format": 2}
    del about["task"]
    (folder / "model.json").write_text(json.dumps(about))
    recipe, _ = read_model(folder)
    assert recipe == RECIPE
    assert recipe.task == "classes"


@pytest.mark.parametrize(("several", "task"), [(True, "labels"), (False, "classes")])
def test_a_model_of_the_third_format_says_whether_it_has_labels(
    folder: Path, several: bool, task: str
) -> None:
    about = json.loads((folder / "model.json").read_text()) | {"format": 3, "multi_label": several}
    del about["task"]
    (folder / "model.json").write_text(json.dumps(about))
    recipe, _ = read_model(folder)
    assert recipe.task == task


def test_a_model_of_labels_comes_back_as_that(tmp_path: Path) -> None:
    written = dataclasses.replace(RECIPE, task="labels")
    write_model(tmp_path / "model", written, npz(np.zeros(2, np.float32)))
    recipe, _ = read_model(tmp_path / "model")
    assert recipe == written

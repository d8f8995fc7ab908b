"""Sources: features as float32, labels from 0, class names; the user's own arrays renumbered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fairsweep.config.checks import data as data_laws
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources import SOURCES, load
from fairsweep.errors import BadInput


def of_arrays(folder: Path, **arrays: Any) -> Dataset:
    np.savez(folder / "rows.npz", **arrays)
    return load(Data(name="rows", source="npz", path=str(folder / "rows.npz")))


X = np.arange(12).reshape(6, 2)


@pytest.mark.parametrize("source", ["digits", "worked_example"])
def test_built_in_sources_have_the_types_that_training_needs(source: str) -> None:
    data = load(Data(name=source, source=source))
    assert data.x.dtype == np.float32
    assert data.y.dtype == np.int64
    assert data.x.shape[0] == data.y.shape[0]
    assert sorted(set(data.y.tolist())) == list(range(len(data.class_names)))


def test_digits_are_images_with_one_channel() -> None:
    data = load(Data(name="digits", source="digits"))
    assert data.x.shape == (1797, 8, 8, 1)
    assert (data.x.min(), data.x.max()) == (0, 16)
    assert data.class_names == tuple("0123456789")


def test_every_source_is_one_of_the_config() -> None:
    assert set(SOURCES) == set(data_laws.SOURCES)


def test_another_source_is_one_line_of_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    npy = data_laws.Source(("path", "missing"), "rows.npy")
    monkeypatch.setitem(data_laws.SOURCES, "npy", npy)
    told = data_laws.data_problems(Data("mine", "npy", path="mine.npy", missing="drop"))
    assert list(told) == []
    ((key, told_of),) = data_laws.data_problems(Data("mine", "npy"))
    assert key == "data.path"
    assert told_of.endswith("reads a file: give its path, for example data.path=rows.npy")
    ((key, told_of),) = data_laws.data_problems(Data("mine", "npy", path="mine.npy", target="y"))
    assert (key, told_of.partition(" only")[0]) == (
        "data.target",
        "applies to csv, parquet, images, python",
    )


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    [
        (["dog", "cat", "dog", "cat", "cow", "cow"], [2, 0, 2, 0, 1, 1], ("cat", "cow", "dog")),
        ([1, 2, 3, 1, 2, 3], [0, 1, 2, 0, 1, 2], ("1", "2", "3")),  # 1..K, not 0..K-1
        ([-1, 1, -1, 1, 1, 1], [0, 1, 0, 1, 1, 1], ("-1", "1")),
        ([9, 10, 9, 10, 9, 9], [0, 1, 0, 1, 0, 0], ("9", "10")),  # by value, not by text
        ([False, True] * 3, [0, 1] * 3, ("False", "True")),
        ([b"no", b"yes"] * 3, [0, 1] * 3, ("no", "yes")),
    ],
    ids=["strings", "from-1", "minus-1", "numeric-order", "booleans", "bytes"],
)
def test_labels_are_numbered_in_sorted_order(
    labels: list[Any], numbers: list[int], names: tuple[str, ...], tmp_path: Path
) -> None:
    data = of_arrays(tmp_path, x=X, y=np.array(labels))
    assert data.y.tolist() == numbers
    assert data.y.dtype == np.int64
    assert data.class_names == names


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64", "float16", "bool"])
def test_features_become_float32(dtype: str, tmp_path: Path) -> None:
    data = of_arrays(tmp_path, x=(X % 2).astype(dtype), y=np.arange(6) % 2)
    assert data.x.dtype == np.float32
    np.testing.assert_array_equal(data.x, X % 2)


def test_features_may_be_images(tmp_path: Path) -> None:
    data = of_arrays(tmp_path, x=np.zeros((6, 4, 4, 3), np.uint8), y=np.arange(6) % 2)
    assert data.x.shape == (6, 4, 4, 3)


def test_class_names_of_the_users_own_replace_the_found_ones() -> None:
    data = load(Data(name="w", source="worked_example", class_names=["short", "tall"]))
    assert data.class_names == ("short", "tall")
    with pytest.raises(BadInput, match=r"data\.class_names: the data has 2 classes, got 3 names"):
        load(Data(name="w", source="worked_example", class_names=["a", "b", "c"]))


def test_digits_are_scikit_learns() -> None:
    theirs, ours = load_digits(), load(Data(name="digits", source="digits"))
    np.testing.assert_array_equal(ours.x[..., 0], theirs.images)
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert ours.class_names == tuple(str(name) for name in theirs.target_names)
    assert (ours.x.dtype, ours.y.dtype) == (np.float32, np.int64)


def test_a_single_array_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, np.zeros((3, 2)))
    with pytest.raises(BadInput, match=r"isn't an \.npz file; write it with numpy\.savez"):
        load(Data(name="rows", source="npz", path=str(path)))


def test_a_pickle_in_an_archive_is_never_opened(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "harmed",))

    with pytest.raises(BadInput, match="object arrays"):
        of_arrays(tmp_path, x=np.array([[Harm()]] * 6, object), y=np.arange(6) % 2)
    assert not (tmp_path / "harmed").exists()

"""Data that memory has no room for: the same data from a file without a name, and nothing left."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fairsweep.config.schema import Data
from fairsweep.data import memory
from fairsweep.data.csv import file as csv_file
from fairsweep.data.memory import room, view
from fairsweep.data.memory.heartbeat import say_to
from fairsweep.data.memory.view import InFile, rows_of
from fairsweep.data.scaling import measure
from fairsweep.data.sources import npz as arrays
from fairsweep.data.split import SplitData, contents, fingerprint, load_split
from fairsweep.data.tables import files as table_files
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput

ROWS = 300
PER_ROW = "every process reads it batch by batch from a file of its own"

Make = Callable[[Path], dict[str, Any]]
"""Puts files into a folder; gives settings."""


def people(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Numbers and words with gaps, a part, a group and a class."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(random.normal(size=(rows, 3)).round(4), columns=["a", "b", "c"])
    table["city"] = random.choice(["Rome", "Oslo", "Bonn"], rows)
    table["same"] = 1
    table["part"] = np.resize(["train"] * 6 + ["validation"] * 2 + ["test"] * 2, rows)
    table["group"] = [f"g{i // 4}" for i in range(rows)]
    table["label"] = np.resize(["yes", "no", "no"], rows)
    table.loc[::7, "b"] = np.nan
    table.loc[::11, "city"] = None
    table.loc[5:9, "city"] = "Rare"
    table.loc[5:9, "a"] = np.nan
    return table


def csv(**settings: Any) -> Make:
    def make(folder: Path) -> dict[str, Any]:
        people().to_csv(folder / "rows.csv", index=False)
        return {"source": "csv", "path": str(folder / "rows.csv"), "target": "label", **settings}

    return make


def weighed(folder: Path) -> dict[str, Any]:
    table = people()
    table["same"] = np.arange(len(table)) % 5
    table.to_csv(folder / "rows.csv", index=False)
    named = {"target": "label", "weight": "same", "missing": "drop"}
    return {"source": "csv", "path": str(folder / "rows.csv"), **named}


def parquet(folder: Path) -> dict[str, Any]:
    people().to_parquet(folder / "rows.parquet", row_group_size=70)
    path = str(folder / "rows.parquet")
    return {"source": "parquet", "path": path, "target": "label", "missing": "fill"}


def texts(folder: Path) -> dict[str, Any]:
    """Of one column the longest has four words, of the other more than are read."""
    table = people()
    for name, most in (("short", 4), ("long", 9)):
        table[name] = [" ".join(f"w{i}" for i in range(row % (most + 1))) for row in range(ROWS)]
    table.to_csv(folder / "rows.csv", index=False)
    named = {"target": "label", "text": ["short", "long"], "text_length": 6, "missing": "drop"}
    return {"source": "csv", "path": str(folder / "rows.csv"), **named}


def files(folder: Path) -> dict[str, Any]:
    names = {"path": 200, "validation_path": 50, "test_path": 40}
    for seed, (name, rows) in enumerate(names.items()):
        people(rows, seed).to_csv(folder / f"{name}.csv", index=False)
    paths = {name: str(folder / f"{name}.csv") for name in names}
    return {"source": "csv", **paths, "target": "label", "missing": "drop"}


def photos(folder: Path) -> dict[str, Any]:
    random = np.random.default_rng(0)
    for i in range(40):
        path = folder / "photos" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (6, 5, 3), np.uint8)).save(path)
    return {"source": "images", "path": str(folder / "photos")}


def parts(folder: Path) -> dict[str, Any]:
    """Arrays of each part, the training rows' as they can be read in place."""
    random = np.random.default_rng(0)
    x = random.normal(size=(100, 4))
    x[::9, 2] = np.nan
    y = np.resize([0, 1, 1], 100)
    np.savez(
        folder / "rows.npz",
        x_train=x[:70].astype(np.float32),
        y_train=y[:70],
        x_test=x[70:],
        y_test=y[70:],
    )
    return {"source": "npz", "path": str(folder / "rows.npz"), "missing": "drop"}


SOURCES: dict[str, Make] = {
    "csv-fill": csv(missing="fill"),
    "csv-drop": csv(missing="drop", standardize=True),
    "csv-split": csv(missing="fill", split="part", drop=["group"]),
    "csv-group": csv(missing="drop", group="group", drop=["part"]),
    "csv-files": files,
    "csv-weights": weighed,
    "csv-texts": texts,
    "parquet": parquet,
    "images": photos,
    "npz-parts-drop": parts,
}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, which is on a disk."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(room, "file_system", lambda _: "ext4")
    return folder


@pytest.fixture
def little(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Memory has room for labels, and for nothing else; everything is in pieces of a few rows."""
    for module in (arrays, csv_file, room, table_files):
        monkeypatch.setattr(module, "available_bytes", lambda: 1000)
    monkeypatch.setattr(csv_file, "BLOCK", 2000)
    monkeypatch.setattr(csv_file, "SAMPLE", 1000)
    monkeypatch.setattr(view, "PIECE", 64)
    return scratch


def load(settings: dict[str, Any]) -> tuple[SplitData, Data]:
    chosen = Data("d", **settings)
    return load_split(chosen), chosen


@pytest.mark.parametrize("source", SOURCES)
def test_it_is_the_same_data(source: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    settings = SOURCES[source](tmp_path)
    whole, chosen = load(settings)
    folder: Path = request.getfixturevalue("little")
    streamed, _ = load(settings)
    assert isinstance(streamed.dataset.x, np.memmap)
    assert not isinstance(whole.dataset.x, np.memmap)
    assert streamed.dataset.x.tobytes() == whole.dataset.x.tobytes()
    assert fingerprint(streamed) == fingerprint(whole)
    assert contents(streamed) == contents(whole)
    assert streamed.dataset.columns == whole.dataset.columns
    assert streamed.dataset.class_names == whole.dataset.class_names
    train = rows_of(streamed.dataset.x, streamed.train)
    assert isinstance(train, InFile)
    columns = whole.dataset.columns
    assert measure(chosen, train, columns) == measure(chosen, whole.dataset.x[whole.train], columns)
    told = [line for line in data_warnings(streamed) if PER_ROW not in line]
    assert len(told) == len(list(data_warnings(streamed))) - 1
    assert told == [line for line in data_warnings(whole) if "of a training row" not in line]
    assert not list(folder.iterdir())


def test_words_of_rows_that_are_left_out_are_in_no_vocabulary(tmp_path: Path, little: Path) -> None:
    data, _ = load(csv(missing="drop")(tmp_path))
    cities = {column.name: column.vocabulary for column in data.dataset.columns}["city"]
    assert cities == ("Bonn", "Oslo", "Rome")
    assert not list(little.iterdir())


def test_what_is_odd_is_told(tmp_path: Path, little: Path) -> None:
    table = people()
    table["number"] = np.random.default_rng(0).permutation(ROWS)
    table.to_csv(tmp_path / "rows.csv", index=False)
    data, _ = load(
        {"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "label", "missing": "fill"}
    )
    told = "\n".join(data_warnings(data))
    assert f"takes 0.0 GiB as numbers, which doesn't fit in memory twice: {PER_ROW} in" in told
    assert str(little) in told
    assert "column same is the same in every training row" in told
    assert "column number only numbers the rows" in told


@pytest.mark.parametrize("source", ["csv-drop", "parquet", "images"])
@pytest.mark.parametrize("room", ["scratch", "little"])
def test_it_says_that_it_goes_on(
    source: str, room: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """While it is read, and while it is measured."""
    request.getfixturevalue(room)
    settings = SOURCES[source](tmp_path)
    said: list[bool] = []

    def loaded() -> tuple[SplitData, Data]:
        say_to(lambda: said.append(True))
        return load(settings)

    context = copy_context()
    data, chosen = context.run(loaded)
    read = len(said)
    assert read > 0
    rows = rows_of(data.dataset.x, data.train)
    context.run(measure, replace(chosen, standardize=True), rows, data.dataset.columns)
    assert len(said) > read


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.assign(copy=table["label"]), "'copy' is a copy of the target"),
        (
            lambda table: table.assign(label=np.arange(ROWS) % 2, copy=np.arange(ROWS) % 2),
            "'copy' is a copy of the target",
        ),
        (lambda table: table.assign(a=np.inf), "values that are infinite"),
        (
            lambda table: table.assign(b=table["b"].mask(table.index % 7 > 4)),
            "has missing values: b 85",
        ),
    ],
    ids=["copy", "copy-of-numbers", "infinite", "missing"],
)
@pytest.mark.usefixtures("little")
def test_what_is_wrong_is_told(
    change: Callable[[pd.DataFrame], pd.DataFrame], told: str, tmp_path: Path
) -> None:
    table = people()[["a", "b", "city", "label"]].ffill().bfill()
    change(table).to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(BadInput, match=told):
        load({"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "label"})


@pytest.mark.usefixtures("little")
def test_words_that_are_too_many_are_told_before_memory_is_full_of_them(tmp_path: Path) -> None:
    rows = 1500
    table = pd.DataFrame({"word": [f"w{i}" for i in range(rows)], "label": np.arange(rows) % 2})
    table.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(BadInput, match=r"'word' has more than 1000 .*data\.drop=\[word\]"):
        load({"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "label"})


@pytest.mark.parametrize(
    ("kind", "free", "told"),
    [
        ("tmpfs", 10**9, "which is itself in memory"),
        ("ext4", 100, r"which has 0\.0 GiB free"),
    ],
    ids=["tmpfs", "full"],
)
@pytest.mark.parametrize(
    ("source", "less"), [("csv-fill", "data.drop"), ("images", "data.size")], ids=["csv", "images"]
)
def test_a_folder_without_room_is_told_before_anything_is_read(
    source: str,
    less: str,
    kind: str,
    free: int,
    told: str,
    tmp_path: Path,
    little: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "file_system", lambda _: kind)
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(BadInput, match=told) as caught:
        load(SOURCES[source](tmp_path))
    assert "TMPDIR=/var/tmp" in str(caught.value)
    assert less in str(caught.value)
    assert not list(little.iterdir())


def test_a_folder_without_room_for_every_worker_is_told(
    tmp_path: Path, little: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = load(parquet(tmp_path))[0].dataset.x
    free = 2 * x.nbytes
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    room.check_workers(x, 2)
    with pytest.raises(BadInput, match=rf"in {little}, which has .* lower executor\.workers \(3\)"):
        room.check_workers(x, 3)
    room.check_workers(np.array(x), 3)


@pytest.mark.usefixtures("little")
def test_labels_that_memory_has_no_room_for_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    with pytest.raises(BadInput, match="what is kept for each of 300 rows besides its features"):
        load(parquet(tmp_path))


def test_a_disk_that_gets_full_is_told(
    tmp_path: Path, little: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(BadInput, match=rf"{little} is full, .*TMPDIR=/var/tmp"):
        load(parquet(tmp_path))

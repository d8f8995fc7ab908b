"""Rows from a loader of the user's own: every form that it may return, and what is told of
others, with the place of the loader."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.config.compose.commands import compose_training
from fairsweep.config.schema import Data
from fairsweep.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from fairsweep.data.loaded import PREFIX, new_folder, read, read_about, write_about
from fairsweep.data.sources import load
from fairsweep.data.sources import python as source
from fairsweep.data.split import contents, fingerprint, split_rows
from fairsweep.errors import BadInput
from fairsweep.files import locked
from fairsweep.training import given
from fairsweep.training.user_data import run
from tests.unit.training import loaders

LOADERS = loaders.__name__


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


def loaded(
    folder: Path, name: str, params: Mapping[str, Any] | None = None, **settings: Any
) -> Dataset:
    """What the loader of this name comes to, in this process."""
    write_about(folder, run(f"{LOADERS}:{name}", params or {}, folder))
    return source.dataset_in(folder, Data("mine", "python", **settings))


def test_arrays_are_those_of_an_npz(tmp_path: Path) -> None:
    data = loaded(tmp_path, "pair")
    np.testing.assert_array_equal(data.x, loaders.X.astype(np.float32))
    assert data.class_names == ("no", "yes")
    assert [data.class_names[i] for i in data.y] == loaders.Y.tolist()
    assert data.version == "2024-05"
    assert len(loaded(tmp_path, "pair", {"rows": 10}).y) == 10
    again = loaded(tmp_path, "series")
    np.testing.assert_array_equal(again.y, data.y)


def test_a_mapping_says_what_else_is_known(tmp_path: Path) -> None:
    data = loaded(tmp_path, "mapping")
    assert data.x.dtype == np.float32
    assert data.class_names == ("No", "Yes")
    assert data.groups is not None and data.groups.tolist() == [i // 4 for i in range(40)]
    assert data.weights is not None
    np.testing.assert_allclose(data.weights, np.linspace(0.5, 1.5, 40), rtol=1e-6)
    assert data.version == "3"
    assert loaded(tmp_path, "mapping", class_names=["a", "b"]).class_names == ("no", "yes")  # yet


def test_parts_that_are_given_stay(tmp_path: Path) -> None:
    data = loaded(tmp_path, "parts")
    assert data.parts is not None
    assert data.parts.tolist() == [TRAIN] * 20 + [VALIDATION] * 10 + [TEST] * 10
    assert data.origin is not None and data.origin.place(31) == "row 2 of test"
    tables = loaded(tmp_path, "frames", target="label")
    assert tables.parts is not None and tables.parts.tolist() == [TRAIN] * 30 + [TEST] * 10


@pytest.mark.parametrize(
    ("name", "rows"), [("train_and_test", 30), ("tables", 30), ("halves_with_words", 20)]
)
def test_two_pairs_are_training_and_test_rows(tmp_path: Path, name: str, rows: int) -> None:
    data = loaded(tmp_path, name)
    assert data.parts is not None
    assert data.parts.tolist() == [TRAIN] * rows + [TEST] * (40 - rows)
    assert [data.class_names[i] for i in data.y] == loaders.Y.tolist()
    np.testing.assert_array_equal(data.x[:, 0], loaders.X[:, 0].astype(np.float32))
    assert len(split_rows(data, Data("mine", "python")).test) == 40 - rows


def test_a_table_has_the_rules_of_tables(tmp_path: Path) -> None:
    data = loaded(tmp_path, "frame", target="label", missing="fill", drop=["fold"])
    assert [(c.name, c.vocabulary) for c in data.columns] == [("n", ()), ("w", ("", "a", "b"))]
    grouped = loaded(tmp_path, "frame", target="label", missing="drop", group="fold")
    assert len(grouped.y) == 30 and grouped.groups is not None
    apart = loaded(tmp_path, "frame_and_answers")
    assert [column.name for column in apart.columns] == ["n", "fold"]
    np.testing.assert_array_equal(apart.y, data.y)


def test_batches_are_joined(tmp_path: Path) -> None:
    one = loaded(tmp_path, "pair")
    np.testing.assert_array_equal(loaded(tmp_path, "generator").x, one.x)


def test_what_memory_has_no_room_for_stays_in_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = loaded(tmp_path, "pair")
    monkeypatch.setattr(read, "available_bytes", lambda: loaders.X.nbytes // 2)
    large = loaded(tmp_path, "generator", {"size": 7})
    assert isinstance(large.x, np.memmap) and large.x.filename
    np.testing.assert_array_equal(large.x, one.x)
    assert fingerprint(split_rows(large, Data("m", "python"))) != ""


def test_a_version_stands_for_the_content(tmp_path: Path) -> None:
    settings = Data("mine", "python")
    whole = loaded(tmp_path, "pair")
    versions = [
        Dataset(whole.x * factor, whole.y, whole.class_names, version=version)
        for factor, version in ((1, "a"), (2, "a"), (1, "b"), (1, ""), (2, ""))
    ]
    a, same, b, plain, other = (fingerprint(split_rows(own, settings)) for own in versions)
    assert a == same
    assert len({a, b, plain, other}) == 4
    assert contents(split_rows(versions[2], settings))["version"] == "b"


def test_a_version_says_nothing_of_the_split(tmp_path: Path) -> None:
    data = loaded(tmp_path, "pair")
    one, two = (split_rows(data, Data("mine", "python", seed=seed)) for seed in (0, 1))
    assert data.version and not np.array_equal(one.train, two.train)
    assert fingerprint(one) != fingerprint(two)
    assert contents(one)["checksums"] != contents(two)["checksums"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fails", "fails: loaders.py:{line+1}: OSError: the server is down"),
        ("nothing", "returns nothing (None); need (x, y), a mapping with x and y, a DataFrame"),
        ("alone", "returns ndarray of shape (40, 3); need (x, y)"),
        ("without_answers", "returns x without y; need an answer for each row"),
        ("misspelt", "returns a mapping with 'sample_weights', which means nothing here; did you"),
        ("misspelt_in_a_part", "returns train as a mapping with 'sample_weights', which means"),
        ("larger_and_larger", "gives int64 after int32; all must have the same type"),
        ("shorter", "returns arrays of different lengths: x 40, y 39"),
        ("ragged", "returns x as an array of Python objects (list), shape (2,)"),
        ("gaps", ": x has NaN or infinite values in 1 row"),
        ("negative_weight", ": sample_weight is negative in 1 row, first in row 8 (-1)"),
        ("halves", '; if these are training and test rows, return {"train": (x, y), "test": (x'),
        ("gaps_in_groups", "groups that are NaN in 2 rows, first in row 8; every row needs one"),
        ("no_training_rows", "returns no training rows; give x_train and y_train"),
        ("rows_one_by_one", "gives y as a single value (0); need an array with rows first (batch"),
        ("wider_and_wider", "gives rows of shape (2,) after rows of shape (3,)"),
        ("ends_python", "fails: loaders.py:{line+1}: SystemExit: 3"),
        ("two_columns", "returns a DataFrame with two columns 'n'; rename one"),
        (
            "weights_by_output",
            "returns sample_weight by the names price, kind; need one array, a value for each row, "
            "by which the loss of every output is multiplied",
        ),
        ("one_hot", "return y.argmax(axis=1), or of a tf.data.Dataset .map(lambda x, y: (x, tf."),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, name: str, told: str) -> None:
    line = getattr(loaders, name).__code__.co_firstlineno
    with pytest.raises(BadInput) as caught:
        loaded(tmp_path, name)
    (text,) = caught.value.problems
    assert text.startswith(f"data.loader: loaders.py:{line}: {name}()")
    assert told.replace("{line+1}", str(line + 1)) in text


@pytest.mark.parametrize(
    ("name", "params", "settings", "told"),
    [
        ("pair", {"row": 3}, {}, "data.params: loaders.py:"),
        ("no_such", {}, {}, f"data.loader: {LOADERS} has no function 'no_such'"),
        ("frame", {}, {}, "data.target: loaders.py:"),
        ("frame", {}, {"target": "lable"}, "data.target: loaders.py:"),
        ("frame", {}, {"target": "label"}, "data.loader: the table of loaders.py:"),
        ("pair", {}, {"drop": ["a"]}, "data.drop: names columns of a DataFrame, and loaders.py:"),
        ("frame_and_answers", {}, {"target": "n"}, "data.target: loaders.py:"),
    ],
)
def test_settings_that_do_not_fit_are_told(
    tmp_path: Path, name: str, params: Any, settings: Any, told: str
) -> None:
    with pytest.raises(BadInput) as caught:
        loaded(tmp_path, name, params, **settings)
    assert caught.value.problems[0].startswith(told)


def test_params_need_no_file_that_lists_them() -> None:
    loader = f"data.loader={LOADERS}:pair"
    plan = compose_training(["data=python", loader, "data.params.rows=12"], None)
    assert plan.config.data.params == {"rows": 12}


def test_a_generator_has_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "MOST_ROWS", 1000)
    with pytest.raises(BadInput, match="gives more than 1,000 rows, and may never end; a"):
        loaded(tmp_path, "without_end")


def test_it_runs_once_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Data("mine", "python", loader=f"{LOADERS}:pair", params={"rows": 12})
    assert len(load(settings).y) == 12
    environment = source.loaded_environment()
    folder = Path(environment[source.FOLDER])
    assert read_about(folder).version == "2024-05"
    monkeypatch.setattr(subprocess, "run", None)
    monkeypatch.setenv(source.FOLDER, environment[source.FOLDER])
    assert len(load(settings).y) == 12  # as a worker does
    monkeypatch.undo()
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "")
    with pytest.raises(BadInput, match="is not trusted"):
        load(settings)


def test_what_a_killed_process_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, used = tmp_path / f"{PREFIX}left", tmp_path / f"{PREFIX}used"
    left.mkdir()
    used.mkdir()
    with locked(used), new_folder() as own:
        assert {path.name for path in tmp_path.iterdir()} == {used.name, own.name}
    assert [path.name for path in tmp_path.iterdir()] == [used.name]


def test_its_process_ends_with_the_one_that_waits(tmp_path: Path) -> None:
    """It was started by a process that has ended before it looked."""
    words = [sys.executable, "-m", source.RUN, json.dumps([f"{LOADERS}:pair", {}]), str(tmp_path)]
    done = subprocess.run([*words, str(os.getpid() + 1)], check=False)
    assert (done.returncode, [*tmp_path.iterdir()]) == (0, [])


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "DATA.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n# mypackage/data.py\n(.*?)```", page, re.DOTALL)
    (tmp_path / "docs_example").mkdir()
    (tmp_path / "docs_example" / "data.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "docs_example")
    folder = tmp_path / "loaded"
    folder.mkdir()
    write_about(folder, run("docs_example.data:load", {"rows": 50}, folder))
    data = source.dataset_in(folder, Data("mine", "python"))
    assert (data.x.shape, data.class_names, data.version) == ((50, 4), ("no", "yes"), "1")

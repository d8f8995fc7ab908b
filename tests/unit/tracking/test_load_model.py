"""A published model that can't be loaded: its place and a remedy are told, not a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest

from fairsweep.errors import StorageError
from fairsweep.tracking.registry import load_model, taken_by
from fairsweep.tracking.store import Store

CHAMPION = "models:/fruit@champion"
BUILDER = """
def build(path):
    raise ValueError(f"File not found: filepath={path}. Please give another.\\nand more")
"""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr("fairsweep.tracking.registry._look_in", lambda _: None)
    return Store(Path("mlruns"), "sqlite:///x", local=True)


def loaded_by(monkeypatch: pytest.MonkeyPatch, load: Callable[[str], Any]) -> None:
    """Stands in for all of MLflow's pyfunc, which takes seconds to import."""
    monkeypatch.setattr(mlflow, "pyfunc", SimpleNamespace(load_model=load))


def test_a_file_that_the_builder_reads_and_that_is_gone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.py"
    own.write_text(BUILDER)
    namespace: dict[str, Any] = {}
    exec(compile(BUILDER, str(own), "exec"), namespace)
    loaded_by(monkeypatch, lambda _: namespace["build"]("base.keras"))
    with pytest.raises(StorageError) as error:
        load_model(store, CHAMPION)
    (line,) = str(error.value).splitlines()
    assert line.startswith(
        f"model: {CHAMPION} can't be loaded: own.py:3: ValueError: File not found: "
        "filepath=base.keras."
    )
    assert "put back what it needs" in line


def test_a_damaged_file_of_the_model_says_so_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: str) -> None:
        raise StorageError("weights.npz was changed after it was published; restore it")

    loaded_by(monkeypatch, damaged)
    with pytest.raises(
        StorageError, match=r"^weights\.npz was changed after it was published; restore it$"
    ):
        load_model(store, CHAMPION)


def test_a_model_without_its_files_is_named_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: str) -> None:
        raise OSError("No such artifact: 'MLmodel'")

    monkeypatch.setattr(mlflow.models, "get_model_info", gone)
    with pytest.raises(
        StorageError, match=f"^model: {CHAMPION} can't be read: its file MLmodel is missing"
    ):
        taken_by(store, CHAMPION)

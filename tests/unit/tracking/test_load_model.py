"""A published model that can't be loaded: its place and a remedy are told, not a traceback."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest

from fairsweep.config.trust import distrust
from fairsweep.errors import BadInput, StorageError
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
    assert line.endswith("; put back what it needs, or give another model")


def test_a_damaged_file_of_the_model_says_so_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: str) -> None:
        raise StorageError("/store/weights.npz was changed after it was published")

    loaded_by(monkeypatch, damaged)
    with pytest.raises(StorageError) as error:
        load_model(store, CHAMPION)
    assert str(error.value) == (
        f"model: {CHAMPION} can't be loaded: /store/weights.npz was changed after it was "
        "published; put it back from a copy of the store, or give another model"
    )


def test_a_package_that_is_not_trusted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def distrusted(_: str) -> None:
        raise BadInput(distrust("own.nets:build"))

    loaded_by(monkeypatch, distrusted)
    with pytest.raises(BadInput) as error:
        load_model(store, CHAMPION)
    assert str(error.value) == f"model: {CHAMPION} can't be loaded: {distrust('own.nets:build')}"


class TestCodeThatIsMissing:
    """What a published model is built by is beside it, and may get lost as its weights may."""

    @pytest.fixture
    def code(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """A package that is trusted, with a module that imports one that isn't there."""
        code = tmp_path / "code"
        (code / "lostpack").mkdir(parents=True)
        (code / "lostpack" / "__init__.py").touch()
        monkeypatch.syspath_prepend(code)
        yield code
        for name in [name for name in sys.modules if name.partition(".")[0] == "lostpack"]:
            del sys.modules[name]

    def told(self, store: Store, monkeypatch: pytest.MonkeyPatch, name: str, own: bool) -> str:
        """What is said where a module can't be imported: the builder's `own`, or one it needs."""

        def load(_: str) -> None:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                if own:  # as the builder is looked for
                    raise BadInput(f"there is no module {error.name}; make it") from error
                raise

        loaded_by(monkeypatch, load)
        with pytest.raises(StorageError) as error:
            load_model(store, CHAMPION)
        return str(error.value).removeprefix(f"model: {CHAMPION} can't be loaded: ")

    @pytest.mark.parametrize("own", [True, False])
    def test_a_file(
        self, store: Store, code: Path, monkeypatch: pytest.MonkeyPatch, own: bool
    ) -> None:
        assert self.told(store, monkeypatch, "lostpack.widths", own) == (
            f"{code / 'lostpack' / 'widths.py'} is missing; put it back from a copy of the store, "
            "or give another model"
        )

    def test_all_of_it(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.told(store, monkeypatch, "nowhere_at_all.nets", own=True) == (
            "its code has no package nowhere_at_all any more; put it back from a copy of the "
            "store, or give another model"
        )

    def test_what_isnt_published_with_it(
        self, store: Store, code: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (code / "lostpack" / "nets.py").write_text("import nowhere_at_all\n")
        assert self.told(store, monkeypatch, "lostpack.nets", own=False) == (
            "nets.py:1: there is no package nowhere_at_all; install it, or put it on PYTHONPATH"
        )


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

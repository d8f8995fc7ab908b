"""A `.keras` file: what of it is refused, without Keras, and what makes it another sweep."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.errors import BadInput
from fairsweep.keras_file import foreign_parts, read_keras_file


def layer(name: str, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def model(*layers: dict[str, Any]) -> dict[str, Any]:
    return layer("Sequential", "keras", layers=list(layers))


PLAIN = model(
    layer("Dense", kernel_initializer=layer("Zeros", "keras.initializers")),
    layer(
        "Functional", "keras.src.models.functional", layers=[layer("Add", "keras.src.ops.numpy")]
    ),
    layer("__keras_tensor__", None, shape=[None, 3]),
)


def file(folder: Path, config: dict[str, Any], weights: str = "1") -> Path:
    path = folder / "base.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    return path


def test_layers_of_keras_are_fine(tmp_path: Path) -> None:
    read = read_keras_file(str(file(tmp_path, {**PLAIN, "compile_config": layer("Mine", "mine")})))
    assert read.config == PLAIN
    assert list(foreign_parts(PLAIN)) == []


CODE = {
    "Lambda": (layer("Lambda"), "has a Lambda layer, which holds code"),
    "a class of one's own": (
        layer("Mine", "mine.layers"),
        "has mine.layers.Mine, which isn't Keras",
    ),
    "a function": (layer("function", "builtins"), "has builtins.function, which isn't Keras's own"),
    "inside": (layer("Dense", activation=layer("f", "os")), "has os.f, which isn't Keras's own"),
    "a name like Keras's": (layer("Dense", "kerasx.layers"), "has kerasx.layers.Dense"),
    "elsewhere in Keras": (layer("load_model", "keras.saving"), "has keras.saving.load_model"),
    "SavedModel": (layer("TFSMLayer"), "has a TFSMLayer layer, which holds code"),
    "files": (layer("StringLookup"), "has a StringLookup layer, which reads files"),
}


@pytest.mark.parametrize(("part", "told"), CODE.values(), ids=CODE)
def test_what_holds_code_is_refused(tmp_path: Path, part: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_keras_file(str(file(tmp_path, model(layer("Dense"), part))))
    (problem,) = caught.value.problems
    assert told in problem


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("no")
    with pytest.raises(BadInput, match=r"isn't a \.keras file, or is damaged"):
        read_keras_file(str(tmp_path / "text.keras"))
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(BadInput, match=r"has no config\.json and model\.weights\.h5"):
        read_keras_file(str(tmp_path / "other.keras"))
    with pytest.raises(BadInput, match="there is no file"):
        read_keras_file(str(tmp_path / "none.keras"))


TRANSFER = ("optimizer=adam", "model=transfer")


def test_what_is_in_the_file_makes_the_sweep_not_where_it_is(tmp_path: Path) -> None:
    def name(path: Path) -> str:
        return compose_sweep([*TRANSFER, f"model.params.path={path}"]).name

    first = file(tmp_path, PLAIN)
    named = name(first)
    moved = first.rename(tmp_path / "moved.keras")
    assert name(moved) == named
    assert name(file(tmp_path, PLAIN, "other weights")) != named


def test_settings_of_a_base_that_are_refused(tmp_path: Path) -> None:
    path = f"model.params.path={file(tmp_path, PLAIN)}"
    for more, told in (
        ((), "model.params.path: need the .keras file of a trained model"),
        (("model.params.path=none.keras",), "model.params.path: there is no file"),
        ((path, "model.params.freeze=true"), "model.params.freeze: need all, none or the name"),
        ((path, "model.params.sha256=abc"), "model.params.sha256: "),
    ):
        with pytest.raises(BadInput) as caught:
            compose_sweep([*TRANSFER, *more])
        (problem,) = caught.value.problems
        assert told in problem

"""Models that begin with a trained one: what of it is trained, and how it is packed."""

from __future__ import annotations

import re
import shlex
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.schema import Model
from fairsweep.data.scaling import Scaling
from fairsweep.errors import BadInput
from fairsweep.keras_file import read_keras_file
from fairsweep.tasks import CLASSES
from fairsweep.training.model import build_model, parameter_count
from fairsweep.training.model_check import check
from fairsweep.training.trial import WorkerCache
from tests.integration.training_room import FEW_ROWS, assert_same, both_loops, compose

X = np.random.default_rng(0).normal(3, 2, (6, 8, 8, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two convolutions with batch normalization behind the first, and what no layer does."""
    inputs = keras.Input((8, 8, 1))
    outputs = layers.Conv2D(3, 3, name="first")(inputs)
    outputs = layers.BatchNormalization(name="normal")(outputs)
    outputs = layers.Conv2D(4, 3, activation="relu", name="second")(outputs)
    model = keras.Model(inputs, outputs * 2.0 + outputs[:, :1])
    model.get_layer("normal").moving_mean.assign([1.0, 2.0, 3.0])
    path = tmp_path_factory.mktemp("base") / "base.keras"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of h5py's, about numpy
        model.save(path)
    return str(path)


def built(file: str | None, x: np.ndarray = X, seed: int = 0, **params: Any) -> keras.Model:
    usual = {"freeze": "all", "hidden_units": [5], "activation": "relu", "dropout": 0.1}
    own = {"path": file, "sha256": None, **usual, **params}
    settings, output = Model("transfer", "transfer", own), CLASSES.output("dice", 3)
    model = build_model(settings, Scaling(), x, output, seed)
    if own["path"]:
        assert model.count_params() == parameter_count(settings, Scaling(), x.shape[1:], 3)
    return model


def test_it_gives_what_the_base_gives_then_dense_layers(base: str) -> None:
    model, trained = built(base), keras.saving.load_model(base, safe_mode=True)
    pooled = np.asarray(trained(X)).mean(axis=(1, 2))
    hidden, last = (model.get_layer(name) for name in ("hidden_1", "probabilities"))
    np.testing.assert_allclose(model(X), last(hidden(pooled)), rtol=1e-5)


TRAINED = {
    "all": [],
    "none": ["first", "normal", "second"],
    "second": ["second"],
    "normal": ["normal", "second"],
}


@pytest.mark.parametrize(("freeze", "trained"), TRAINED.items(), ids=TRAINED)
def test_what_is_frozen_keeps_its_weights_and_its_means(
    base: str, freeze: str, trained: Sequence[str]
) -> None:
    model = built(base, freeze=freeze)
    paths = {weight.path.split("/")[-2] for weight in model.trainable_weights}
    assert paths == {*trained, "hidden_1", "probabilities"}
    mean = next(weight for weight in model.weights if "moving_mean" in weight.path)
    model(X, training=True)
    kept = np.array_equal(np.asarray(mean), np.array([1, 2, 3], np.float32))
    assert kept == ("normal" not in trained)


def test_only_what_is_new_differs_by_the_seed(base: str) -> None:
    first, again, other = built(base), built(base), built(base, seed=1)

    def differing(one: keras.Model) -> list[str]:
        pairs = zip(first.weights, one.weights, strict=True)
        return [a.path for a, b in pairs if not np.array_equal(a.value, b.value)]

    assert differing(again) == []
    assert differing(other) == ["hidden_1/kernel", "probabilities/kernel"]


CHANGES: dict[str, Any] = {
    "flip": "vertical",
    "rotation": 0.2,
    "zoom": 0.3,
    "translation": 0.3,
    "contrast": 0.5,
}


@pytest.mark.parametrize("name", CHANGES)
def test_images_are_changed_in_training_alone(base: str, name: str) -> None:
    """Before they come to the base, which is frozen."""
    plain, changing = built(base, dropout=0.0), built(base, dropout=0.0, **{name: CHANGES[name]})
    changing.set_weights(plain.get_weights())
    np.testing.assert_array_equal(changing(X, training=False), plain(X, training=False))
    np.testing.assert_array_equal(plain(X, training=True), plain(X, training=False))
    first, second = (np.asarray(changing(X, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_only_images_are_changed() -> None:
    own = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(BadInput, match=r"model\.params\.zoom: need images .*, got rows of shape"):
        built(None, X[:, 0, :4, 0], base=keras.saving.serialize_keras_object(own), zoom=0.1)


def test_a_published_model_needs_no_file(base: str) -> None:
    model = built(base)
    config = read_keras_file(base).config
    packed = built(None, base=config, seed=5)
    packed.set_weights(model.get_weights())
    np.testing.assert_array_equal(packed(X), model(X))
    code = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
    with pytest.raises(BadInput, match="holds code"):
        built(None, base={**config, "build_config": code})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"x": X[:, :4]},
            "the base takes rows of shape (8, 8, 1), but the data has (4, 8, 1); data.s",
        ),
        ({"freeze": "third"}, "got 'third'; it has input_layer"),
        ({"sha256": "abc"}, "has changed since this sweep began (its SHA-256 was abc…"),
    ],
    ids=["shape", "layer", "changed"],
)
def test_what_is_refused(base: str, more: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        built(base, **more)
    assert told in str(caught.value)


@pytest.mark.long
def test_both_loops_and_what_is_told_of_batch_normalization(base: str) -> None:
    own = ("model=transfer", f"model.params.path={base}", "model.params.freeze=second")
    small = (*FEW_ROWS, "optimizer=adam", "training.epochs=2", "training.batch_size=64")
    told = check(*compose(*own, *small), WorkerCache())
    assert told.error == ""
    assert "batch normalization in frozen layers (normal) keeps the means" in told.notes[0]
    assert_same(*both_loops(*own, *small))


def test_one_arm_alone_has_the_file_as_the_page_shows(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "MODELS.md").read_text(encoding="utf-8")
    section = page.partition("## What one arm alone has")[2].partition("\n## ")[0]
    (name, option), (command,) = (
        re.findall(r"```yaml\n# (\S+)\n(.*?)```", section, re.DOTALL)[0],
        re.findall(r"```sh\nfairsweep sweep (.*?)\n```", section),
    )
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(parents=True)
    Path(name).write_text(option)
    shutil.copy(base, "base.keras")
    *overrides, flag, folder = shlex.split(command)
    assert flag == "--config-dir"
    cnn, pretrained = compose_sweep(overrides, folder).arms
    assert (cnn.settings.model.builder, pretrained.settings.model.builder) == ("cnn", "transfer")
    assert pretrained.settings.model.params["path"] == "base.keras"
    assert "model.freeze" in pretrained.searched

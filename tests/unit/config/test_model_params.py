"""Values of models that are refused before anything is built."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fairsweep.config.checks import model as checks
from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.options import CONF
from fairsweep.config.schema import Model
from fairsweep.errors import BadInput

BOTH = ("model.params.batch_normalization=true", "model.params.layer_normalization=true")
BAD = {
    "both normalizations": (BOTH, "exclude each other; set one of them to false"),
    "a normalization that is a word": (
        ("model.params.layer_normalization=yes",),
        "need true or false, got 'yes'",
    ),
    "a flip that is none": (
        ("model=cnn", "model.params.flip=left"),
        "model.params.flip: need one of none, horizontal, vertical, both; got 'left'",
    ),
    "a turn by more than half": (
        ("model=cnn", "model.params.rotation=0.5"),
        "model.params.rotation: need a share in [0, 0.5), got 0.5",
    ),
    "a short name of a loss": (
        ("training.loss=mse",),
        "training.loss: need the full name: training.loss=mean_squared_error, got 'mse'",
    ),
    "a loss of another kind": (("training.loss=hinges",), "did you mean hinge?"),
}


@pytest.mark.parametrize(("overrides", "told"), BAD.values(), ids=BAD)
def test_a_value_that_is_refused(overrides: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        compose_sweep(["optimizer=adam", *overrides])
    (problem,) = caught.value.problems
    assert told in problem


def test_images_that_are_left_as_they_are_make_no_other_sweep() -> None:
    """Sweeps were begun, and configs written, before images could be changed."""
    usual, flipped = (
        compose_sweep(["optimizer=adam", "model=cnn", *more]).arms[0]
        for more in ((), ("model.params.flip=both",))
    )
    params = usual.identity()["model"]["params"]
    assert set(params) == {"filters", "hidden_units", "activation", "dropout"}
    assert flipped.identity()["model"]["params"] == {**params, "flip": "both"}
    assert not [*checks.params_problems(usual.settings.optimizer, Model("cnn", "cnn", params))]


@pytest.mark.parametrize("override", BOTH)
def test_one_normalization_is_fine(override: str) -> None:
    assert compose_sweep(["optimizer=adam", override]).arms


@pytest.mark.parametrize("params", ["{filters: 16}", "{hidden_units: 4}", "{dropout: 2, l2: all}"])
def test_params_of_a_users_own_builder_are_the_users(
    params: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mine")
    own = ["model=custom", "model.builder=mine:build", f"+model.params={params}"]
    assert compose_sweep(["optimizer=adam", *own]).arms


@pytest.mark.parametrize(
    ("group", "key", "variant"),
    [
        ("optimizer", "name", "defaults: [adam]\nparams: {learning_rate: 0.01}\n"),
        ("model", "builder", "defaults: [mlp]\nname: wide\nparams: {hidden_units: [512]}\n"),
    ],
    ids=["optimizer", "model"],
)
def test_a_variant_in_conf_leaves_the_known_params_as_they_are(
    group: str, key: str, variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checks.params_in_conf(group, key)
    folder = shutil.copytree(CONF, tmp_path / "conf")
    (folder / group / "variant.yaml").write_text(variant)
    monkeypatch.setattr(checks, "CONF", folder)
    assert checks.params_in_conf.__wrapped__(group, key) == before

"""A task of the user's own: what is learned has any shape, and the builder compiles the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairsweep import judged
from fairsweep.config.compose.commands import compose_training
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.loaded import write_about
from fairsweep.data.recipe import write_model
from fairsweep.data.several import Several
from fairsweep.data.sources import python as source
from fairsweep.data.split import SplitData, fingerprint, split_rows
from fairsweep.errors import BadInput
from fairsweep.files import TrialFolders
from fairsweep.records import Objective, TrialKey, TrialSpec
from fairsweep.stages.champion import recipe_of
from fairsweep.stages.predict import ARRAYS, Question, _check_output, _written
from fairsweep.tasks import OWN
from fairsweep.training.checkpoint import Checkpoints
from fairsweep.training.history import History
from fairsweep.training.model_check import check
from fairsweep.training.seeds import seed_parts
from fairsweep.training.serving import _load_pyfunc
from fairsweep.training.trial import WorkerCache, train_trial
from fairsweep.training.user_data import run as run_loader
from tests.integration import own_task_models
from tests.integration.documented import documented
from tests.integration.own_parts import Warming
from tests.integration.training_room import assert_same, compose, run

ROWS = 80
MODELS = own_task_models.__name__
SETTINGS = Data("mine", "python", task="own")
X = np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32)
OUTPUTS = Several({"price": X[:, :1] * 3, "kind": (X[:, 1] > 0).astype(np.int64)})


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


def of(builder: str, y: Any = X, metric: str = "val_loss", **training: Any) -> tuple[Any, Any]:
    """What trains a builder on three features."""
    custom = ("model=custom", f"model.builder={MODELS}:{builder}", "optimizer=adam")
    spec, _ = compose(*custom, "training.batch_size=16", "training.epochs=2")
    kind = replace(spec.training, loss="compiled", metrics=[], **training)
    spec = replace(spec, data=SETTINGS, training=kind, objective=Objective(metric, "minimize"))
    return spec, split_rows(Dataset(X, y, ("output",), task=OWN), SETTINGS)


@pytest.mark.long(4)
def test_both_loops_have_the_numbers_of_the_compiled_losses() -> None:
    specs = [of("two_outputs", OUTPUTS, loop=loop) for loop in ("resident", "fit")]
    resident, fit = (run(*spec, test=True) for spec in specs)
    assert_same(resident, fit)
    assert {"price_loss", "kind_loss", "kind_accuracy", "val_kind_accuracy"} <= {*fit.epochs[0]}
    for epoch in resident.epochs:
        assert epoch["loss"] == pytest.approx(epoch["price_loss"] + epoch["kind_loss"], rel=1e-5)


@pytest.mark.parametrize("losses", ["mse", [Warming()]], ids=["a-name", "an-object"])
def test_what_compiled_losses_keep_goes_on(losses: Any, tmp_path: Path) -> None:
    """Beside a callback, whose state is kept, too."""
    parts = Warming.__module__
    spec, _ = of("decoder", callbacks=[f"{parts}:Batches"], checkpoint_seconds=1e-9)
    spec, folders = replace(spec, checkpoints="own"), TrialFolders(tmp_path, tmp_path)

    def begun() -> History:
        history = History(spec, lambda _: None, lambda _: True)
        history.model = own_task_models.decoder((3,), 1)
        history.model.compile(loss=losses)
        history.model.optimizer.build(history.model.trainable_variables)
        return history

    seed_parts(0)
    calls = [own.calls for own in losses if isinstance(own, Warming)]
    history = begun()
    history.on_epoch(1, {"loss": 1.0, "val_loss": 1.0})
    for own in calls:
        own.assign(7.0)
    Checkpoints(spec, folders).leave(history)
    for own in calls:
        own.assign(0.0)
    Checkpoints(spec, folders).resume(again := begun())
    assert again.epochs == 1
    assert [float(own) for own in calls] == [7.0] * len(calls)


def trained(folder: Path, spec: TrialSpec, data: SplitData) -> Any:
    """The model that is published of a training, loaded."""
    spec = replace(spec, weights="own", judged="own")
    folders = TrialFolders(folder, folder)
    result = train_trial(spec, data, lambda _: None, lambda _: True, folders=folders)
    assert result.outcome == "complete", result.error
    said = judged.read(folders.judged_of("own").read_bytes())
    assert (said.rows.tolist(), set(said.true)) == (data.validation.tolist(), {""})
    weights = folders.weights_of("own").read_bytes()
    write_model(folder / "model", recipe_of(spec, data), weights)
    return _load_pyfunc(str(folder / "model"))


@pytest.mark.long(3)
def test_outputs_are_columns_where_they_can_be(tmp_path: Path) -> None:
    said = trained(tmp_path, *of("two_outputs", OUTPUTS)).predict(X)
    question = Question(None, "m", X, (), tmp_path / "said.csv")  # type: ignore[arg-type]
    _written(said, question)
    table = pd.read_csv(tmp_path / "said.csv")
    assert list(table.columns) == ["price", "kind_1", "kind_2"]
    np.testing.assert_allclose(table[["kind_1", "kind_2"]], said["kind"], rtol=1e-5)


@pytest.mark.long(2)
def test_outputs_of_more_axes_are_arrays(tmp_path: Path) -> None:
    said = trained(tmp_path, *of("maps", X[..., np.newaxis])).predict(X[:5])
    assert {name: array.shape for name, array in said.items()} == {"output": (5, 3, 1)}
    question = Question(None, "m", X, (), tmp_path / "said.npz")  # type: ignore[arg-type]
    assert _written(said, question).startswith("5 rows by m: ")
    with np.load(tmp_path / "said.npz") as stored:
        np.testing.assert_array_equal(stored["output"], said["output"])
    with pytest.raises(BadInput, match=r"gives arrays \(output \(5, 3, 1\)\); need an .npz"):
        _written(said, replace(question, output=tmp_path / "said.csv"))


def test_a_table_goes_into_either_file(tmp_path: Path) -> None:
    said = pd.DataFrame({"class": ["a", "b"], "p": [0.5, 0.25]})
    for name in ("said.csv", f"said{ARRAYS}"):
        _check_output(tmp_path / name, tmp_path / "rows.npz")
        question = Question(None, "m", X, ("1.png", "2.png"), tmp_path / name)  # type: ignore[arg-type]
        assert _written(said.copy(), question).startswith("2 images by m: ")
    with np.load(tmp_path / "said.npz") as stored:
        assert stored["files"].tolist() == ["1.png", "2.png"]
        assert stored["class"].tolist() == ["a", "b"]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "said.csv")[["class", "p"]], said)


@pytest.mark.long(2)
@pytest.mark.parametrize(
    ("builder", "metric", "told"),
    [
        ("not_compiled", "val_loss", "must compile its model, because data.task=own takes the"),
        (
            "decoder",
            "val_iou",
            "but not val_iou, iou; compile it with that metric, or set",
        ),
        ("decoder", "val_mae", ""),
    ],
)
def test_a_builder_is_checked(builder: str, metric: str, told: str) -> None:
    spec, data = of(builder, metric=metric)
    result = check(replace(spec, key=TrialKey("adam", "check", 0)), data, WorkerCache())
    assert told in result.error
    assert (result.error == "") == (told == "")
    assert result.notes == []


@pytest.mark.parametrize("loader", ["features_alone", "two_answers", "sequences"])
def test_answers_have_any_shape(tmp_path: Path, loader: str) -> None:
    name = f"tests.unit.training.loaders:{loader}"
    write_about(tmp_path, run_loader(name, {}, tmp_path))
    found = source.dataset_in(tmp_path, SETTINGS)
    data = split_rows(found, SETTINGS)
    assert len(data.train) + len(data.validation) + len(data.test) == 40
    assert len(fingerprint(data)) == 64
    y: Any = found.y
    if loader == "two_answers":
        assert found.class_names == ("price", "kind")
        assert y.arrays["kind"].dtype.kind == "i"
    else:
        assert y.shape == {"features_alone": (40, 3), "sequences": (40, 3, 2)}[loader]


@pytest.mark.parametrize(
    ("loader", "task", "told"),
    [
        ("two_answers", "auto", "y with several outputs, price, kind; set data.task=own"),
        ("without_answers", "auto", "returns x without y"),
        ("gaps_to_learn", "own", "y has values that are missing or infinite, first in row 4"),
        ("pair", "own", "y must be numbers, got <U3"),
    ],
)
def test_answers_that_do_not_fit_are_told(
    tmp_path: Path, loader: str, task: str, told: str
) -> None:
    name = f"tests.unit.training.loaders:{loader}"
    write_about(tmp_path, run_loader(name, {}, tmp_path))
    with pytest.raises(BadInput) as caught:
        source.dataset_in(tmp_path, replace(SETTINGS, task=task))
    assert told in str(caught.value)


def test_the_example_of_the_docs_is_built() -> None:
    model = documented("outputs").build((3,), 1)
    assert model.compiled
    said = model(X[:2])
    assert {name: own.shape for name, own in said.items()} == {"price": (2, 1), "kind": (2, 2)}


def test_settings_of_other_tasks_are_told() -> None:
    assert [*OWN.training_problems("compiled", None, 1)] == []
    first, second = OWN.training_problems("mean_squared_error", "balanced", 1)
    assert first.startswith("training.loss: mean_squared_error isn't used with data.task=own")
    assert second.startswith("training.class_weight: balanced is for one class a row")


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (
            ["data=csv", "data.path=a.csv", "data.target=b"],
            "own is for arrays (data=npz, data=p",
        ),
        (
            ["data=npz", "data.path=a.npz"],
            "own needs a model of your own, whose",
        ),
        (["data=digits"], "data.task: data=digits has classes, got 'own'"),
    ],
)
def test_it_is_for_arrays_and_own_models(overrides: list[str], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        compose_training([*overrides, "data.task=own"], None)
    assert told in str(caught.value)

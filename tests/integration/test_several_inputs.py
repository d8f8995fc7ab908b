"""Several inputs in a model of the user's own: in both loops, in folds, published and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.config.plan import Plan
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.inputs.rows import InputSpec, read_rows
from fairsweep.data.loaded import write_about
from fairsweep.data.memory import view
from fairsweep.data.recipe import write_model
from fairsweep.data.scaling import measure
from fairsweep.data.several import Several, inputs_of
from fairsweep.data.shown import shown
from fairsweep.data.sources import python as source
from fairsweep.data.split import SplitData, contents, cut, describe, fingerprint, split_rows
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput
from fairsweep.files import TrialFolders
from fairsweep.records import TrialKey, TrialSpec
from fairsweep.stages.champion import recipe_of
from fairsweep.stages.job import _check_takes
from fairsweep.training.loops import Table, fits_in_memory
from fairsweep.training.model_check import check
from fairsweep.training.serving import _load_pyfunc
from fairsweep.training.trial import WorkerCache, train_trial
from fairsweep.training.user_data import run as run_loader
from tests.integration import several_models
from tests.integration.documented import documented
from tests.integration.training_room import assert_same, compose, run

ROWS = 120
MODELS = several_models.__name__
SETTINGS = Data("mine", "python", standardize=True)


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


def inputs(rows: int = ROWS) -> Mapping[str, Any]:
    random = np.random.default_rng(0)
    numbers = random.normal(20, 50, (rows, 3)).astype(np.float32)
    return {"numbers": numbers, "ids": random.integers(0, 6, (rows, 4)).astype(np.int32)}


def dataset() -> Dataset:
    arrays = inputs()
    y = (arrays["numbers"][:, 0] > 20) ^ (arrays["ids"][:, 0] > 2)
    return Dataset(Several(arrays), y.astype(np.int64), ("no", "yes"))


def of(builder: str, **training: Any) -> tuple[TrialSpec, SplitData]:
    """What trains a builder on the two inputs."""
    custom = ("model=custom", f"model.builder={MODELS}:{builder}", "optimizer=adam")
    spec, _ = compose(*custom, "training.batch_size=16", "training.epochs=2")
    own = replace(spec, data=SETTINGS, training=replace(spec.training, **training))
    return own, split_rows(dataset(), SETTINGS)


@pytest.mark.long(3)
def test_both_loops_have_the_same_numbers() -> None:
    resident, fit = (run(*of("own", loop=loop), test=True) for loop in ("resident", "fit"))
    assert_same(resident, fit)


def test_floats_are_scaled_and_whole_numbers_stay() -> None:
    scaling = measure(SETTINGS, dataset().x)
    (numbers, own), (ids, untouched) = scaling.inputs
    assert (numbers, ids, untouched.mean) == ("numbers", "ids", ())
    np.testing.assert_allclose(own.mean, inputs()["numbers"].mean(axis=0), rtol=1e-5)
    assert not measure(Data("mine", "python"), dataset().x).inputs[0][1].mean
    assert scaling.shape({"numbers": (3,), "ids": (4,)}) == {"numbers": (3,), "ids": (4,)}


@pytest.mark.long(3)
def test_folds_share_a_program_with_the_numbers_of_a_new_one() -> None:
    spec, whole = of("build", loop="resident")
    cache = WorkerCache()
    first, second = cut(np.arange(ROWS), whole.dataset, 0, 2, 0)
    halves = [SplitData(whole.dataset, a, b, b[:0]) for a, b in ((first, second), (second, first))]
    for half in halves:
        late = run(spec, half, cache=cache)
    assert len(cache.programs) == 1
    assert late.epochs == run(spec, halves[1]).epochs


def test_it_is_published_and_asked_by_the_names_of_its_inputs(tmp_path: Path) -> None:
    spec, data = of("build")
    spec = replace(spec, test=True, weights="own")
    folders = TrialFolders(tmp_path, tmp_path)
    result = train_trial(spec, data, lambda _: None, lambda _: True, folders=folders)
    recipe = recipe_of(spec, data)
    write_model(tmp_path / "model", recipe, folders.weights_of("own").read_bytes())
    model = _load_pyfunc(str(tmp_path / "model"))
    given = data.dataset.x[data.test]
    np.savez(tmp_path / "rows.npz", numbers=given.arrays["numbers"], ids=given.arrays["ids"])
    takes = InputSpec((), inputs=recipe.inputs)
    answer = model.predict(read_rows(tmp_path / "rows.npz", takes))
    true = np.array(data.dataset.class_names)[data.dataset.y[data.test]]
    right = (answer["class"].to_numpy() == true).mean()
    assert right == pytest.approx(result.test["test_accuracy"], abs=1e-6)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"numbers": np.zeros((2, 3))}, "has no array ids; the model takes numbers, ids"),
        ({"numbers": np.zeros((2, 3)), "ids": np.zeros((1, 4), int)}, "got numbers 2, ids 1"),
        ({"numbers": np.zeros((2, 3)), "ids": np.zeros((2, 4))}, "ids must be whole numbers"),
        ({"numbers": np.zeros((2, 4)), "ids": np.zeros((2, 4), int)}, "takes rows of 3 numbers"),
    ],
)
def test_rows_that_do_not_fit_are_told(tmp_path: Path, arrays: Any, told: str) -> None:
    np.savez(tmp_path / "rows.npz", **arrays)
    (tmp_path / "rows.csv").write_text("numbers\n1\n")
    takes = InputSpec((), inputs=inputs_of(dataset().x))
    with pytest.raises(BadInput, match=told):
        read_rows(tmp_path / "rows.npz", takes)
    with pytest.raises(BadInput, match=r"give an .npz with the arrays numbers, ids, got"):
        read_rows(tmp_path / "rows.csv", takes)


@pytest.mark.parametrize(
    ("builder", "told"),
    [
        ("other_names", "builds a model with the inputs keras_tensor"),
        ("other_shape", "whose input ids takes rows of 5 features, but the data has 4 features"),
        ("few_ids", "has an Embedding of 2 rows, but the data has ids up to 5"),
    ],
)
def test_builders_that_do_not_fit_are_told(builder: str, told: str) -> None:
    spec, data = of(builder)
    result = check(replace(spec, key=TrialKey("adam", "check", 0)), data, WorkerCache())
    assert told in result.error
    assert result.error.startswith("model.builder: several_models.py:")


def test_the_example_of_the_docs_is_built() -> None:
    shapes = {"numbers": (4,), "tokens": (6,)}
    model = documented("models").build(shapes, 3)
    given = {name: np.zeros((2, *shape), np.float32) for name, shape in shapes.items()}
    assert model(given).shape == (2, 3)


def test_models_of_ours_take_one_array() -> None:
    from fairsweep.config.compose.commands import compose_training

    plan: Plan = compose_training([], None)
    _check_takes(plan, ())
    with pytest.raises(BadInput, match="mlp takes one array, and the data has 2 inputs: a, b; use"):
        _check_takes(plan, ("a", "b"))


def test_other_content_or_names_are_other_data() -> None:
    one = split_rows(dataset(), SETTINGS)
    arrays = inputs()
    changed = {**arrays, "ids": arrays["ids"][::-1]}
    renamed = {"numbers": arrays["numbers"], "words": arrays["ids"]}
    others = [replace(one, dataset=replace(one.dataset, x=Several(x))) for x in (changed, renamed)]
    assert len({fingerprint(data) for data in (one, *others)}) == 3
    assert contents(one)["shape of a row"] == {"numbers": [3], "ids": [4]}
    assert describe(one, SETTINGS)["features"] == "numbers 3, ids 4"


def test_the_rooms_around_a_training_take_them() -> None:
    data = split_rows(dataset(), SETTINGS)
    twice = replace(data, validation=data.train[:2])
    assert any("are in 2 of 2 validation rows" in line for line in data_warnings(twice))
    assert shown(data.dataset, [0]).rows[0].values == ()
    part = view.rows_of(data.dataset.x, data.train[:3])
    assert {name: array.shape for name, array in part.arrays.items()} == {
        "numbers": (3, 3),
        "ids": (3, 4),
    }


@pytest.mark.long(3)
def test_what_stays_in_its_file_is_read_batch_by_batch(tmp_path: Path) -> None:
    spec, data = of("build", loop="auto")
    arrays = {}
    for name, array in inputs().items():
        arrays[name] = np.memmap(tmp_path / name, array.dtype, "w+", shape=array.shape)
        arrays[name][:] = array
    large = replace(data, dataset=replace(data.dataset, x=Several(arrays)))
    assert not fits_in_memory(Table(large.dataset.x, large.dataset.y))
    resident = run(*of("build", loop="resident"), test=True)
    assert_same(resident, run(spec, large, test=True))


@pytest.mark.parametrize(
    ("loader", "settings", "rows"), [("several", {}, 40), ("with_gaps", {"missing": "drop"}, 39)]
)
def test_a_loader_gives_them(tmp_path: Path, loader: str, settings: Any, rows: int) -> None:
    write_about(tmp_path, run_loader(f"tests.unit.training.loaders:{loader}", {}, tmp_path))
    found = source.dataset_in(tmp_path, replace(SETTINGS, **settings))
    assert isinstance(found.x, Several)
    assert len(found.x) == len(found.y) == rows
    types = {own.name: (own.shape, own.dtype) for own in inputs_of(found.x)}
    assert types == {"input_1": ((3,), "float32"), "input_2": ((1,), "int32")}


@pytest.mark.parametrize("missing", [None, "fill"])
def test_gaps_in_one_of_them_are_told(tmp_path: Path, missing: str | None) -> None:
    write_about(tmp_path, run_loader("tests.unit.training.loaders:with_gaps", {}, tmp_path))
    with pytest.raises(BadInput, match=r"NaN or infinite values in 1 row|only tables can be fill"):
        source.dataset_in(tmp_path, replace(SETTINGS, missing=missing))

"""Settings of the whole process that a model changes hold for that model, and for no other."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from fairsweep.data.recipe import write_model
from fairsweep.data.scaling import Scaling
from fairsweep.stages.champion import recipe_of
from fairsweep.training.globals import Globals
from fairsweep.training.preprocessing import preprocessed, preprocessing_of
from fairsweep.training.serving import _load_pyfunc
from fairsweep.training.trial import WorkerCache, compiled
from tests.integration.settings_models import CHANGES, Echo
from tests.integration.training_room import (
    FEW_ROWS,
    Trained,
    both_loops,
    compose,
    train,
)

SHORT = ("data=worked_example", "objective.metric=loss", "objective.direction=minimize")
MODULE = "tests.integration.settings_models"
READS = (*SHORT, "training.epochs=2", "model=custom", f"model.builder={MODULE}:reads")
SEEDS = ("all seeds", "numpy's seed", "Python's seed", "TensorFlow's seed", "session")


def changing(what: str) -> tuple[str, ...]:
    built = (f"model.builder={MODULE}:changes", f"+model.params={{what: {json.dumps(what)}}}")
    return (*SHORT, "training.epochs=2", "model=custom", *built)


@pytest.fixture(autouse=True)
def own_globals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
    before = Globals()
    yield
    before.restore()


@pytest.fixture(scope="module")
def alone() -> Trained:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
        return train(*READS)


@pytest.mark.parametrize("what", CHANGES)
def test_a_trial_is_the_same_after_a_model_that_changes(what: str, alone: Trained) -> None:
    cache = WorkerCache()
    compiled(*compose(*changing(what), seed=5), cache)
    late = train(*READS, cache=cache)
    assert late.result.outcome == "complete", late.result.error
    assert len(late.epochs) == 2
    assert late.epochs == alone.epochs


@pytest.mark.parametrize("what", ["dtype policy", "epsilon", "eager functions"])
def test_what_a_model_changes_holds_while_it_trains(what: str, alone: Trained) -> None:
    cache = WorkerCache()
    first = train(*changing(what), cache=cache)
    assert first.result.outcome == "complete", first.result.error
    assert first.epochs != alone.epochs
    assert train(*READS, cache=cache).epochs == alone.epochs
    assert train(*changing(what), cache=cache).epochs == first.epochs


@pytest.mark.filterwarnings("ignore:Even though the `tf.config")  # TensorFlow's, of eager functions
@pytest.mark.parametrize("what", ["dtype policy", "floatx", "several at once"])
def test_rows_are_standardized_in_float32_whatever_a_model_sets(what: str) -> None:
    for trained in both_loops(*changing(what), "data.standardize=true"):
        assert trained.result.outcome == "complete", trained.result.error
        assert len(trained.epochs) == 2


@pytest.mark.parametrize(
    ("scaling", "row", "features"),
    [
        (Scaling(None, (1001.0,), (1.0,)), [1002.0], [1.0]),
        (Scaling(1 / 70_000), [70_000.0], [1.0]),
        (Scaling(None, numbers=(0,), words=((1, 300), (1, 301))), [2.0, 301.0], [2.0, 0.0, 1.0]),
    ],
    ids=["standardized", "rescaled", "encoded"],
)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16"])
def test_rows_are_not_rounded_before_they_are_preprocessed(
    scaling: Scaling, row: list[float], features: list[float], policy: str
) -> None:
    keras.config.set_dtype_policy(policy)
    preprocessing = preprocessing_of(scaling)
    assert preprocessing is not None
    preprocessing.build((None, len(row)))
    given = preprocessed(Echo(), preprocessing)(np.array([row], np.float32))
    assert given.dtype == policy.removeprefix("mixed_")  # as Keras would have given it
    assert np.asarray(given, np.float32).tolist() == [features]


def test_a_model_is_served_under_the_policy_that_it_sets(tmp_path: Path) -> None:
    """What the published model builds again has the preprocessing that was trained with."""
    spec, data = compose(*changing("dtype policy"), "data.standardize=true")
    model, _ = compiled(spec, data, WorkerCache())
    weights = io.BytesIO()
    np.savez(weights, *model.get_weights())
    write_model(tmp_path / "model", recipe_of(spec, data), weights.getvalue())
    rows = data.dataset.x[:5]
    expected = np.asarray(model(rows, training=False), np.float64)
    served = _load_pyfunc(str(tmp_path / "model")).predict(rows)
    np.testing.assert_allclose(served.filter(like="p_"), expected, rtol=1e-6)


def test_a_mixed_precision_model_stays_one() -> None:
    model, _ = compiled(*compose(*changing("dtype policy")), WorkerCache())
    assert model.layers[-3].compute_dtype == "bfloat16"


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_precision_is_that_of_its_own_training(precision: str) -> None:
    """Both loops have it, up to the rounding of its 16 bits, and the next training in the worker
    doesn't."""
    plain = [*FEW_ROWS, "training.epochs=2"]
    mixed, alone, cache = [*plain, f"training.precision={precision}"], train(*plain), WorkerCache()
    resident = train(*mixed, cache=cache)
    assert train(*plain, cache=cache).epochs == alone.epochs != resident.epochs
    fit = train(*mixed, "training.loop=fit", cache=cache)
    assert resident.curve("loss") == pytest.approx(fit.curve("loss"), rel=2**-8)
    cache.globals.restore()


@pytest.mark.parametrize("what", SEEDS)
def test_a_seed_that_a_model_sets_changes_nothing(what: str, alone: Trained) -> None:
    assert train(*changing(what)).epochs == alone.epochs


def test_a_trial_with_another_seed_is_another(alone: Trained) -> None:
    assert train(*READS, seed=1).epochs != alone.epochs

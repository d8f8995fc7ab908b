"""Settings of the whole process that a model changes hold for that model, and for no other."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from fairsweep.training.globals import Globals
from fairsweep.training.trial import WorkerCache, compiled
from tests.integration.settings_models import CHANGES
from tests.integration.training_room import Trained, compose, train

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


def test_a_mixed_precision_model_stays_one() -> None:
    model, _ = compiled(*compose(*changing("dtype policy")), WorkerCache())
    assert model.layers[-3].compute_dtype == "bfloat16"


@pytest.mark.parametrize("what", SEEDS)
def test_a_seed_that_a_model_sets_changes_nothing(what: str, alone: Trained) -> None:
    assert train(*changing(what)).epochs == alone.epochs


def test_a_trial_with_another_seed_is_another(alone: Trained) -> None:
    assert train(*READS, seed=1).epochs != alone.epochs

"""What a sweep reads back of itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.errors import BadInput
from fairsweep.records import Objective, TrialKey
from fairsweep.tracking.names import UTILISATION, work_tags
from fairsweep.tracking.read import again_by, read_sweep, stored
from fairsweep.tracking.registry import find_model
from fairsweep.tracking.store import Store
from fairsweep.tracking.write.operations import Writer
from fairsweep.tracking.write.run import STATUS
from fairsweep.work import Compiled, Work
from tests.unit.report.builders import search
from tests.unit.tracking.test_replay import FACTS, PLAN

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
ACCURACY = Objective("val_accuracy", "maximize")


@pytest.fixture
def store(empty_store: Callable[[Path], Store], tmp_path: Path) -> Store:
    """A store with a sweep that has just begun."""
    store = empty_store(tmp_path / "mlruns")
    Writer(store, PLAN, FACTS).open()
    return store


def add(store: Store, trial: int, status: str, metrics: Mapping[str, float], **tags: str) -> None:
    """A run of a trial."""
    client = store.client()
    experiment = client.get_experiment_by_name(PLAN.experiment).experiment_id
    own = {"sweep": PLAN.name, "arm": "adam", "stage": "search", "trial": str(trial)}
    run = client.create_run(experiment, tags={**own, "attempt": "1", "seed": "1", **tags})
    for name, value in metrics.items():
        client.log_metric(run.info.run_id, name, value, step=1)
    client.update_run(run.info.run_id, status)


def test_a_run_that_somebody_closed_without_an_outcome_holds_no_training(store: Store) -> None:
    add(store, 0, "FINISHED", {"epochs": 1})
    add(store, 1, "RUNNING", {})
    add(store, 2, "KILLED", {"epochs": 1}, outcome="interrupted")
    add(store, 3, STATUS["failed"], {"epochs": 1}, outcome="failed")
    ended = stored(store, PLAN.experiment, PLAN.name, ACCURACY).ended
    assert set(ended) == {TrialKey("adam", "search", 3)}


def test_of_equal_trials_the_curves_of_the_first_are_read(store: Store) -> None:
    """As the report names it, whichever began first."""
    for trial in (1, 0):
        whole = {"epochs": 1, "best_epoch": 1, "best_val_accuracy": 0.5, "val_accuracy": 0.5}
        add(store, trial, "FINISHED", whole, outcome="complete")
    read = {run.key.trial: dict(run.curves) for run in read_sweep(store, PLAN.name).runs}
    assert read == {0: {"val_accuracy": [0.5]}, 1: {}}


def test_a_store_without_sweeps(empty_store: Callable[[Path], Store], tmp_path: Path) -> None:
    """As one that `fairsweep train` alone has written to."""
    store = empty_store(tmp_path / "mlruns")
    with pytest.raises(BadInput, match=r"^sweep\.name: there is no sweep in .* yet; .*sweep makes"):
        read_sweep(store, None)
    with pytest.raises(BadInput, match=r"^model: no sweep has a champion yet; .*sweep makes one$"):
        find_model(store, None)


@pytest.mark.parametrize("work", [Work(0.957, Compiled(13, 4.25)), Work(), Work(0.5)])
def test_what_workers_did_is_read_back(store: Store, work: Work) -> None:
    about = read_sweep(store, PLAN.name)
    assert about.work is None
    for name, value in work_tags(work):
        store.client().set_tag(about.run_id, name, value)
    read = read_sweep(store, PLAN.name).work
    if math.isnan(work.share):
        assert read is None
    else:
        assert read == replace(work, compiled=work.compiled or Compiled())


def test_an_older_store_doesnt_say_what_was_compiled(store: Store) -> None:
    store.client().set_tag(read_sweep(store, PLAN.name).run_id, UTILISATION, "0.957")
    assert read_sweep(store, PLAN.name).work == Work(0.957)


ARM = {
    "overrides": ["optimizer=sgd", "optimizer.params.momentum=0.5", "training.epochs=3"],
    "searched": ["optimizer.learning_rate", "optimizer.momentum", "model.hidden_units"],
}
DEFAULTS = {
    "optimizer.learning_rate": "0.01",
    "optimizer.momentum": "0.5",
    "model.hidden_units": "[64, 32]",
}
AGAIN = {
    "the-defaults": ({}, ARM["overrides"]),
    "another-value": (
        {"model.hidden_units": "[8]"},
        [*ARM["overrides"], "model.params.hidden_units=[8]"],
    ),
    "in-place-of-the-arms-own": (
        {"optimizer.momentum": "0.9"},
        ["optimizer=sgd", "training.epochs=3", "optimizer.params.momentum=0.9"],
    ),
}


@pytest.mark.parametrize(("values", "words"), AGAIN.values(), ids=AGAIN)
def test_a_trial_is_trained_again_by_what_differs_from_the_defaults(
    values: dict[str, str], words: list[str]
) -> None:
    run = replace(search("sgd", 3, 0.9), params={**DEFAULTS, **values}, seed=7)
    assert again_by(run, ARM, DEFAULTS) == [*words, "training.seed=7"]


def test_without_the_run_of_the_defaults_every_value_is_given() -> None:
    run = replace(search("sgd", 3, 0.9), params=DEFAULTS, seed=7)
    assert again_by(run, ARM, {}) == [
        "optimizer=sgd",
        "training.epochs=3",
        "optimizer.params.learning_rate=0.01",
        "optimizer.params.momentum=0.5",
        "model.params.hidden_units=[64,32]",
        "training.seed=7",
    ]

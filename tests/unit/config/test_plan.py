"""The plan: its name stands for everything that makes results comparable, and for nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fairsweep.config.plan import differences, digest
from fairsweep.records import Objective
from fairsweep.tasks import CLASSES

from .plans import plan

ROOT = Path(__file__).parents[3]
BASE = ("optimizer=adam",)


def test_name_is_data_model_and_four_digits_of_the_identity() -> None:
    name = plan(*BASE).name
    assert re.fullmatch(r"digits-mlp-[0-9a-f]{4}", name)
    assert name.endswith(plan(*BASE).sha256[:4])


def test_name_of_the_users_own() -> None:
    assert plan(*BASE, "sweep.name=mine").name == "mine"
    assert plan(*BASE, "sweep.name=mine").sha256 == plan(*BASE).sha256


def test_name_is_the_same_in_another_process() -> None:
    """Whatever the order in which that process hashes strings."""
    program = (
        "from fairsweep.config.compose import commands as c; print(c.compose_sweep({!r}).name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program.format(list(BASE))],
        env={**os.environ, "PYTHONPATH": str(ROOT / "pipeline"), "PYTHONHASHSEED": "123"},
        cwd=ROOT.anchor,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == plan(*BASE).name


CHANGES = {
    "data": ["data=worked_example", "objective.metric=accuracy"],
    "data-seed": ["data.seed=1"],
    "data-shares": ["data.validation=0.1"],
    "data-scale": ["data.rescale=null"],
    "model": ["model=cnn"],
    "model-params": ["model.params.dropout=0.1"],
    "model-flips": ["model=cnn", "model.params.flip=both"],
    "model-space": ["model.space.hidden_units.layers.high=4"],
    "optimizer-params": ["optimizer.params.amsgrad=true"],
    "optimizer-default": ["optimizer.params.learning_rate=0.01"],
    "optimizer-space": ["optimizer.space.learning_rate.high=0.5"],
    "optimizer-space-fixed": ["optimizer.space.beta_1=null"],
    "training-epochs": ["training.epochs=21"],
    "training-batch-size": ["training.batch_size=64"],
    "training-loss": ["training.loss=huber"],
    "training-metrics": ["training.metrics=[accuracy,f1]"],
    "training-class-weight": ["training.class_weight=balanced"],
    "training-class-weights": ["training.class_weight={1:5,2:3}"],
    "data-weight": ["data=csv", "data.path=a.csv", "data.target=y", "data.weight=w"],
    "training-shuffle": ["training.shuffle=false"],
    "training-seed": ["training.seed=1"],
    "training-patience": ["training.early_stopping.patience=5"],
    "training-schedule": ["training.schedule.name=cosine"],
    "training-space": ["training.space.batch_size.choices=[32,64]"],
    "objective": ["objective.metric=accuracy"],
    "objective-second": ["objective.second=parameters"],
    "objective-tolerance": ["objective.second=parameters", "objective.tolerance=0.01"],
    "sampler": ["search=random"],
    "sampler-params": ["search.params.n_startup_trials=5"],
    "pruner": ["pruner=none"],
    "pruner-params": ["pruner.params.n_min_trials=4"],
    "search-only": ["search.only=[optimizer.learning_rate]"],
    "confirm-folds": ["confirm.folds=3"],
    "search-folds": ["search.folds=3"],
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_what_results_depend_on_changes_the_identity(changes: list[str]) -> None:
    assert plan(*BASE, *changes).sha256 != plan(*BASE).sha256


def test_no_two_changes_give_the_same_identity() -> None:
    identities = [plan(*BASE, *changes).sha256 for changes in CHANGES.values()]
    assert len(set(identities)) == len(CHANGES)


def test_sweeps_begun_without_a_setting_go_on() -> None:
    (arm,) = plan(*BASE, "training.metrics=null").arms
    assert "metrics" not in arm.identity()["training"]
    assert "weight" not in arm.identity()["data"]
    (other,) = plan(*BASE, "training.metrics=[f1]").arms
    assert other.identity()["training"]["metrics"] == ["f1"]


def test_names_of_classes_are_words_whatever_a_command_reads_them_as() -> None:
    (arm,) = plan(*BASE, "training.class_weight={3:5,true:2,no:1}").arms
    assert arm.identity()["training"]["class_weight"] == {"3": 5, "true": 2, "no": 1}


@pytest.mark.parametrize(
    ("given", "measured"),
    [
        ((), ("loss", "accuracy")),
        (("objective.metric=val_f1",), ("loss", "accuracy", "f1")),
        (("training.metrics=[auc]", "objective.metric=val_f1"), ("loss", "f1", "auc")),
        (("training.metrics=[]",), ("loss", "accuracy")),
    ],
)
def test_what_is_measured_has_the_objective(
    given: tuple[str, ...], measured: tuple[str, ...]
) -> None:
    assert plan(*BASE, *given).metrics(CLASSES, 10) == measured


def test_another_arm_changes_the_identity_of_the_plan_but_not_of_the_arms() -> None:
    """So a new arm continues the arms that are there."""
    one, two = plan("arms.optimizer=[adam]"), plan("arms.optimizer=[adam,sgd]")
    assert one.sha256 != two.sha256
    assert one.arms[0].sha256 == two.arms[0].sha256
    assert two.arms[0].sha256 != two.arms[1].sha256


SAME = {
    "trials": ["search.trials=7"],
    "epochs": ["search.epochs=400"],
    "minutes": ["search.minutes=3"],
    "workers": ["executor.workers=3"],
    "threads": ["executor.threads=2"],
    "root": ["tracking.root=elsewhere"],
    "server": ["tracking=server", "tracking.uri=http://127.0.0.1:5000"],
    "experiment": ["tracking.experiment=another"],
    "confirm": ["confirm.seeds=9", "confirm.repeats=3"],
    "terminal": ["terminal=quiet"],
    "loop": ["training.loop=fit"],
    "checkpoints": ["training.checkpoint_seconds=5"],
    "patience-with-a-worker": ["training.stall_seconds=5"],
    "the-same-said-again": ["training.epochs=20", "search=tpe"],
    "a-whole-learning-rate": [
        "optimizer.params.learning_rate=1",
        "optimizer.space.learning_rate=null",
    ],
}


@pytest.mark.parametrize("name", [name for name in SAME if name != "a-whole-learning-rate"])
def test_budget_executor_and_tracking_leave_the_identity(name: str) -> None:
    changed = plan(*BASE, *SAME[name])
    assert changed.sha256 == plan(*BASE).sha256
    assert changed.name == plan(*BASE).name


def test_order_of_overrides_leaves_the_identity() -> None:
    one = plan(*BASE, "training.epochs=3", "model.params.dropout=0.1", "search=random")
    other = plan("search=random", "model.params.dropout=0.1", *BASE, "training.epochs=3")
    assert one.sha256 == other.sha256


def test_a_whole_learning_rate_becomes_a_float() -> None:
    """Keras refuses an int; and the sweep is the same as with 1.0."""
    whole = plan(*BASE, *SAME["a-whole-learning-rate"])
    rate = whole.arms[0].settings.optimizer.params["learning_rate"]
    assert type(rate) is float
    assert rate == 1.0
    fraction = [word.replace("=1", "=1.0") for word in SAME["a-whole-learning-rate"]]
    assert whole.sha256 == plan(*BASE, *fraction).sha256


def test_experiment_is_the_users_or_named_after_the_data() -> None:
    assert plan(*BASE).experiment == "digits"
    assert plan(*BASE, *SAME["experiment"]).experiment == "another"


def test_objective_holds_metric_and_direction() -> None:
    assert plan(*BASE).objective == Objective("val_accuracy", "maximize")


def test_searched_names_are_the_public_ones() -> None:
    assert plan(*BASE).arms[0].searched == [
        "optimizer.learning_rate",
        "optimizer.beta_1",
        "optimizer.beta_2",
        "model.hidden_units",
        "training.batch_size",
    ]


def test_digest_ignores_the_order_of_keys_and_sees_every_value() -> None:
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest({"a": 1, "b": 2}) != digest({"a": 2, "b": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
    assert digest({"a": None}) != digest({})


def test_differences_name_each_leaf() -> None:
    before = {"model": {"units": [8, 16], "rate": 0.1}, "seed": 0, "gone": 1}
    after = {"model": {"units": [8, 32], "rate": 0.1}, "seed": 0, "new": 2}
    assert differences(before, after) == [
        "gone: 1 → None",
        "model.units: [8, 16] → [8, 32]",
        "new: None → 2",
    ]
    assert differences(before, before) == []

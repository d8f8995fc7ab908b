"""Values of different losses can't be compared, so a loss selects only where all have the same."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from fairsweep.config.plan import Plan
from fairsweep.errors import BadInput
from fairsweep.tasks import CLASSES, LABELS, OWN, VALUES, Task
from tests.unit.config.plans import plan

ONE = "optimizer=adam"
BY_LOSS = "objective.metric=val_loss"
L1, L2 = "training.loss=mean_absolute_error", "training.loss=mean_squared_error"
HUBER, QUANTILE = "training.loss=huber", "training.loss=quantile"
SMOOTHED = "training.loss=categorical_crossentropy training.loss_params={label_smoothing:0.1}"
SEARCHED = f"{SMOOTHED} +training.space.label_smoothing={{low:0.0,high:0.3}}"
PENALIZED = "model.params.l2=0.01 +model.space.l2={low:0.001,high:0.1}"


def arms(*each: str, shared: tuple[str, ...] = ()) -> Plan:
    """A plan of arms, `a` and so on, each with overrides of its own."""
    plans = [plan(ONE, *own.split(), *shared) for own in each]
    named = [replace(own.arms[0], name=name) for own, name in zip(plans, "abcd", strict=False)]
    return replace(plans[0], group="training", arms=tuple(named))


def refused(chosen: Plan, task: Task) -> str:
    with pytest.raises(BadInput) as problem:
        chosen.for_task(task).check_rows((100, 4), 20, task, "abc" if task is not VALUES else "a")
    (told,) = problem.value.problems
    return told


def accepted(chosen: Plan, task: Task) -> Plan:
    chosen = chosen.for_task(task)
    chosen.check_rows((100, 4), 20, task, "abc" if task is not VALUES else "a")
    return chosen


@pytest.mark.parametrize(
    ("each", "task", "told"),
    [
        ((L1, L2), VALUES, "mean_absolute_error in a, mean_squared_error in b; use {}=val_rmse"),
        ((L2, L2, L1), VALUES, "mean_squared_error in a, mean_absolute_error in c; use"),
        ((HUBER, f"{HUBER} training.loss_params={{delta:2.0}}"), VALUES, "huber (delta=2.0) in b"),
        ((QUANTILE, f"{QUANTILE} training.quantiles=[0.5]"), VALUES, "(quantiles=[0.5]) in b"),
        (("", SMOOTHED), CLASSES, "(label_smoothing=0.1) in b; use {}=val_accuracy"),
        (("", "model.params.l2=0.01"), CLASSES, "sparse_categorical_crossentropy (l2=0.01) in b"),
        ((SEARCHED,), CLASSES, "of which training.loss_params.label_smoothing is a part"),
        ((PENALIZED,), CLASSES, "of which model.params.l2 is a part, and the search changes it"),
    ],
)
def test_a_loss_that_differs_selects_nothing(each: tuple[str, ...], task: Task, told: str) -> None:
    problem = refused(arms(*each, shared=(BY_LOSS,)), task)
    assert problem.startswith("objective.metric: need a metric that measures all alike, got val_l")
    assert told.format("objective.metric") in problem
    second = ("objective.metric=val_log_loss" if task is CLASSES else "objective.metric=val_r2",)
    other = refused(arms(*each, shared=(*second, "objective.second=val_loss")), task)
    assert told.format("objective.second") in other
    accepted(arms(*each, shared=second), task)


def test_the_remedy_of_a_second_objective_is_another_than_the_first() -> None:
    shared = ("objective.metric=val_rmse", "objective.second=val_loss")
    assert refused(arms(L1, L2, shared=shared), VALUES).endswith("use objective.second=parameters")


@pytest.mark.parametrize(
    ("each", "task"),
    [
        (("", ""), CLASSES),
        (("", "training.class_weight=balanced"), CLASSES),  # has no part in validation
        ((QUANTILE, f"{QUANTILE} training.quantiles=[0.1,0.5,0.9]"), VALUES),
        (("", "training.batch_size=16"), VALUES),
        ((PENALIZED.partition(" ")[0], PENALIZED.partition(" ")[0]), LABELS),
    ],
)
def test_one_loss_in_all_arms_selects(each: tuple[str, ...], task: Task) -> None:
    accepted(arms(*each, shared=(BY_LOSS,)), task)


def test_class_weights_are_part_of_the_loss_on_training_rows() -> None:
    each = ("", "training.class_weight=balanced")
    problem = refused(arms(*each, shared=("objective.metric=loss",)), CLASSES)
    assert problem.endswith("(class_weight=balanced) in b; use objective.metric=accuracy")


@pytest.mark.parametrize(
    ("each", "metric"),
    [
        ((L1, L2), "val_rmse"),
        ((L1, HUBER), "val_mae"),
        ((QUANTILE, L2), "val_rmse"),
        ((QUANTILE, L1, "training.loss=poisson"), "val_rmse"),
        ((QUANTILE, f"{QUANTILE} training.quantiles=[0.5]"), "val_rmse"),
        ((QUANTILE, QUANTILE), "val_loss"),
        ((f"{QUANTILE} {PENALIZED}",), "val_rmse"),
    ],
)
def test_the_order_of_arms_has_no_part_in_the_objective(each: tuple[str, ...], metric: str) -> None:
    for ordered in itertools.permutations(each):
        chosen = accepted(arms(*ordered), VALUES)
        assert chosen.objective.metric == metric
        by_itself = len(set(each)) == 1 and PENALIZED not in each[0]
        alone = by_itself or each == (L1, HUBER)
        told = f"objective.metric={metric}{'' if alone else ', which measures all alike'}"
        assert chosen.chosen.endswith(told)
        assert set(chosen.metrics(VALUES, 1)) == {"loss", "mae", "rmse", "r2"}


def test_a_task_of_ones_own_has_the_loss_of_its_model() -> None:
    assert arms("").for_task(OWN).objective.metric == "val_loss"

"""What is refused of metrics of the user's own, before anything is imported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairsweep.errors import BadInput
from fairsweep.records import Objective
from fairsweep.tasks import CLASSES, LABELS, VALUES, Task
from tests.unit.config.plans import plan

ONE = "optimizer=adam"
OWN = ONE, "training.metrics=[mine.metrics:cost]", "objective.metric=val_cost"
BUILT = ONE, "model=custom", "model.builder=mine.models:build"


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mine")


def refusal(*overrides: str) -> str:
    with pytest.raises(BadInput) as refused:
        plan(*overrides)
    (problem,) = refused.value.problems
    return problem


@pytest.mark.parametrize("words", [OWN, (*BUILT, "objective.metric=val_iou")])
def test_a_direction_that_nobody_knows_is_asked_for(words: tuple[str, ...]) -> None:
    metric = words[-1].partition("=")[2]
    told = f"objective.direction: nothing is known of objective.metric={metric} but its name; say"
    assert refusal(*words).startswith(told)
    given = plan(*words, "objective.direction=minimize")
    assert given.objective == Objective(metric, "minimize")
    assert "need one of maximize, minimize" in refusal(*words, "objective.direction=down")


def test_a_known_direction_is_no_other_sweep() -> None:
    """It is in the sweep's name, however it was said."""
    said = plan("objective.metric=val_loss", "objective.direction=minimize")
    assert plan("objective.metric=val_loss").sha256 == said.sha256


def test_only_a_model_of_the_users_logs_what_has_no_other_name() -> None:
    assert plan(*BUILT, "training.metrics=[accuracy,iou]").arms
    assert "got 'iou'" in refusal("optimizer=adam", "training.metrics=[accuracy,iou]")
    assert "need iou, which is" in refusal(*BUILT, "training.metrics=[val_iou]")
    unknown = refusal("optimizer=adam", "objective.metric=val_iou", "objective.direction=maximize")
    assert "got 'val_iou'" in unknown


def test_what_a_callback_adds_selects_nothing() -> None:
    told = "; what a callback adds can be watched, but selects nothing: name a function in"
    gap = (ONE, "objective.metric=gap", "objective.direction=minimize")
    for own in ("mine.callbacks:Gap", "{name: mine.callbacks:Gap, params: {}}"):
        assert told in refusal(*gap, f"training.callbacks=[{own}]")
    assert told not in refusal(*gap, "training.callbacks=[EarlyStopping]")


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ("mine.metrics:f1", "mine.metrics:f1 would be logged as f1, which is the name of another"),
        ("mine.a:cost,mine.b:cost", "2 of your own are logged as cost; give each another name"),
        ("mine.metrics:seconds", "logged as seconds, which is what a run has beside metrics"),
        ("mine.metrics:val_f1", "logged as val_f1, which is what a run has beside metrics"),
        ("mine.metrics:", "need package.module:name, got 'mine.metrics:'"),
    ],
)
def test_names_that_clash(metrics: str, told: str) -> None:
    assert told in refusal("optimizer=adam", f"training.metrics=[{metrics}]")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("objective.metric=val_auc", "objective.metric: auc can't be measured for values under "),
        ("training.metrics=[mae,auc]", "training.metrics: auc can't be measured for values under "),
    ],
)
def test_what_does_not_fit_the_data_is_told_with_all_that_does(words: str, told: str) -> None:
    own = plan(ONE, words).for_task(VALUES)
    with pytest.raises(BadInput) as refused:
        own.check_rows((100, 4), 20, VALUES, "a")
    (problem,) = refused.value.problems
    assert problem.startswith(told)
    assert "need one of loss, mae, rmse, r2, mape, " in problem


def test_only_a_top_that_can_be_missed_is_offered() -> None:
    own = plan(ONE, "objective.metric=val_mae").for_task(CLASSES)
    with pytest.raises(BadInput, match=r"balanced_accuracy, mcc, top_3, log_loss"):
        own.check_rows((100, 4), 20, CLASSES, "abcde")


@pytest.mark.parametrize(
    "name",
    "logcosh mean_absolute_error mean_squared_error mean_squared_logarithmic_error poisson "
    "root_mean_squared_error mean_absolute_percentage_error r2_score".split(),
)
def test_an_error_of_numbers_is_no_metric_of_classes(name: str) -> None:
    def check(task: Task, classes: str) -> None:
        plan(ONE, f"training.metrics=[{name}]").for_task(task).check_rows(
            (100, 4), 20, task, classes
        )

    check(VALUES, "a")
    for task in (CLASSES, LABELS):
        with pytest.raises(
            BadInput, match=f"{name} can't be measured for {task.name} .* loss, acc"
        ):
            check(task, "abc")


def test_a_divergence_of_probabilities_is_no_metric_of_numbers() -> None:
    asked = plan(ONE, "training.metrics=[kl_divergence]")
    asked.check_rows((100, 4), 20, CLASSES, "abc")
    with pytest.raises(BadInput, match="kl_divergence can't be measured for values"):
        asked.for_task(VALUES).check_rows((100, 4), 20, VALUES, "a")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("objective.metric=val_top_2", "objective.metric: top_2 is 1 for every row of 2 classes; "),
        ("objective.metric=val_top_2", "; use objective.metric=val_accuracy"),
        ("objective.metric=top_3", "; use objective.metric=accuracy"),
        ("training.metrics=[top_2]", "training.metrics: top_2 is 1 for every row of 2 classes; l"),
    ],
)
def test_a_top_that_can_not_be_missed_is_told_by_the_key_that_names_it(
    words: str, told: str
) -> None:
    with pytest.raises(BadInput) as refused:
        plan(ONE, words).check_rows((100, 4), 20, CLASSES, "ab")
    (problem,) = refused.value.problems
    assert told in problem


# The second objective.


@pytest.mark.parametrize(
    ("metric", "tolerance", "told"),
    [
        ("val_accuracy", 1, "objective.tolerance: need a number below 1, for val_accuracy is bet"),
        ("val_accuracy", 10, "is between 0 and 1, so that all trials would count as equal; got 10"),
        ("val_mcc", 2.5, "need a number below 2, for val_mcc is between -1 and 1"),
        ("val_accuracy", 0.99, ""),
        ("val_mcc", 1.5, ""),
        ("val_loss", 10, ""),
    ],
)
def test_a_tolerance_leaves_a_difference(metric: str, tolerance: float, told: str) -> None:
    words = (f"objective.metric={metric}", "objective.second=bytes")
    asked = plan(ONE, *words, f"objective.tolerance={tolerance}")
    problems: tuple[str, ...] = ()
    try:
        asked.check_rows((100, 4), 20, CLASSES, "abc")
    except BadInput as refused:
        problems = tuple(refused.problems)
    assert len(problems) == bool(told)
    assert all(told in problem for problem in problems)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("objective.second=paramters", "got 'paramters'; did you mean parameters?"),
        ("objective.second=val_acuracy", "did you mean val_accuracy?"),
        ("objective.second=test_accuracy", "objective.second: need one of parameters, bytes"),
        (
            "objective.second=mine:cost",
            "use training.metrics=[mine:cost] objective.second=val_cost",
        ),
        ("objective.second=keras_AUC", "objective.second: need one of parameters"),
        (
            "objective.second=bytes objective.second_direction=maximize",
            "bytes is better when you minimize it, got 'maximize'; use objective.second_direction=",
        ),
        (
            "objective.second=val_loss objective.second_direction=maximize",
            "val_loss is better when you minimize it",
        ),
        ("objective.tolerance=0.1", "got 0.1, and there is no second objective"),
        ("objective.second_direction=minimize", "got minimize, and there is no second objective"),
        (
            "objective.second=bytes objective.tolerance=-1",
            "need a number from 0, how much of val_accuracy may be given up, got -1.0",
        ),
        ("objective.second=bytes objective.tolerance=nan", "need a number from 0"),
        ("objective.second=bytes objective.tolerance=inf", "need a number from 0"),
        ("objective.metric=parameters", "it can be objective.second=parameters"),
    ],
)
def test_slips_with_the_second_objective(words: str, told: str) -> None:
    assert told in refusal("optimizer=adam", *words.split())


def test_a_second_direction_that_nobody_knows_is_asked_for() -> None:
    own = (*OWN[:2], "objective.second=val_cost")
    told = "objective.second_direction: nothing is known of objective.second=val_cost"
    assert told in refusal(*own)
    given = plan(*own, "objective.second_direction=minimize").objective
    assert given.second == Objective("val_cost", "minimize")


def test_the_second_objective_is_known_by_its_name() -> None:
    accuracy, f1 = Objective("val_accuracy", "maximize"), Objective("val_f1", "maximize")
    costs = plan(ONE, "objective.second=seconds", "objective.tolerance=0.01").objective
    assert costs == replace(accuracy, second=Objective("seconds", "minimize"), tolerance=0.01)
    assert plan(ONE, "objective.second=val_f1").objective.second == f1
    said = plan(ONE, "objective.second=val_f1", "objective.second_direction=maximize")
    assert plan(ONE, "objective.second=val_f1").sha256 == said.sha256
    assert plan(ONE).shared()["objective"] == {"metric": "val_accuracy", "direction": "maximize"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("objective.second=val_accuracy", "val_accuracy is objective.metric already"),
        ("objective.second=val_f1", "val_f1 isn't measured; use training.metrics=[accuracy,f1]"),
        (
            "training.metrics=[f1] objective.second=val_auc",
            "isn't measured; use training.metrics=[f1,auc], or one of parameters, bytes, seconds, "
            "loss, accuracy, f1, val_loss, val_accuracy, val_f1",
        ),
    ],
)
def test_a_second_objective_is_another_metric_that_is_measured(words: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        plan(ONE, *words.split()).check_rows((100, 4), 20, CLASSES, "abc")
    assert told in str(refused.value)
    plan("training.metrics=[f1]", "objective.second=val_f1").check_rows(
        (100, 4), 20, CLASSES, "abc"
    )


def test_a_second_objective_on_validation_rows_needs_some() -> None:
    words = ("objective.metric=accuracy", "objective.second=val_loss")
    with pytest.raises(BadInput, match=r"objective\.second: val_loss needs validation rows"):
        plan(*words).check_rows((100, 4), 0, CLASSES, "abc")
    told = "val_loss needs validation rows, and data.validation is 0"
    assert told in refusal(*words, "data.validation=0")

"""Which training settings fit a data set of a task, as it is asked before anything is trained."""

from __future__ import annotations

import pytest

from fairsweep.errors import BadInput
from fairsweep.metrics import METRICS, KerasMetric, Metric
from fairsweep.tasks import CLASSES, LABELS, Task, forms_of
from tests.unit.config.plans import plan


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_a_loss_of_two_classes_on_ten(loss: str) -> None:
    (problem,) = CLASSES.training_problems(loss, None, 10)
    assert problem.startswith(f"training.loss: {loss} is for two classes, and the data has 10")
    assert "categorical_hinge" in problem
    assert [*CLASSES.training_problems(loss, None, 2)] == []


@pytest.mark.parametrize(
    ("task", "names", "told"),
    [(CLASSES, 10, "hinge is for two classes"), (LABELS, 3, "hinge is for one class a row")],
)
def test_a_plan_asks_the_task_of_its_data(task: Task, names: int, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        plan("training.loss=hinge").check_rows((60, 4), 10, task, "abcdefghij"[:names])


@pytest.mark.parametrize(
    ("task", "loss", "names", "own", "forms"),
    [
        (CLASSES, "sparse_categorical_crossentropy", 2, True, {"sparse"}),
        (CLASSES, "huber", 3, True, {"one-hot"}),
        (CLASSES, "hinge", 2, True, {"column"}),
        (CLASSES, "binary_crossentropy", 3, True, {"one-hot"}),
        (CLASSES, "binary_crossentropy", 2, False, {"column"}),
        (CLASSES, "binary_crossentropy", 2, True, {"column", "one-hot"}),
        (LABELS, "binary_crossentropy", 3, True, {"labels"}),
    ],
)
def test_the_forms_that_a_model_may_want(
    task: Task, loss: str, names: int, own: bool, forms: set[str]
) -> None:
    """A model of the user's own may end in one unit for both of two classes, or in one for each."""
    assert forms_of(task.output(loss, names), own) == forms


def test_an_objective_that_an_arm_doesnt_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"sparse": KerasMetric("SparseTopKCategoricalAccuracy")}
    entry = Metric("top_5", "maximize", "Top-5 accuracy", "", keras=measured)
    monkeypatch.setitem(METRICS, "top_5", entry)
    chosen = plan("optimizer=adam", "objective.metric=val_top_5")
    assert chosen.metrics(CLASSES, 10) == ("loss", "accuracy", "top_5")
    chosen.check_rows((60, 4), 10, CLASSES, "abcdefghij")
    other = plan(
        "optimizer=adam", "objective.metric=val_top_5", "training.loss=binary_crossentropy"
    )
    told = (
        r"^objective\.metric: top_5 can't be measured for labels under "
        r"training\.loss=binary_crossentropy; need one of loss, accuracy, .*, got 'val_top_5'$"
    )
    with pytest.raises(BadInput, match=told):
        other.check_rows((60, 4), 10, LABELS, "abc")

"""Which training settings fit a data set of a task, as it is asked before anything is trained."""

from __future__ import annotations

import pytest

from fairsweep.errors import BadInput
from fairsweep.tasks import CLASSES, LABELS, Task
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
        plan("training.loss=hinge").check_rows((60, 4), 10, task, names)

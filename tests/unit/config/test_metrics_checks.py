"""What is refused of metrics of the user's own, before anything is imported."""

from __future__ import annotations

import pytest

from fairsweep.errors import BadInput
from fairsweep.records import Objective
from tests.unit.config.plans import plan

OWN = "optimizer=adam", "training.metrics=[mine.metrics:cost]", "objective.metric=val_cost"
BUILT = "optimizer=adam", "model=custom", "model.builder=mine.models:build"


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
    told = f"objective.direction: nothing is known of {metric} but its name; say which way it is"
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

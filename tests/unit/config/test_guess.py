"""Names that are misspelt: only a near one is offered, because a wrong guess misleads."""

from __future__ import annotations

import pytest

from fairsweep.config.compose.commands import compose_training
from fairsweep.config.compose.slips import NAMES
from fairsweep.config.guess import nearest
from fairsweep.config.options import options_of
from fairsweep.errors import BadInput

MEANT = {
    "adamm": "adam",
    "adma": "adam",
    "adan": "adam",
    "sdg": "sgd",
    "ada": "adam",
    "nada": "nadam",
    "schedule": "schedule_free_adamw",
    "Adam": "adam",
    "rmspop": "rmsprop",
    "schedulefree_adamw": "schedule_free_adamw",
}


@pytest.mark.parametrize(("written", "meant"), MEANT.items())
def test_a_slip_of_the_hand(written: str, meant: str) -> None:
    assert nearest(written, options_of("optimizer")) == meant


@pytest.mark.parametrize("written", ["lbfgs", "mine", "momentum", "a", "", "gradient_descent"])
def test_what_is_near_to_none(written: str) -> None:
    assert nearest(written, options_of("optimizer")) is None


KEYS = {
    "search.trails": "search.trials",
    "optimizer.learning_rate": "optimizer.params.learning_rate",
    "learning_rate": "optimizer.params.learning_rate",
    "batch_size": "training.batch_size",
    "trials": "search.trials",
    "trackng.root": "tracking",
    "training.direction": "objective.direction",
    "seed": "training.seed",
    "epochs": "training.epochs",
    "optimizer.lr": "optimizer.params.learning_rate",
    "search.timeout": "search.minutes",
    "n_jobs": "executor.workers",
}


@pytest.mark.parametrize(("key", "meant"), KEYS.items())
def test_a_key_near_by_or_in_another_section(key: str, meant: str) -> None:
    with pytest.raises(BadInput, match=rf"did you mean {meant}\? Keys of "):
        compose_training([f"{key}=1"])


def test_names_of_other_tools_stand_for_keys_that_there_are() -> None:
    plan = compose_training([])
    (arm,) = plan.arms
    for key in NAMES.values():
        group, *path = key.split(".")
        own = getattr(arm.settings, group, None) or getattr(plan.config, group)
        for name in path:
            own = own[name] if isinstance(own, dict) else getattr(own, name)


@pytest.mark.parametrize(
    "key",
    ["optimizer.params.foo", "repeats", "folds", "arms.data"],
)
def test_a_section_in_common_makes_no_key_near(key: str) -> None:
    """Nor does a name that several sections have."""
    with pytest.raises(BadInput) as error:
        compose_training([f"{key}=1"])
    assert "there is no such key; keys of " in str(error.value)

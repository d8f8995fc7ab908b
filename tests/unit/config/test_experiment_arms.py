"""What the command line sets of the arms that an experiment lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep, narrowed
from fairsweep.errors import BadInput

OF_A_FILE = ["experiment=mine", "optimizer.params.momentum=0.5"]


@pytest.fixture
def two_arms(tmp_path: Path) -> str:
    """A folder with an experiment of two arms, both of which have momentum."""
    (tmp_path / "experiment").mkdir()
    content = "# @package _global_\narms: {optimizer: [sgd, rmsprop]}\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(content)
    return str(tmp_path)


def test_what_is_set_of_the_arms_of_an_experiment_is_checked_against_these(two_arms: str) -> None:
    found = compose_sweep(OF_A_FILE, two_arms).arms
    assert [arm.name for arm in found] == ["sgd", "rmsprop"]
    assert {arm.settings.optimizer.params["momentum"] for arm in found} == {0.5}
    alone = compose_sweep([*OF_A_FILE, "arms.optimizer=[sgd,rmsprop]"], two_arms).arms
    assert [arm.sha256 for arm in found] == [arm.sha256 for arm in alone]


def test_the_first_of_the_arms_of_an_experiment_stands_for_them_only_where_it_must(
    two_arms: str,
) -> None:
    """What is printed of a sweep, and what Hydra composes once more, stays as it was elsewhere."""
    assert [*compose_sweep(OF_A_FILE, two_arms).stand_in] == ["optimizer=sgd"]
    assert narrowed(OF_A_FILE, two_arms)[:3] == ["optimizer=sgd", *OF_A_FILE]
    for overrides in (["experiment=mine"], ["experiment=mine", "training.epochs=3"]):
        assert [*compose_sweep(overrides, two_arms).stand_in] == []
        assert narrowed(overrides, two_arms)[: len(overrides)] == overrides


def test_what_no_arm_of_an_experiment_has_is_refused_as_it_is_elsewhere(two_arms: str) -> None:
    with pytest.raises(BadInput, match="there is no such key"):
        compose_sweep(["experiment=mine", "optimizer.params.beta_1=0.5"], two_arms)

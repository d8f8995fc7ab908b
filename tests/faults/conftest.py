"""A finished sweep, made once, whose store tests copy and damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.lab import Sandbox

pytest.register_assert_rewrite("tests.faults.oracle")

NAME = "whole"
SWEEP = (
    *("data=digits", "arms.optimizer=[sgd,adam]", "confirm.seeds=2", "executor.workers=2"),
    *("search=random", "search.trials=4", "training.epochs=4", f"sweep.name={NAME}"),
    *("pruner=successive_halving", "pruner.params.min_resource=1"),
    "pruner.params.reduction_factor=2",
)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a sweep over 2 arms with pruned trials, test rows, and a champion."""
    sandbox = Sandbox(tmp_path_factory.mktemp("finished"))
    done = sandbox.sweep(*SWEEP)
    assert done.code == 0, done.said
    return sandbox.work / "mlruns"


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return shutil.copytree(finished, tmp_path / "mlruns")

"""A finished sweep, made once with scripted trainings, whose store tests copy and damage."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import Script, learning, scripted, tiny_data

pytest.register_assert_rewrite("tests.faults.oracle")

NAME = "whole"
SWEEP = (
    *("arms.optimizer=[sgd,adam]", "confirm.folds=2", "confirm.repeats=1"),
    *("executor.workers=2", "terminal=quiet"),
    *("search=random", "search.trials=4", "training.epochs=4", f"sweep.name={NAME}"),
    *("pruner=successive_halving", "pruner.params.min_resource=1"),
    "pruner.params.reduction_factor=2",
)
Sweep = Callable[..., int]


@pytest.fixture(scope="session")
def overrides(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Those of a sweep over 2 arms with pruned trials, test rows, and a champion."""
    return (*SWEEP, *tiny_data(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="session")
def sweep(overrides: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Runs the sweep, or goes on with it, in a store, with other overrides or another script if
    there are any; gives its exit code."""

    def run(root: Path, *others: str, script: Script = learning) -> int:
        job = prepare([*overrides, *others, f"tracking.root={root}"], None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own, when it publishes a model
            return run_sweep(job, tmp_path_factory.mktemp("logs"), scripted(script))

    return run


@pytest.fixture(scope="session")
def finished(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the sweep."""
    root = tmp_path_factory.mktemp("finished") / "mlruns"
    assert sweep(root) == 0
    return root


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return shutil.copytree(finished, tmp_path / "mlruns")

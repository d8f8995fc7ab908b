"""The walls between the rooms, as pyproject.toml draws them, and a sweep without TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Everything that a sweep process imports in the course of its life, also inside functions.
IMPORT_ALL = """
import ast, importlib, pathlib, sys
names = set()
for path in pathlib.Path("pipeline/fairsweep").rglob("*.py"):
    if "training" in path.parts:
        continue
    module = ".".join(path.with_suffix("").parts[1:]).removesuffix(".__init__")
    if module.endswith("__main__"):
        continue
    names.add(module)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
for name in sorted(names):
    importlib.import_module(name)
print(*sorted(sys.modules))
"""
IMPORT_ENTRIES = """
import importlib, sys
import fairsweep.cli
for name in fairsweep.cli.COMMANDS:
    importlib.import_module(f"fairsweep.commands.{name}")
print(*sorted(sys.modules))
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "pipeline")},
        capture_output=True,
        text=True,
        check=False,
    )


def modules_after(program: str) -> set[str]:
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_every_contract_is_kept() -> None:
    lint = "from importlinter.cli import lint_imports_command as run; run()"
    done = python("-c", lint, "--no-cache", "--no-logo", "--config", "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_library_has_its_room() -> None:
    """A wall that somebody takes out of pyproject.toml is missed."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rooms = {
        library: contract["allowed_importers"]
        for contract in options["contracts"]
        if contract["type"] == "protected"
        for library in contract["protected_modules"]
        if not library.startswith("fairsweep")
    }
    processes = [
        "fairsweep.data.sources.keras",
        "fairsweep.data.sources.python",
        "fairsweep.executor",
        "fairsweep.tracking.store.environment",
        "fairsweep.tracking.ui.server",
        "fairsweep.training.fork_server",
        "fairsweep.training.outbox",
        "fairsweep.training.worker",
    ]
    assert rooms == {
        "hydra": ["fairsweep.config"],
        "omegaconf": ["fairsweep.config"],
        "keras": ["fairsweep.training"],
        "tensorflow": ["fairsweep.training"],
        "optuna": ["fairsweep.search", "fairsweep.doctor.studies"],
        "mlflow": ["fairsweep.tracking"],
        "plotly": ["fairsweep.report"],
        "matplotlib": ["fairsweep.report"],
        "jinja2": ["fairsweep.report"],
        "scipy": ["fairsweep.report"],
        "rich": ["fairsweep.terminal"],
        "psutil": ["fairsweep.machine"],
        "subprocess": processes,
        "multiprocessing": processes,
    }


def test_layers_are_all_there_in_their_order() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [c for c in options["contracts"] if c["type"] == "layers"]
    assert layers["exhaustive"]
    assert layers["layers"] == [
        "__main__",
        "cli",
        "commands",
        "doctor",
        "testing",
        "stages : terminal",
        "training | search | executor | tracking | report",
        "data",
        "config",
        "metrics",
        "tasks | configurations",
        "records",
        "costs | folds | importances | judged | keras_file | log | scores | shown | tested | work",
        "errors | files | interruption | invocation | machine | own | plural | precision",
    ]


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return modules_after(IMPORT_ALL)


def test_a_sweep_process_never_imports_tensorflow(loaded: set[str]) -> None:
    assert {"mlflow.entities", "optuna", "plotly", "fairsweep.stages.search"} <= loaded
    assert {"tensorflow", "keras", "torch", "jax"} & loaded == set()


def test_no_module_of_a_worker_is_loaded_with_a_sweep(loaded: set[str]) -> None:
    assert [name for name in loaded if name.startswith("fairsweep.training")] == []


def test_entry_points_load_nothing_before_they_have_checked_the_command() -> None:
    loaded = modules_after(IMPORT_ENTRIES)
    assert "hydra" in loaded
    heavy = {"tensorflow", "keras", "mlflow", "optuna", "plotly", "matplotlib", "sklearn", "scipy"}
    assert heavy & loaded == set()

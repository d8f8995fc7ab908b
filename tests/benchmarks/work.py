"""The work that every contestant does: the same rows, the same list of trials, the same epochs.

The list is what our own sweep draws at random from its seed, so that the sweep itself, run with
these overrides, trains exactly this list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.data.split import load_split
from fairsweep.search.study import ArmStudy

# One arm; what the peers' scripts search too, and nothing else.
COMMON = (
    *("optimizer=adam", "optimizer.space.beta_1=null", "optimizer.space.beta_2=null"),
    *("search=random", "pruner=none", "confirm.seeds=0", "sweep.name=bench"),
)
ROWS, FEATURES = 60_000, 784


@dataclass(frozen=True)
class Work:
    """What to train. `overrides` make it a sweep of ours."""

    name: str
    trials: int
    epochs: int
    overrides: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Puts `work.json` and `data.npz`, split and scaled, into the folder."""
        plan = compose_sweep(self.overrides)
        study = ArmStudy(optuna.storages.InMemoryStorage(), plan, plan.arms[0], {})
        listed = [_short(study.ask().values) for _ in range(self.trials)]
        (folder / "work.json").write_text(json.dumps({"epochs": self.epochs, "trials": listed}))
        data = load_split(plan.config.data)
        x, y = data.dataset.x.reshape(len(data.dataset.x), -1), data.dataset.y
        np.savez(
            folder / "data.npz",
            x_train=x[data.train],
            y_train=y[data.train],
            x_val=x[data.validation],
            y_val=y[data.validation],
        )


def _short(values: Any) -> dict[str, Any]:
    return {name.partition(".")[2]: value for name, value in values.items()}


def digits(trials: int) -> Work:
    overrides = (*COMMON, f"search.trials={trials}", "training.epochs=20")
    return Work(f"digits, {trials} trials of 20 epochs", trials, 20, overrides)


def large(folder: Path) -> Work:
    """Rows of ten classes, each scattered round a centre of its own."""
    path = folder / "rows.npz"
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, ROWS)
    centres = random.normal(size=(10, FEATURES)).astype(np.float32)
    scatter = random.normal(size=(ROWS, FEATURES), scale=8).astype(np.float32)
    np.savez(path, x=centres[labels] + scatter, y=labels)
    overrides = (
        *(*COMMON, "search.trials=20", "training.epochs=5", "data=npz", f"data.path={path}"),
        *("data.standardize=false", "data.validation=0.2", "data.test=0.0"),
    )
    return Work(f"{ROWS:,} x {FEATURES}, 20 trials of 5 epochs", 20, 5, overrides)

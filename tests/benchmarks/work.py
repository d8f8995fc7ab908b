"""The work that contestants do: its data, its models and optimizers, and their search spaces.

A `Work` is a sweep of ours, and this is the only description of it: what the peers' scripts need
(spaces, constants, arrays that are split and scaled) is read from the plan that its overrides
compose, and written to the folder that a contestant starts in. In a work that is `listed`, a search
is a list of trials that our own sweep draws at random from its seed, so that everybody trains
exactly this list.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.plan import Arm, Plan
from fairsweep.config.space import Dimension, dimensions, trial_values
from fairsweep.data.scaling import measure
from fairsweep.data.split import load_split
from fairsweep.search.samplers import from_drawn
from fairsweep.search.study import ArmStudy
from tests.benchmarks import rows

# One arm of which only the learning rate is searched, the same in all trials of a list.
LIST = (
    *("optimizer=adam", "optimizer.space.beta_1=null", "optimizer.space.beta_2=null"),
    *("search=random", "pruner=none", "confirm.seeds=0"),
)
NO_SCALING = "data.standardize=false"


@dataclass(frozen=True)
class Work:
    """What to train.

    Args:
        key: its name on the command line.
        name: in the table.
        trials: of each arm.
        epochs: of each trial, unless it is pruned.
        chosen: overrides that make it a sweep of ours, beside those for trials and epochs.
        against: contestants, besides ours.
        listed: whether everybody trains the same trials.
        file: of the data, and what writes it; None for an option of `conf/data`.
        config: a folder with more options.
        goal: the best known configuration that time to quality is measured against; empty for none.
    """

    key: str
    name: str
    trials: int
    epochs: int
    chosen: tuple[str, ...]
    against: tuple[str, ...]
    listed: bool = False
    file: tuple[Path, Callable[[Path], None]] | None = None
    config: Path | None = None
    goal: str = ""

    @property
    def title(self) -> str:
        arms = len(self.plan.arms)
        each = f" in each of {arms} arms" if arms > 1 else ""
        return f"{self.name}: {self.trials:,} trials of {self.epochs} epochs{each}"

    @property
    def overrides(self) -> tuple[str, ...]:
        size = (f"search.trials={self.trials}", f"training.epochs={self.epochs}")
        data = () if self.file is None else (f"data.path={self.file[0]}",)
        return (*self.chosen, *size, *data, "sweep.name=bench")

    @cached_property
    def plan(self) -> Plan:
        if self.file is not None and not self.file[0].exists():
            path, write = self.file
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        return compose_sweep(self.overrides, str(self.config) if self.config else None)

    @property
    def trainings(self) -> int:
        """How many trials the searches of all arms have."""
        return self.trials * len(self.plan.arms)

    def write(self, folder: Path) -> None:
        """Puts `work.json` and `data.npz`, split and scaled, into the folder."""
        pruner = self.plan.config.pruner
        described = {
            "epochs": self.epochs,
            "trials": self.trials,
            "pruner": pruner.params if pruner.name == "median" else None,
            "arms": {arm.name: self._described(arm) for arm in self.plan.arms},
        }
        (folder / "work.json").write_text(json.dumps(described))
        settings = self.plan.config.data
        data = load_split(settings)
        x, y = data.dataset.x, data.dataset.y
        scaling = measure(settings, x[data.train], data.dataset.columns)
        if scaling.mean:
            x = ((x - scaling.mean) / np.sqrt(scaling.variance)).astype(np.float32)
        elif scaling.factor:
            x = (x * scaling.factor).astype(np.float32)
        np.savez(
            folder / "data.npz",
            x_train=x[data.train],
            y_train=y[data.train],
            x_val=x[data.validation],
            y_val=y[data.validation],
        )

    def _described(self, arm: Arm) -> dict[str, Any]:
        settings = arm.settings
        space = [_drawable(dimension) for dimension in dimensions(settings)]
        listed: list[Mapping[str, Any]] = []
        if self.listed:
            study = ArmStudy(optuna.storages.InMemoryStorage(), self.plan, arm, {})
            listed = [study.ask().values for _ in range(self.trials)]
            space = [_drawable(Dimension("index", "int", 0, 0, self.trials - 1))]
        return {
            "optimizer": {"name": settings.optimizer.name, "params": settings.optimizer.params},
            "model": {
                "name": settings.model.builder.rpartition(":")[2],
                "params": {name: on for name, on in settings.model.params.items() if on},
            },
            "training": {"batch_size": settings.training.batch_size},
            "space": space,
            "listed": listed,
        }

    def logged(self, arm: str, params: Mapping[str, str]) -> dict[str, Any]:
        """A configuration by public name, from the params of a run of ours."""
        return {name: _value(params[name]) for name in self._arm(arm).searched}

    def put_together(self, arm: str, params: Mapping[str, str]) -> dict[str, Any]:
        """The same from those of a peer's run, which are what it drew for each dimension."""
        settings = self._arm(arm).settings
        drawn = {d.name: from_drawn(d, _value(params[d.name])) for d in dimensions(settings)}
        return trial_values(settings, drawn)

    def _arm(self, name: str) -> Arm:
        return next(arm for arm in self.plan.arms if arm.name == name)


def _drawable(dimension: Dimension) -> dict[str, Any]:
    """A dimension as peers are told of it: a power is a whole number, the exponent to `base`."""
    assert dimension.step is None
    kind = "int" if dimension.kind == "power" else dimension.kind
    return {**asdict(dimension), "kind": kind}


def _value(text: str) -> Any:
    """A param's value; a word stands for itself."""
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text


PEERS = ("optuna", "autolog", "keras-tuner", "hydra", "ray")


def works(folder: Path) -> dict[str, Work]:
    """Every work, by its key; data files are made in the folder when they are needed."""
    beside = ("one", "limit")
    listed = [
        Work(f"list-{n}", "a list, digits", n, 20, LIST, (*PEERS, *beside), listed=True)
        for n in (20, 200, 2_000)
    ]
    default = [
        Work(key, "the default job", trials, 20, (), (*PEERS, *beside, "import"), goal="digits")
        for key, trials in (("default", 20), ("default-200", 50))
    ]
    others = [
        Work(
            "wine",
            "wine from a CSV",
            60,
            20,
            ("data=csv", "data.target=target", "optimizer=adam"),
            (*PEERS, *beside),
            file=(folder / "wine.csv", rows.wine),
            goal="wine",
        ),
        Work(
            "images",
            "a CNN on 6,000 images of 28 x 28",
            20,
            6,
            (
                *("data=npz", NO_SCALING, "data.test=0.0", "optimizer=adam"),
                *("model=cnn", "confirm.seeds=0"),
            ),
            (*PEERS, "fit", *beside),
            file=(folder / "images.npz", rows.images),
            goal="images",
        ),
        Work(
            "sequences",
            "an LSTM on 6,000 x 40 x 8",
            20,
            6,
            (
                *("data=npz", NO_SCALING, "data.test=0.0", "optimizer=adam"),
                *("model=lstm", "confirm.seeds=0"),
            ),
            ("optuna", "fit", *beside),
            config=Path(__file__).parent / "conf",
            file=(folder / "sequences.npz", rows.sequences),
        ),
        Work(
            "large",
            f"a list, {rows.ROWS:,} x {rows.FEATURES}",
            20,
            5,
            (*LIST, "data=npz", NO_SCALING, "data.validation=0.2", "data.test=0.0"),
            ("optuna", *beside),
            listed=True,
            file=(folder / "large.npz", rows.large),
        ),
    ]
    return {work.key: work for work in (*default, *others, *listed)}


def digits(trials: int, epochs: int = 20) -> Work:
    """A list of trials on digits, of any length."""
    return replace(works(Path())["list-20"], trials=trials, epochs=epochs)

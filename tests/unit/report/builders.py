"""Makes stored sweeps for the tests, as small as a test needs or as rich as a real one."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fairsweep.config.space import Dimension
from fairsweep.config.stored_space import plain
from fairsweep.importances import Importance, Importances
from fairsweep.judged import Judged
from fairsweep.records import Confirmation, Objective, RunRecord, SweepRecord, TrialKey
from fairsweep.tested import Confusion

RATE = Dimension("optimizer.learning_rate", "float", 1e-3, low=1e-5, high=0.1, log=True)
BATCH = Dimension("training.batch_size", "choice", 32, choices=(16, 32, 64, 128))
WIDTHS = (
    Dimension("model.hidden_units.layers", "int", 2, low=1, high=3),
    *(
        Dimension(f"model.hidden_units.{i}", "int", 32, low=16, high=256, log=True)
        for i in (1, 2, 3)
    ),
)
ACCURACY = Objective("val_accuracy", "maximize")
LOSS = Objective("val_loss", "minimize")


def search(
    arm: str, trial: int, value: float | None, outcome: Any = "complete", **more: Any
) -> RunRecord:
    """A search run."""
    key = TrialKey(arm, "search", trial, 0, more.pop("attempt", 1), search=more.pop("search", 0))
    return _run(key, value, outcome, more)


def confirm(
    arm: str, trial: int, repeat: int, value: float | None, outcome: Any = "complete", **more: Any
) -> RunRecord:
    """A confirmation run; its seed is 100 + repeat in every arm."""
    place = {name: more.pop(name) for name in ("attempt", "fold", "search") if name in more}
    key = TrialKey(arm, "confirm", trial, repeat, **place)
    return _run(key, value, outcome, {"seed": 100 + repeat, **more})


def confirmed(arm: str, trial: int, values: Sequence[float], **more: Any) -> list[RunRecord]:
    """Complete confirmation runs with these values, repeats from 0."""
    return [confirm(arm, trial, i, value, **more) for i, value in enumerate(values)]


def sweep(*runs: RunRecord, arms: Sequence[str] = ("adam", "sgd"), **more: Any) -> SweepRecord:
    """A sweep of these runs: two trials per arm, three seeds on one split, unless `folds` say
    otherwise."""
    scheme = Confirmation(
        more.pop("folds", 0),
        more.pop("confirm_seeds", 3),
        more.pop("confirm_top", 1),
        more.pop("searches", 1),
    )
    fields: dict[str, Any] = {
        "name": "digits-mlp-0a1b",
        "run_id": "s" * 32,
        "experiment": "digits",
        "experiment_id": "7",
        "objective": ACCURACY,
        "metrics": ("loss", "accuracy"),
        "group": "optimizer",
        "trials": 2,
        "confirmation": scheme,
        "data": {"name": "digits", "rows": 1797, "train": 1149, "validation": 288, "test": 360},
        "data_sha256": "0123456789abcdef" * 4,
        "started": 1_763_800_000_000,
        "commands": {arm: ("data=digits", f"optimizer={arm}") for arm in arms},
    }
    return SweepRecord(arms=tuple(arms), runs=tuple(runs), **{**fields, **more})


def finished(
    values: Mapping[str, Sequence[float]], objective: Objective = ACCURACY, **more: Any
) -> SweepRecord:
    """A finished sweep whose arms were confirmed with these values; trial 1 is each arm's best."""
    metric = objective.metric.removeprefix("val_")
    better = 0.02 if objective.direction == "maximize" else -0.02
    runs = []
    for arm, own in values.items():
        top = max(own) if objective.direction == "maximize" else min(own)
        runs += [search(arm, 0, top - better), search(arm, 1, top + better)]
        for run in confirmed(arm, 1, own, test={f"test_{metric}": own[0]}):
            runs.append(replace(run, judged=alike(metric, run.best_value)))
    seeds = max(map(len, values.values()))
    return sweep(*runs, arms=tuple(values), objective=objective, **{"confirm_seeds": seeds, **more})


def searched(values: Mapping[str, Sequence[float]], **more: Any) -> SweepRecord:
    """A finished sweep whose arms were searched once for each of these values: what the best of
    that search, its trial 1, was confirmed at on either of two folds of 40 rows."""
    runs = []
    for arm, own in values.items():
        for number, value in enumerate(own):
            runs += [
                search(arm, 0, 0.5, search=number),
                search(arm, 1, value + 0.02, search=number, params={"search": str(number)}),
            ]
            for fold in range(2):
                run = confirm(arm, 1, number, value, fold=fold, search=number)
                rows = np.arange(20) + 20 * fold
                told = Judged(rows, ["a"] * 20, ["a"] * 20, {"accuracy": value + JUDGED})
                runs.append(replace(run, judged=told))
    runs = [replace(run, run_id=f"{run.key}-{run.key.stage}") for run in runs]
    (searches,) = {len(own) for own in values.values()}
    scheme = {"folds": 2, "confirm_seeds": searches, "searches": searches}
    return sweep(*runs, **{"arms": tuple(values), "finished": True, **scheme, **more})


JUDGED = np.linspace(-0.1, 0.1, 20)
"""How the rows of a fold differ, in all trainings alike."""


def alike(metric: str, value: float | None, rows: int = 40) -> Judged:
    """What a training said of rows that differ from each other as they do in every training: only
    the luck of seeds is left between two arms."""
    steps = np.linspace(-0.1, 0.1, rows)
    own = {metric: steps + (math.nan if value is None else value)}
    return Judged(np.arange(rows), ["a"] * rows, ["a"] * rows, own)


def curves(
    epochs: int, floor: float, top: float, speed: float, noise: random.Random
) -> dict[str, Any]:
    """Learning curves as a real training has them: falling loss, rising accuracy, some noise."""
    made: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    for epoch in range(1, epochs + 1):
        left = math.exp(-speed * epoch) + 0.04 * math.exp(-speed * epoch / 8)
        made["loss"].append((2.2 * left + 0.004) * math.exp(noise.gauss(0, 0.02)))
        overfit = 0.0012 * max(0, epoch - 18)
        made["val_loss"].append((2.2 * left + floor + overfit) * math.exp(noise.gauss(0, 0.05)))
        made["accuracy"].append(min(1.0, 1 - 0.8 * left + noise.gauss(0, 0.001)))
        value = top - 0.82 * left + noise.gauss(0, 0.003)
        made["val_accuracy"].append(round(min(1.0, max(0.05, value)) * 288) / 288)
    return made


def realistic(
    *,
    arms: Sequence[str] = ("sgd", "rmsprop", "adam", "adamw"),
    seeds: int = 5,
    epochs: int = 30,
    trials: int = 20,
    tie: bool = True,
) -> SweepRecord:
    """A finished sweep of digits with everything a store would hold of it."""
    noise = random.Random(4)
    tops = [0.966, 0.979, 0.982, 0.9815 if tie else 0.993]
    runs: list[RunRecord] = []
    commands: dict[str, tuple[str, ...]] = {}
    for place, arm in enumerate(arms):
        top, speed = tops[place % 4] - 0.0007 * (place // 4), (0.16, 0.42, 0.5, 0.55)[place % 4]
        for trial in range(trials):
            rate = 0.001 if trial == 0 else 10 ** noise.uniform(-4.5, -1)
            outcome = noise.choices(("complete", "pruned", "diverged"), (12, 7, 1))[0]
            outcome = "complete" if trial in (0, 7) else outcome
            value = top + 0.008 - (0 if trial == 7 else 0.012) - abs(noise.gauss(0, 0.01))
            runs.append(
                search(
                    arm,
                    trial,
                    round(value * 288) / 288,
                    outcome,
                    params=_params(arm, rate, trial, noise),
                    epochs=epochs if outcome == "complete" else noise.randint(3, 12),
                )
            )
        best = max(
            (run for run in runs if run.key.arm == arm and run.outcome == "complete"),
            key=lambda run: run.best_value or 0,
        )
        commands[arm] = ("data=digits", "model=mlp", f"optimizer={arm}")
        commands[best.run_id] = (
            *commands[arm],
            f"optimizer.params.learning_rate={best.params['optimizer.learning_rate']}",
            f"model.params.hidden_units={best.params['model.hidden_units'].replace(' ', '')}",
            f"training.batch_size={best.params['training.batch_size']}",
        )
        for repeat in range(seeds):
            drawn = curves(epochs, 0.07, top + noise.gauss(0, 0.002), speed, noise)
            value = max(drawn["val_accuracy"])
            runs.append(
                confirm(
                    arm,
                    best.key.trial,
                    repeat,
                    value,
                    tested=_digits(noise),
                    epochs=epochs,
                    curves=drawn,
                    best_epoch=drawn["val_accuracy"].index(value) + 1,
                    params=best.params,
                    test={"test_accuracy": round((value - 0.006) * 360) / 360, "test_loss": 0.11},
                    judged=_right(value, noise),
                )
            )
    return sweep(
        *runs,
        arms=arms,
        trials=trials,
        confirm_seeds=seeds,
        commands=commands,
        spaces={arm: plain([RATE, BATCH, *WIDTHS]) for arm in arms},
        data={
            "name": "digits",
            "rows": 1797,
            "features": "64",
            "train": 1149,
            "validation": 288,
            "test": 360,
            "classes": [str(i) for i in range(10)],
        },
    )


def important(arms: Sequence[str]) -> dict[str, Importances]:
    """Importances of the parameters of `realistic`: the learning rate's, and what luck brings."""
    own = (
        Importance(BATCH.name, 0.1, True),
        Importance("model.hidden_units.layers", 0.05, True),
        Importance("model.hidden_units.widths", 0.25, False),
        Importance(RATE.name, 0.6, False),
    )
    return {arm: Importances(own) for arm in arms}


def _right(value: float, noise: random.Random) -> Judged:
    """288 rows of digits, of which so large a share is told right: mostly the same ones."""
    wrong = 288 - round(value * 288)
    hard = sorted(range(288), key=lambda row: row + noise.gauss(0, 4))[:wrong]
    right = np.array([float(row not in hard) for row in range(288)])
    true = [str(row % 10) for row in range(288)]
    said = [own if ok else "1" for own, ok in zip(true, right, strict=True)]
    return Judged(np.arange(288), true, said, {"accuracy": right})


def _digits(noise: random.Random) -> Confusion:
    """36 rows of each digit, of which some eights are taken for ones."""
    counts = [[36 * (i == j) for j in range(10)] for i in range(10)]
    wrong = noise.randint(1, 5)
    counts[8][8], counts[8][1] = 36 - wrong, wrong
    return Confusion(tuple(map(str, range(10))), tuple(map(tuple, counts)))


def _params(arm: str, rate: float, trial: int, noise: random.Random) -> dict[str, str]:
    widths = (
        [64, 32] if trial == 0 else [noise.randint(16, 256) for _ in range(noise.randint(1, 3))]
    )
    return {
        "optimizer": arm,
        "optimizer.learning_rate": f"{rate:.17g}",
        "training.batch_size": str(32 if trial == 0 else noise.choice((16, 32, 64, 128))),
        "model.hidden_units": str(widths),
        "model": "mlp",
        "training.epochs": "30",
        "training.loss": "sparse_categorical_crossentropy",
        "model.dropout": "0.1",
    }


def _run(key: TrialKey, value: float | None, outcome: Any, more: dict[str, Any]) -> RunRecord:
    stage = f"{key.stage}{key.repeat}" if key.stage == "confirm" else key.stage
    run = RunRecord(
        run_id=f"{key.arm}-{key.trial}-{stage}-{key.attempt}",
        key=key,
        outcome=outcome,
        seed=key.trial,
        params={"optimizer": key.arm},
        best_value=value,
        best_epoch=None if value is None else 4,
        epochs=10,
        seconds=1.0,
    )
    return replace(run, **more)

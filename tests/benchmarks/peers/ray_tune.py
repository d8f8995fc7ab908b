"""Ray Tune with OptunaSearch, its median stopping rule and its MLflow callback, a search per arm on
two workers of one core each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.schedulers import FIFOScheduler, MedianStoppingRule
from ray.tune.search.optuna import OptunaSearch
from task import ARMS, LISTED, PRUNER, TRIALS

HERE = str(Path(__file__).parent)
FOLDER = str(Path.cwd())


def trainable(config: dict[str, Any]) -> None:
    os.chdir(FOLDER)
    import keras
    from task import load_data, train, values_of

    best = 0.0

    def report(_: int, logs: Any) -> None:
        nonlocal best
        best = max(best, logs["val_accuracy"])
        tune.report({**{name: float(value) for name, value in logs.items()}, "best": float(best)})

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=report)]
    train(config["arm"], values_of(config["arm"], config), load_data(), callbacks)


def domain(dimension: dict[str, Any]) -> Any:
    low, high = dimension["low"], dimension["high"]
    if dimension["kind"] == "choice":
        return tune.choice(dimension["choices"])
    if dimension["kind"] == "int":
        return tune.randint(low, high + 1)
    return tune.loguniform(low, high) if dimension["log"] else tune.uniform(low, high)


def scheduler() -> Any:
    if not PRUNER:
        return FIFOScheduler()
    return MedianStoppingRule(
        time_attr="training_iteration",
        grace_period=PRUNER["n_warmup_steps"],
        min_samples_required=PRUNER["n_startup_trials"],
    )


if __name__ == "__main__":
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": HERE}},
    )
    for arm, own in ARMS.items():
        space = {dimension["name"]: domain(dimension) for dimension in own["space"]}
        listed = [{"arm": arm, "index": index} for index in range(TRIALS)] if LISTED else None
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1}),
            param_space=None,
            tune_config=tune.TuneConfig(
                metric="best",
                mode="max",
                search_alg=OptunaSearch(
                    space={"arm": tune.choice([arm]), **space},
                    metric="best",
                    mode="max",
                    points_to_evaluate=listed,
                ),
                scheduler=scheduler(),
                num_samples=TRIALS,
                max_concurrent_trials=2,
            ),
            run_config=tune.RunConfig(
                name=arm,
                storage_path=f"{FOLDER}/ray",
                verbose=0,
                callbacks=[
                    MLflowLoggerCallback(
                        tracking_uri=f"sqlite:///{FOLDER}/mlflow.db", experiment_name="sweep"
                    )
                ],
            ),
        )
        tuner.fit()

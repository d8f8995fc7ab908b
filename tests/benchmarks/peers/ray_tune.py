"""Ray Tune with OptunaSearch and its MLflow callback, two workers of one core each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch

HERE = str(Path(__file__).parent)
FOLDER = str(Path.cwd())


def trainable(config: dict[str, Any]) -> None:
    os.chdir(FOLDER)
    import keras
    from task import TRIALS, load_data, train

    report = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda _, logs: tune.report({k: float(v) for k, v in logs.items()})
    )
    train(TRIALS[config["index"]], load_data(), [report])


if __name__ == "__main__":
    import json

    count = len(json.loads(Path("work.json").read_text())["trials"])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": HERE}},
    )
    points = [{"index": index} for index in range(count)]
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space=None,
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            search_alg=OptunaSearch(
                space={"index": tune.randint(0, count)},
                metric="val_accuracy",
                mode="max",
                points_to_evaluate=points,
            ),
            num_samples=count,
            max_concurrent_trials=2,
        ),
        run_config=tune.RunConfig(
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

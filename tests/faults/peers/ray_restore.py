"""Ray Tune as its guide to fault tolerance has it: `Tuner.restore` where there is something to
restore, a checkpoint with every report, failed trials tried again; its MLflow callback."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback

HERE = os.environ["PYTHONPATH"]
FOLDER = str(Path.cwd())
RETRIES = 3


def trainable(config: dict[str, Any]) -> None:
    os.chdir(FOLDER)
    import keras
    from epochs_log import log_to
    from task import ARMS, EPOCHS, build_model, load_data, settings_of, values_of

    (arm,) = ARMS
    values, (x, y, x_val, y_val), first = values_of(arm, config), load_data(), 0
    checkpoint = tune.get_checkpoint()
    if checkpoint is None:
        model = build_model(arm, values, x.shape[1:], int(y.max()) + 1)
    else:
        with checkpoint.as_directory() as folder:
            model = keras.models.load_model(Path(folder) / "model.keras")
            first = int((Path(folder) / "epoch").read_text())

    def report(epoch: int, logs: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder) / "model.keras")
            (Path(folder) / "epoch").write_text(str(first + epoch + 1))
            metrics = {name: float(value) for name, value in logs.items()}
            tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(folder))

    model.fit(
        x,
        y,
        epochs=EPOCHS - first,
        batch_size=settings_of(arm, values, "training")["batch_size"],
        validation_data=(x_val, y_val),
        verbose=0,
        callbacks=[
            log_to(config["index"], first),
            keras.callbacks.LambdaCallback(on_epoch_end=report),
        ],
    )


if __name__ == "__main__":
    import json

    count = json.loads(Path("work.json").read_text())["trials"]
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": HERE, "EPOCHS_LOG": os.environ["EPOCHS_LOG"]}},
    )
    storage, wanted = f"{FOLDER}/ray", tune.with_resources(trainable, {"cpu": 1})
    if tune.Tuner.can_restore(f"{storage}/sweep"):
        tuner = tune.Tuner.restore(f"{storage}/sweep", trainable=wanted, resume_errored=True)
    else:
        tuner = tune.Tuner(
            wanted,
            param_space={"index": tune.grid_search(list(range(count)))},
            tune_config=tune.TuneConfig(metric="val_accuracy", mode="max", max_concurrent_trials=2),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=storage,
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                callbacks=[
                    MLflowLoggerCallback(
                        tracking_uri=f"sqlite:///{FOLDER}/mlflow.db", experiment_name="sweep"
                    )
                ],
            ),
        )
    tuner.fit()

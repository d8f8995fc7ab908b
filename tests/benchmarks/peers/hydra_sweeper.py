"""hydra-optuna-sweeper over the list, and a run per job in MLflow."""

from __future__ import annotations

from typing import Any

import hydra
import keras
import mlflow
from task import STORE, TRIALS, load_data, log_epochs, train

DATA = load_data()
INDICES = ",".join(str(index) for index in range(len(TRIALS)))


@hydra.main(version_base=None, config_path="conf", config_name="sweep")
def objective(config: Any) -> float:
    keras.backend.clear_session()
    values = TRIALS[config.index]
    with mlflow.start_run(nested=True):
        mlflow.log_params(values)
        return train(values, DATA, [log_epochs()])


if __name__ == "__main__":
    import sys

    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("sweep")
    sys.argv += [
        "--multirun",
        f"hydra.sweeper.n_trials={len(TRIALS)}",
        f"index=choice({INDICES})",
    ]
    with mlflow.start_run(run_name="sweep"):
        objective()

"""Optuna, `fit` and MLflow, as a script of one's own: Optuna's Keras example, a run per trial.

With the argument `autolog` MLflow logs by itself: epochs, parameters and every trained model.
"""

from __future__ import annotations

import sys

import keras
import mlflow
import optuna
from task import STORE, TRIALS, load_data, log_epochs, train

DATA = load_data()
AUTOLOG = sys.argv[1:] == ["autolog"]


def objective(trial: optuna.Trial) -> float:
    keras.backend.clear_session()
    values = TRIALS[trial.suggest_int("index", 0, len(TRIALS) - 1)]
    with mlflow.start_run(run_name=f"trial-{trial.number}", nested=True):
        if AUTOLOG:
            return train(values, DATA, [])
        mlflow.log_params(values)
        return train(values, DATA, [log_epochs()])


if __name__ == "__main__":
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("sweep")
    if AUTOLOG:
        mlflow.tensorflow.autolog()
    study = optuna.create_study(direction="maximize")
    for index in range(len(TRIALS)):
        study.enqueue_trial({"index": index})
    with mlflow.start_run(run_name="sweep"):
        study.optimize(objective, n_trials=len(TRIALS))
        mlflow.log_metric("best_val_accuracy", study.best_value)

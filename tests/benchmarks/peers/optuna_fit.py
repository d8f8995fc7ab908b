"""Optuna, `fit` and MLflow, as a script of one's own: Optuna's Keras example, a study per arm with
TPE, its default, and a run per trial. Pruning as its documentation has it.

With the argument `autolog` MLflow logs by itself: epochs, parameters and every trained model.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import keras
import mlflow
import optuna
from task import ARMS, LISTED, PRUNER, STORE, TRIALS, load_data, log_epochs, train, values_of

DATA = load_data()
AUTOLOG = sys.argv[1:] == ["autolog"]


def suggest(trial: optuna.Trial, dimension: dict[str, Any]) -> Any:
    name, low, high = (dimension[key] for key in ("name", "low", "high"))
    if dimension["kind"] == "choice":
        return trial.suggest_categorical(name, dimension["choices"])
    if dimension["kind"] == "int":
        return trial.suggest_int(name, low, high, log=dimension["log"])
    return trial.suggest_float(name, low, high, log=dimension["log"])


def reporting(trial: optuna.Trial) -> Any:
    def report(epoch: int, logs: Any) -> None:
        trial.report(logs["val_accuracy"], epoch + 1)
        if trial.should_prune():
            raise optuna.TrialPruned

    return keras.callbacks.LambdaCallback(on_epoch_end=report)


def objective_of(arm: str) -> Callable[[optuna.Trial], float]:
    def objective(trial: optuna.Trial) -> float:
        keras.backend.clear_session()
        drawn = {d["name"]: suggest(trial, d) for d in ARMS[arm]["space"]}
        with mlflow.start_run(run_name=f"{arm}-{trial.number}", nested=True):
            mlflow.log_params({"arm": arm, **drawn})
            callbacks = [] if AUTOLOG else [log_epochs()]
            if PRUNER:
                callbacks.append(reporting(trial))
            value = train(arm, values_of(arm, drawn), DATA, callbacks)
            assert value is not None
            return value

    return objective


if __name__ == "__main__":
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("sweep")
    if AUTOLOG:
        mlflow.tensorflow.autolog()
    pruner = optuna.pruners.MedianPruner(**PRUNER) if PRUNER else optuna.pruners.NopPruner()
    with mlflow.start_run(run_name="sweep"):
        for arm in ARMS:
            study = optuna.create_study(direction="maximize", pruner=pruner)
            for index in range(TRIALS if LISTED else 0):
                study.enqueue_trial({"index": index})
            study.optimize(objective_of(arm), n_trials=TRIALS)
            mlflow.log_metric(f"best_val_accuracy_{arm}", study.best_value)

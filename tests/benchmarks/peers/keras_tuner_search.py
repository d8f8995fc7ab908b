"""KerasTuner with Bayesian optimization, a search per arm and a run per trial in MLflow; for a list
an oracle that gives it out."""

from __future__ import annotations

from typing import Any

import keras_tuner
import mlflow
from task import (
    ARMS,
    EPOCHS,
    LISTED,
    STORE,
    TRIALS,
    build_model,
    load_data,
    log_epochs,
    settings_of,
    values_of,
)

X, Y, X_VAL, Y_VAL = load_data()
OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")


class TheList(keras_tuner.Oracle):
    """Gives out the trials of the list, one after the other."""

    def populate_space(self, _: str) -> dict[str, Any]:
        index = len(self.start_order) - 1
        if index >= TRIALS:
            return {"status": keras_tuner.engine.trial.TrialStatus.STOPPED, "values": None}
        return {
            "status": keras_tuner.engine.trial.TrialStatus.RUNNING,
            "values": {"index": index},
        }


def suggest(hp: keras_tuner.HyperParameters, dimension: dict[str, Any]) -> Any:
    name, low, high = (dimension[key] for key in ("name", "low", "high"))
    if dimension["kind"] == "choice":
        return hp.Choice(name, dimension["choices"])
    sampling = "log" if dimension["log"] else "linear"
    if dimension["kind"] == "int":
        return hp.Int(name, low, high, sampling=sampling)
    return hp.Float(name, low, high, sampling=sampling)


class Classifier(keras_tuner.HyperModel):
    def __init__(self, arm: str) -> None:
        super().__init__()
        self.arm = arm

    def draw(self, hp: keras_tuner.HyperParameters) -> dict[str, Any]:
        return {d["name"]: suggest(hp, d) for d in ARMS[self.arm]["space"]}

    def build(self, hp: keras_tuner.HyperParameters) -> Any:
        values = values_of(self.arm, self.draw(hp))
        return build_model(self.arm, values, X.shape[1:], int(Y.max()) + 1)

    def fit(self, hp: keras_tuner.HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        drawn = self.draw(hp)
        training = settings_of(self.arm, values_of(self.arm, drawn), "training")
        with mlflow.start_run(nested=True):
            mlflow.log_params({"arm": self.arm, **drawn})
            kwargs["callbacks"] = [*kwargs["callbacks"], log_epochs()]
            return model.fit(*args, batch_size=training["batch_size"], **kwargs)


if __name__ == "__main__":
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("sweep")
    oracle = TheList if LISTED else keras_tuner.oracles.BayesianOptimizationOracle
    with mlflow.start_run(run_name="sweep"):
        for arm in ARMS:
            tuner = keras_tuner.Tuner(
                oracle(objective=OBJECTIVE, max_trials=TRIALS),
                Classifier(arm),
                directory="tuner",
                project_name=arm,
                overwrite=True,
            )
            tuner.search(X, Y, epochs=EPOCHS, validation_data=(X_VAL, Y_VAL), verbose=0)

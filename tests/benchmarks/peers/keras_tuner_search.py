"""KerasTuner, with an oracle that gives out the list, and a run per trial in MLflow."""

from __future__ import annotations

from typing import Any

import keras_tuner
import mlflow
from task import EPOCHS, STORE, TRIALS, build_model, load_data, log_epochs

X, Y, X_VAL, Y_VAL = load_data()


class TheList(keras_tuner.Oracle):
    """Gives out the trials of the list, one after the other."""

    def populate_space(self, _: str) -> dict[str, Any]:
        index = len(self.start_order) - 1
        if index >= len(TRIALS):
            return {"status": keras_tuner.engine.trial.TrialStatus.STOPPED, "values": None}
        return {
            "status": keras_tuner.engine.trial.TrialStatus.RUNNING,
            "values": {"index": index},
        }


class Classifier(keras_tuner.HyperModel):
    def build(self, hp: keras_tuner.HyperParameters) -> Any:
        values = TRIALS[hp.Int("index", 0, len(TRIALS) - 1)]
        return build_model(values, X.shape[1], int(Y.max()) + 1)

    def fit(self, hp: keras_tuner.HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        values = TRIALS[hp.get("index")]
        with mlflow.start_run(nested=True):
            mlflow.log_params(values)
            kwargs["callbacks"] = [*kwargs["callbacks"], log_epochs()]
            return model.fit(*args, batch_size=values["batch_size"], **kwargs)


if __name__ == "__main__":
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("sweep")
    space = keras_tuner.HyperParameters()
    space.Int("index", 0, len(TRIALS) - 1)
    oracle = TheList(
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_trials=len(TRIALS),
        hyperparameters=space,
        allow_new_entries=False,
    )
    tuner = keras_tuner.Tuner(
        oracle, Classifier(), directory="tuner", project_name="sweep", overwrite=True
    )
    with mlflow.start_run(run_name="sweep"):
        tuner.search(X, Y, epochs=EPOCHS, validation_data=(X_VAL, Y_VAL), verbose=0)

"""What every peer's script needs: the work, the model, and MLflow as their users log to it.

A script runs in a folder that holds `work.json` and `data.npz`, and leaves `mlflow.db` there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WORK = json.loads(Path("work.json").read_text())
TRIALS: list[dict[str, Any]] = WORK["trials"]
EPOCHS: int = WORK["epochs"]
STORE = "sqlite:///mlflow.db"


def load_data() -> tuple[Any, Any, Any, Any]:
    """x_train, y_train, x_validation, y_validation."""
    with np.load("data.npz") as arrays:
        return tuple(arrays[name] for name in ("x_train", "y_train", "x_val", "y_val"))


def build_model(values: dict[str, Any], inputs: int, classes: int) -> Any:
    import keras

    layers = [keras.layers.Dense(units, activation="relu") for units in values["hidden_units"]]
    model = keras.Sequential(
        [keras.Input((inputs,)), *layers, keras.layers.Dense(classes, activation="softmax")]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(values["learning_rate"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def log_epochs() -> Any:
    """A callback that logs each epoch's metrics to the active MLflow run."""
    import keras
    import mlflow

    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: mlflow.log_metrics(logs, step=epoch)
    )


def train(values: dict[str, Any], data: tuple[Any, Any, Any, Any], callbacks: list[Any]) -> float:
    """Trains one configuration by `fit`; its last val_accuracy."""
    x, y, x_val, y_val = data
    model = build_model(values, x.shape[1], int(y.max()) + 1)
    history = model.fit(
        x,
        y,
        epochs=EPOCHS,
        batch_size=values["batch_size"],
        validation_data=(x_val, y_val),
        verbose=0,
        callbacks=callbacks,
    )
    return float(history.history["val_accuracy"][-1])

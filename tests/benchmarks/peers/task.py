"""What every script needs: the work, its models, and MLflow as their users log to it.

A script runs in a folder that holds `work.json` and `data.npz`, and leaves `mlflow.db` there. What
its tool draws for each dimension of an arm's `space` is logged as params, and put together by
`values_of`. A work that is a list has one dimension, the index into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WORK = json.loads(Path("work.json").read_text())
ARMS: dict[str, Any] = WORK["arms"]
EPOCHS: int = WORK["epochs"]
TRIALS: int = WORK["trials"]
PRUNER: dict[str, int] | None = WORK["pruner"]
LISTED: bool = any(arm["listed"] for arm in ARMS.values())
STORE = "sqlite:///mlflow.db"

Data = tuple[Any, Any, Any, Any]


def load_data() -> Data:
    """x_train, y_train, x_validation, y_validation."""
    with np.load("data.npz") as arrays:
        return tuple(arrays[name] for name in ("x_train", "y_train", "x_val", "y_val"))


def values_of(arm: str, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration by public name: exponents become numbers, and layers a list of widths."""
    if LISTED:
        listed: list[dict[str, Any]] = ARMS[arm]["listed"]
        return listed[drawn["index"]]
    values = {}
    for dimension in ARMS[arm]["space"]:
        name, base = dimension["name"], dimension["base"]
        values[name] = base ** drawn[name] if base else drawn[name]
    for counted in [name for name in values if name.endswith(".layers")]:
        widths = counted.removesuffix(".layers")
        layers = values.pop(counted)
        units = [values.pop(name) for name in list(values) if name.startswith(f"{widths}.")]
        values[widths] = units[:layers]
    return values


def settings_of(arm: str, values: Mapping[str, Any], group: str) -> dict[str, Any]:
    """The constants of a group, those that were drawn put in."""
    own = ARMS[arm][group]
    fixed = own.get("params", own)
    drawn = {name: values[f"{group}.{name}"] for name in fixed if f"{group}.{name}" in values}
    return {**fixed, **drawn}


def build_model(arm: str, values: Mapping[str, Any], shape: Sequence[int], classes: int) -> Any:
    """A compiled model for rows of a shape."""
    import keras
    import models

    build = getattr(models, ARMS[arm]["model"]["name"])
    model = build(shape, classes, **settings_of(arm, values, "model"))
    optimizer = getattr(keras.optimizers, ARMS[arm]["optimizer"]["name"])
    model.compile(
        optimizer=optimizer(**settings_of(arm, values, "optimizer")),
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


def train(
    arm: str,
    values: Mapping[str, Any],
    data: Data,
    callbacks: Sequence[Any] = (),
    epochs: int = EPOCHS,
) -> float | None:
    """Trains one configuration by `fit`; its best val_accuracy, None without validation rows."""
    x, y, x_val, y_val = data
    model = build_model(arm, values, x.shape[1:], int(y.max()) + 1)
    history = model.fit(
        x,
        y,
        epochs=epochs,
        batch_size=settings_of(arm, values, "training")["batch_size"],
        validation_data=(x_val, y_val) if len(x_val) else None,
        verbose=0,
        callbacks=list(callbacks),
    )
    return max(history.history["val_accuracy"]) if len(x_val) else None


def replayed(data: Data, train: int, validation: int) -> Data:
    """Rows for a training of ours on as many as it had, from those that aren't for testing."""
    x, y = np.concatenate(data[::2]), np.concatenate(data[1::2])
    first = len(x) - validation
    return x[:train], y[:train], x[first:], y[first:]

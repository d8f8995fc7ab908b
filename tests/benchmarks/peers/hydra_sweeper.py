"""hydra-optuna-sweeper, a multirun with TPE per arm, and a run per job in MLflow; for a list its
grid. It can't prune."""

from __future__ import annotations

import sys
from typing import Any

import hydra
import keras
import mlflow
from task import ARMS, LISTED, STORE, TRIALS, load_data, log_epochs, train, values_of

DATA = load_data()


def interval(dimension: dict[str, Any]) -> str:
    """A dimension in the grammar of Hydra's sweeps."""
    low, high = dimension["low"], dimension["high"]
    if LISTED:
        return f"choice({','.join(map(str, range(low, high + 1)))})"
    if dimension["kind"] == "choice":
        return f"choice({','.join(str(choice).lower() for choice in dimension['choices'])})"
    if dimension["kind"] == "int":
        return f"range({low},{high + 1})"
    return f"tag(log,interval({low},{high}))" if dimension["log"] else f"interval({low},{high})"


@hydra.main(version_base=None, config_path="conf", config_name="sweep")
def objective(config: Any) -> float:
    keras.backend.clear_session()
    space = ARMS[config.arm]["space"]
    drawn = {d["name"]: config[f"d{i}"] for i, d in enumerate(space)}
    with mlflow.start_run(nested=True):
        mlflow.log_params({"arm": config.arm, **drawn})
        value = train(config.arm, values_of(config.arm, drawn), DATA, [log_epochs()])
    assert value is not None
    return value


if __name__ == "__main__":
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("sweep")
    script = sys.argv[0]
    with mlflow.start_run(run_name="sweep"):
        for arm, own in ARMS.items():
            sys.argv = [
                *(script, "--multirun", f"hydra.sweeper.n_trials={TRIALS}", f"arm={arm}"),
                f"hydra/sweeper/sampler={'grid' if LISTED else 'tpe'}",
                f"hydra.sweep.dir=multirun/{arm}",
                *(f"+d{i}={interval(d)}" for i, d in enumerate(own["space"])),
            ]
            objective()

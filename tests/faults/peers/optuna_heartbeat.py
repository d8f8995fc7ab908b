"""Optuna with what its documentation has for processes that die: an RDB storage with a heartbeat,
stale trials tried again, and as many trials as are wanted complete. A run for each attempt.

The intervals are shorter than the documentation's 60 and 120 s, in Optuna's favour: a stale trial
is found sooner.
"""

from __future__ import annotations

import keras
import mlflow
import optuna
from epochs_log import log_to
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState
from task import ARMS, STORE, TRIALS, load_data, log_epochs, train, values_of

DATA = load_data()
(ARM,) = ARMS
HEARTBEAT, GRACE, RETRIES = 2, 4, 3


def objective(trial: optuna.Trial) -> float:
    keras.backend.clear_session()
    values = values_of(ARM, {"index": trial.suggest_int("index", 0, TRIALS - 1)})
    first = RetryHeartbeatStaleTrialCallback.retried_trial_number(trial.study.trials[trial.number])
    name = str(trial.number if first is None else first)
    with mlflow.start_run(run_name=f"trial-{trial.number}"):
        mlflow.log_params({**values, "trial": name})
        value = train(ARM, values, DATA, [log_epochs(), log_to(name)])
        assert value is not None
        return value


if __name__ == "__main__":
    mlflow.set_tracking_uri(STORE)
    mlflow.set_experiment("sweep")
    storage = RDBStorage(
        "sqlite:///optuna.db",
        heartbeat_interval=HEARTBEAT,
        grace_period=GRACE,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
    )
    study = optuna.create_study(
        study_name="sweep", storage=storage, direction="maximize", load_if_exists=True
    )
    wanted = MaxTrialsCallback(TRIALS, states=(TrialState.COMPLETE,))
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    if len(complete) < TRIALS:
        study.optimize(objective, callbacks=[wanted])

"""Fairsweep, in the order in which data flows.

config     Hydra composes and checks a `Plan`: one arm for each thing compared
search     Optuna proposes a trial of an arm, within the arm's own space
executor   hands the `TrialSpec` to a worker process
training   the worker: data, model, optimizer, epochs; `EpochMetrics` and a `TrialResult` come back
stages     search, then confirmation on folds: decide, prune, tell
tracking   writes all of it to MLflow, and reads it back
report     selects, compares and renders what tracking reads
"""

__version__ = "0.2.0"

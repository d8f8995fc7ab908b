"""The same examples on every machine and in every run: what fails in CI fails here."""

import optuna
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")
optuna.logging.set_verbosity(optuna.logging.WARNING)  # not a line for each of a thousand studies

"""Not a line of Optuna's for each of a thousand studies."""

import optuna

from tests.property import profiles  # noqa: F401 - which every property here is tried by

optuna.logging.set_verbosity(optuna.logging.WARNING)

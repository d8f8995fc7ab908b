"""What `forked` has done before it forks: imported all that a sweep process and its workers come to
import, and found out what is the same for all of them."""

from __future__ import annotations

import gc
import importlib
import os
import warnings

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.tracking.store import ENVIRONMENT
from fairsweep.training.extras import without_extras

MODULES = (
    *(f"fairsweep.commands.{name}" for name in ("sweep", "train", "report", "doctor")),
    *("fairsweep.commands.predict", "fairsweep.training.serving"),
    *("fairsweep.stages.sweep", "fairsweep.stages.train", "fairsweep.report.render"),
    *("fairsweep.report.text.description", "fairsweep.search.importance", "fairsweep.testing"),
    *("mlflow", "mlflow.entities", "mlflow.models", "mlflow.pyfunc", "mlflow.types.schema"),
    *("mlflow.store.tracking.sqlalchemy_store", "mlflow.exceptions", "sklearn.datasets"),
)

WORKERS = (
    *("fairsweep.training.fork_server", "fairsweep.training.model_check"),
    *("fairsweep.training.programs", "fairsweep.training.trial"),
)

with without_extras():
    for name in WORKERS:
        importlib.import_module(name)
os.environ.update(ENVIRONMENT)
os.environ.setdefault("MPLCONFIGDIR", "/nonexistent")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name in MODULES:
        importlib.import_module(name)

    # MLflow looks through every installed package to publish a model.
    importlib.import_module("mlflow.utils.requirements_utils")._init_modules_to_packages_map()
compose_sweep([])  # which parses conf/
gc.collect()
gc.freeze()  # a collection in a fork would look at all of it again

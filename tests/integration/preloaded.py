"""What `forked` has imported before it forks: all that a sweep process comes to import."""

from __future__ import annotations

import importlib
import os
import warnings

from fairsweep.tracking.store import ENVIRONMENT

MODULES = (
    *(f"fairsweep.commands.{name}" for name in ("sweep", "train", "report", "doctor")),
    *("fairsweep.stages.sweep", "fairsweep.stages.train", "fairsweep.report.render"),
    *("fairsweep.report.text.description", "fairsweep.search.importance", "fairsweep.testing"),
    *("mlflow", "mlflow.entities", "mlflow.models", "mlflow.pyfunc", "mlflow.types.schema"),
    *("mlflow.store.tracking.sqlalchemy_store", "mlflow.exceptions", "sklearn.datasets"),
)

os.environ.update(ENVIRONMENT)
os.environ.setdefault("MPLCONFIGDIR", "/nonexistent")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name in MODULES:
        importlib.import_module(name)

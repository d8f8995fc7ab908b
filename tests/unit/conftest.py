"""A store with MLflow's database in it, which takes seconds to make: made once, and copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.config.schema import Tracking
from fairsweep.tracking.store import Store, find_store, open_store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Store]:
    """Makes a store in a folder that isn't there yet: with a database, and nothing in it."""
    template = tmp_path_factory.mktemp("template") / "mlruns"
    open_store(Tracking("local", str(template))).client()

    def make(root: Path) -> Store:
        return find_store(Tracking("local", str(shutil.copytree(template, root))))

    return make

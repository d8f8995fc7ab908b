"""A sweep whose studies are gone is not trained again beside what is stored of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.errors import StorageError
from tests.faults.conftest import NAME
from tests.integration.lab import listing


def test_a_sweep_whose_journal_is_gone_is_refused(store: Path, overrides: tuple[str, ...]) -> None:
    (store / "studies" / f"{NAME}.journal").unlink()
    before = listing(store)
    with pytest.raises(StorageError, match=rf"{NAME}\.journal is gone, .* restore the file"):
        prepare([*overrides, f"tracking.root={store}"], None)
    assert listing(store) == before


def test_another_sweep_of_that_store_begins(store: Path, overrides: tuple[str, ...]) -> None:
    (store / "studies" / f"{NAME}.journal").unlink()
    prepare([*overrides, f"tracking.root={store}", "sweep.name=another"], None)

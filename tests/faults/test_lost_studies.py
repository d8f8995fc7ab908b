"""A sweep whose studies are gone is not trained again beside what is stored of it, and one
whose runs are gone doesn't go on without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.errors import StorageError
from tests.faults.conftest import NAME
from tests.faults.test_doctor import note_store
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


@pytest.mark.parametrize("content", [None, b""], ids=["removed", "emptied"])
def test_a_sweep_whose_runs_are_gone_is_refused(
    content: bytes | None, store: Path, overrides: tuple[str, ...]
) -> None:
    database = store / "mlflow.db"
    database.unlink()
    if content is not None:
        database.write_bytes(content)
    before = listing(store)
    with pytest.raises(StorageError, match=r"has finished trials, .*; restore mlflow\.db from"):
        prepare([*overrides, f"tracking.root={store}"], None)
    assert listing(store) == before


def test_a_sweep_whose_runs_were_never_here_is_told_where_they_are(
    store: Path, overrides: tuple[str, ...]
) -> None:
    (store / "mlflow.db").unlink()
    note_store(store, "http://tracker:5000")
    with pytest.raises(StorageError, match=r"has its runs in http://tracker:5000, and none in "):
        prepare([*overrides, f"tracking.root={store}"], None)

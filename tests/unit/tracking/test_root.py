"""The folder of a store: what can't be one is told, and stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairsweep.commands import train
from fairsweep.errors import StorageError


def root(path: Path) -> list[str]:
    return [f"tracking.root={path}"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "mlruns"
    file.write_text("mine")
    with pytest.raises(StorageError, match="give another folder"):
        train.prepare(root(file), None)
    assert file.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="make it writable"):
        train.prepare(root(tmp_path / "mlruns"), None)
    assert list(tmp_path.iterdir()) == []

"""Which workers are started: those that `executor.name` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.config.schema import Executor
from fairsweep.executor import EXECUTORS, open_executor
from fairsweep.files import TrialFolders
from fairsweep.testing import ScriptedExecutor, learning, scripted


def test_workers_are_those_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXECUTORS, "scripted", scripted(learning))
    folders = TrialFolders(tmp_path, tmp_path)
    opened = open_executor(Executor("scripted"), 2, tmp_path, folders)
    assert isinstance(opened, ScriptedExecutor)

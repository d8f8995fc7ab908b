"""What the program does before a command has the rest of the command line."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairsweep import cli


def test_a_command_finds_code_in_the_folder_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The installed program is a file elsewhere: Python looks there, and not here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["fairsweep", "sweep", "model.builder=mine:build"])
    seen: list[list[str]] = []

    def command() -> None:
        seen.append([sys.path[0], *sys.argv])

    def imported(name: str) -> SimpleNamespace:
        assert name == "fairsweep.commands.sweep"
        return SimpleNamespace(main=command)

    monkeypatch.setattr(importlib, "import_module", imported)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert seen == [[str(tmp_path), "fairsweep", "model.builder=mine:build"]]

"""Tab completion, driven by a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fairsweep.cli import COMMANDS
from fairsweep.config.compose.entry import completion_script

# What Tab does, and then what it was offered, one in a line.
DRIVER = """
eval "$SCRIPT"
COMP_LINE=$1 COMP_POINT=${#1}
_fairsweep
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(line: str, folder: Path) -> list[str]:
    program = folder / "fairsweep"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fairsweep "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "--norc", "-c", DRIVER, "bash", line],
        env={
            **os.environ,
            "SCRIPT": completion_script(),
            "PATH": f"{folder}:{os.environ['PATH']}",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
class TestTab:
    def test_commands(self, tmp_path: Path) -> None:
        assert offered("fairsweep ", tmp_path) == list(COMMANDS)
        assert offered("fairsweep pre", tmp_path) == ["predict "]

    def test_options_of_a_group(self, tmp_path: Path) -> None:
        found = offered("fairsweep sweep optimizer=adam", tmp_path)
        assert {"adam", "adamw", "adamax"} <= set(found)  # bash takes = for the end of a word

    def test_keys(self, tmp_path: Path) -> None:
        assert "search.trials=" in offered("fairsweep sweep search.tr", tmp_path)
        assert "input=" in offered("fairsweep predict in", tmp_path)

    def test_options_of_the_command(self, tmp_path: Path) -> None:
        assert offered("fairsweep report --h", tmp_path) == ["--help"]

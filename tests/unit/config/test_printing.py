"""What only prints ends quietly when its reader goes away, as `| head` does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["sweep", "--help"], ["sweep", "--cfg", "job"], ["sweep", "-sc", "install=bash"]],
    ids=" ".join,
)
def test_a_reader_that_went_away_sees_no_traceback(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fairsweep", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (130, "")


def test_help_and_a_config_are_printed() -> None:
    for arguments, first in (
        (["sweep", "optimizer=adamm", "--help"], "fairsweep sweep [key=value …]"),
        (["sweep", "optimizer=sgd", "--cfg", "job"], "data:"),
    ):
        command = [sys.executable, "-m", "fairsweep", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert first in done.stdout.splitlines()[0]

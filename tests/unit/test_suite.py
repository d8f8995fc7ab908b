"""The suite itself: it runs the same however it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROBE = """
import signal, sys
sys.exit(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)
"""


def test_what_a_test_starts_can_be_interrupted() -> None:
    assert subprocess.run([sys.executable, "-c", PROBE], check=False).returncode == 0


def test_that_holds_in_the_background_too() -> None:
    """A shell without job control has what it starts with `&` ignore SIGINT, and so does nohup."""
    name = f"{__file__}::{test_what_a_test_starts_can_be_interrupted.__name__}"
    pytest = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", name]
    started = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *pytest]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        started,
        cwd=Path(__file__).parents[2],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

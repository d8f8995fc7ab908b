"""The MLflow UI as a process of its own, in the folder of a finished sweep."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.integration.lab import listing, wait_until
from tests.integration.processes import descendants, gone_within
from tests.integration.scenarios import Finished


@dataclass
class Ui:
    """`fairsweep ui` at work in the folder of a finished sweep."""

    process: subprocess.Popen[bytes]
    port: int
    swept: Finished
    home: Path
    log: Path
    before: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def stop(self) -> tuple[list[int], str]:
        """Ends it as Ctrl-C in its terminal does.

        Returns:
            The processes that were left after three minutes, and all that it has printed.
        """
        if self.process.returncode is not None:
            return [], ""
        all_of_it = self.processes()
        os.killpg(self.process.pid, signal.SIGINT)
        left = gone_within(180, all_of_it)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        return left, self.log.read_text()


def serve(swept: Finished, home: Path) -> Ui:
    """Starts the UI on a free port, with a home of its own; returns when it answers."""
    (home / "tmp").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = listing(swept.sandbox.work)
    path = home.with_name(f"{home.name}.log")
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fairsweep", "ui", f"port={port}"],
            cwd=swept.sandbox.work,
            env=swept.sandbox.environment() | {"HOME": str(home), "TMPDIR": str(home / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    served = Ui(process, port, swept, home, path, before)
    try:
        wait_until(lambda: process.poll() is not None or _answers(served.address), "the UI")
        assert process.poll() is None, path.read_text()
    except BaseException:
        served.stop()
        raise
    return served


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=30) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False

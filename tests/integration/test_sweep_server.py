"""A sweep that is kept on an MLflow server: the same tree there, and nothing of it here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.forked import ScriptedSandbox
from tests.integration.lab import Done, Sandbox, listing, wait_until
from tests.integration.scenarios import ARMS, EPOCHS, SMALL, TRIALS, assert_whole
from tests.integration.stored import Stored

NAME = "served"
PASSWORD = "no-one-may-see-this-7f3a"
SECRETS = {"MLFLOW_TRACKING_USERNAME": "someone", "MLFLOW_TRACKING_PASSWORD": PASSWORD}


@dataclass(frozen=True)
class Served:
    """A sweep on a server, and the same command once more."""

    address: str
    done: Done
    again: Done
    stored: Stored
    sandbox: Sandbox


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def start_server(folder: Path, port: int = 0) -> tuple[subprocess.Popen[bytes], str]:
    """An MLflow server on that port, or a free one, and its address: as `mlflow server` starts it,
    which imports all of MLflow for itself before."""
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    given = {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'mlflow.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "TMPDIR": str(folder),
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        cwd=folder,
        env={**os.environ, **given},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return process, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("server")
    server, address = start_server(folder)
    sandbox = ScriptedSandbox(tmp_path_factory.mktemp("served"))
    try:
        wait_until(lambda: server.poll() is not None or answers(address), "the server")
        assert server.poll() is None
        overrides = (
            *(*SMALL, "model=mlp", f"training.epochs={EPOCHS}", f"search.trials={TRIALS}"),
            *(f"arms.optimizer=[{','.join(ARMS)}]", f"sweep.name={NAME}"),
            *("tracking=server", f"tracking.uri={address}"),
        )
        done, again = (sandbox.sweep(*overrides, **SECRETS) for _ in range(2))
        yield Served(address, done, again, Stored(folder / "mlflow.db"), sandbox)
    finally:
        server.terminate()
        server.wait()
        sandbox.close()


def test_all_of_it_is_on_the_server(served: Served) -> None:
    assert served.done.code == 0, served.done.said
    assert_whole(served.stored, NAME)
    (sweep,) = served.stored.runs(NAME, "sweep")
    assert sweep.outcome == "complete"


def test_no_store_is_made_here(served: Served) -> None:
    here = {path.split("/")[1] for path in listing(served.sandbox.work) if "/" in path}
    assert here == {"hydra", "studies"}


def test_the_report_is_there_and_here(served: Served) -> None:
    (path,) = [
        line.removeprefix("report: ")
        for line in served.done.out.splitlines()
        if line.startswith("report: ")
    ]
    (sweep,) = served.stored.runs(NAME, "sweep")
    place = f"{served.address}/get-artifact?path=report/report.html&run_uuid={sweep.run_id}"
    with urllib.request.urlopen(place, timeout=30) as response:
        assert response.read() == Path(path).read_bytes()


def test_the_way_to_the_runs_is_the_servers(served: Served) -> None:
    (line,) = [line for line in served.done.out.splitlines() if line.startswith("every run: ")]
    assert line.startswith(f"every run: {served.address}/#/experiments/")


def test_a_password_is_nowhere(served: Served) -> None:
    """Neither in what is stored, on both sides, nor in logs, nor on the screen."""
    assert PASSWORD not in served.done.said + served.again.said
    folders = (served.sandbox.work.parent, served.stored.database.parent)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    assert any(path.suffix == ".log" for path in files)
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


def test_mlflow_prints_nothing(served: Served) -> None:
    assert "View run" not in served.done.out
    assert served.done.err == ""


def test_the_same_command_again_trains_nothing(served: Served) -> None:
    assert served.again.code == 0, served.again.said
    assert "complete:" not in served.again.out
    assert_whole(served.stored, NAME)

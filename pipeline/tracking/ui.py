"""`python -m pipeline.tracking.ui PORT ROOT`: the MLflow UI on a store, for this machine alone.

Exit codes: 0 ended by Ctrl-C · 2 no store there, or the port is taken · 5 the server ended itself.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from pipeline.config.schema import Tracking
from pipeline.errors import BadInput, PipelineError, StorageError
from pipeline.tracking.store import ENVIRONMENT, Store, find_store

HOST = "127.0.0.1"


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "5000"
    root = sys.argv[2] if len(sys.argv) > 2 else "mlruns"
    try:
        serve(find_store(Tracking(name="local", root=root)), check_port(port))
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def check_port(port: str) -> int:
    """The port as a number.

    Raises:
        BadInput: it is none, or another program listens there.
    """
    if not (port.isdigit() and 0 < int(port) < 65536):
        raise BadInput(f"PORT: need a number from 1 to 65535, got {port!r}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except OSError as error:
            raise BadInput(
                f"PORT: {port} can't be had ({error.strerror}{_listener(int(port))}); make ui "
                "PORT=5001"
            ) from error
    return int(port)


def _listener(port: int) -> str:
    """Which program listens on a port of this machine, where Linux says so of ours."""
    of_port, listening = f"{port:04X}", "0A"
    sockets = set()
    for table in Path("/proc/net").glob("tcp*"):
        for row in map(str.split, table.read_text().splitlines()[1:]):
            if row[1].endswith(f":{of_port}") and row[3] == listening:
                sockets.add(f"socket:[{row[9]}]")
    for open_file in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it is closed, or somebody else's
            if str(open_file.readlink()) in sockets:
                process = open_file.parts[2]
                name = Path(f"/proc/{process}/comm").read_text().strip()
                return f": {name}, process {process}, has it"
    return ""


def serve(store: Store, port: int) -> None:
    """Serves the store until Ctrl-C.

    Raises:
        BadInput: there is no store.
        StorageError: the server ended by itself.
    """
    if not (store.root / "mlflow.db").exists():
        raise BadInput(f"there is no store in {store.root}; make sweep makes one in mlruns")
    for ending in (signal.SIGINT, signal.SIGTERM):  # both end the server too
        signal.signal(ending, signal.default_int_handler)
    logs = store.root / "hydra"
    logs.mkdir(exist_ok=True)
    command = [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", store.uri),
        *("--default-artifact-root", store.artifacts.as_uri()),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        *("--allowed-hosts", f"localhost:{port},{HOST}:{port}"),
    ]
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "TMPDIR": str(logs),  # MLflow leaves a lock file there
    }
    with (logs / "ui.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=store.root, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_up(server, f"http://{HOST}:{port}")
        print(f"http://{HOST}:{port} shows {store.root}; Ctrl-C ends it", flush=True)
        server.wait()
    except KeyboardInterrupt:
        return
    finally:
        server.terminate()
        server.wait()
    raise StorageError(f"the MLflow server ended (exit code {server.returncode}): {logs}/ui.log")


def _wait_until_up(server: subprocess.Popen[bytes], address: str) -> None:
    while server.poll() is None:
        try:
            urlopen(f"{address}/health", timeout=1).close()
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main()

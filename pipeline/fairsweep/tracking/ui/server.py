"""The MLflow UI on a store, for this machine alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

from fairsweep.errors import BadInput, StorageError
from fairsweep.invocation import command_line
from fairsweep.machine import listener
from fairsweep.tracking.store import ENVIRONMENT, Store, no_store
from fairsweep.tracking.ui.links import sweeps_links

HOST = "127.0.0.1"


def check_port(port: int) -> None:
    """Whether the UI can have a port.

    Raises:
        BadInput: there is no such port, or another program listens there.
    """
    if not 0 < port < 65536:
        raise BadInput(f"port: need a number from 1 to 65535, got {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BadInput(
                f"port: {port} can't be used ({error.strerror}{_listener(port)}); use another: "
                f"{command_line('ui', 'port=5001')}"
            ) from error


def _listener(port: int) -> str:
    """Which program listens on a port of this machine, where the system says so."""
    found = listener(port)
    return "" if found is None else f" by {found[0]}, process {found[1]}"


def check_store(store: Store) -> None:
    """Whether there is something to show.

    Raises:
        BadInput: there is no store, or it is a server's.
    """
    if not store.local:
        raise BadInput(f"tracking=server: the server has a UI of its own; open {store.uri}")
    if not store.database.exists():
        raise no_store(store)


def serve(store: Store, port: int) -> None:
    """Serves the store until Ctrl-C.

    Raises:
        StorageError: the server ended by itself.
    """
    for ending in (signal.SIGINT, signal.SIGTERM):  # both end the server too
        signal.signal(ending, signal.default_int_handler)
    address = f"http://{HOST}:{port}"
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
        _wait_until_up(server, address)
        print(f"MLflow at {address} shows {store.root}; Ctrl-C ends it", flush=True)
        for experiment, link in sweeps_links(store, address).items():
            print(f"sweeps of {experiment}: {link}", flush=True)
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

"""`python -m pipeline.tracking.ui [PORT]`: the MLflow UI on the store, for this machine alone."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from pipeline.config.schema import Tracking
from pipeline.tracking.store import ENVIRONMENT, find_store

HOST = "127.0.0.1"


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "5000"
    store = find_store(Tracking(name="local"))
    if not (port.isdigit() and 0 < int(port) < 65536):
        sys.exit(f"error: PORT: need a number from 1 to 65535, got {port!r}")
    if not (store.root / "mlflow.db").exists():
        print(
            f"error: there is no store in {store.root} yet; make sweep makes one", file=sys.stderr
        )
        sys.exit(2)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except OSError as error:
            print(f"error: port {port}: {error.strerror}; make ui PORT=5001", file=sys.stderr)
            sys.exit(2)
    print(f"http://{HOST}:{port} shows {store.root}; Ctrl-C ends it", flush=True)
    command = [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", store.uri),
        *("--default-artifact-root", store.artifacts.as_uri()),
        *("--host", HOST, "--port", port, "--workers", "1"),
        *("--allowed-hosts", f"localhost:{port},{HOST}:{port}"),
    ]
    os.chdir(store.root if Path(store.root).is_dir() else ".")
    os.execve(sys.executable, command, {**os.environ, **ENVIRONMENT})


if __name__ == "__main__":
    main()

"""The port of the UI: one that another program has is refused, with the program's name."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from fairsweep.commands.ui import prepare
from fairsweep.errors import BadInput
from fairsweep.tracking.ui.server import HOST, check_port


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(BadInput, match="port: need a number from 1 to 65535"):
        check_port(port)


def test_a_free_port_is_taken() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    check_port(port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who listens")
def test_who_has_the_port_is_told() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        with pytest.raises(BadInput) as error:
            check_port(other.getsockname()[1])
    own = Path("/proc/self/comm").read_text().strip()
    assert f"in use by {own}, process {os.getpid()}" in str(error.value)
    assert "fairsweep ui port=5001" in str(error.value)


def test_the_command_looks_at_the_port_before_it_serves(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BadInput, match=f"port: {port} can't be used"):
            prepare([f"tracking.root={tmp_path}", f"port={port}"], None)

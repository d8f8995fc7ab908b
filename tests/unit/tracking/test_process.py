"""A single training's run that is open: whether its process still lives."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.tracking.store import Store
from fairsweep.tracking.write.process import PROCESS, close_cut_off, is_gone, own_process


def ended() -> str:
    """A process that has ended, as it told of itself."""
    code = "from fairsweep.tracking.write.process import own_process; print(own_process())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_process_knows_itself() -> None:
    assert not is_gone(own_process())
    assert own_process() == own_process()


def test_one_that_has_ended_is_gone() -> None:
    assert is_gone(ended())


def test_a_number_that_was_given_again_is_another_process() -> None:
    assert is_gone(f"{platform.node()} {os.getpid()} 1")


@pytest.mark.skipif(sys.platform != "linux", reason="the start was known on Linux alone")
def test_a_run_of_before_psutil_is_understood() -> None:
    """It has the start as the kernel writes it down, or `+` where no kernel did."""
    start = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    own = f"{platform.node()} {os.getpid()}"
    assert not is_gone(f"{own} {start}")
    assert not is_gone(f"{own} +")
    assert is_gone(f"{platform.node()} {2**22 + 1} +")


def test_of_another_machine_nobody_knows() -> None:
    assert not is_gone("another-machine 1 1")


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_only_single_trainings_that_were_cut_off_are_closed(
    empty_store: Callable[[Path], Store], tmp_path: Path
) -> None:
    client = empty_store(tmp_path / "mlruns").client()
    experiment = client.create_experiment("digits")

    def opened(stage: str, **tags: str) -> str:
        run = client.create_run(experiment, tags={"stage": stage, **tags})
        return str(run.info.run_id)

    cut_off = opened("train", **{PROCESS: ended()})
    others = [
        opened("train", **{PROCESS: own_process()}),
        opened("train"),
        opened("search", **{PROCESS: ended()}),
    ]
    close_cut_off(client, experiment)
    run = client.get_run(cut_off)
    assert (run.info.status, run.data.tags["outcome"]) == ("KILLED", "interrupted")
    assert {client.get_run(other).info.status for other in others} == {"RUNNING"}

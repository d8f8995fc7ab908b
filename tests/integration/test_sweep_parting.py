"""A sweep that is asked to stop: every epoch that had ended is stored, and the training goes on
there."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fairsweep.tracking.store import Store
from tests.integration.forked import ForkedSandbox
from tests.integration.lab import Sandbox, finish, wait_until
from tests.integration.processes import gone_within
from tests.integration.scenarios import (
    SMALL,
    Stop,
    _install_workbench,
    _stop,
    _workbench,
)

LONG = (
    *SMALL,
    *("model=mlp", "optimizer=adam", "training.epochs=1000000", "search.trials=1"),
    "sweep.name=long",
)


def part(box: Sandbox, how: signal.Signals, epochs: int) -> tuple[Stop, int]:
    """Starts the sweep and asks it to stop when so many epochs are stored; what was, and the epoch
    of its checkpoint."""
    process = box.start("fairsweep", "sweep", *LONG)
    wait_until(lambda: box.stored.epochs_so_far() >= epochs, "epochs", process)
    stop = _stop(box, process, how)
    *_, last = sorted(box.journal("long").with_suffix(".checkpoints").rglob("*.npz"))
    with np.load(last, allow_pickle=False) as checkpoint:
        assert len(checkpoint["epochs"]) == int(last.name[:8])
    return stop, int(last.name[:8])


@pytest.mark.long(6)
def test_no_epoch_that_ended_is_lost(tmp_path: Path, empty_store: Callable[[Path], Store]) -> None:
    box = ForkedSandbox(tmp_path)
    empty_store(box.work / "mlruns")
    before, runs = 0, set()
    for how in (signal.SIGINT, signal.SIGTERM):
        stop, last = part(box, how, before + 100)
        assert stop.done.code == 130, stop.done.said
        assert "finishing what is being stored; Ctrl-C again stops now" in stop.done.out
        assert shlex.join(["python", "-m", "fairsweep", "sweep", *LONG]) in stop.done.err
        assert "the same command continues" in stop.done.err
        assert "Traceback" not in stop.done.said
        assert stop.left == []
        (run,) = [run for run in stop.runs if run.stage == "search"]
        assert (run.outcome, run.status) == ("interrupted", "KILLED")
        assert last > before
        for name in ("loss", "accuracy"):
            assert run.steps(name) == list(range(1, last + 1))
        before = last
        runs.add(run.run_id)
    assert len(runs) == 1


@pytest.mark.skipif(not Path("/proc").exists(), reason="a parent's death is told by Linux alone")
def test_a_worker_in_code_that_lets_no_thread_run_ends_with_its_sweep(tmp_path: Path) -> None:
    box = ForkedSandbox(tmp_path)
    _install_workbench(box)
    process = box.start(
        *("fairsweep", "sweep", *SMALL, "model=custom", "model.builder=workbench:holds"),
        *("optimizer=adam", "search.trials=1", "training.epochs=1"),
        **_workbench(box),
    )
    waiting = box.code / "waiting"
    worker = int(
        wait_until(lambda: waiting.exists() and waiting.read_text(), "a model to be built", process)
    )
    os.kill(process.pid, signal.SIGKILL)
    assert finish(process).code == -9
    assert gone_within(60, [worker]) == []

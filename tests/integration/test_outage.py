"""A sweep whose MLflow server goes away: trainings go on, and every row comes to be stored once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairsweep.tracking.store import Store
from tests.integration.forked import ScriptedSandbox
from tests.integration.lab import finish, wait_until
from tests.integration.scenarios import ARMS, SMALL, Running
from tests.integration.stored import Stored, trainings, whole
from tests.integration.test_sweep_server import answers, start_server

pytestmark = pytest.mark.long(25)

TRIALS, EPOCHS = 6, 30


class Server:
    """An MLflow server that can be killed and started again, with the same store and address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stored = Stored(folder / "mlflow.db")
        self.process, self.address = start_server(folder)
        self._wait()

    def kill(self) -> None:
        for pid in [*children_of(self.process.pid), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        port = int(self.address.rpartition(":")[2])
        self.process, _ = start_server(self.folder, port)
        self._wait()

    def _wait(self) -> None:
        wait_until(lambda: self.process.poll() is not None or answers(self.address), "the server")
        assert self.process.poll() is None


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    own = [int(line) for line in found.stdout.split()]
    return [pid for child in own for pid in (*children_of(child), child)]


@pytest.fixture
def server(empty_store: Callable[[Path], Store], tmp_path: Path) -> Iterator[Server]:
    own = Server(empty_store(tmp_path / "server").root)
    try:
        yield own
    finally:
        if own.process.poll() is None:
            own.kill()


class Bench(ScriptedSandbox):
    """A sweep on a server, whose workers wait for files in its folder `code`."""

    def __init__(self, root: Path, server: Server) -> None:
        super().__init__(root)
        self._sweep = (
            *(*SMALL, "model=mlp", f"training.epochs={EPOCHS}", f"search.trials={TRIALS}"),
            *(f"arms.optimizer=[{','.join(ARMS)}]", "sweep.name=cut-off", "terminal=plain"),
            *("tracking=server", f"tracking.uri={server.address}"),
        )

    def begin(self) -> Running:
        return self.start("fairsweep", "sweep", *self._sweep, WORKBENCH=str(self.code))

    def told(self) -> int:
        """How many trials have an outcome in the studies."""
        path = self.journal("cut-off")
        if not path.exists():
            return 0
        lines = path.read_text().splitlines()
        return sum('"result"' in line and "user_attr" in line for line in lines)


def assert_each_row_is_there_once(stored: Stored) -> None:
    runs = trainings(whole(stored.runs("cut-off")))
    expected = len(ARMS) * (TRIALS + 1)
    assert len(runs) == expected
    assert len({(run.arm, run.stage, run.trial) for run in runs}) == expected
    for run in runs:
        assert (run.status, run.outcome) == ("FINISHED", "complete"), run.name
        for metric in ("loss", "accuracy"):
            assert run.steps(metric) == list(range(1, EPOCHS + 1)), run.name
        assert run.params["optimizer"] == run.arm
    assert stored.twice("search", "confirm") == []


@pytest.mark.parametrize("early", [True, False], ids=["before-any-run", "amid-the-search"])
def test_trainings_go_on_while_the_server_is_away(
    early: bool, server: Server, tmp_path: Path
) -> None:
    box = Bench(tmp_path / "box", server)
    if early:
        box.checks = "tried_later"
    else:
        box.script = "waiting"
    process = box.begin()
    wait_until((box.code / "waiting").exists, "a worker that waits", process)
    if not early:
        wait_until(server.stored.epochs_so_far, "an epoch", process)
    server.kill()
    (box.code / "open").touch()
    wait_until(lambda: box.told() == len(ARMS) * TRIALS, "the end of the search", process)
    waiting = (box.work / "mlruns" / "studies" / "cut-off.spool").read_text().splitlines()
    assert {json.loads(line)["name"] for line in waiting} >= {"begin", "finish"}
    assert bool(server.stored.runs("cut-off")) == (not early)
    server.start()
    done = finish(process)
    assert done.code == 0, done.said
    assert_each_row_is_there_once(server.stored)
    assert not (box.work / "mlruns" / "studies" / "cut-off.spool").exists()


def test_what_waited_when_the_sweep_was_killed_is_stored_by_the_next(
    server: Server, tmp_path: Path
) -> None:
    box = Bench(tmp_path / "box", server)
    box.script = "halting"
    process = box.begin()
    wait_until((box.code / "waiting").exists, "a worker that waits", process)
    wait_until(server.stored.epochs_so_far, "an epoch", process)
    server.kill()
    (box.code / "open").touch()
    wait_until(lambda: box.told() >= TRIALS, "trials that only the disk knows", process)
    process.kill()
    finish(process)
    ended = box.told()
    assert ended < len(ARMS) * TRIALS
    (box.code / "further").touch()
    server.start()
    done = finish(box.begin())
    assert done.code == 0, done.said
    assert_each_row_is_there_once(server.stored)
    first = [
        run for run in trainings(whole(server.stored.runs("cut-off"))) if run.stage == "search"
    ]
    again = [run for run in first if run.tags["attempt"] != "1"]
    assert len(first) - len(again) >= ended

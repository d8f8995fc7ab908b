"""How workers are started, with a fork server that has imported nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fairsweep.executor import processes
from fairsweep.executor.local import LocalExecutor
from fairsweep.executor.processes import Forking, Spawning, begun_early, worker_starter
from fairsweep.files import TrialFolders
from fairsweep.records import TrialResult, WorkerLost
from tests.integration.processes import command_of
from tests.unit.executor.test_local import first, give

pytestmark = pytest.mark.skipif(not processes.FORKS, reason="workers are forked on Linux alone")

# What a worker does: trial 0 is trained, 1 dies, 2 is silent; of any it prints whether it has
# a session of its own, how many threads it may have, and where Keras is at home.
SERVER = """
import os, sys, time, types
from multiprocessing.connection import Connection
from fairsweep.records import TrialResult, WorkerReady
from fairsweep.training import fork_server
for name in ("model_check", "programs", "trial"):
    sys.modules[f"fairsweep.training.{name}"] = types.ModuleType(name)
keras = sys.modules["keras.src.backend.config"] = types.ModuleType("config")
def serve(socket, lifeline, folders):
    connection = Connection(socket)
    print(os.getpid() == os.getsid(0), os.environ["OMP_NUM_THREADS"], keras._KERAS_DIR)
    connection.send(WorkerReady())
    while (spec := connection.recv()).key.trial == 0:
        connection.send(TrialResult(spec.key, "complete", 3, 0.1))
    if spec.key.trial == 2:
        time.sleep(3600)
    sys.exit(7)
fork_server.serve = serve
BEFORE
fork_server.main()
"""
THREAD = "import threading; threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()"
BROKEN = "raise ImportError('no TensorFlow here')"


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    before = getattr(request, "param", "")
    command = (sys.executable, "-c", SERVER.replace("BEFORE", before))
    monkeypatch.setattr(processes, "SERVER", command)


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    folders = TrialFolders(tmp_path, tmp_path)
    with LocalExecutor(2, 1, tmp_path, folders, Forking()) as executor:
        yield executor


def servers() -> list[psutil.Process]:
    """The fork servers that run; tests have other children, too."""
    children = psutil.Process().children()
    return [child for child in children if "fork_server" in command_of(child.pid)]


def parents(executor: LocalExecutor) -> set[int]:
    return {psutil.Process(worker.process.pid).ppid() for worker in executor._workers}


def test_workers_are_forked_from_one_process_and_replaced_by_it(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    give(executor, 0)
    assert first(TrialResult, executor).outcome == "complete"
    before = parents(executor)
    give(executor, 1)
    lost = first(WorkerLost, executor)
    assert (lost.exit_code, lost.peak > 2**20) == (7, True)
    while executor.idle < 2:
        assert list(executor.events(60)) != []
    assert len(before) == 1
    assert parents(executor) == before
    for number in (1, 2, 3):
        assert (tmp_path / f"worker-{number}.log").read_text() == f"True 1 {tmp_path}\n"


def test_nothing_is_left_of_an_executor_that_was_left(tmp_path: Path) -> None:
    with LocalExecutor(1, 1, tmp_path, TrialFolders(tmp_path, tmp_path), Forking()) as executor:
        give(executor, 2)
        pids = [worker.process.pid for worker in executor._workers] + [*parents(executor)]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_an_executor_is_left_before_its_workers_are_there(tmp_path: Path) -> None:
    with LocalExecutor(2, 1, tmp_path, TrialFolders(tmp_path, tmp_path), Forking()):
        pass
    assert servers() == []


def test_a_fork_server_that_is_killed_is_replaced(executor: LocalExecutor) -> None:
    give(executor, 2)
    (server,) = parents(executor)
    os.kill(server, signal.SIGKILL)
    lost = [first(WorkerLost, executor), first(WorkerLost, executor)]
    assert [loss.exit_code for loss in lost] == [-signal.SIGKILL] * 2
    assert [loss.key is None for loss in lost].count(False) == 1
    give(executor, 0)
    assert first(TrialResult, executor).outcome == "complete"
    assert len(parents(executor)) == 1
    assert parents(executor) != {server}


@pytest.mark.parametrize("server", [BROKEN], indirect=True)
def test_what_a_fork_server_dies_of_is_in_the_log_of_its_worker(executor: LocalExecutor) -> None:
    lost = first(WorkerLost, executor)
    assert (lost.exit_code, lost.key) == (1, None)
    assert "ImportError: no TensorFlow here" in Path(lost.log).read_text()


@pytest.mark.parametrize("server", [THREAD], indirect=True)
def test_a_process_with_threads_is_not_forked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawned = SERVER.replace("BEFORE\nfork_server.main()", "serve(int(sys.argv[1]), 0, ())")
    spawned = spawned.replace("keras._KERAS_DIR", "'spawned'")
    monkeypatch.setattr(processes, "WORKER", (sys.executable, "-c", spawned))
    folders = TrialFolders(tmp_path, tmp_path)
    with LocalExecutor(1, 1, tmp_path, folders, Forking()) as executor:
        give(executor, 0)
        first(TrialResult, executor)
        give(executor, 1)
        assert first(WorkerLost, executor).exit_code == 7
    assert "spawned" in (tmp_path / "worker-1.log").read_text()


def test_what_was_begun_early_is_taken_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 2)
    folders = TrialFolders(tmp_path, tmp_path)
    with begun_early():
        (begun,) = servers()
        with LocalExecutor(1, 1, tmp_path, folders) as executor:
            give(executor, 0)
            assert parents(executor) == {begun.pid}
        assert not begun.is_running()
        assert worker_starter(1) is not worker_starter(1)
    assert servers() == []


def test_workers_of_several_threads_are_spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 2)
    with begun_early():
        assert isinstance(worker_starter(2), Spawning)
        assert servers() == []


def test_what_was_begun_early_ends_where_nobody_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 2)
    with begun_early():
        assert len(servers()) == 1
    assert servers() == []


def test_one_core_has_nothing_to_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 1)
    with begun_early():
        assert servers() == []

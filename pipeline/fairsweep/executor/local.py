"""Workers that are processes of this machine.

In: `TrialSpec`s. Out: a stream of events, as `Executor` has it.
Every worker is a process with a socket of its own, so one that dies takes nothing with it; it is
replaced, and the sweep is told.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType

from fairsweep.data.sources.python import loaded_environment
from fairsweep.executor import Event
from fairsweep.executor.liveness import Heartbeat, whereabouts
from fairsweep.executor.processes import (
    TENSORFLOW,
    Start,
    WorkerProcess,
    WorkerStarter,
    worker_starter,
)
from fairsweep.files import TrialFolders
from fairsweep.machine import out_of_memory_kills
from fairsweep.records import (
    EpochMetrics,
    PruningDecision,
    StillTraining,
    TrialKey,
    TrialResult,
    TrialSpec,
    WorkerLost,
)

GRAPHS = "graphs"
"""The folder, among the logs of a command, in which its workers find each other's graphs."""


def tensorflow_environment(logs: Path) -> Mapping[str, str]:
    """What a process that imports TensorFlow needs in its environment, before it does, and where it
    may write.

    Args:
        logs: where Keras, and matplotlib that it imports, may write: by default the user's home.
    """
    own = {"KERAS_HOME": str(logs), "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(logs))}
    return {**TENSORFLOW, **own}


@dataclass
class Worker:
    """A process, its end of the socket, and the trial it is at. It is `ready` once it has said so;
    `kills` is what `_unexplained_kills` was when it was given its trial, or started."""

    process: WorkerProcess
    connection: Connection
    log: Path
    kills: int | None
    ready: bool = False
    spec: TrialSpec | None = None
    heartbeat: Heartbeat | None = None
    epochs: int = 0

    @property
    def key(self) -> TrialKey | None:
        return None if self.spec is None else self.spec.key

    def heard(self, epochs: Sequence[EpochMetrics] = ()) -> None:
        """Takes in a message; the first one says that it is ready to train."""
        self.ready = True
        if self.heartbeat is not None:
            new = sum(not metrics.settled for metrics in epochs)
            self.heartbeat.heard(time.monotonic(), new)
        if epochs:
            self.epochs = epochs[-1].epoch


class LocalExecutor:
    """An `Executor` of worker processes.

    Args:
        workers: how many.
        threads: of each.
        logs: the folder for what they print, a file each.
        folders: for their checkpoints and weights.
        starter: starts them; by default what does on this system.
    """

    def __init__(
        self,
        workers: int,
        threads: int,
        logs: Path,
        folders: TrialFolders,
        starter: WorkerStarter | None = None,
    ) -> None:
        self._starter = starter or worker_starter(threads)
        self._threads = threads
        self._logs = logs
        self._folders = [folders.checkpoints, folders.weights]
        if workers > 1:  # a single one has nobody to read what it has traced
            self._folders.append(logs / GRAPHS)
        self._started = 0
        self._lifeline = os.pipe()
        self._listened = time.monotonic()
        self._explained = 0  # deaths for want of memory that were told of
        self._workers = [self._start() for _ in range(workers)]

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._starter.close()
        for worker in self._workers:
            worker.connection.close()
        for end in self._lifeline:
            os.close(end)
        shutil.rmtree(self._logs / GRAPHS, ignore_errors=True)

    @property
    def size(self) -> int:
        return len(self._workers)

    @property
    def idle(self) -> int:
        return len(self._idle())

    def _idle(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.ready and worker.spec is None]

    def submit(self, spec: TrialSpec) -> None:
        worker = self._idle()[0]
        worker.spec, worker.epochs = spec, 0
        worker.heartbeat = Heartbeat(spec.training.stall_seconds, time.monotonic())
        worker.kills = self._unexplained_kills()
        self._send(worker, spec)

    def stop(self) -> set[TrialKey]:
        asked = set()
        for worker in self._workers:
            if worker.key is not None:
                os.kill(worker.process.pid, signal.SIGUSR2)
                asked.add(worker.key)
        return asked

    def judge(self, decision: PruningDecision) -> None:
        for worker in self._workers:
            if worker.key == decision.key:
                self._send(worker, decision)

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout):
            assert isinstance(connection, Connection)
            yield from self._receive(by_connection[connection])
        yield from self._hanging()

    def _receive(self, worker: Worker) -> Iterator[Event]:
        try:
            while worker.connection.poll():
                message: Event | StillTraining | list[EpochMetrics] = worker.connection.recv()
                if isinstance(message, list):
                    worker.heard(message)
                    yield from message
                    continue
                worker.heard()
                if isinstance(message, TrialResult):
                    worker.spec = worker.heartbeat = None
                if not isinstance(message, StillTraining):
                    yield message
        except (EOFError, ConnectionResetError):
            yield self._lost(worker)

    def _lost(self, worker: Worker) -> WorkerLost:
        exit_code, peak = self._replace(worker)
        before, kills = worker.kills, self._unexplained_kills()
        counted = before is not None and kills is not None and kills > before
        starved = counted and exit_code == -signal.SIGKILL
        self._explained += starved
        return WorkerLost(worker.key, exit_code, str(worker.log), worker.epochs, starved, peak)

    def _unexplained_kills(self) -> int | None:
        """How many processes were ended for want of memory and weren't told of."""
        kills = out_of_memory_kills()
        return None if kills is None else kills - self._explained

    def _hanging(self) -> Iterator[TrialResult]:
        """The results of trainings that hang: their workers are killed, for nothing else would end
        them."""
        now = time.monotonic()
        listened, self._listened = now - self._listened, now
        for worker in list(self._workers):
            if worker.heartbeat is None or worker.spec is None:
                continue
            worker.heartbeat.listened(listened)
            if worker.heartbeat.hangs and not worker.connection.poll():
                place = whereabouts(worker.process.pid, worker.log)
                os.kill(worker.process.pid, signal.SIGKILL)
                self._replace(worker)
                yield TrialResult(
                    worker.spec.key,
                    "failed",
                    worker.epochs,
                    worker.heartbeat.seconds(now),
                    error=f"no epoch for {worker.heartbeat.silent:.0f} s (stuck in {place}); "
                    f"training.stall_seconds={worker.spec.training.stall_seconds:g} is the limit",
                    cause=f"stuck at {place.file}:{place.line}",
                    traceback=place.dump,
                )

    def _replace(self, worker: Worker) -> tuple[int, int]:
        """Puts another worker into the place of one that has ended, or is about to; its exit code,
        and the most memory that it had, in bytes."""
        ended = worker.process.wait()
        worker.connection.close()
        self._workers[self._workers.index(worker)] = self._start()
        return ended

    def _send(self, worker: Worker, message: TrialSpec | PruningDecision) -> None:
        # One that has died says so by its socket: the next `events` tells, and replaces it.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            worker.connection.send(message)

    def _start(self) -> Worker:
        ours, theirs = socket.socketpair()
        self._started += 1
        path = self._logs / f"worker-{self._started}.log"
        with theirs:
            process = self._starter.start(
                Start(
                    connection=theirs.fileno(),
                    lifeline=self._lifeline[0],
                    log=path,
                    folders=tuple(map(str, self._folders)),
                    environment={**tensorflow_environment(self._logs), **loaded_environment()},
                    threads=self._threads,
                )
            )
        return Worker(process, Connection(ours.detach()), path, self._unexplained_kills())

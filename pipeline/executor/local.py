"""Worker processes of this machine: `TrialSpec`s in, a stream of events out.

Every worker is a fresh interpreter (never a fork, which TensorFlow doesn't survive) with a socket
of its own, so one that dies takes nothing with it; it is replaced, and the sweep is told.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType

from pipeline.records import (
    EpochMetrics,
    TrialKey,
    TrialResult,
    TrialSpec,
    Verdict,
    WorkerLost,
    WorkerReady,
)

Event = WorkerReady | EpochMetrics | TrialResult | WorkerLost

ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # several workers share a GPU
    "PYTHONUNBUFFERED": "1",
}


def tensorflow_environment(logs: Path) -> Mapping[str, str]:
    """What a process that imports TensorFlow needs in its environment, before it does.

    Args:
        logs: where Keras, and matplotlib that it imports, may write: by default the user's home.
    """
    own = {"KERAS_HOME": str(logs), "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(logs))}
    return {**ENVIRONMENT, **own}


@dataclass
class Worker:
    """A process, its end of the socket, and the trial it is at."""

    process: subprocess.Popen[bytes]
    connection: Connection
    log: Path
    key: TrialKey | None = None
    ready: bool = False


class LocalExecutor:
    """`workers` processes with `threads` threads each; what they print goes to files in `logs`.

    Use it as a context manager: on leaving, no worker is left.
    """

    def __init__(self, workers: int, threads: int, logs: Path) -> None:
        self._threads = threads
        self._logs = logs
        self._started = 0
        self._lifeline = os.pipe()
        self._workers = [self._start() for _ in range(workers)]

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            worker.connection.close()
        for end in self._lifeline:
            os.close(end)

    @property
    def size(self) -> int:
        """How many workers there are."""
        return len(self._workers)

    @property
    def idle(self) -> int:
        """How many workers have nothing to do; one that still starts may be given its first."""
        return sum(worker.key is None for worker in self._workers)

    def submit(self, spec: TrialSpec) -> None:
        """Gives a trial to an idle worker, a ready one first."""
        worker = max((w for w in self._workers if w.key is None), key=lambda w: w.ready)
        worker.key = spec.key
        self._send(worker, spec)

    def judge(self, verdict: Verdict) -> None:
        """Passes a verdict on to the worker that is at its trial, if one still is."""
        for worker in self._workers:
            if worker.key == verdict.key:
                self._send(worker, verdict)

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """What has come from the workers, in order per worker; waits up to `timeout` seconds for
        the first."""
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout):
            assert isinstance(connection, Connection)
            yield from self._receive(by_connection[connection])

    def _receive(self, worker: Worker) -> Iterator[Event]:
        try:
            while worker.connection.poll():
                message: Event | list[EpochMetrics] = worker.connection.recv()
                if isinstance(message, list):
                    yield from message
                    continue
                if isinstance(message, WorkerReady):
                    worker.ready = True
                elif isinstance(message, TrialResult):
                    worker.key = None
                yield message
        except (EOFError, ConnectionResetError):
            exit_code = worker.process.wait()
            worker.connection.close()
            self._workers[self._workers.index(worker)] = self._start()
            yield WorkerLost(worker.key, exit_code, str(worker.log))

    def _send(self, worker: Worker, message: TrialSpec | Verdict) -> None:
        # One that has died says so by its socket: the next `events` tells, and replaces it.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            worker.connection.send(message)

    def _start(self) -> Worker:
        ours, theirs = socket.socketpair()
        self._started += 1
        path = self._logs / f"worker-{self._started}.log"
        with path.open("wb") as log, theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "pipeline.training.worker",
                    str(theirs.fileno()),
                    str(self._lifeline[0]),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                pass_fds=(theirs.fileno(), self._lifeline[0]),
                start_new_session=True,  # Ctrl-C is for the sweep alone
            )
        return Worker(process, Connection(ours.detach()), path)

    def _environment(self) -> Mapping[str, str]:
        threads = str(self._threads)
        return {
            **os.environ,
            **tensorflow_environment(self._logs),
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
            "OMP_NUM_THREADS": threads,
        }

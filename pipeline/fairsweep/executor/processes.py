"""How worker processes of this machine are started and waited for.

In: what a worker gets. Out: a `WorkerProcess`. On Linux workers are forked from a process that has
imported TensorFlow, which takes seconds, once for all of them; elsewhere each is a fresh
interpreter. The process may be begun before anybody knows which workers there will be.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fairsweep.machine import cores

# -P: a folder `fairsweep` of the user's own isn't taken for ours.
WORKER = (sys.executable, "-P", "-m", "fairsweep.training.worker")
SERVER = (sys.executable, "-P", "-m", "fairsweep.training.fork_server")
TENSORFLOW = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # several workers share a GPU
    "PYTHONUNBUFFERED": "1",
}
FORKS = sys.platform == "linux"
"""Elsewhere the kernel kills no worker whose server is killed, and its libraries may not survive a
fork."""
FORKED_THREADS = 1
"""Of a process that forks: NumPy begins more of them when it is imported."""
KIB = 1024


@dataclass(frozen=True)
class Start:
    """What a worker gets.

    Args:
        connection: its end of the socket to the sweep, a file descriptor.
        lifeline: a pipe that closes with the sweep's process.
        log: the file for what it prints.
        folders: for checkpoints and weights.
        environment: what is its own.
        threads: of TensorFlow and what it uses.
    """

    connection: int
    lifeline: int
    log: Path
    folders: Sequence[str]
    environment: Mapping[str, str]
    threads: int


class WorkerProcess(Protocol):
    """A worker that was started."""

    @property
    def pid(self) -> int: ...

    def wait(self) -> tuple[int, int]:
        """Its exit code, once it has ended, and the most memory that it had, in bytes."""


class WorkerStarter(Protocol):
    """Starts workers."""

    def start(self, start: Start) -> WorkerProcess: ...

    def close(self) -> None:
        """Ends every worker that it has started."""


class Spawning:
    """Starts each worker as a fresh interpreter.

    Args:
        command: what it runs.
    """

    def __init__(self, command: Sequence[str] = WORKER) -> None:
        self._command = command
        self._started: list[_Spawned] = []

    def start(self, start: Start) -> WorkerProcess:
        with start.log.open("wb") as log:
            process = subprocess.Popen(
                [*self._command, str(start.connection), str(start.lifeline), *start.folders],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment(start.threads), **start.environment},
                pass_fds=(start.connection, start.lifeline),
                start_new_session=True,  # Ctrl-C is for the sweep alone
            )
        self._started.append(_Spawned(process))
        return self._started[-1]

    def close(self) -> None:
        for worker in self._started:
            worker.process.kill()
            worker.process.wait()


@dataclass(frozen=True)
class _Spawned:
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self) -> tuple[int, int]:
        _, status, usage = os.wait4(self.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else KIB)


class Forking:
    """Starts workers as forks of a `_ForkServer`; where that has ended, of another one.

    Args:
        server: one that was begun already.
    """

    def __init__(self, server: _ForkServer | None = None) -> None:
        self._server = server

    def start(self, start: Start) -> WorkerProcess:
        if self._server is not None and not self._server.runs:
            self.close()
        if self._server is None:
            self._server = _ForkServer()
        return self._server.start(start)

    def close(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None


class _ForkServer:
    """The process `fairsweep.training.fork_server`, and the questions it hasn't answered yet."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._answered = 0
        self._unanswered: deque[_Answer] = deque()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # `end` closes it
        with theirs:
            self._process = subprocess.Popen(
                [*SERVER, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                # Keras writes nothing there, and each worker has a folder of its own.
                env={**os.environ, **environment(FORKED_THREADS), "KERAS_HOME": os.devnull},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for the sweep alone
            )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def start(self, start: Start) -> WorkerProcess:
        request = {
            "folders": start.folders,
            "environment": start.environment,
            "command": WORKER,
        }
        with start.log.open("wb") as log:
            files = (start.connection, start.lifeline, log.fileno())
            return _Forked(self, start.log, self.ask({"start": request}, files))

    def ask(self, request: Mapping[str, Any], files: Sequence[int] = ()) -> _Answer:
        """Asks for something; the answer isn't waited for."""
        answer = _Answer()
        self._unanswered.append(answer)
        with suppress(OSError):  # it has ended, and there is no answer
            socket.send_fds(self._requests, [json.dumps(request).encode()], files)
        return answer

    def value(self, answer: _Answer) -> Any:
        """Waits for an answer.

        Raises:
            EOFError: the server has ended.
        """
        while answer in self._unanswered:
            if not self._take(0):
                raise EOFError
        return answer.value

    def _take(self, flags: int) -> bool:
        """Takes the next answer, if it comes."""
        try:
            message = self._requests.recv(KIB, flags)
        except OSError:
            message = b""
        if message:
            self._unanswered.popleft().value = json.loads(message)
            self._answered += 1
        return bool(message)

    def ended(self, log: Path) -> int:
        """Its exit code, once it has ended by itself; what it said goes to a worker's log."""
        exit_code = self._process.wait()
        if not self._said.closed:
            self._said.seek(0)
            log.write_bytes(self._said.read())
        return exit_code

    def end(self) -> None:
        """Ends it, and every worker that it has started."""
        while self._unanswered and self._take(socket.MSG_DONTWAIT):
            pass
        if not self._answered:  # it still imports, or hasn't to do with any worker
            self._process.kill()
        self._requests.close()
        self._process.wait()
        self._said.close()


@dataclass(eq=False)
class _Answer:
    value: Any = None


@dataclass(frozen=True)
class _Forked:
    server: _ForkServer
    log: Path
    number: _Answer

    @property
    def pid(self) -> int:
        return int(self.server.value(self.number))

    def wait(self) -> tuple[int, int]:
        try:
            pid = self.pid
        except EOFError:
            return self.server.ended(self.log), 0
        try:
            exit_code, peak = self.server.value(self.server.ask({"wait": pid}))
        except EOFError:  # it was killed, and its workers with it
            return -signal.SIGKILL, 0
        return exit_code, peak * KIB


def environment(threads: int) -> Mapping[str, str]:
    """What a process that imports TensorFlow needs in its environment, before it does."""
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return {**TENSORFLOW, **dict.fromkeys(names, str(threads))}


class _Begun:
    """What was begun early, until an executor takes it."""

    starter: Forking | None = None


@contextmanager
def begun_early() -> Iterator[None]:
    """Within it TensorFlow is being imported already for the workers that may come to be; where
    they don't, it leaves nothing. With one core to use there is nothing to gain."""
    if FORKS and cores() > 1:
        _Begun.starter = Forking(_ForkServer())
    try:
        yield
    finally:
        if _Begun.starter is not None:
            _Begun.starter.close()
            _Begun.starter = None


def worker_starter(threads: int) -> WorkerStarter:
    """What starts workers of so many threads on this system: what was begun early, if that fits and
    nobody has taken it."""
    begun, _Begun.starter = _Begun.starter, None
    if FORKS and threads == FORKED_THREADS:
        return begun or Forking()
    if begun is not None:
        begun.close()
    return Spawning()

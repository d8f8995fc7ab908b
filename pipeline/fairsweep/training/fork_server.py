"""Forks workers from a process that has imported TensorFlow and Keras and done nothing else:
`python -m fairsweep.training.fork_server <requests> <parent>`.

In: requests on an inherited socket, each a line of JSON, and the number of the process that starts
it. `start` comes with three open files, the worker's socket, the sweep's lifeline and its log;
`wait` with the number of a worker that has ended or been killed. Out: an answer to each, in order.
A fork is safe while there is one thread, which is all that those imports leave, and nothing of
TensorFlow has begun: no device is looked for before a worker trains. Where something else has begun
threads, workers are spawned. When the process that it was started by ends, it is killed, and its
workers with it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fairsweep.files import TrialFolders
from fairsweep.training.extras import without_extras
from fairsweep.training.worker import end_with_parent, serve

LONGEST = 1 << 16
"""Of a request, in bytes."""
THREADS = Path("/proc/self/task")


@dataclass(frozen=True)
class Start:
    """A worker to be started: its open files, its folders, what its environment has besides that of
    this process, and the command that would spawn it."""

    connection: int
    lifeline: int
    log: int
    folders: Sequence[str]
    environment: Mapping[str, str]
    command: Sequence[str]


def main() -> None:
    end_with_parent()
    if os.getppid() != int(sys.argv[2]):  # it ended before
        return
    requests = socket.socket(fileno=int(sys.argv[1]))
    with without_extras():
        import fairsweep.training.model_check
        import fairsweep.training.programs
        import fairsweep.training.trial  # noqa: F401
    gc.collect()
    gc.freeze()  # a collection would write to every page that workers share
    server = os.getpid()
    start = _next_worker(requests)
    if start is not None:
        _become(start, server)
        serve(start.connection, start.lifeline, TrialFolders(*map(Path, start.folders)))


def _next_worker(requests: socket.socket) -> Start | None:
    """Answers requests until the socket closes: then there is none. In a worker that was forked it
    is what to start."""
    workers = set[int]()
    while True:
        message, files, _, _ = socket.recv_fds(requests, LONGEST, 3)
        if not message:
            _end(workers)
            return None
        request: dict[str, Any] = json.loads(message)
        if "wait" in request:
            workers.remove(request["wait"])
            requests.send(json.dumps(_waited(request["wait"])).encode())
            continue
        start = Start(files[0], files[1], files[2], **request["start"])
        if len([*THREADS.iterdir()]) > 1:
            pid = _spawn(start)
        elif (pid := os.fork()) == 0:
            requests.close()
            return start
        for file in files:
            os.close(file)
        workers.add(pid)
        requests.send(json.dumps(pid).encode())


def _waited(pid: int) -> tuple[int, int]:
    """The exit code of a worker, and the most memory that it had, in KiB."""
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss


def _end(workers: Iterable[int]) -> None:
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    for pid in workers:
        os.wait4(pid, 0)


def _spawn(start: Start) -> int:
    process = subprocess.Popen(
        [*start.command, str(start.connection), str(start.lifeline), *start.folders],
        stdin=subprocess.DEVNULL,
        stdout=start.log,
        stderr=start.log,
        env={**os.environ, **start.environment},
        pass_fds=(start.connection, start.lifeline),
        start_new_session=True,
    )
    process.returncode = 0  # `_waited` waits for it
    return process.pid


def _become(start: Start, server: int) -> None:
    """Makes a process that was forked from the server what a spawned one is."""
    end_with_parent()
    if os.getppid() != server:  # it ended before
        os._exit(1)
    os.setsid()
    for output in (1, 2):
        os.dup2(start.log, output)
    os.close(start.log)
    os.environ.update(start.environment)
    vars(sys.modules["keras.src.backend.config"])["_KERAS_DIR"] = os.environ[
        "KERAS_HOME"
    ]  # it has read the server's
    np.random.seed()  # Python's own random numbers are another process's already


if __name__ == "__main__":
    main()

"""The process that forks a sweep's workers, as a fork of the sweep's: what that was forked from has
imported TensorFlow already, which takes seconds.

In: how the executor starts `fairsweep.training.fork_server`. Out: the same process, without the
imports. It goes by the name `NAME`, as its command line is another.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NoReturn

from tests.integration.processes import NAME


def forks_its_workers(processes: Any) -> None:
    """Has the executor of this process fork what forks its workers."""
    vars(processes)["subprocess"] = SimpleNamespace(Popen=_popen, DEVNULL=subprocess.DEVNULL)


def _popen(words: Sequence[str], **given: Any) -> subprocess.Popen[bytes] | _ForkServer:
    """A fork is safe while there is one thread: another start is a process as it always is."""
    if "fairsweep.training.fork_server" in words and threading.active_count() == 1:
        return _ForkServer(words, **given)
    return subprocess.Popen(words, **given)


class _ForkServer:
    """What the executor needs of a `subprocess.Popen`."""

    def __init__(
        self,
        words: Sequence[str],
        stdin: int,
        stdout: IO[bytes],
        stderr: IO[bytes],
        env: Mapping[str, str],
        pass_fds: Sequence[int],
        start_new_session: bool,
    ) -> None:
        assert stdin == subprocess.DEVNULL
        assert stdout is stderr
        assert start_new_session
        self._returncode: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            _serve(words, stdout.fileno(), env, set(pass_fds))

    def poll(self) -> int | None:
        return self._waited(os.WNOHANG)

    def wait(self) -> int:
        code = self._waited(0)
        assert code is not None
        return code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self._pid, signal.SIGKILL)

    def _waited(self, how: int) -> int | None:
        if self._returncode is None:
            pid, status = os.waitpid(self._pid, how)
            if pid:
                self._returncode = os.waitstatus_to_exitcode(status)
        return self._returncode


def _serve(
    words: Sequence[str], output: int, environment: Mapping[str, str], kept: set[int]
) -> NoReturn:
    """Is what a fresh interpreter would be with these words; a `sitecustomize.py` of the sandbox
    is run as it would."""
    code = 1
    try:
        os.setsid()
        for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
            os.dup2(file, number)
        for file in {int(path.name) for path in Path("/proc/self/fd").iterdir()} - kept:
            if file > 2:
                with suppress(OSError):  # that of the listing is closed already
                    os.close(file)
        Path("/proc/self/comm").write_text(NAME)
        os.environ.clear()
        os.environ.update(environment)
        sys.orig_argv = [*words]
        sys.argv = [*words[words.index("fairsweep.training.fork_server") :]]
        for folder in environment["PYTHONPATH"].split(os.pathsep):
            if (own := Path(folder) / "sitecustomize.py").exists():
                runpy.run_path(str(own))
        from fairsweep.training import fork_server

        fork_server.main()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

"""Commands with scripted workers, each in a process of its own that is forked and imports nothing:
it can be killed and interrupted as any other, and costs a fraction of a second.

What it is forked from has imported all that a command does, and no TensorFlow.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from fairsweep.testing import Script
from tests.integration.failpoint import arm
from tests.integration.lab import REPOSITORY, Sandbox

SCRIPTS = "tests.integration.scripts"

Point = tuple[str, int | str, str]
"""A call at which a process is killed, see `failpoint.arm`."""


@dataclass(frozen=True)
class Command:
    """A command of the project: its words, where it runs, and what its workers do. `script` and
    `checks` name functions, as `module:name`; `failpoint` kills the command, see `failpoint.arm`;
    `code` is a file that counts as code of the project."""

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    path: Sequence[str]
    script: str = f"{SCRIPTS}:learning"
    checks: str = "fairsweep.testing:passing"
    failpoint: Point | None = None
    code: str = ""


class Forked:
    """A command that runs; what `subprocess.Popen` has and tests need."""

    def __init__(self, command: Command, log: Path) -> None:
        self._out, self._err = log.with_suffix(".out"), log.with_suffix(".err")
        self._process: ForkServerProcess = _context().Process(
            target=_run, args=(command, self._out, self._err)
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.stdout = None

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> None:
        self._process.join()

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("fairsweep", timeout or 0.0)
        return self._out.read_text(), self._err.read_text()


@functools.cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.integration.preloaded"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY / "pipeline"), str(REPOSITORY)])
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context


def _run(command: Command, out: Path, err: Path) -> None:
    for number, file in ((1, out), (2, err)):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also under nohup
    os.chdir(command.folder)
    os.environ.clear()
    os.environ.update(command.environment)
    sys.path[:0] = command.path
    main = str(REPOSITORY / "pipeline" / "fairsweep" / "__main__.py")
    sys.argv = sys.orig_argv = [main, *command.words]
    warnings.simplefilter("default")
    from fairsweep.commands import sweep, train
    from fairsweep.executor import processes
    from fairsweep.stages.sweep import run_sweep
    from fairsweep.stages.train import run_training
    from fairsweep.testing import scripted
    from fairsweep.tracking.write import frame

    vars(processes)["FORKS"] = False  # its workers need no TensorFlow
    start = scripted(_named(command.script), _named(command.checks))
    sweep.sweep = functools.partial(run_sweep, start=start)
    train.train = functools.partial(run_training, start=start)
    if command.code:
        known = vars(frame)["code_sha256"]
        vars(frame)["code_sha256"] = lambda places: known([*places, Path(command.code)])
    if command.failpoint is not None:
        arm(*command.failpoint)
    runpy.run_module("fairsweep", run_name="__main__", alter_sys=False)


def _named(name: str) -> Script:
    module, _, function = name.partition(":")
    script: Script = getattr(importlib.import_module(module), function)
    return script


class ScriptedSandbox(Sandbox):
    """A sandbox in which commands have scripted workers. What these do next may be set between two
    commands: `script` and `checks` name functions of tests/integration/scripts.py."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.script, self.checks = "learning", "passing"
        self.failpoint: Point | None = None
        self.changed_code = ""
        self._logs = root / "said"
        self._logs.mkdir()
        self._count = itertools.count(1)

    def start(
        self, module: str, *arguments: str, options: Iterable[str] = (), **variables: str
    ) -> subprocess.Popen[str] | Forked:
        assert self._open, "the session ends"
        if options or module != "fairsweep":
            return super().start(module, *arguments, options=options, **variables)
        command = Command(
            arguments,
            self.work,
            self.environment() | variables,
            [str(self.code)],
            f"{SCRIPTS}:{self.script}",
            f"{SCRIPTS}:{self.checks}",
            self.failpoint,
            self.changed_code,
        )
        process = Forked(command, self._logs / str(next(self._count)))
        self._started.append(process)
        return process

    def killed_at(self, points: Mapping[str, Point], *overrides: str) -> None:
        """Starts a sweep once for each point, at which it's killed; the next start will end it."""
        for name, self.failpoint in points.items():
            killed = self.sweep(*overrides)
            assert killed.code == -signal.SIGKILL, f"{name}: {killed.said}"
        self.failpoint = None

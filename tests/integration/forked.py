"""Commands in processes of their own that are forked and import nothing: each can be killed and
interrupted as any other, and costs seconds less.

What they are forked from has imported all that a command and its workers do. That a sweep imports
no TensorFlow is for tests of fresh interpreters, as is how a command starts.
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
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest import mock

from fairsweep.executor import processes
from fairsweep.executor.processes import FORKED_THREADS, environment
from fairsweep.testing import Script
from tests.integration.failpoint import arm
from tests.integration.forked_workers import forks_its_workers
from tests.integration.lab import REPOSITORY, Sandbox

SCRIPTS = "tests.integration.scripts"

Point = tuple[str, int | str, str]
"""A call at which a process is killed, see `failpoint.arm`."""


@dataclass(frozen=True)
class Command:
    """A command of the project: its words, where it runs, and what its workers do. `script` and
    `checks` name functions, as `module:name`, without which workers train; `failpoint` kills the
    command, see `failpoint.arm`; `code` is a file that counts as code of the project."""

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    path: Sequence[str]
    script: str = ""
    checks: str = ""
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
    path = os.pathsep.join([str(REPOSITORY / "pipeline"), str(REPOSITORY)])
    given = {**environment(FORKED_THREADS), "PYTHONPATH": path, "KERAS_HOME": os.devnull}
    with mock.patch.dict(os.environ, given):
        multiprocessing.forkserver.ensure_running()
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
    from fairsweep.tracking.write import frame

    if command.script:
        _follow(command.script, command.checks)
    else:
        forks_its_workers(processes)
    if command.code:
        known = vars(frame)["code_sha256"]
        vars(frame)["code_sha256"] = lambda places: known([*places, Path(command.code)])
    if command.failpoint is not None:
        arm(*command.failpoint)
    runpy.run_module("fairsweep", run_name="__main__", alter_sys=False)


def _follow(script: str, checks: str) -> None:
    """Has the command's workers follow a script."""
    from fairsweep.commands import sweep, train
    from fairsweep.stages.sweep import run_sweep
    from fairsweep.stages.train import run_training
    from fairsweep.testing import scripted

    warnings.simplefilter("default")
    vars(processes)["FORKS"] = False  # its workers need no TensorFlow
    start = scripted(_named(script), _named(checks))
    sweep.sweep = functools.partial(run_sweep, start=start)
    train.train = functools.partial(run_training, start=start)


def _named(name: str) -> Script:
    module, _, function = name.partition(":")
    script: Script = getattr(importlib.import_module(module), function)
    return script


class ForkedSandbox(Sandbox):
    """A sandbox in which commands are forks, and so are their workers, which train. What they
    print goes to files in the folder `said`."""

    def __init__(self, root: Path, said: Path | None = None) -> None:
        super().__init__(root)
        self._logs = said or root / "said"
        self._logs.mkdir()
        self._count = itertools.count(1)

    def start(
        self, module: str, *arguments: str, options: Iterable[str] = (), **variables: str
    ) -> subprocess.Popen[str] | Forked:
        assert self._open, "the session ends"
        if options or module != "fairsweep":
            return super().start(module, *arguments, options=options, **variables)
        command = Command(arguments, self.work, self.environment() | variables, [str(self.code)])
        process = Forked(self._changed(command), self._logs / str(next(self._count)))
        self._started.append(process)
        return process

    def _changed(self, command: Command) -> Command:
        """The command with what this sandbox has it do otherwise."""
        return command


class ScriptedSandbox(ForkedSandbox):
    """A sandbox in which commands have scripted workers. What these do next may be set between two
    commands: `script` and `checks` name functions of tests/integration/scripts.py."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.script, self.checks = "learning", "passing"
        self.failpoint: Point | None = None
        self.changed_code = ""

    def _changed(self, command: Command) -> Command:
        return replace(
            command,
            script=f"{SCRIPTS}:{self.script}",
            checks=f"{SCRIPTS}:{self.checks}",
            failpoint=self.failpoint,
            code=self.changed_code,
        )

    def killed_at(self, points: Mapping[str, Point], *overrides: str) -> None:
        """Starts a sweep once for each point, at which it's killed; the next start will end it."""
        for name, self.failpoint in points.items():
            killed = self.sweep(*overrides)
            assert killed.code == -signal.SIGKILL, f"{name}: {killed.said}"
        self.failpoint = None

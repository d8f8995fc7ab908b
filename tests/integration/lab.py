"""The bench of these tests: real commands in folders of their own, each costly job done once.

A `Sandbox` is an empty folder with a home and a temporary folder of its own, in which commands of
the project run as a user runs them. A scenario is a job in a sandbox, seconds of it, whose result
many tests look at; the `Lab` runs each one once, and those that the tests of this session need
two at a time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from tests.integration.stored import Stored

if TYPE_CHECKING:
    from tests.integration.forked import Forked

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT = 300.0
"""Seconds after which a command is taken to hang; none of them needs a fifth of it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


class Sandbox:
    """A folder in which commands run, and all that they may see of this machine's user.

    `work` is where they run, `home` and `temporary` are theirs, `code` holds packages of tests,
    `project` is the project's folder.
    """

    def __init__(self, root: Path) -> None:
        self.work, self.home = root / "work", root / "home"
        self.temporary, self.code = root / "tmp", root / "code"
        for folder in (self.work, self.home, self.temporary, self.code):
            folder.mkdir(parents=True, exist_ok=True)
        self.project = REPOSITORY
        self._started: list[subprocess.Popen[str] | Forked] = []
        self._open = True

    def copy_project(self) -> None:
        """Has commands run a copy of the project, as from an archive: what they write there shows,
        and what someone changes in the project meanwhile doesn't."""
        self.project = self.work.with_name("project")
        for name in ("pipeline", "conf"):
            shutil.copytree(
                REPOSITORY / name, self.project / name, ignore=shutil.ignore_patterns("__pycache__")
            )

    @property
    def stored(self) -> Stored:
        return Stored(self.work / "mlruns" / "mlflow.db")

    def journal(self, sweep: str) -> Path:
        return self.work / "mlruns" / "studies" / f"{sweep}.journal"

    def environment(self) -> dict[str, str]:
        """A user's environment, with nothing that steers Python, Keras or MLflow."""
        steering = ("PYTHON", "KERAS", "MLFLOW", "TF_", "MPL", "HYDRA", "XDG_", "FAIRSWEEP", "OMP_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{self.project / 'pipeline'}{os.pathsep}{self.code}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
        }

    def start(
        self, module: str, *arguments: str, options: Iterable[str] = (), **variables: str
    ) -> subprocess.Popen[str] | Forked:
        """Starts `python [options] -m module arguments`."""
        assert self._open, "the session ends"
        process = subprocess.Popen(
            [sys.executable, *options, "-m", module, *arguments],
            cwd=self.work,
            env=self.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(
        self, module: str, *arguments: str, options: Iterable[str] = (), **variables: str
    ) -> Done:
        """Runs a command to its end."""
        return finish(self.start(module, *arguments, options=options, **variables))

    def sweep(self, *overrides: str, **variables: str) -> Done:
        return self.run("fairsweep", "sweep", *overrides, **variables)

    def train(self, *overrides: str, **variables: str) -> Done:
        return self.run("fairsweep", "train", *overrides, **variables)

    def report(self, *overrides: str, options: Iterable[str] = ()) -> Done:
        return self.run("fairsweep", "report", *overrides, options=options)

    def report_files(self, sweep: str) -> dict[str, bytes]:
        """The report among the artifacts of a sweep's run, file by file."""
        (run,) = self.stored.runs(sweep, "sweep")
        folder = Path(run.artifact_uri.removeprefix("file://")) / "report"
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    def kill(self) -> None:
        """Ends what still runs, and lets nothing begin."""
        self._open = False
        for process in self._started:
            process.kill()

    def close(self) -> None:
        """Ends what still runs; a scenario that failed may leave something."""
        self.kill()
        for process in self._started:
            if process.stdout is not None and not process.stdout.closed:
                process.communicate()


def listing(folder: Path) -> list[str]:
    """Everything below a folder, by its path from there."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def shown_on_a_console(document: str) -> tuple[str, list[re.Pattern[str]]]:
    """The command that a document shows on a console, and the lines that it prints; … stands for
    what is left out."""
    (block,) = re.findall(r"^```console\n\$ (.*?)^```$", document, re.M | re.S)
    command, *lines = block.splitlines()
    return command, [re.compile(re.escape(line).replace("…", ".*")) for line in lines]


def finish(process: subprocess.Popen[str] | Forked) -> Done:
    """Waits for a command to end."""
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {LIMIT:.0f} s:\n{out}\n{err}") from None
    assert process.returncode is not None
    return Done(process.returncode, out, err)


def wait_until(
    condition: Callable[[], T], what: str, process: subprocess.Popen[str] | Forked | None = None
) -> T:
    """What `condition` gives as soon as it is true; fails when the process ends before."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if result := condition():
            return result
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended before {what}: {finish(process).said}")
        time.sleep(0.02)
    raise AssertionError(f"waited {LIMIT:.0f} s for {what}")


@dataclass(frozen=True)
class Scenario:
    """A job for a sandbox of the kind `box`, whose store has MLflow's database already where
    `database` says so. `run` gets the sandbox, and the results of the scenarios in `after`."""

    run: Callable[..., Any]
    after: tuple[str, ...] = ()
    box: Callable[[Path], Sandbox] = Sandbox
    database: bool = False


class Lab:
    """Runs scenarios, each in a sandbox of its own and once; two at a time, first come first."""

    def __init__(
        self,
        root: Path,
        scenarios: Mapping[str, Scenario],
        empty_store: Callable[[Path], object],
    ) -> None:
        self._root, self._empty_store = root, empty_store
        self._scenarios = scenarios
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="scenario")
        self._futures: dict[str, Future[Any]] = {}
        self._sandboxes: list[Sandbox] = []

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.kill()
        self._pool.shutdown(wait=True)  # whose threads read what these print
        for sandbox in self._sandboxes:
            sandbox.close()

    def begin(self, name: str) -> Future[Any]:
        """Puts a scenario in the queue, behind those it comes after; once."""
        if name not in self._futures:
            before = [self.begin(other) for other in self._scenarios[name].after]
            self._futures[name] = self._pool.submit(self._run, name, before)
        return self._futures[name]

    def result(self, name: str) -> Any:
        """What a scenario gave, once it has ended."""
        return self.begin(name).result()

    def _run(self, name: str, before: Sequence[Future[Any]]) -> Any:
        # The queue is first come, first served: what this waits for has begun, so no one waits
        # for ever.
        results = [future.result() for future in before]
        sandbox = self._scenarios[name].box(self._root / name)
        self._sandboxes.append(sandbox)
        if self._scenarios[name].database:
            self._empty_store(sandbox.work / "mlruns")
        return self._scenarios[name].run(sandbox, *results)

"""What a test puts into worker processes: copied into a sandbox as `sitecustomize.py`, which every
Python process there loads first.

`EPOCHS_LOG` is a folder that gets a line for each epoch a worker trains: training, epoch, time.
`WORKER_FAILPOINTS` kills workers at calls, one of them at each: a line is
`point module:name count before|after`. Each worker comes to the first point at which none has died;
the one that dies makes a file of the point's name in the folder `STRUCK`. With `CLOCK_JUMPS` the
time of day jumps a day ahead, two days back, and a day ahead, every few seconds, in all processes
at once.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

DAY, EVERY = 86_400, 3.0
"""Seconds."""


class After(MetaPathFinder):
    """Has something done to a module as soon as it is imported."""

    def __init__(self, module: str, change: Callable[[Any], None]) -> None:
        self.module = module
        self.change = change

    def find_spec(self, name: str, *_: Any) -> Any:
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def load_and_change(module: Any) -> None:
            load(module)
            self.change(module)

        spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


def soon(module: str, change: Callable[[Any], None]) -> None:
    """Does it now, or when the module comes."""
    if module in sys.modules:
        change(sys.modules[module])
    else:
        sys.meta_path.insert(0, After(module, change))


def log_epochs(folder: Path) -> None:
    """Writes a line for each epoch, in one piece, as it ends."""
    file = os.open(folder / f"{os.getpid()}-{time.monotonic_ns()}", os.O_WRONLY | os.O_CREAT)

    def change(module: Any) -> None:
        original = module.History.on_epoch

        @functools.wraps(original)
        def on_epoch(self: Any, epoch: int, values: dict[str, float]) -> bool:
            key = self.spec.key
            training = key.files
            os.write(file, f"{training} {epoch} {time.monotonic_ns()}\n".encode())
            return bool(original(self, epoch, values))

        module.History.on_epoch = on_epoch

    soon("fairsweep.training.history", change)


def arm(target: str, count: int, when: str, claim: Path) -> None:
    """Has the `count`-th call of `target` in this process end it, unless another one was first."""
    name, _, path = target.partition(":")
    *owners, attribute = path.split(".")

    def die() -> None:
        try:
            claim.open("x").close()
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def change(module: Any) -> None:
        owner = functools.reduce(getattr, owners, module)
        original, calls = getattr(owner, attribute), 0

        @functools.wraps(original)
        def deadly(*arguments: Any, **keywords: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == count and when == "before":
                die()
            result = original(*arguments, **keywords)
            if calls == count and when == "after":
                die()
            return result

        setattr(owner, attribute, deadly)

    soon(name, change)


def let_the_clock_jump() -> None:
    """Has the time of day depend on the seconds since the system began."""
    true_time = time.time_ns

    def time_ns() -> int:
        jump = (0, DAY, -DAY)[int(time.monotonic() / EVERY) % 3]
        return true_time() + jump * 1_000_000_000

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if "CLOCK_JUMPS" in os.environ:
    let_the_clock_jump()


def work() -> None:
    """Does in a worker what the environment asks for."""
    if "EPOCHS_LOG" in os.environ:
        log_epochs(Path(os.environ["EPOCHS_LOG"]))
    for line in os.environ.get("WORKER_FAILPOINTS", "").splitlines():
        point, target, count, when = line.split()
        claim = Path(os.environ["STRUCK"]) / point
        if not claim.exists():
            arm(target, int(count), when, claim)
            break


if "fairsweep.training.worker" in sys.orig_argv:
    work()
if "fairsweep.training.fork_server" in sys.orig_argv:
    os.register_at_fork(after_in_child=work)

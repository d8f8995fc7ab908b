"""Where trainings run: `TrialSpec`s in, a stream of events out.

`Executor` is all that the stages know of it. `local` runs trainings in processes of this machine;
fairsweep.testing has one that trains nothing and follows a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from fairsweep.config import schema
from fairsweep.files import TrialFolders
from fairsweep.records import (
    EpochMetrics,
    PruningDecision,
    TrialKey,
    TrialResult,
    TrialSpec,
    WorkerLost,
    WorkerReady,
)

Event = WorkerReady | EpochMetrics | TrialResult | WorkerLost


class Executor(Protocol):
    """Workers, each of which trains one trial at a time; a context manager: on leaving, no worker
    is left. A worker that is lost is replaced."""

    @property
    def size(self) -> int:
        """How many workers there are now, those that still start among them."""

    @property
    def idle(self) -> int:
        """How many workers are ready and have nothing to do."""

    def submit(self, spec: TrialSpec) -> None:
        """Gives a trial to an idle worker. Its weights and checkpoints are in the executor's
        `TrialFolders` when its result comes, under the names that the spec has for them."""

    def judge(self, decision: PruningDecision) -> None:
        """Passes a decision on to the worker that is at its trial, if one still is."""

    def stop(self) -> set[TrialKey]:
        """Asks every worker that trains to end its training after the epoch that it is at; says
        which trainings that are."""

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """What has come from the workers, in order per worker; waits up to `timeout` seconds for
        the first."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


OpenExecutor = Callable[[schema.Executor, int, Path, TrialFolders], Executor]
"""Starts workers, as `open_executor` does."""


def open_executor(
    settings: schema.Executor, workers: int, logs: Path, folders: TrialFolders
) -> Executor:
    """Starts the workers of the settings.

    Args:
        settings: of `executor`, with a name in `EXECUTORS`.
        workers: how many of them.
        logs: the folder for what they print.
        folders: for their checkpoints and weights.
    """
    return EXECUTORS[settings.name](settings, workers, logs, folders)


def _local(settings: schema.Executor, workers: int, logs: Path, folders: TrialFolders) -> Executor:
    from fairsweep.executor.local import LocalExecutor

    return LocalExecutor(workers, settings.threads, logs, folders)


EXECUTORS: dict[str, OpenExecutor] = {"local": _local}
"""What starts the workers of each `executor.name`."""

"""Contestants, and one run of one of them: a whole process in an empty folder with the work in it,
which has to leave an MLflow store that holds every epoch of every trial."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tests.benchmarks.store import best_so_far, replay, trainings
from tests.benchmarks.work import Work

REPOSITORY = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Contestant:
    """A command; for one that is ours, the work's overrides come after it.

    Args:
        title: its name in the table.
        environment: that it runs in.
        command: of `python`; a script of `peers`, or a module.
        does: our sweep, a search of its own, the trainings of ours again, or nothing that depends
            on the work.
        prunes: whether a trial of a work with a pruner may have fewer epochs.
        times_itself: whether it prints the seconds that count, of one core.
    """

    title: str
    environment: str
    command: tuple[str, ...]
    does: Literal["ours", "search", "again", "nothing"] = "search"
    prunes: bool = False
    times_itself: bool = False

    @property
    def searches(self) -> bool:
        return self.does in ("ours", "search")

    @property
    def store(self) -> str:
        return "mlruns/mlflow.db" if self.does == "ours" else "mlflow.db"


OURS = "fairsweep"
SWEEP = ("-m", "fairsweep", "sweep")
CONTESTANTS = {
    OURS: Contestant(
        "Fairsweep, 2 workers", ".venv", (*SWEEP, "executor.workers=2"), "ours", prunes=True
    ),
    "one": Contestant(
        "Fairsweep, 1 worker", ".venv", (*SWEEP, "executor.workers=1"), "ours", prunes=True
    ),
    "optuna": Contestant("Optuna + fit + MLflow", ".venv", ("optuna_fit.py",), prunes=True),
    # Autologging writes summaries, for which it needs tensorboard.
    "autolog": Contestant(
        "Optuna + fit + autolog", ".venv-peers", ("optuna_fit.py", "autolog"), prunes=True
    ),
    "keras-tuner": Contestant("KerasTuner", ".venv-peers", ("keras_tuner_search.py",)),
    "ray": Contestant("Ray Tune, 2 workers", ".venv-peers", ("ray_tune.py",), prunes=True),
    "hydra": Contestant("hydra-optuna-sweeper", ".venv-hydra", ("hydra_sweeper.py",)),
    "fit": Contestant("Keras's own fit alone", ".venv", ("fit_alone.py",), "again"),
    "limit": Contestant(
        "the arithmetic alone, on 2 cores", ".venv", ("arithmetic.py",), "again", times_itself=True
    ),
    "import": Contestant("import tensorflow, in 2 processes", ".venv", ("imports.py",), "nothing"),
}


@dataclass(frozen=True)
class Figure:
    """One run of a contestant.

    Args:
        seconds: from start to end.
        mebibytes: of its largest process.
        share: of the trials that it had begun when it was stopped; 1 if it wasn't.
        first: seconds from the start to the end of the first epoch; None without a store.
        after: seconds from the end of the last epoch to that of the process.
        leaders: (seconds, arm, values) of every configuration that was the best one so far.
        trained: what it takes to train all of it again; of ours alone.
    """

    seconds: float
    mebibytes: float
    share: float = 1.0
    first: float | None = None
    after: float | None = None
    leaders: Sequence[Sequence[Any]] = ()
    trained: Sequence[Mapping[str, Any]] = ()


def run(
    contestant: Contestant,
    work: Work,
    folder: Path,
    limit: float = math.inf,
    trained: Sequence[Mapping[str, Any]] = (),
) -> Figure:
    """Runs a contestant in a folder that is made for it and removed, for `limit` seconds at most;
    `trained` is what ours has trained.

    Raises:
        SystemExit: it failed, or its store lacks an epoch.
    """
    folder.mkdir()
    work.write(folder)
    (folder / "trained.json").write_text(json.dumps(trained))
    started, at = time.perf_counter(), time.time()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(contestant, work, folder),
            cwd=folder,
            env=_environment(contestant),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stopped = threading.Event()
        timer = threading.Timer(min(limit, threading.TIMEOUT_MAX), _stop, (process.pid, stopped))
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        timer.cancel()
    seconds, mebibytes = time.perf_counter() - started, used.ru_maxrss / 1024
    output = (folder / "log").read_text(errors="replace")
    if os.waitstatus_to_exitcode(status) != 0 and not stopped.is_set():
        sys.exit(f"{contestant.title} failed:\n{output[-3000:]}")
    if contestant.times_itself and not stopped.is_set():
        seconds = json.loads(output.splitlines()[-1])["seconds"] / 2
    figure = Figure(seconds, mebibytes)
    if contestant.searches:
        figure = _stored(contestant, work, folder, figure, at, stopped.is_set())
    shutil.rmtree(folder)
    return figure


def _command(contestant: Contestant, work: Work, folder: Path) -> list[str]:
    python = str(REPOSITORY / contestant.environment / "bin" / "python")
    first, *rest = contestant.command
    if contestant.does != "ours":
        return [python, str(PEERS / first), *rest]
    options = [f"--config-dir={work.config}"] if work.config else []
    own = [f"tracking.root={folder}/mlruns", "terminal=quiet"]
    return [python, first, *rest, *work.overrides, *own, *options]


def _environment(contestant: Contestant) -> dict[str, str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
    if contestant.does == "ours":
        environment["PYTHONPATH"] = f"{REPOSITORY / 'pipeline'}{os.pathsep}{PEERS}"
    if contestant.times_itself:
        environment["TF_NUM_INTRAOP_THREADS"] = environment["TF_NUM_INTEROP_THREADS"] = "1"
    return environment


def _stop(process: int, stopped: threading.Event) -> None:
    """Ends a contestant with all its processes."""
    stopped.set()
    os.killpg(process, signal.SIGKILL)


def _stored(
    contestant: Contestant, work: Work, folder: Path, figure: Figure, at: float, stopped: bool
) -> Figure:
    """A figure with what the store says, which began `at` (seconds since 1970)."""
    store = folder / contestant.store
    found = trainings(store, work) if store.exists() else []
    searched = [own for own in found if own.stage == "search"]
    if not stopped:
        prunes = contestant.prunes and work.plan.config.pruner.name != "none"
        short = [own for own in searched if own.epochs != work.epochs]
        if len(searched) != work.trainings or (short and not prunes):
            epochs = sum(own.epochs for own in searched)
            sys.exit(
                f"{contestant.title} stored {len(searched)} trials of {work.trainings}, with "
                f"{epochs} epochs, and {len(short)} of them have fewer than {work.epochs}"
            )
    with np.load(folder / "data.npz") as arrays:
        sizes = len(arrays["y_train"]), len(arrays["y_val"])
    return Figure(
        figure.seconds,
        figure.mebibytes,
        len(searched) / work.trainings if stopped else 1.0,
        min(own.first for own in found) - at if found else None,
        None if stopped else at + figure.seconds - found[-1].last,
        [(own.last - at, own.arm, own.values) for own in best_so_far(found, work.epochs)],
        replay(found, *sizes) if contestant.does == "ours" else (),
    )

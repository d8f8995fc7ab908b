"""`make bench`: this project against its peers, on identical work, whole processes, in turn.

Every contestant gets an empty folder with the work in it, and has to leave an MLflow store that
holds every epoch of every trial. Prints a table of ratios, peer's time to ours: the median, the
least and the greatest of all rounds. A peer that was stopped has a ratio that is greater than the
one printed, and a time per trial of what it did.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.work import Work, digits, large

REPOSITORY = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Contestant:
    """A command; for one that is ours, the work's overrides come after it."""

    title: str
    environment: str
    command: tuple[str, ...]

    @property
    def ours(self) -> bool:
        return self.command[0] == "-m"

    @property
    def times_itself(self) -> bool:
        """Whether it prints the seconds that count, of one core, and stores nothing."""
        return self.command[0].endswith("arithmetic.py")


OURS = "fairsweep"
CONTESTANTS = {
    OURS: Contestant(
        "Fairsweep, 2 workers", ".venv", ("-m", "fairsweep", "sweep", "executor.workers=2")
    ),
    "one": Contestant(
        "Fairsweep, 1 worker", ".venv", ("-m", "fairsweep", "sweep", "executor.workers=1")
    ),
    "optuna": Contestant("Optuna + fit + MLflow", ".venv", ("optuna_fit.py",)),
    # Autologging writes summaries, for which it needs tensorboard.
    "autolog": Contestant("Optuna + fit + autolog", ".venv-peers", ("optuna_fit.py", "autolog")),
    "keras-tuner": Contestant("KerasTuner", ".venv-peers", ("keras_tuner_search.py",)),
    "ray": Contestant("Ray Tune, 2 workers", ".venv-peers", ("ray_tune.py",)),
    "hydra": Contestant("hydra-optuna-sweeper", ".venv-hydra", ("hydra_sweeper.py",)),
    "limit": Contestant("the arithmetic alone, on 2 cores", ".venv", ("../arithmetic.py",)),
}


@dataclass(frozen=True)
class Figure:
    """One run of a contestant: seconds from start to end, its largest process in MiB, and the
    share of the work that was done when it was stopped."""

    seconds: float
    mebibytes: float
    share: float = 1.0


def run(contestant: Contestant, work: Work, folder: Path, limit: float = math.inf) -> Figure:
    """Runs a contestant in an empty folder, for `limit` seconds at most.

    Raises:
        SystemExit: it failed, or its store lacks an epoch.
    """
    folder.mkdir()
    work.write(folder)
    python = str(REPOSITORY / contestant.environment / "bin" / "python")
    command = [python, *contestant.command]
    if contestant.ours:
        command += [*work.overrides, f"tracking.root={folder}/mlruns", "terminal=quiet"]
    else:
        command[1] = str(PEERS / command[1])
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
    if contestant.ours:
        environment["PYTHONPATH"] = str(REPOSITORY / "pipeline")
    if contestant.times_itself:
        environment["TF_NUM_INTRAOP_THREADS"] = environment["TF_NUM_INTEROP_THREADS"] = "1"
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        stopped = threading.Event()
        timer = threading.Timer(min(limit, threading.TIMEOUT_MAX), _stop, (process.pid, stopped))
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        timer.cancel()
    seconds = time.perf_counter() - started
    if stopped.is_set():
        share = _epochs(folder, contestant) / (work.trials * work.epochs)
        shutil.rmtree(folder)
        return Figure(seconds, used.ru_maxrss / 1024, share)
    output = (folder / "log").read_text(errors="replace")
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{contestant.title} failed:\n{output[-3000:]}")
    if contestant.times_itself:
        seconds = json.loads(output.splitlines()[-1])["seconds"] / 2
    else:
        _check(folder, contestant, work)
    shutil.rmtree(folder)
    return Figure(seconds, used.ru_maxrss / 1024)


def _stop(process: int, stopped: threading.Event) -> None:
    """Ends a contestant with all its processes."""
    stopped.set()
    os.killpg(process, signal.SIGKILL)


def _epochs(folder: Path, contestant: Contestant) -> int:
    """How many epochs its store holds."""
    store = folder / ("mlruns/mlflow.db" if contestant.ours else "mlflow.db")
    query = "SELECT COUNT(DISTINCT run_uuid || '/' || step) FROM metrics WHERE key = 'val_accuracy'"
    with closing(sqlite3.connect(store)) as database:
        ((epochs,),) = database.execute(query)
    return int(epochs)


def _check(folder: Path, contestant: Contestant, work: Work) -> None:
    epochs = _epochs(folder, contestant)
    if epochs != work.trials * work.epochs:
        sys.exit(f"{contestant.title} stored {epochs} epochs of {work.trials * work.epochs}")


def compare(work: Work, names: Sequence[str], rounds: int, stop_at: float, folder: Path) -> None:
    """Runs all of them `rounds` times in turn, each until it has taken `stop_at` times as long as
    ours, and prints the table."""
    figures: dict[str, list[Figure]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            limit = math.inf if name == OURS else stop_at * figures[OURS][number].seconds
            figure = run(CONTESTANTS[name], work, folder / f"{name}-{number}", limit)
            figures[name].append(figure)
            print(f"  {name} {figure}", file=sys.stderr)
    print(f"\n{work.name}, {rounds} rounds\n")
    print("| | time to ours | least to greatest | seconds | seconds a trial | largest process |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in names:
        ratios = [f.seconds / o.seconds for f, o in zip(figures[name], figures[OURS], strict=True)]
        seconds = statistics.median(f.seconds for f in figures[name])
        memory = statistics.median(f.mebibytes for f in figures[name])
        share = statistics.median(f.share for f in figures[name])
        more, title = "", CONTESTANTS[name].title
        if share < 1:
            more, title = "> ", f"{title}, stopped after {share:.0%} of the work"
        print(
            f"| {title} | {more}{statistics.median(ratios):.2f} "
            f"| {min(ratios):.2f} to {max(ratios):.2f} | {more}{seconds:.1f} "
            f"| {seconds / (share * work.trials) if share else math.inf:.3f} | {memory:.0f} MiB |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--trials", type=int, nargs="*", default=[20, 200], help="on digits")
    parser.add_argument("--large", action="store_true", help="60,000 rows of 784 features too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument(
        "--stop-at", type=float, default=math.inf, help="stop a peer at this many times our time"
    )
    arguments = parser.parse_args()
    names = list(dict.fromkeys([OURS, *arguments.only]))
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        for trials in arguments.trials:
            compare(digits(trials), names, arguments.rounds, arguments.stop_at, folder)
        if arguments.large:
            compare(large(folder), names, arguments.rounds, arguments.stop_at, folder)


if __name__ == "__main__":
    main()

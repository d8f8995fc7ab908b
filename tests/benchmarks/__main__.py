"""`make bench`: this project against its peers, on identical work, whole processes, in turn.

Every contestant gets an empty folder with the work in it, and has to leave an MLflow store that
holds every epoch of every trial. Prints a table of ratios, peer's time to ours: the median, the
least and the greatest of all rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
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
        "Fairsweep, 2 workers", ".venv", ("-m", "pipeline.sweep", "executor.workers=2")
    ),
    "one": Contestant(
        "Fairsweep, 1 worker", ".venv", ("-m", "pipeline.sweep", "executor.workers=1")
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
    """One run of a contestant: seconds from start to end, and its largest process in MiB."""

    seconds: float
    mebibytes: float


def run(contestant: Contestant, work: Work, folder: Path) -> Figure:
    """Runs a contestant in an empty folder.

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
        environment["PYTHONPATH"] = str(REPOSITORY)
    if contestant.times_itself:
        environment["TF_NUM_INTRAOP_THREADS"] = environment["TF_NUM_INTEROP_THREADS"] = "1"
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    output = (folder / "log").read_text(errors="replace")
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{contestant.title} failed:\n{output[-3000:]}")
    if contestant.times_itself:
        seconds = json.loads(output.splitlines()[-1])["seconds"] / 2
    else:
        _check(folder, contestant, work)
    shutil.rmtree(folder)
    return Figure(seconds, used.ru_maxrss / 1024)


def _check(folder: Path, contestant: Contestant, work: Work) -> None:
    store = folder / ("mlruns/mlflow.db" if contestant.ours else "mlflow.db")
    with closing(sqlite3.connect(store)) as database:
        query = (
            "SELECT COUNT(DISTINCT run_uuid || '/' || step) FROM metrics WHERE key = 'val_accuracy'"
        )
        ((epochs,),) = database.execute(query)
    if epochs != work.trials * work.epochs:
        sys.exit(f"{contestant.title} stored {epochs} epochs of {work.trials * work.epochs}")


def compare(work: Work, names: Sequence[str], rounds: int, folder: Path) -> None:
    """Runs all of them `rounds` times in turn, and prints the table."""
    figures: dict[str, list[Figure]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            figure = run(CONTESTANTS[name], work, folder / f"{name}-{number}")
            figures[name].append(figure)
            print(f"  {name} {figure.seconds:.1f} s {figure.mebibytes:.0f} MiB", file=sys.stderr)
    print(f"\n{work.name}, {rounds} rounds\n")
    print("| | time to ours | least to greatest | seconds | seconds a trial | largest process |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in names:
        ratios = [f.seconds / o.seconds for f, o in zip(figures[name], figures[OURS], strict=True)]
        seconds = statistics.median(f.seconds for f in figures[name])
        memory = statistics.median(f.mebibytes for f in figures[name])
        print(
            f"| {CONTESTANTS[name].title} | {statistics.median(ratios):.2f} "
            f"| {min(ratios):.2f} to {max(ratios):.2f} | {seconds:.1f} "
            f"| {seconds / work.trials:.3f} | {memory:.0f} MiB |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--trials", type=int, nargs="*", default=[20, 200], help="on digits")
    parser.add_argument("--large", action="store_true", help="60,000 rows of 784 features too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=CONTESTANTS, default=list(CONTESTANTS))
    arguments = parser.parse_args()
    names = list(dict.fromkeys([OURS, *arguments.only]))
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        for trials in arguments.trials:
            compare(digits(trials), names, arguments.rounds, folder)
        if arguments.large:
            compare(large(folder), names, arguments.rounds, folder)


if __name__ == "__main__":
    main()

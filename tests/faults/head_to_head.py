"""The same kills in the same places of the same work, for this project and its peers; what is left
in each one's MLflow store is counted in the same way.

A training's rows count wherever they are, also if several runs have some of them; runs that are
marked as failed or killed don't. A row is lost if it is nowhere, and doubled if it is there again.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fairsweep.machine import process_start
from tests.benchmarks.work import Work, digits
from tests.faults.kills import Arena, Executioner, Struck, spread
from tests.faults.oracle import PER_EPOCH
from tests.integration.lab import REPOSITORY
from tests.integration.processes import alive, command_of, descendants

EPOCHS = 40
PEERS = Path(__file__).parent / "peers"
START = 10.0
"""Seconds of a start within which some of the kills come."""


@dataclass(frozen=True)
class Contestant:
    """How to start it, how its workers are called, where its store is, and which parameter or tag
    of a run says which training it is of."""

    title: str
    command: tuple[str, ...]
    worker: str
    store: str
    identity: tuple[str, str]


CONTESTANTS = (
    Contestant(
        "Fairsweep",
        (".venv", "-m", "fairsweep", "sweep", "executor.workers=2", "terminal=plain"),
        "fairsweep.training.fork_server",
        "mlruns/mlflow.db",
        ("tags", "trial"),
    ),
    Contestant(
        "Optuna, RDB storage with heartbeat",
        (".venv", str(PEERS / "optuna_heartbeat.py")),
        "no process of its own",
        "mlflow.db",
        ("params", "trial"),
    ),
    Contestant(
        "Ray Tune, Tuner.restore",
        (".venv-peers", str(PEERS / "ray_restore.py")),
        "ray::ImplicitFunc",
        "mlflow.db",
        ("params", "index"),
    ),
)


@dataclass(frozen=True)
class Left:
    """What a store holds in the end. `spread` trainings have their rows in several runs."""

    rows: int
    wanted: int
    doubled: int
    open_runs: int
    spread: int

    @property
    def lost(self) -> int:
        return self.wanted - self.rows


def left(database: Path, identity: tuple[str, str], trials: int, epochs: int) -> Left:
    """Counts the rows of the `trials` trainings that have most of them."""
    table, key = identity
    with closing(sqlite3.connect(database)) as connection:
        named = connection.execute(
            f"SELECT i.value, m.run_uuid, m.key, m.step FROM metrics m JOIN {table} i "
            "USING (run_uuid) JOIN runs r USING (run_uuid) WHERE i.key = ? "
            "AND r.status NOT IN ('FAILED', 'KILLED')",
            (key,),
        ).fetchall()
        (open_runs,) = connection.execute(
            "SELECT count(*) FROM runs WHERE status = 'RUNNING'"
        ).fetchone()
    rows: defaultdict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    runs: defaultdict[str, set[str]] = defaultdict(set)
    for training, run, name, step in named:
        if name in PER_EPOCH:
            rows[training][name, step] += 1
            runs[training].add(run)
    best = sorted(rows, key=lambda training: len(rows[training]), reverse=True)[:trials]
    return Left(
        sum(len(rows[training]) for training in best),
        trials * epochs * len(PER_EPOCH),
        sum(sum(counts.values()) - len(counts) for counts in rows.values()),
        int(open_runs),
        sum(len(runs[training]) > 1 for training in rows),
    )


def stuck_in(database: Path) -> int | None:
    """Trials that Optuna's own database has as running; None without one."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM trials WHERE state IN ('RUNNING', 'WAITING')"
        ).fetchone()
    return int(count)


def contest(contestant: Contestant, work: Work, kills: int, seed: int, folder: Path) -> str:
    """Kills a contestant, and counts; a line of the table.

    Args:
        contestant: who.
        work: the list of trials.
        kills: how many.
        seed: of the schedule.
        folder: where it works; it is made.
    """
    log, said = folder / "epochs", folder / "said"
    for made in (folder, log, said):
        made.mkdir()
    work.write(folder)
    environment, *rest = contestant.command
    command = [str(REPOSITORY / environment / "bin" / "python"), *rest]
    ours = rest[0] == "-m"
    paths = (
        [folder / "code", REPOSITORY / "pipeline"]
        if ours
        else [PEERS, REPOSITORY / "tests/benchmarks/peers"]
    )
    if ours:
        command += [*work.overrides, "training.checkpoint_seconds=0.5"]
        (folder / "code").mkdir()
        shutil.copy(Path(__file__).with_name("inside.py"), folder / "code" / "sitecustomize.py")
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "EPOCHS_LOG": str(log),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    seen: dict[int, int | None] = {}

    def start(output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as file:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def living() -> list[int]:
        return [pid for pid, began in seen.items() if alive(pid) and process_start(pid) == began]

    def workers(pid: int) -> Sequence[int]:
        for child in descendants(pid):
            seen.setdefault(child, process_start(child))
        return [child for child in living() if contestant.worker in command_of(child)]

    def clear(_: int) -> int:
        """Gives what a kill left 5 s to go, then ends it: all of it was started here."""
        deadline = time.monotonic() + 60
        while (rest := living()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in rest:
            os.kill(pid, signal.SIGKILL)
        seen.clear()
        return len(rest)

    total = work.trials * work.epochs
    begun = time.monotonic()
    arena = Arena(start, workers, lambda: distinct(log) / total, clear, lambda code: code == 0)
    struck = Executioner(arena, spread(kills, seed, START), said).run(tries=kills)
    seconds = time.monotonic() - begun
    return _line(contestant, struck, folder, work, seconds)


def _line(contestant: Contestant, struck: Struck, folder: Path, work: Work, seconds: float) -> str:
    counts = left(folder / contestant.store, contestant.identity, work.trials, work.epochs)
    stuck = stuck_in(folder / "optuna.db")
    trained = sum(len(path.read_text().splitlines()) for path in (folder / "epochs").iterdir())
    again = trained - work.trials * work.epochs
    return (
        f"| {contestant.title} | {struck.sweeps} + {struck.workers} | {counts.lost} "
        f"| {counts.doubled} | {counts.open_runs} | {'' if stuck is None else stuck} "
        f"| {counts.spread} | {again} | {struck.left} | {seconds:.0f} |"
    )


def distinct(log: Path) -> int:
    """How many epochs were trained, those that were trained again left out."""
    return len(
        {
            line.rpartition(" ")[0]
            for path in log.iterdir()
            for line in path.read_text().splitlines()
        }
    )


HEAD = (
    "| | kills: sweep + worker | rows lost | rows doubled | runs left open | trials stuck "
    "| trials in several runs | epochs trained again | processes left | seconds |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def head_to_head(
    kills: int, seed: int, trials: int, folder: Path, names: Sequence[str] | None = None
) -> None:
    """Prints the table, a line when it is known."""
    work = digits(trials, EPOCHS)
    print(f"{work.title}, {kills} kills, seed {seed}\n\n{HEAD}", flush=True)
    for i, contestant in enumerate(CONTESTANTS):
        if names is None or any(name in contestant.title.lower() for name in names):
            print(contest(contestant, work, kills, seed, folder / str(i)), flush=True)

"""`make chaos`: a sweep whose process, or one of its workers, is killed again and again at random
moments, and that the same command makes whole in the end; the oracle judges.

With `--peers` the same schedule is carried out on what people use today (tests/faults/peers).
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fairsweep.doctor.examine import examine
from fairsweep.doctor.files import check_store
from tests.faults.epochs import Repeated, repeated, size
from tests.faults.head_to_head import head_to_head
from tests.faults.kills import Arena, Executioner, Struck, strikes
from tests.faults.oracle import RawRows, open_root, raw_rows
from tests.integration.lab import Sandbox
from tests.integration.processes import alive, workers_of

CHECKPOINT_SECONDS = 0.5
NAME = "chaos"
START, WORK = 10.0, 2.5
"""Seconds: of a start, and of a stretch of work, within which kills come."""


@dataclass(frozen=True)
class Verdict:
    """How a contestant came out of it."""

    struck: Struck
    rows: RawRows
    stuck: int
    failed: int
    trainings: int
    epochs: Repeated
    problems: list[str]
    survivors: int
    seconds: float

    def lines(self) -> list[str]:
        """What is printed, a figure a line."""
        ends = ", ".join(map(str, self.struck.ends))
        return [
            f"kills: {self.struck.kills} ({self.struck.sweeps} of the sweep, "
            f"{self.struck.workers} of a worker), starts: {self.struck.starts}",
            f"exit codes of those that ended by themselves: {ends}",
            f"trainings: {self.trainings}, {self.failed} of them failed",
            f"rows: {self.rows.stored} of {self.rows.promised}, lost: {self.rows.lost}, "
            f"doubled: {self.rows.doubled}",
            f"trials stuck: {self.stuck}, runs open: {self.rows.stuck}",
            f"epochs trained: {self.epochs.trained}, again: {self.epochs.again}, "
            f"beyond what was promised: {self.epochs.beyond}",
            f"processes that outlived the sweep by 5 s: {self.survivors}",
            f"the oracle: {len(self.problems)} problems",
            *(f"  {problem}" for problem in self.problems),
            f"seconds: {self.seconds:.0f}",
        ]

    @property
    def whole(self) -> bool:
        """Whether the promise was kept."""
        return not (
            self.problems
            or self.stuck
            or self.failed
            or self.survivors
            or self.rows.lost
            or self.rows.doubled
            or self.rows.stuck
            or self.epochs.beyond
        )


def overrides(trials: int, epochs: int) -> tuple[str, ...]:
    """A sweep of two arms with `trials` trials in all, and 2 confirmations of each arm."""
    return (
        *("arms.optimizer=[sgd,adam]", f"search.trials={trials // 2}"),
        *("confirm.folds=2", "confirm.repeats=1"),
        *(f"training.epochs={epochs}", "training.batch_size=32", "training.space.batch_size=null"),
        *(f"training.checkpoint_seconds={CHECKPOINT_SECONDS}", "executor.workers=2"),
        *("terminal=plain", f"sweep.name={NAME}"),
    )


def chaos(
    kills: int, seed: int, trials: int, epochs: int, folder: Path, jumping: bool = False
) -> Verdict:
    """Kills our own sweep, and has it judged.

    Args:
        kills: how many.
        seed: draws the moments.
        trials: of the sweep, in all.
        epochs: of a training.
        folder: where it runs; empty.
        jumping: whether the time of day jumps meanwhile.
    """
    sandbox = Sandbox(folder)
    sandbox.copy_project()
    log, said = folder / "epochs", folder / "said"
    log.mkdir()
    said.mkdir()
    shutil.copy(Path(__file__).with_name("inside.py"), sandbox.code / "sitecustomize.py")
    root, seen = sandbox.work / "mlruns", set[int]()
    inside = {"EPOCHS_LOG": str(log)} | ({"CLOCK_JUMPS": "1"} if jumping else {})

    def start(output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "fairsweep", "sweep", *overrides(trials, epochs)],
                cwd=sandbox.work,
                env=sandbox.environment() | inside,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def workers(sweep: int) -> list[int]:
        found = workers_of(sweep)
        seen.update(found)
        return found

    begun = time.monotonic()
    arena = Arena(start, workers, lambda: size(log), lambda _: 0)
    struck = Executioner(arena, strikes(kills, seed, START, WORK), said).run(tries=kills)
    seconds = time.monotonic() - begun
    deadline = time.monotonic() + 60
    while any(map(alive, seen)) and time.monotonic() < deadline:
        time.sleep(0.05)
    store = open_root(root)
    examination = examine(store, NAME)
    trained = [run for runs in examination.sweep.attempts.values() for run in runs]
    return Verdict(
        struck=struck,
        rows=raw_rows(root),
        stuck=sum(map(len, examination.sweep.unfinished.values())) + (not examination.sweep.closed),
        failed=sum(run.outcome == "failed" for run in trained),
        trainings=len(trained),
        epochs=repeated(log, CHECKPOINT_SECONDS),
        problems=[str(p) for p in (*examination.problems, *check_store(store))],
        survivors=sum(map(alive, seen)),
        seconds=seconds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, help="of the sweep; by default as many as kills")
    parser.add_argument("--epochs", type=int, default=200, help="of a training")
    parser.add_argument("--keep", type=Path, help="a new folder for all that is written")
    parser.add_argument("--clock", action="store_true", help="let the time of day jump by a day")
    parser.add_argument("--peers", action="store_true", help="this project and its peers in turn")
    parser.add_argument("--only", nargs="*", help="of these: fairsweep, optuna, ray")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what it has started
    trials = arguments.trials or max(30, arguments.kills)
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = arguments.keep or Path(temporary) / "chaos"
        if arguments.peers:
            folder.mkdir()
            head_to_head(arguments.kills, arguments.seed, 30, folder, arguments.only)
            return
        own = (arguments.kills, arguments.seed, trials, arguments.epochs)
        verdict = chaos(*own, folder, arguments.clock)
        print("\n".join(verdict.lines()))
    sys.exit(0 if verdict.whole else 1)


if __name__ == "__main__":
    main()

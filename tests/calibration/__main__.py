"""`make calibrate`: how often the verdict is wrong, with real trainings in worlds whose truth is
known. Prints a table, and writes it to the folder `--out` as table.md.

Hours for everything. What was trained is kept in that folder, so a run that was stopped goes on
where it was, a table can be had of any number of draws, and another rule judges the same ones.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairsweep.executor.local import tensorflow_environment
from fairsweep.executor.processes import environment
from tests.calibration.draws import Outcome, drawn
from tests.calibration.self_check import DATA, winner
from tests.calibration.table import self_check_table, table
from tests.calibration.worlds import WORLDS

PROCESSES = 2


class Lines:
    """A file of finished draws, one JSON object a line; a line that was cut off doesn't count."""

    def __init__(self, file: Path) -> None:
        self._file = file
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        whole, _, rest = text.rpartition("\n")
        if rest:
            file.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
        self.found: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]

    def add(self, line: Mapping[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as target:
            target.write(f"{json.dumps(line)}\n")


def calibrate(names: Sequence[str], draws: int, seed: int, out: Path) -> str:
    """Does what is left of the draws, and gives the table of all of them."""
    folder = out / "draws"
    folder.mkdir(exist_ok=True)
    wanted = [(name, seed, draw, folder) for draw in range(draws) for name in names]
    wanted.sort(key=lambda task: WORLDS[task[0]].of != "")  # what others draw comes after them
    outcomes: list[Outcome] = []
    context = multiprocessing.get_context("spawn")  # TensorFlow doesn't survive a fork
    with context.Pool(PROCESSES, gc.disable) as pool:  # a draw collects at its end
        for own in pool.imap_unordered(drawn, wanted):
            outcomes.append(own)
            _say(f"{own.world} {own.draw}: {own.seconds:.1f} s; {_left(names, draws, outcomes)}")
    return table(outcomes)


def _left(names: Sequence[str], draws: int, outcomes: Sequence[Outcome]) -> str:
    """How many draws are left, and for how long; of a world that wasn't drawn yet, as long as its
    rows take elsewhere."""
    taken: dict[str, list[float]] = {}
    for own in outcomes:
        taken.setdefault(own.world, []).append(own.seconds)
    each = {name: statistics.median(seconds) for name, seconds in taken.items()}
    size = {name: world.rows * world.arms for name, world in WORLDS.items()}
    rate = sum(each.values()) / sum(size[name] for name in each)
    left = {name: draws - len(taken.get(name, ())) for name in names}
    seconds = sum(count * each.get(name, rate * size[name]) for name, count in left.items())
    minutes = seconds / PROCESSES / 60
    return f"{sum(left.values())} draws left, about {minutes:.0f} minutes to train them"


def check_self(sweeps: int, seed: int, out: Path) -> str:
    """Runs what is left of the sweeps of an optimizer against itself, and gives their table."""
    lines = Lines(out / "sweeps.jsonl")
    found = {(line["data"], line["seed"]): line["winner"] for line in lines.found}
    wanted = [(data, seed + number) for number in range(sweeps) for data in DATA]
    for number, (data, own) in enumerate(wanted, 1):
        if (data, own) not in found:
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="calibration-") as temporary:
                found[data, own] = winner(data, own, Path(temporary) / "sweep")
            lines.add({"data": data, "seed": own, "winner": found[data, own]})
            seconds = time.monotonic() - started
            minutes = seconds * (len(wanted) - number) / 60
            _say(
                f"{data} {own}: {seconds:.0f} s; {len(wanted) - number} sweeps left, "
                f"about {minutes:.0f} minutes"
            )
    return self_check_table(
        {data: [found[data, seed + number] for number in range(sweeps)] for data in DATA}
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make calibrate", description=__doc__)
    parser.add_argument("--draws", type=int, default=200, help="of each world (200)")
    parser.add_argument("--worlds", default=",".join(WORLDS), help="a,b: some of them (all)")
    parser.add_argument("--seed", type=int, default=0, help="of everything (0)")
    parser.add_argument("--out", type=Path, help="where finished draws are kept (temporary)")
    parser.add_argument(
        "--self-check", action="store_true", help="instead: sweeps of adam against itself"
    )
    arguments = parser.parse_args()
    names = arguments.worlds.split(",")
    if unknown := [name for name in names if name not in WORLDS]:
        parser.error(f"--worlds: need some of {','.join(WORLDS)}, got {','.join(unknown)}")
    if arguments.draws < 1:
        parser.error(f"--draws: need at least 1, got {arguments.draws}")
    out = arguments.out or Path(tempfile.mkdtemp(prefix="calibration-"))
    out.mkdir(parents=True, exist_ok=True)
    _say(f"finished draws are kept in {out}")
    if arguments.self_check:
        result, file = check_self(arguments.draws, arguments.seed, out), "self_check.md"
    else:
        os.environ.update({**tensorflow_environment(out), **environment(threads=1)})
        result, file = calibrate(names, arguments.draws, arguments.seed, out), "table.md"
    (out / file).write_text(f"{result}\n", encoding="utf-8")
    print(result)


if __name__ == "__main__":
    main()

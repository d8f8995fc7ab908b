"""`make bench`: this project against its peers, whole processes, in turn.

Every contestant gets an empty folder with the work in it, and has to leave an MLflow store that
holds every epoch of every trial. Prints a table for each work, of ratios of time to ours, and one
of the time to quality, and writes them to the folder `--out` as table.md. That folder keeps every
run that has ended, so a benchmark that was stopped goes on where it was, with the same code.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import optuna

from tests.benchmarks.contest import CONTESTANTS, OURS, REPOSITORY, Figure, run
from tests.benchmarks.quality import (
    BEST_KNOWN,
    LONG,
    NEAR,
    Judge,
    best_known,
    find_best,
    seconds_to,
)
from tests.benchmarks.table import quality_table, table
from tests.benchmarks.work import Work, works

DEFAULT = ("default", "default-200", "wine", "images", "sequences", "list-200")


def compare(
    work: Work, names: Sequence[str], rounds: int, stop_at: float, out: Path
) -> dict[str, list[Figure]]:
    """Runs all of them `rounds` times in turn, those that `out` doesn't have yet, each until it has
    taken `stop_at` times as long as ours."""
    folder = out / f"{work.key}-{work.trials}x{work.epochs}"
    folder.mkdir(exist_ok=True)
    figures: dict[str, list[Figure]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            file = folder / f"{number}-{name}.json"
            if not file.exists():
                limit, trained = math.inf, Figure.trained
                if name != OURS:
                    ours = figures[OURS][number]
                    limit, trained = stop_at * ours.seconds, ours.trained
                with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
                    figure = run(CONTESTANTS[name], work, Path(temporary) / "run", limit, trained)
                written = file.with_suffix(".new")
                written.write_text(json.dumps(asdict(figure)))
                written.rename(file)
                _say(f"  {work.key} {number + 1}/{rounds} {name}: {figure.seconds:.1f} s")
            figures[name].append(Figure(**json.loads(file.read_text())))
    return figures


def judge(work: Work, figures: Mapping[str, Sequence[Figure]], out: Path) -> str:
    """The table of the time to quality, of those that search."""
    accuracy = best_known()[work.goal]["accuracy"]
    own = Judge(work, out / f"judged-{work.goal}.jsonl")
    reached: dict[str, list[float | None]] = {}
    best = {}
    for name, runs in figures.items():
        if CONTESTANTS[name].searches:
            means = [own.means((arm, values) for _, arm, values in f.leaders) for f in runs]
            pairs = zip(runs, means, strict=True)
            reached[name] = [seconds_to(accuracy - NEAR, f.leaders, m) for f, m in pairs]
            best[name] = statistics.median(m[-1] if m else math.nan for m in means)
    return quality_table(work, accuracy, reached, best)


def tables(
    chosen: Sequence[Work], only: Sequence[str] | None, rounds: int, stop_at: float, out: Path
) -> Iterator[str]:
    """The tables of each work, when it is done."""
    for work in chosen:
        wanted = {OURS, *(name for name in work.against if only is None or name in only)}
        names = [name for name in CONTESTANTS if name in wanted]
        figures = compare(work, names, rounds, stop_at, out)
        yield table(work, figures)
        if work.goal in best_known():
            yield judge(work, figures, out)
        elif work.goal:
            _say(
                f"no time to quality for {work.goal}: {BEST_KNOWN.name} lacks it; use --best-known"
            )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _commit() -> str:
    """Of this code, with `-dirty` where it differs from that."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.strip()


def _search_best(goals: Mapping[str, Work], out: Path, by: Mapping[str, str]) -> None:
    for goal, work in goals.items():
        found = {**best_known(), goal: find_best(work, out, by)}
        BEST_KNOWN.write_text(f"{json.dumps(found, indent=2, sort_keys=True)}\n")
        _say(f"{goal}: {found[goal]['accuracy']:.2%}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    known = works(Path())
    parser.add_argument("--works", nargs="*", choices=known, default=DEFAULT, help="some of them")
    parser.add_argument("--rounds", type=int, default=3, help="of everything (3)")
    parser.add_argument("--only", nargs="*", choices=CONTESTANTS, help="beside ours (all)")
    parser.add_argument(
        "--stop-at", type=float, default=math.inf, help="stop a peer at this many times our time"
    )
    parser.add_argument("--out", type=Path, help="where finished runs are kept (temporary)")
    parser.add_argument("--trials", type=int, help="another number for each arm, to try it out")
    parser.add_argument("--epochs", type=int, help="another number for each trial, to try it out")
    parser.add_argument(
        "--best-known", action="store_true", help="instead: look for the best configurations"
    )
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    os.environ["FAIRSWEEP_TRUSTED_PACKAGES"] = "models"  # the user's, of tests/benchmarks/peers
    out = (arguments.out or Path(tempfile.mkdtemp(prefix="bench-"))).absolute()
    out.mkdir(parents=True, exist_ok=True)
    _say(f"finished runs are kept in {out}")
    commit, noted = _commit(), out / "commit"
    if noted.exists() and noted.read_text() != commit:
        parser.error(
            f"--out: need runs of one commit, got {noted.read_text()} in {out} and {commit} here; "
            "use another folder"
        )
    noted.write_text(commit)
    size = {name: getattr(arguments, name) for name in ("trials", "epochs")}
    given = {name: value for name, value in size.items() if value is not None}
    chosen = [replace(works(out / "data")[key], **given) for key in arguments.works]
    if arguments.best_known:
        goals = {
            work.goal: replace(work, **{"trials": LONG, **given}) for work in chosen if work.goal
        }
        words = ["--best-known", *(f"--{name} {value}" for name, value in given.items())]
        command = f'make bench ARGS="{" ".join(words)}"'
        _search_best(goals, out, {"command": command, "commit": commit})
        return
    whole = [f"commit {commit}"]
    for text in tables(chosen, arguments.only, arguments.rounds, arguments.stop_at, out):
        print(f"\n{text}", flush=True)
        whole.append(text)
        (out / "table.md").write_text("\n\n".join(whole) + "\n")


if __name__ == "__main__":
    main()

"""Time to quality: when a tool's best configuration so far was good enough.

A configuration is as good as the mean of its best val_accuracy over fresh seeds, trained by one
neutral piece of code (`peers/retrain.py`), whoever found it. Good enough is `NEAR` below the best
known one, which a long search has found: `best_known.json` has it, and `make bench
ARGS="--best-known"` makes it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.contest import CONTESTANTS, OURS, PEERS, REPOSITORY, run
from tests.benchmarks.work import Work

NEAR = 0.002
SEEDS = range(10)
BEST_KNOWN = Path(__file__).with_name("best_known.json")
LONG, CANDIDATES = 200, 20
"""Trials of each arm in the long search, and how many of its configurations are judged."""
SELECTING, MEASURING = range(100, 110), range(200, 230)
"""Seeds that choose among candidates, and others that say how good the chosen one is: the best of
several means is too good to be true."""


class Judge:
    """Knows how good configurations of a work are; keeps what it has trained in `file`, a line of
    JSON each, so that nothing is trained twice."""

    def __init__(self, work: Work, file: Path) -> None:
        self._work = work
        self._file = file
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        whole = [line for line in lines if line.endswith("\n")]
        if whole != lines:
            file.write_text("".join(whole))
        self._known = {_key(own): own["accuracies"] for own in map(json.loads, whole)}

    def means(
        self, configurations: Iterable[tuple[str, Mapping[str, Any]]], seeds: range = SEEDS
    ) -> list[float]:
        """How good each (arm, values) is on these seeds.

        Raises:
            subprocess.CalledProcessError: a training failed.
        """
        asked = [
            {"arm": arm, "values": dict(values), "seeds": list(seeds)}
            for arm, values in configurations
        ]
        missing = {_key(own): own for own in asked if _key(own) not in self._known}
        if missing:
            self._train(list(missing.values()))
        return [statistics.fmean(self._known[_key(own)]) for own in asked]

    def keep(self, own: Mapping[str, Any]) -> None:
        """Keeps the `accuracies` of a configuration on its `seeds`."""
        self._known[_key(own)] = own["accuracies"]
        with self._file.open("a") as file:
            file.write(f"{json.dumps(own)}\n")

    def _train(self, configurations: Sequence[Mapping[str, Any]]) -> None:
        folder = self._file.parent / f"{self._file.stem}-work"
        folder.mkdir(exist_ok=True)
        self._work.write(folder)
        (folder / "configurations.json").write_text(json.dumps(configurations))
        command = [str(REPOSITORY / ".venv" / "bin" / "python"), str(PEERS / "retrain.py")]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                self.keep(json.loads(line))
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, command)


def _key(own: Mapping[str, Any]) -> str:
    return json.dumps([own["arm"], own["values"], own["seeds"]], sort_keys=True)


def seconds_to(
    wanted: float, leaders: Sequence[Sequence[Any]], means: Sequence[float]
) -> float | None:
    """When the best configuration so far was first as good as that; None for never.

    Args:
        wanted: its accuracy.
        leaders: (seconds, arm, values), in the order of time.
        means: how good each of them is.
    """
    pairs = zip(leaders, means, strict=True)
    return next((own[0] for own, mean in pairs if mean >= wanted), None)


def best_known() -> dict[str, Any]:
    """The best known configuration of each goal, with its `accuracy` and how it was found."""
    return dict(json.loads(BEST_KNOWN.read_text())) if BEST_KNOWN.exists() else {}


def find_best(work: Work, out: Path, by: Mapping[str, str]) -> dict[str, Any]:
    """Looks for the best configuration in a work's spaces: a long search of ours without pruning,
    then its best configurations on seeds of their own.

    Args:
        work: whose spaces, with as many trials as the search has.
        out: a folder that keeps what was trained.
        by: the command and the commit, to be noted.
    """
    whole = ("pruner=none", "confirm.folds=0", "confirm.seeds=0")
    long = replace(work, chosen=(*work.chosen, *whole))
    searched = out / f"best-{work.goal}.json"
    if not searched.exists():
        with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
            figure = run(CONTESTANTS[OURS], long, Path(temporary) / "run")
        searched.write_text(json.dumps(figure.trained))
    found = [own for own in json.loads(searched.read_text()) if own["best"] is not None]
    ranked = sorted(found, key=lambda own: own["best"], reverse=True)
    candidates = [(own["arm"], own["values"]) for own in ranked[:CANDIDATES]]
    judge = Judge(work, out / f"judged-{work.goal}.jsonl")
    means = judge.means(candidates, SELECTING)
    arm, values = candidates[means.index(max(means))]
    (accuracy,) = judge.means([(arm, values)], MEASURING)
    return {
        "accuracy": accuracy,
        "arm": arm,
        "values": values,
        "found": {
            **by,
            "trials of each arm": work.trials,
            "epochs": work.epochs,
            "candidates": len(candidates),
            "seeds that chose": [SELECTING[0], SELECTING[-1]],
            "seeds of its accuracy": [MEASURING[0], MEASURING[-1]],
        },
    }

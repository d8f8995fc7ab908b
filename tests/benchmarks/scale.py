"""What grows with the number of trials: a draw, a verdict and the report, on generated studies and
stores.

`python -m tests.benchmarks.scale 1000 10000`: a table with a row for each size.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.plan import Plan
from fairsweep.data.split import describe, fingerprint, load_split
from fairsweep.records import Confirmation, EpochMetrics, TrialKey, TrialResult, TrialSpec
from fairsweep.search.journal import open_storage
from fairsweep.search.study import ArmStudy
from fairsweep.stages.search import trial_spec
from fairsweep.tracking.store import open_store
from fairsweep.tracking.write import Tracker
from fairsweep.tracking.write.frame import Facts
from fairsweep.tracking.write.run import now
from fairsweep.work import Work

SWEEP = "scale"
EPOCHS = 20
WRITTEN = 25  # trials of each arm that are really written; the others of a store are their copies


def search_times(trials: int, folder: Path) -> Mapping[str, float]:
    """Milliseconds of a draw by TPE, a verdict and an end, after `trials` trials of an arm."""
    journal = folder / "study.journal"
    own = ("optimizer=adam", "search.trials=100000", f"training.epochs={EPOCHS}")
    fill, plan = compose_sweep([*own, "search=random"]), compose_sweep(own)
    study = ArmStudy(open_storage(journal), fill, fill.arms[0], {})
    for number in range(trials):
        candidate = study.ask()
        study.begin(number, candidate.attempt)
        value = random.Random(number).random()
        for epoch in range(5, EPOCHS):
            study._running[number].report(value * (1 - 1 / epoch), epoch)
        study.tell(number, _result(TrialKey("adam", "search", number), value))
    study = ArmStudy(open_storage(journal), plan, plan.arms[0], {})
    taken: dict[str, list[float]] = {"draw": [], "verdict": [], "end": []}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = call()
        taken[name].append(1000 * (time.perf_counter() - started))
        return result

    for number in range(trials, trials + 15):
        candidate = timed("draw", study.ask)
        study.begin(number, candidate.attempt)
        value = random.Random(number).random()
        for epoch in range(5, EPOCHS):
            timed("verdict", partial(study.keep, number, epoch, value))
        ended = _result(TrialKey("adam", "search", number), value)
        timed("end", partial(study.tell, number, ended))
    return {name: statistics.median(times) for name, times in taken.items()}


def report_seconds(trials: int, folder: Path) -> float:
    """Seconds of the whole `python -m fairsweep.report` on a sweep of so many trials in four arms,
    with ten seeds each."""
    root = f"tracking.root={folder}"
    per_arm = trials // 4
    _write_store(compose_sweep([root, f"sweep.name={SWEEP}", f"search.trials={per_arm}"]))
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        for copy in range(1, per_arm // WRITTEN):
            _copy_trials(database, copy)
        database.commit()
    command = [sys.executable, "-m", "fairsweep", "report", root, f"sweep.name={SWEEP}"]
    started = time.perf_counter()
    subprocess.run([*command, "terminal=quiet"], check=True)
    return time.perf_counter() - started


def _write_store(plan: Plan) -> None:
    data = load_split(plan.config.data)
    metrics = plan.metrics(data.dataset.task, len(data.dataset.class_names))
    about, store = describe(data, plan.config.data), open_store(plan.config.tracking)
    facts = Facts(about, fingerprint(data), metrics, Confirmation(0, 10))
    with Tracker(store, plan, facts, store.spool(SWEEP)) as tracker:
        tracker.open()
        for arm in plan.arms:
            study = ArmStudy(optuna.storages.InMemoryStorage(), plan, arm, {})
            drawn = [study.ask() for _ in range(WRITTEN)]
            keys = [(TrialKey(arm.name, "search", c.trial), c) for c in drawn]
            keys += [(TrialKey(arm.name, "confirm", 0, seed), drawn[0]) for seed in range(10)]
            for key, candidate in keys:
                _write(tracker, trial_spec(plan, arm, key, candidate.values, key.repeat))
        tracker.close(Work(1.0))


def _write(tracker: Tracker, spec: TrialSpec) -> None:
    end = random.Random(str(spec.key)).random()
    tracker.begin(spec, now())
    for epoch in range(1, EPOCHS + 1):
        value = end * (1 - 0.5 / epoch)
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        tracker.epoch(EpochMetrics(spec.key, epoch, dict.fromkeys(names, value), now()))
    tracker.finish(_result(spec.key, end * (1 - 0.5 / EPOCHS)))


def _result(key: TrialKey, value: float) -> TrialResult:
    return TrialResult(key, "complete", EPOCHS, 0.1, EPOCHS, value)


def _copy_trials(database: sqlite3.Connection, copy: int) -> None:
    """Another `WRITTEN` trials of each arm, under numbers of their own."""
    searched = "SELECT run_uuid FROM tags WHERE key = 'stage' AND value = 'search'"
    originals = f"run_uuid IN ({searched}) AND run_uuid NOT LIKE '%-%'"
    for table in ("runs", "metrics", "latest_metrics", "params", "tags"):
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        copied = ", ".join(f"run_uuid || '-{copy}'" if c == "run_uuid" else c for c in columns)
        query = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {copied} FROM {table}"
        database.execute(f"{query} WHERE {originals}")
    database.execute(
        "UPDATE tags SET value = value + ? WHERE key = 'trial' AND run_uuid LIKE ?",
        (copy * WRITTEN, f"%-{copy}"),
    )


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print("| trials | a draw (ms) | a verdict (ms) | an end (ms) | the report (s) |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for trials in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="scale-") as temporary:
            times = search_times(trials, Path(temporary))
            seconds = report_seconds(trials, Path(temporary))
        print(f"| {trials:,} | {' | '.join(f'{t:.1f}' for t in times.values())} | {seconds:.1f} |")


if __name__ == "__main__":
    main()

"""What was put down is carried out again after a crash, from its start: nothing is added by that,
wherever the crash came."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.schema import Tracking
from fairsweep.records import Confirmation, EpochMetrics, TrialKey, TrialResult
from fairsweep.stages.search import trial_spec
from fairsweep.tracking.store import Store, find_store
from fairsweep.tracking.write import Tracker
from fairsweep.tracking.write.frame import Facts
from fairsweep.tracking.write.operations import Writer
from fairsweep.tracking.write.spool import Operation, Spool

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")

PLAN = compose_sweep(["optimizer=adam", "sweep.name=replayed"])
DATA: dict[str, object] = {"name": "digits", "source": "digits"}
FACTS = Facts(DATA, "0", ("loss", "accuracy"), Confirmation(5, 2))
KEY = TrialKey("adam", "search", 0)
SPEC = trial_spec(PLAN, PLAN.arms[0], KEY, {}, seed=1)


def epoch(number: int, attempt: int) -> EpochMetrics:
    values = {"loss": 1 / number, "val_accuracy": number / 10}
    return EpochMetrics(replace(KEY, attempt=attempt), number, values, 1_000 + number)


@pytest.fixture(scope="module")
def template(
    empty_store: Callable[[Path], Store], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A store with a database and nothing in it."""
    return empty_store(tmp_path_factory.mktemp("replay") / "mlruns").root


@pytest.fixture(scope="module")
def operations(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Operation]:
    """A training that is lost twice and goes on in its run, then one that begins anew and ends."""
    root = shutil.copytree(template, tmp_path_factory.mktemp("first") / "mlruns")
    path = root / "studies" / "replayed.spool"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Spool, "done", lambda _: None)
        patch.setattr(Spool, "clear", lambda _: None)
        store = find_store(Tracking("local", str(root)))
        with Tracker(store, PLAN, FACTS, path) as tracker:
            tracker.open()
            for attempt in (1, 2, 3):
                key = replace(KEY, attempt=attempt)
                tracker.begin(replace(SPEC, key=key), 100 + attempt, goes_on=attempt > 1)
                for number in (2 * attempt - 1, 2 * attempt):
                    tracker.epoch(epoch(number, attempt))
                tracker.lose(key)
            last = replace(KEY, attempt=4)
            tracker.begin(replace(SPEC, key=last), 104)
            for number in (1, 2):
                tracker.epoch(epoch(number, 4))
            tracker.finish(TrialResult(last, "complete", 2, 0.5, 2, 0.2))
            tracker.drain()
    return Spool(path).left()


def carried_out(store: Store, operations: Sequence[Operation], again: bool) -> None:
    writer = Writer(store, PLAN, FACTS)
    writer.open()
    for operation in operations:
        writer.carry_out(operation, again)


def held(store: Store) -> list[Any]:
    """Every training's run, with all of its rows."""
    client = store.client()
    runs = client.search_runs(
        [e.experiment_id for e in client.search_experiments()], "tags.stage = 'search'"
    )
    return sorted(
        (
            run.info.run_name,
            run.data.tags["attempt"],
            run.data.tags["outcome"],
            run.info.status,
            [
                (key, [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, key)])
                for key in sorted(run.data.metrics)
            ],
        )
        for run in runs
    )


@pytest.mark.parametrize("first", [0, pytest.param(1, marks=pytest.mark.long)])
def test_a_replay_adds_nothing_wherever_the_crash_came(
    first: int, template: Path, operations: Sequence[Operation], tmp_path: Path
) -> None:
    """After every second operation: an attempt has three, so that each kind is the last once."""
    names = [operation.name for operation in operations]
    assert names.count("begin") == 4
    crashes = range(first, len(operations) + 1, 2)
    assert {names[done - 1] for done in crashes} >= {"begin", "epochs", "lose"}
    states = []
    for done in crashes:
        root = shutil.copytree(template, tmp_path / str(done) / "mlruns")
        store = find_store(Tracking("local", str(root)))
        carried_out(store, operations[:done], again=False)
        carried_out(store, operations, again=True)
        states.append(held(store))
    assert [[run[:4] for run in state] for state in states[:1]] == [
        [
            ("adam/0", "3", "interrupted", "KILLED"),
            ("adam/0 (attempt 4)", "4", "complete", "FINISHED"),
        ]
    ]
    first_run = dict(states[0][0][4])
    assert first_run["loss"] == [(number, 1 / number) for number in range(1, 7)]
    assert [state for state in states if state != states[0]] == []

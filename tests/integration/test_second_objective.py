"""A second objective, from the training that measures it to the model that is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.config.schema import Tracking
from fairsweep.doctor.examine import examine
from fairsweep.records import Objective, SweepRecord, TrialSpec
from fairsweep.report.analysis.select import select
from fairsweep.search.study import ArmStudy
from fairsweep.stages.outcome import rebuild_report
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import Step, learning, scripted, tiny_data
from fairsweep.tracking.read import read_sweep
from fairsweep.tracking.store import Store, find_store
from tests.integration.stored import Run, Stored
from tests.integration.training_room import FEW_ROWS, train

pytestmark = pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves
NAME = "weighed"
SWEEP = (
    *("arms.optimizer=[sgd,adam]", "search=random", "search.trials=3", "training.epochs=2"),
    *("pruner=none", "confirm.folds=2", "confirm.repeats=1", "executor.workers=1"),
    *("objective.second=parameters", "objective.tolerance=0.9"),
    *("terminal=quiet", f"sweep.name={NAME}"),
)
Made = tuple[Path, SweepRecord]


def swept(root: Path, script: Callable[[TrialSpec], Iterator[Step]] = learning) -> None:
    job = prepare([*SWEEP, *tiny_data(root.parent), f"tracking.root={root}"], None)
    assert run_sweep(job, root / "hydra" / "logs", scripted(script)) == 0


def stored(root: Path) -> SweepRecord:
    return read_sweep(find_store(Tracking("local", str(root))), NAME)


def runs(root: Path) -> dict[str, Run]:
    """The trainings of a sweep that ended, by name without the attempt."""
    found = [run for run in Stored(root / "mlflow.db").runs(NAME) if run.stage not in ("", "arm")]
    return {run.name.partition(" ")[0]: run for run in found if run.outcome != "interrupted"}


def front(root: Path) -> set[str]:
    return {name for name, run in runs(root).items() if run.tags.get("pareto") == "true"}


@pytest.fixture(scope="module")
def undisturbed(
    empty_store: Callable[[Path], Store], tmp_path_factory: pytest.TempPathFactory
) -> Made:
    root = empty_store(tmp_path_factory.mktemp("weighed") / "mlruns").root
    swept(root)
    return root, stored(root)


def test_the_smallest_model_within_the_tolerance_is_confirmed_and_published(
    undisturbed: Made,
) -> None:
    """All trials are within 0.9 of each other."""
    root, record = undisturbed
    assert record.objective == Objective(
        "val_accuracy", "maximize", Objective("parameters", "minimize"), 0.9
    )
    smallest = {}
    for arm in ("sgd", "adam"):
        own = [run for run in record.runs if (run.key.arm, run.key.stage) == (arm, "search")]
        least = min(own, key=lambda run: run.second or 0)
        assert len({run.second for run in own}) == len(own) == 3
        smallest[arm] = least.second
        confirmed = [run for run in record.runs if run.key.stage == "confirm"]
        assert {run.key.trial for run in confirmed if run.key.arm == arm} == {least.key.trial}
        assert {run.second for run in confirmed if run.key.arm == arm} == {least.second}
    recommended = min(smallest, key=lambda arm: smallest[arm] or 0)
    assert select(record).recommended == recommended
    assert record.champion is not None
    (published,) = [run for run in record.runs if run.run_id == record.champion.run_id]
    assert (published.key.arm, published.key.stage) == (recommended, "refit")
    problems = examine(find_store(Tracking("local", str(root))), NAME).problems
    assert [str(problem) for problem in problems] == []


def test_mlflow_can_sort_by_it_and_find_the_front(undisturbed: Made) -> None:
    root, record = undisturbed
    trials = {str(run.key): run for run in record.runs if run.key.stage == "search"}
    for name, run in trials.items():
        assert runs(root)[name].last("second_parameters") == run.second
    smallest = min(trials.values(), key=lambda run: run.second or 0)
    best = max(trials.values(), key=lambda run: run.best_value or 0)
    assert {str(smallest.key), str(best.key)} <= front(root) <= set(trials)


def test_a_report_made_again_changes_nothing_and_tags_the_front(undisturbed: Made) -> None:
    root, record = undisturbed
    store, marked = find_store(Tracking("local", str(root))), front(root)
    (own,) = Stored(root / "mlflow.db").runs(NAME, "sweep")
    page = Path(own.artifact_uri.removeprefix("file://")) / "report" / "report.html"
    before, ids = page.read_bytes(), {name: run.run_id for name, run in runs(root).items()}
    client = store.client()
    lost, wrong = min(marked), min(set(ids) - marked)
    client.delete_tag(ids[lost], "pareto")
    client.set_tag(ids[wrong], "pareto", "true")
    rebuild_report(store, record, "quiet", root / "hydra" / "logs")
    assert front(root) == marked
    assert page.read_bytes() == before


@pytest.mark.long(8)
def test_a_sweep_that_goes_on_is_the_undisturbed_one(
    undisturbed: Made,
    empty_store: Callable[[Path], Store],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """It stops where a trial is stored, and its study wasn't told; and in a confirmation."""
    root, told = empty_store(tmp_path / "mlruns").root, ArmStudy.tell

    def stops(study: ArmStudy, number: int, result: object) -> None:
        if number == 1:
            raise KeyboardInterrupt
        told(study, number, result)  # type: ignore[arg-type]

    def stopping(spec: TrialSpec) -> Iterator[Step]:
        if spec.key.stage == "confirm":
            raise KeyboardInterrupt
        return learning(spec)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ArmStudy, "tell", stops)
        swept(root)
    with pytest.raises(KeyboardInterrupt):
        swept(root, stopping)
    swept(root)
    other, record = undisturbed
    for mine, theirs in zip(stored(root).runs, record.runs, strict=True):
        assert mine.key.first == theirs.key.first
        assert (mine.second, mine.best_value) == (theirs.second, theirs.best_value)
    assert select(stored(root)).recommended == select(record).recommended
    assert front(root) == front(other)


# What a training measures.

SMALL = (
    *("optimizer=adam", "training.epochs=2", *FEW_ROWS, "model.space.hidden_units=null"),
    *("model.params.hidden_units=[16]", "training.metrics=[accuracy,f1]"),
)
NUMBERS = 64 * 16 + 16 + 16 * 10 + 10
"""The weights of a layer of 16 units and one of 10 for digits of 64 pixels."""


@pytest.mark.parametrize(
    ("loop", "second", "value"),
    [("resident", "parameters", NUMBERS), ("fit", "bytes", 4 * NUMBERS)],
)
def test_weights_are_counted(loop: str, second: str, value: int) -> None:
    trained = train(*SMALL, f"objective.second={second}", f"training.loop={loop}")
    assert trained.result.second == value


def test_of_a_program_that_an_earlier_model_made_the_weights_are_its_own() -> None:
    from fairsweep.training.trial import WorkerCache

    cache = WorkerCache()
    for units in (16, 8):
        widths = f"model.params.hidden_units=[{units}]"
        trained = train(*SMALL, widths, "objective.second=parameters", cache=cache)
        assert trained.result.second == 64 * units + units + units * 10 + 10
    assert len(cache.programs) == 1


def test_a_metric_is_that_of_the_best_epoch() -> None:
    trained = train(*SMALL, "objective.second=val_f1", "training.epochs=4")
    best = trained.result.best_epoch
    assert best is not None
    assert trained.result.second == trained.curve("val_f1")[best - 1]


def test_seconds_are_measured_and_change_no_other_number() -> None:
    plain, weighed = train(*SMALL), train(*SMALL, "objective.second=seconds")
    assert plain.result.second is None
    assert weighed.result.second is not None
    assert 0 < weighed.result.second < 1
    assert weighed.epochs == plain.epochs

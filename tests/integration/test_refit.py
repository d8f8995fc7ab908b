"""What is published: the best arm's configuration on all rows that aren't for testing, or on a
fold; whatever was killed on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.config.schema import Tracking
from fairsweep.folds import ALL_ROWS
from fairsweep.records import SweepRecord, TrialSpec
from fairsweep.report import static
from fairsweep.report.analysis.curves import Style
from fairsweep.report.figures import Figure
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import ScriptedExecutor, Step, died, learning, scripted, tiny_data
from fairsweep.tracking.read import read_sweep
from fairsweep.tracking.store import Store, find_store

pytestmark = pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves
SWEEP = (
    *("arms.optimizer=[sgd,adam]", "search=random", "search.trials=2", "training.epochs=5"),
    *("confirm.folds=3", "confirm.repeats=1", "sweep.name=refit", "terminal=quiet"),
)


@pytest.fixture
def root(empty_store: Callable[[Path], Store], tmp_path: Path) -> Path:
    return empty_store(tmp_path / "mlruns").root


def swept(
    root: Path, *more: str, script: Callable[[TrialSpec], Iterator[Step]] = learning
) -> tuple[SweepRecord, list[TrialSpec]]:
    """The sweep as it is stored, and what was trained for it by this process."""
    data = tiny_data(root.parent)
    job = prepare([*SWEEP, *data, f"tracking.root={root}", *more], None)
    opened: list[ScriptedExecutor] = []
    assert run_sweep(job, root / "hydra" / "logs", scripted(script, opened=opened)) == 0
    given = [spec for executor in opened for spec in executor.given]
    return read_sweep(job.store, "refit"), [spec for spec in given if spec.key.stage != "check"]


def falling(spec: TrialSpec) -> Iterator[Step]:
    """Is best after three epochs."""
    for epoch, metrics in enumerate(learning(spec), 1):
        assert isinstance(metrics, dict)
        late = max(0, epoch - 3) / 2
        yield {n: v - late if "accuracy" in n else v + late for n, v in metrics.items()}


def test_it_is_trained_on_all_rows_for_as_many_epochs_as_were_best(root: Path) -> None:
    record, trained = swept(root, script=falling)
    (spec,) = [spec for spec in trained if spec.key.stage == "refit"]
    assert trained[-1] is spec
    assert (spec.fold, spec.last_epoch, spec.test) == (ALL_ROWS, 3, True)
    assert record.champion is not None
    (run,) = [run for run in record.runs if run.key.stage == "refit"]
    assert record.champion.run_id == run.run_id
    assert (run.epochs, run.best_value, run.best_epoch) == (3, None, None)
    confirmed = [r for r in record.runs if r.key.stage == "confirm" and r.key.arm == run.key.arm]
    assert {r.key.trial for r in confirmed} == {run.key.trial}
    assert spec.seed not in {r.seed for r in confirmed}


def test_a_fold_is_published_where_that_is_asked_for(root: Path) -> None:
    record, trained = swept(root, "publish.fit=fold")
    assert {spec.key.stage for spec in trained} == {"search", "confirm"}
    assert record.champion is not None
    (run,) = [run for run in record.runs if run.run_id == record.champion.run_id]
    assert run.key.stage == "confirm"
    own = [r for r in record.runs if r.key.stage == "confirm" and r.key.arm == run.key.arm]
    assert run.best_value == max(r.best_value or 0 for r in own)


def test_what_is_trained_for_publication_is_trained_once(root: Path) -> None:
    swept(root)
    again, trained = swept(root)
    assert trained == []
    assert len([run for run in again.runs if run.key.stage == "refit"]) == 1


def test_a_refit_whose_worker_dies_is_trained_again(root: Path) -> None:
    def dying(spec: TrialSpec) -> Iterator[Step]:
        for epoch, metrics in enumerate(learning(spec), 1):
            if spec.key.stage == "refit" and spec.key.attempt == 1 and epoch == 2:
                yield died()
            yield metrics

    record, trained = swept(root, script=dying)
    attempts = [spec.key.attempt for spec in trained if spec.key.stage == "refit"]
    assert attempts == [1, 2]
    assert record.champion is not None


def test_the_report_is_drawn_while_the_champion_trains(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not again at the end: nothing that a picture shows comes of that training."""
    happened: list[str] = []
    drawing = static.draw

    def draw(figure: Figure, arms: Mapping[str, Style]) -> bytes:
        happened.append(figure.name)
        return drawing(figure, arms)

    def slow(spec: TrialSpec) -> Iterator[Step]:
        if spec.key.stage == "refit":
            yield from [None] * 50  # more than there are parts of a report
            happened.append("trained")
        yield from learning(spec)

    monkeypatch.setattr(static, "draw", draw)
    record, _ = swept(root, script=slow)
    assert record.finished
    (folder,) = (root / "artifacts").glob("*/artifacts/report")
    pictures = {file.stem for file in folder.glob("*.svg")}
    assert len(pictures) > 5
    assert happened == [*happened[:-1], "trained"]
    assert sorted(happened[:-1]) == sorted(pictures)


def test_what_is_known_of_a_training_is_not_read_again(root: Path) -> None:
    record, _ = swept(root)
    store = find_store(Tracking(root=str(root)))
    again = read_sweep(store, "refit", record)
    assert again == record
    curves = {"loss": [0.25]}
    marked = [replace(run, curves=curves) if run.curves else run for run in record.runs]
    seen = read_sweep(store, "refit", replace(record, runs=tuple(marked)))
    assert [dict(run.curves) for run in seen.runs] == [dict(run.curves) for run in marked]
    assert curves in [run.curves for run in seen.runs]
    rows = {run.run_id: run.judged for run in record.runs if run.judged is not None}
    assert rows
    assert {run.run_id: run.judged for run in again.runs if run.judged is not None} == rows

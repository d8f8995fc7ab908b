"""What another metric and another task take: an entry in a table, and a module."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fairsweep import tasks
from fairsweep.commands.sweep import prepare
from fairsweep.data.recipe import write_model
from fairsweep.doctor.examine import examine
from fairsweep.errors import BadInput
from fairsweep.files import TrialFolders
from fairsweep.metrics import METRICS, KerasMetric, Metric
from fairsweep.stages.champion import recipe_of
from fairsweep.stages.job import Job
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import learning, scripted, tiny_data
from fairsweep.tracking.names import SWEEP_TAG
from fairsweep.tracking.read import read_sweep
from fairsweep.tracking.store import Store
from fairsweep.training.trial import train_trial
from tests.integration.grades import Grades
from tests.integration.training_room import compose, train

pytestmark = pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves

SHORT = (
    *("arms.optimizer=[sgd,adam]", "search.trials=2", "training.epochs=3"),
    *("confirm.folds=0", "confirm.seeds=1"),
    "terminal=quiet",
)
SURPRISE = Metric(
    "surprise",
    "minimize",
    "Surprise",
    "How little a model expected what came.",
    keras={"sparse": KerasMetric("SparseCategoricalCrossentropy")},
)
TOP_2 = Metric(
    "top_2_accuracy",
    "maximize",
    "Top-2 accuracy",
    "How often the class is one of the two likeliest.",
    keras={"sparse": KerasMetric("SparseTopKCategoricalAccuracy", {"k": 2})},
)
ADDED = "training.metrics=[accuracy,surprise,top_2_accuracy]"

Swept = Callable[..., tuple[Job, str]]


@pytest.fixture
def swept(tmp_path: Path, empty_store: Callable[[Path], Store]) -> Swept:
    """Runs a sweep that a script trains; gives it and its report."""

    def run(*overrides: str) -> tuple[Job, str]:
        root = empty_store(tmp_path / "mlruns").root
        job = prepare([*SHORT, f"tracking.root={root}", *overrides], None)
        assert run_sweep(job, tmp_path, scripted(learning)) == 0
        (report,) = root.rglob("report.html")
        return job, report.read_text()

    return run


def stored_about(folder: Path) -> dict[str, object]:
    with sqlite3.connect(folder / "mlruns" / "mlflow.db") as database:
        ((about,),) = database.execute("SELECT value FROM tags WHERE key = ?", (SWEEP_TAG,))
    found: dict[str, object] = json.loads(about)
    return found


class TestMetric:
    """One entry in the table, for one form of answers."""

    @pytest.fixture(autouse=True)
    def entered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for metric in (SURPRISE, TOP_2):
            monkeypatch.setitem(METRICS, metric.name, metric)

    def test_a_sweep_selects_by_it_to_its_report(self, tmp_path: Path, swept: Swept) -> None:
        chosen = ("objective.metric=val_surprise", "objective.direction=minimize", ADDED)
        job, report = swept(*tiny_data(tmp_path), *chosen)
        assert stored_about(tmp_path)["metrics"] == [
            "loss",
            "accuracy",
            "surprise",
            "top_2_accuracy",
        ]
        record = read_sweep(job.store, job.plan.name)
        drawn = [run for run in record.runs if run.curves]
        assert drawn
        for run in drawn:
            assert {"surprise", "val_surprise"} <= set(run.curves)
        assert "curves-surprise" in report
        assert SURPRISE.caption in report
        assert examine(job.store, job.plan.name).problems == ()

    def test_keras_measures_it(self) -> None:
        """On a data set of classes, by the loss's own definition."""
        (epoch,) = train("data=digits", "model=mlp", "training.epochs=1", ADDED).epochs
        assert {"surprise", "val_surprise"} <= set(epoch)
        assert epoch["val_surprise"] == pytest.approx(epoch["val_loss"], rel=1e-5)
        assert epoch["val_accuracy"] < epoch["val_top_2_accuracy"] <= 1

    def test_it_isnt_measured_where_it_isnt_asked_for(self, tmp_path: Path, swept: Swept) -> None:
        _, report = swept(*tiny_data(tmp_path), "training.loss=categorical_crossentropy")
        assert stored_about(tmp_path)["metrics"] == ["loss", "accuracy"]
        assert "curves-accuracy" in report
        assert "curves-surprise" not in report

    def test_nothing_is_written_where_a_loss_wants_another_form(self, tmp_path: Path) -> None:
        told = (
            r"^training\.metrics: surprise, top_2_accuracy can't be measured for classes under "
            r"training\.loss=huber; need one of loss, accuracy, f1, .*, or leave it out "
            r"\(command line: training\.metrics=\[\S+\]\)$"
        )
        with pytest.raises(BadInput, match=told):
            prepare(
                [
                    *(*SHORT, f"tracking.root={tmp_path / 'mlruns'}", *tiny_data(tmp_path)),
                    *(ADDED, "training.loss=huber"),
                ],
                None,
            )
        assert not (tmp_path / "mlruns").exists()

    def test_nothing_is_written_where_the_objective_cant_be_measured(self, tmp_path: Path) -> None:
        chosen = ("objective.metric=val_surprise", "objective.direction=minimize")
        told = (
            r"^objective\.metric: surprise can't be measured for classes under "
            r"training\.loss=huber; need one of loss, accuracy, f1, .*, with val_ before it on "
            r"validation rows, got 'val_surprise' \(command line: objective\.metric=val_surprise\)$"
        )
        with pytest.raises(BadInput, match=told):
            prepare(
                [
                    *(*SHORT, f"tracking.root={tmp_path / 'mlruns'}", *tiny_data(tmp_path)),
                    *(*chosen, "training.loss=huber"),
                ],
                None,
            )
        assert not (tmp_path / "mlruns").exists()


def grades_of(folder: Path) -> Sequence[str]:
    """Rows whose grade is what their only feature says."""
    rows = [f"{size / 2 + 0.01 * (i % 7)},{1 + size / 2}" for i in range(20) for size in range(3)]
    (folder / "grades.csv").write_text("\n".join(["size,grade", *rows, ""]))
    return ("data=csv", f"data.path={folder / 'grades.csv'}", "data.target=grade")


class TestTask:
    """One module, and its name in the list."""

    @pytest.fixture(autouse=True)
    def entered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks, "TASKS", (*tasks.TASKS, Grades()))

    def test_a_sweep_of_it_runs_to_its_report(self, tmp_path: Path, swept: Swept) -> None:
        job, report = swept(*grades_of(tmp_path))
        assert job.data.dataset.task == Grades()
        data = stored_about(tmp_path)["data"]
        assert isinstance(data, dict)
        assert data["grades"] == "1, 1.5, 2"
        assert "1, 1.5, 2" in report
        assert examine(job.store, job.plan.name).problems == ()

    def test_a_model_of_it_is_trained_published_and_asked(self, tmp_path: Path) -> None:
        from fairsweep.training.serving import _load_pyfunc

        own = ("training.epochs=60", "training.batch_size=8", "optimizer=adam")
        rate = "optimizer.params.learning_rate=0.02"
        spec, data = compose(*grades_of(tmp_path), *own, rate)
        spec = replace(spec, test=True, weights="best")
        folders = TrialFolders(tmp_path / "checkpoints", tmp_path / "weights")
        result = train_trial(spec, data, lambda _: None, lambda _: True, folders=folders)
        assert (result.outcome, result.tested) == ("complete", None), result.error
        assert result.test["test_accuracy"] > 0.9
        weights = folders.weights_of("best").read_bytes()
        write_model(tmp_path / "model", recipe_of(spec, data), weights)
        answer = _load_pyfunc(str(tmp_path / "model")).predict(np.array([[0.0], [1.0]]))
        assert list(answer.columns) == ["grade", "p_1", "p_1.5", "p_2"]
        assert answer["grade"].tolist() == pytest.approx([1.0, 2.0], abs=0.2)

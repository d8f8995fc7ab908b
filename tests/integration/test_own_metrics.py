"""Metrics of the user's own: functions of arrays, Keras's classes, and what a model logs itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fairsweep import judged
from fairsweep.commands.sweep import prepare
from fairsweep.doctor.examine import examine
from fairsweep.errors import BadInput
from fairsweep.files import TrialFolders
from fairsweep.metrics import metric_named
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import scripted, tiny_data
from fairsweep.tracking.read import read_sweep
from fairsweep.training import own_metrics
from fairsweep.training.model_check import check
from fairsweep.training.trial import WorkerCache, train_trial
from tests.integration import own_metrics as own_metrics_here
from tests.integration.training_room import FEW_ROWS, assert_same, both_loops, compose

MODULE = "tests.integration.own_metrics"
SMALL = (
    *("data=digits", "optimizer=adam", "training.epochs=2", "training.batch_size=50"),
    *("training.space.batch_size=null", "model.space.hidden_units=null"),
    *("model.params.hidden_units=[16]", *FEW_ROWS),
)
OWN = ("profit", "doubt", "Found", "two_likeliest")
ASKED = f"training.metrics=[accuracy,{','.join(f'{MODULE}:{name}' for name in OWN)}]"
OBJECTIVE = ("objective.metric=val_profit", "objective.direction=maximize")


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


@pytest.mark.long(10)
def test_both_loops_measure_them_on_every_part() -> None:
    both = both_loops(*SMALL, ASKED, *OBJECTIVE, test=True)
    assert_same(*both)
    (resident, _) = both
    for epoch in resident.epochs:
        assert set(epoch) == {
            f"{part}{name}" for name in ("loss", "accuracy", *OWN) for part in ("", "val_")
        }
        assert epoch["val_profit"] == pytest.approx(1.5 * epoch["val_accuracy"] - 0.5, abs=1e-6)
        assert epoch["val_Found"] == epoch["val_accuracy"] < epoch["val_two_likeliest"]
    assert resident.result.best_value == max(resident.curve("val_profit"))
    tested = resident.result.test
    assert tested["test_profit"] == pytest.approx(1.5 * tested["test_accuracy"] - 0.5, abs=1e-6)
    assert 0 < tested["test_doubt"] < 1


def test_what_a_function_says_of_each_row_is_stored(tmp_path: Path) -> None:
    spec, data = compose(*SMALL, "training.epochs=1", ASKED, *OBJECTIVE)
    folders, cache = TrialFolders(tmp_path, tmp_path), WorkerCache()
    own = replace(spec, judged="rows", test=True)
    result = train_trial(own, data, lambda _: None, lambda _: True, cache, folders=folders)
    assert result.outcome == "complete", result.error
    said = judged.read(folders.judged_of("rows").read_bytes())
    assert list(said.metrics) == ["loss", "accuracy", "Found", "two_likeliest", "doubt"]
    assert said.metrics["doubt"] == pytest.approx(1 - np.exp(-said.metrics["loss"]), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("one_argument", "takes (y_true: 'Any') -> 'float', but is called with y_true and y_pred"),
        ("Plain", "must be a function of y_true and y_pred, or a keras.metrics.Metric"),
        ("Nameless", 'must take a name and pass it on: def __init__(self, name="Nameless"'),
    ],
)
def test_what_is_no_metric_is_told_with_its_line(name: str, told: str) -> None:
    metric = metric_named(f"{MODULE}:{name}")
    with pytest.raises(BadInput) as refused:
        assert own_metrics.function_of(metric) is own_metrics.built(metric)
    (problem,) = refused.value.problems
    assert problem.startswith("training.metrics: own_metrics.py:")
    assert told in problem


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "of_classes",
            "must give one number, or one for each of the 4 rows, but gives an array of",
        ),
        ("changes", "read-only"),
    ],
)
def test_what_a_function_must_not_do(name: str, told: str) -> None:
    function = own_metrics.function_of(metric_named(f"{MODULE}:{name}"))
    assert function is not None
    with pytest.raises((BadInput, ValueError), match=told):
        function(np.arange(4) % 3, np.full((4, 3), 1 / 3))


def test_a_column_has_a_number_for_each_row() -> None:
    """Numbers to predict are (rows, targets), and so is what is computed from them."""
    function = own_metrics.function_of(metric_named(f"{MODULE}:off"))
    assert function is not None
    found = function(np.array([[1.0], [2.0], [4.0]]), np.array([[1.5], [2.0], [1.0]]))
    assert found.tolist() == [0.5, 0.0, 3.0]
    with pytest.raises(BadInput, match=r"take the mean of each row, \.mean\(axis=1\)"):
        function(np.ones((3, 2)), np.zeros((3, 2)))


def test_a_worker_tells_of_them_before_the_first_trial() -> None:
    spec, data = compose(*SMALL, f"training.metrics=[{MODULE}:changes]")
    result = check(spec, data, WorkerCache())
    assert result.error.startswith("training.metrics: ")
    assert "read-only" in result.error
    assert "own_metrics.py:" in result.error


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        ("at_half", "at_half = ", "fails with y_true of the shape (8,) and y_pred of (8, 10): "),
        ("closed", "closed: ", "can't be made again from its get_config(), which must give"),
    ],
)
def test_an_object_of_keras_that_fails_is_named_with_its_line(
    name: str, line: str, told: str
) -> None:
    spec, data = compose(*SMALL, f"training.metrics=[{MODULE}:{name}]")
    lines = (Path(__file__).parent / "own_metrics.py").read_text().splitlines()
    number = next(i for i, text in enumerate(lines, 1) if text.startswith(line))
    error = check(spec, data, WorkerCache()).error
    assert error.startswith(f"training.metrics: own_metrics.py:{number}: {name} {told}")


@pytest.mark.parametrize("objective", ["val_accuracy", "val_nothing"])
def test_a_metric_that_is_never_a_number_is_told_and_selects_nothing(objective: str) -> None:
    chosen = (f"objective.metric={objective}", "objective.direction=maximize")
    spec, data = compose(*SMALL, f"training.metrics=[accuracy,{MODULE}:nothing]", *chosen)
    selects = objective == "val_nothing"
    key, name = ("objective.metric", "val_nothing") if selects else ("training.metrics", "nothing")
    place = f"{key}: own_metrics.py:{own_metrics_here.nothing.__code__.co_firstlineno}: nothing()"
    cache = WorkerCache()
    told = check(spec, data, cache)
    (note,) = told.notes
    assert told.error == ""
    assert note.startswith(f"{place} gives no number on the first rows, but NaN, as {name}; see")
    result = train_trial(spec, data, lambda _: None, lambda _: True, cache)
    if selects:
        assert result.outcome == "failed"
        assert result.error.startswith(f"{place} gives no number in any epoch, but NaN, as {name}")
    else:
        assert (result.outcome, result.error) == ("complete", "")


def test_what_a_model_logs_itself_can_select() -> None:
    own = ("model=custom", f"model.builder={MODULE}:logging")
    shared = (*(word for word in SMALL if "hidden_units" not in word), *own)
    chosen = ("objective.metric=val_one_of_three", "objective.direction=maximize")
    spec, data = compose(*shared, *chosen, "training.epochs=1")
    result = check(spec, data, WorkerCache())
    assert (result.error, list(result.notes)) == ("", [])
    misspelt = replace(spec, objective=replace(spec.objective, metric="val_one_of_tree"))
    told = check(misspelt, data, WorkerCache()).error
    assert "but not val_one_of_tree" in told
    assert "have the model keep a keras.metrics.Mean of that name" in told


@pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves
def test_a_sweep_that_selects_by_one_is_judged_by_folds(tmp_path: Path) -> None:
    """Nothing is known of its rows, so the report says how folds are compared."""
    job = prepare(
        [
            *("arms.optimizer=[sgd,adam]", "search.trials=1", "training.epochs=2"),
            *("confirm.folds=2", "confirm.repeats=1", "terminal=quiet"),
            *(f"training.metrics=[accuracy,{MODULE}:profit]", *OBJECTIVE),
            f"tracking.root={tmp_path / 'mlruns'}",
            *tiny_data(tmp_path),
        ],
        None,
    )
    run_sweep(job, tmp_path, scripted())
    (report,) = (tmp_path / "mlruns").rglob("report.md")
    told = report.read_text()
    assert "by the val_profit of trainings on the same rows" in told
    assert "corrected (Nadeau and Bengio)" in told
    sweep = read_sweep(job.store, job.plan.name)
    assert sweep.metrics == ("loss", "accuracy", "profit")
    assert sweep.objective.metric == "val_profit"
    assert all("profit" in run.curves for run in sweep.runs if run.curves)
    assert examine(job.store, job.plan.name).problems == ()

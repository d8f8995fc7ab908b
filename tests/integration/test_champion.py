"""The winner as a model: registered, served over HTTP, asked by a command, and true to its run."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fairsweep.commands.predict import KEYS, prepare
from fairsweep.config.schema import Data
from fairsweep.data.split import SplitData, load_split
from fairsweep.errors import BadInput
from fairsweep.stages.predict import answer
from tests.integration.lab import listing
from tests.integration.scenarios import OWN_PROJECT, Growing, Served, Smoke


@pytest.fixture(scope="module")
def digits() -> SplitData:
    return load_split(Data("digits", "digits", rescale=0.0625))


def table(text: str) -> tuple[list[str], np.ndarray, list[str]]:
    """Classes, probabilities, and the names of their columns."""
    header, *rows = list(csv.reader(io.StringIO(text)))
    assert header[0] == "class"
    return [row[0] for row in rows], np.array([row[1:] for row in rows], float), header[1:]


def versions(database: Path, name: str) -> list[dict[str, str]]:
    """Tags of all versions of a registered model, the oldest first."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT version, key, value FROM model_version_tags WHERE name = ? ORDER BY version",
            (name,),
        ).fetchall()
    return [
        {key: value for number, key, value in rows if number == version}
        for version in sorted({row[0] for row in rows})
    ]


def champion_of(database: Path, name: str) -> tuple[int, str]:
    """Version and run of the champion."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT version, run_id FROM model_versions JOIN registered_model_aliases a "
            "USING (name, version) WHERE name = ? AND a.alias = 'champion'",
            (name,),
        ).fetchone()


def test_the_champion_is_the_best_arms_configuration_on_all_rows(
    smoke: Smoke, digits: SplitData
) -> None:
    """It is trained once more, for as many epochs as its confirmations found best."""
    stored = smoke.sandbox.stored
    confirmed = stored.runs(smoke.sweep, "confirm")
    arms = sorted({run.arm for run in confirmed})
    best = {arm: [r.last("best_val_accuracy") for r in confirmed if r.arm == arm] for arm in arms}
    means = {arm: sum(values) / len(values) for arm, values in best.items()}
    arm = max(arms, key=means.__getitem__)
    (tags,) = versions(stored.database, smoke.sweep)
    assert tags["arm"] == arm
    assert float(tags["confirmed_mean"]) == pytest.approx(means[arm], abs=1e-12)
    version, run_id = champion_of(stored.database, smoke.sweep)
    assert version == 1
    (run,) = stored.runs(smoke.sweep, "refit")
    of_arm = [r for r in confirmed if r.arm == arm]
    assert (run.run_id, run.arm, run.trial) == (run_id, arm, of_arm[0].trial)
    epochs = sorted(r.last("best_epoch") for r in of_arm)
    assert run.last("epochs") == epochs[(len(epochs) - 1) // 2]
    assert not any(name.startswith("val_") for name in run.metrics)
    assert tags["fit"] == "all"
    assert run.last("test_accuracy") * len(digits.test) == pytest.approx(
        round(run.last("test_accuracy") * len(digits.test)), abs=1e-4
    )


def test_a_published_model_has_nothing_of_the_users_own_project(smoke: Smoke) -> None:
    (model,) = (smoke.sandbox.work / "mlruns" / "artifacts" / "models").iterdir()
    assert (smoke.sandbox.work / OWN_PROJECT[0]).exists()
    assert not {path.name for path in model.rglob("*")} & set(OWN_PROJECT)


def test_predictions_are_those_that_the_run_was_judged_by(
    served: Served, digits: SplitData
) -> None:
    """The published model classifies the test rows exactly as its own run did."""
    classes, probabilities, names = table(served.predicted.read_text())
    right = sum(
        name == str(label)
        for name, label in zip(classes, digits.dataset.y[digits.test], strict=True)
    )
    _, run_id = champion_of(served.database, served.sweep)
    (run,) = [run for run in served.sandbox.stored.runs() if run.run_id == run_id]
    assert right == round(run.last("test_accuracy") * len(digits.test))
    assert names == [f"p_{digit}" for digit in range(10)]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-12)
    assert (probabilities >= 0).all()
    assert classes == [str(digit) for digit in probabilities.argmax(axis=1)]


def test_test_rows_are_counted_by_class(served: Served, digits: SplitData) -> None:
    _, run_id = champion_of(served.database, served.sweep)
    (run,) = [run for run in served.sandbox.stored.runs() if run.run_id == run_id]
    stored = json.loads(
        (Path(run.artifact_uri.removeprefix("file://")) / "confusion.json").read_text()
    )
    classes, _, _ = table(served.predicted.read_text())
    expected = np.zeros((10, 10), int)
    for true, predicted in zip(digits.dataset.y[digits.test], classes, strict=True):
        expected[true, int(predicted)] += 1
    assert stored["classes"] == [str(digit) for digit in range(10)]
    assert stored["counts"] == expected.tolist()


def test_mlflow_serves_it_over_http(served: Served) -> None:
    """The answer to a real request is what the command says of the same rows."""
    classes, probabilities, names = table(served.predicted.read_text())
    answers = served.answer["predictions"]
    assert [one["class"] for one in answers] == classes[: len(answers)]
    for one, expected in zip(answers, probabilities, strict=False):
        np.testing.assert_allclose(
            np.array([one[name] for name in names], float), expected, rtol=1e-5, atol=1e-7
        )


def test_a_request_of_another_shape_is_refused(served: Served) -> None:
    assert served.refused == 400


def test_a_csv_and_an_npz_of_the_same_rows_have_the_same_answer(served: Served) -> None:
    assert served.from_csv.read_bytes() == served.predicted.read_bytes()


def test_a_moved_store_is_all_there_and_the_old_place_isnt_touched(served: Served) -> None:
    assert served.report.code == 0, served.report.said
    assert served.reports[0] == served.reports[1]
    assert served.old_place_untouched
    assert b"fairsweep predict model=" in served.reports[0]["report.md"]
    assert b" input=rows.npz output=classes.csv" in served.reports[0]["report.md"]
    for run in served.sandbox.stored.runs():
        assert run.artifact_uri.startswith(f"file://{served.sandbox.work}/"), run.artifact_uri


def test_a_champion_gives_way_to_a_better_mean_only(growing: Growing) -> None:
    found = versions(growing.sandbox.stored.database, "growing")
    means = [float(tags["confirmed_mean"]) for tags in found]
    assert means == sorted(means, reverse=True)  # the objective is a loss
    assert len(set(means)) == len(means)
    version, _ = champion_of(growing.sandbox.stored.database, "growing")
    assert version == len(found)


def test_nothing_of_it_is_left_beside_the_store(smoke: Smoke) -> None:
    left = [path for path in smoke.written["work"] if ".files" in path or path.endswith(".tmp")]
    assert left == []
    kept = [path for path in smoke.written["work"] if path.endswith("weights.npz")]
    assert kept


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("model=nope", "input=rows.npz", "output=o.csv"), "no sweep 'nope' has a champion"),
        (
            ("model=models:/nope/3", "input=rows.npz", "output=o.csv"),
            "models:/nope/3 can't be read",
        ),
        (("input=none.csv", "output=o.csv"), "there is no file"),
        (("input=rows.npz", "output=o.txt"), "output: need a .csv"),
        (("input=rows.csv", "output=./rows.csv"), "rows.csv is the input"),
        (("input=rows.npz", "output=no/o.csv"), "there is no folder"),
        (("input=rows.npz",), "output: must be given"),
        (("input=rows.npz", "output=o.csv", "tracking.root=empty"), "there is no store"),
        (("input=rows.npz", "output=o.csv", "inptu=2"), "inptu: there is no such key"),
    ],
    ids=[
        *("no-sweep", "no-model", "no-input", "not-csv", "input-itself", "no-folder", "no-output"),
        *("no-store", "key"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # those of MLflow's import
def test_what_cant_be_predicted_is_told_and_nothing_written(
    served: Served,
    overrides: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(served.sandbox.work)
    before = listing(served.sandbox.work)
    given = [f"predict.{word}" if word.partition("=")[0] in KEYS else word for word in overrides]
    with pytest.raises(BadInput) as told:
        answer(prepare(given, None), tmp_path)
    assert message in str(told.value)
    assert listing(served.sandbox.work) == before


def test_a_builder_of_the_users_is_not_run_unless_it_is_trusted(tmp_path: Path) -> None:
    from fairsweep.data.recipe import Recipe, write_model
    from fairsweep.data.scaling import Scaling
    from fairsweep.training.serving import _load_pyfunc

    recipe = Recipe("os:system", {}, Scaling(), (2,), ("a", "b"))
    weights = io.BytesIO()
    np.savez(weights, np.zeros(2))
    write_model(tmp_path / "model", recipe, weights.getvalue())
    with pytest.raises(BadInput, match="'os', which is not trusted"):
        _load_pyfunc(str(tmp_path / "model"))

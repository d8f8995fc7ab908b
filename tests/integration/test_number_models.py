"""Regression: from numbers in a file to a model that predicts them in their own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn import metrics as sk

from fairsweep.data.recipe import write_model
from fairsweep.data.split import split_rows
from fairsweep.files import TrialFolders
from fairsweep.folds import Fold
from fairsweep.judged import read
from fairsweep.records import EpochMetrics, TrialSpec
from fairsweep.stages.champion import recipe_of
from fairsweep.tasks import VALUES
from fairsweep.tasks.layer import Scale
from fairsweep.training.loss import build_loss
from tests.integration.training_room import Trained, assert_same, both_loops, compose, run

pytestmark = pytest.mark.filterwarnings("default")

ROWS = 240
METRICS = "training.metrics=[mae,rmse,r2,mape]"
SHORT = ("optimizer=adam", "training.epochs=3", "optimizer.params.learning_rate=0.01", METRICS)

Table = dict[str, npt.NDArray[np.float64]]


def rows(shift: float = 0.0) -> Table:
    """Prices far from 0 that are linear in two features, and noise in a third."""
    random = np.random.default_rng(5)
    a, b, c = random.normal(size=(3, ROWS))
    return {"a": a, "b": b, "c": c, "price": 250_000 + 40_000 * a - 15_000 * b + shift}


def csv(folder: Path, table: Table, target: str = "price") -> tuple[str, ...]:
    pd.DataFrame(table).to_csv(folder / "rows.csv", index=False)
    return ("data=csv", f"data.path={folder / 'rows.csv'}", f"data.target={target}")


def kept(folder: Path, spec: TrialSpec, *args: object) -> tuple[Trained, TrialFolders]:
    """A training that leaves its weights and what it says of rows."""
    from fairsweep.training.trial import train_trial

    folders = TrialFolders(folder / "checkpoints", folder / "kept")
    heard: list[EpochMetrics] = []
    own = replace(spec, test=True, weights="best", judged="rows")
    result = train_trial(own, args[0], heard.append, lambda _: True, folders=folders)  # type: ignore[arg-type]
    assert result.outcome == "complete", result.error
    return Trained([dict(own.values) for own in heard], result), folders


@pytest.mark.parametrize(
    "loss", ["mean_squared_error", pytest.param("quantile", marks=pytest.mark.long(3))]
)
def test_both_loops_give_the_same_numbers(loss: str, tmp_path: Path) -> None:
    own = (*csv(tmp_path, rows()), *SHORT, "training.epochs=2", f"training.loss={loss}")
    assert_same(*both_loops(*own, test=True))


@pytest.mark.parametrize("loss", ["mean_absolute_error", "huber", "log_cosh", "poisson"])
def test_a_loss_is_that_of_scaled_numbers(loss: str) -> None:
    y = np.array([[100.0], [140.0], [300.0]])
    said = np.array([[90.0], [150.0], [120.0]])
    output = VALUES.output(loss, 1).measured(y)
    shift, factor = (0, y.mean()) if loss == "poisson" else (y.mean(), y.std())
    assert output.scale == Scale((float(shift),), (float(factor),))
    own = build_loss(output)
    scaled = [((values - shift) / factor).astype(np.float32) for values in (y, said)]
    wanted = keras.losses.get(loss)(*scaled)
    assert np.array(own.call(y, said)) == pytest.approx(np.array(wanted), rel=1e-4)


def test_what_follows_from_the_data(tmp_path: Path) -> None:
    spec, data = compose(*csv(tmp_path, rows()), "optimizer=adam")
    assert data.dataset.task == VALUES
    assert spec.training.loss == "mean_squared_error"
    assert (spec.objective.metric, spec.objective.direction) == ("val_rmse", "minimize")
    assert spec.training.metrics == ["mae", "rmse", "r2"]
    robust, _ = compose(*csv(tmp_path, rows()), "optimizer=adam", "training.loss=huber")
    assert robust.objective.metric == "val_mae"


def test_metrics_are_those_of_scikit_learn_on_what_the_model_says(tmp_path: Path) -> None:
    """By the rows that judge a training: the mean of each metric's column is the metric, too."""
    spec, data = compose(*csv(tmp_path, rows()), *SHORT)
    trained, folders = kept(tmp_path, spec, data)
    judged = read(folders.judged_of("rows").read_bytes())
    true, said = VALUES.numbers(judged.true), VALUES.numbers(judged.predicted)
    best = trained.epochs[(trained.result.best_epoch or 0) - 1]
    wanted = {
        "mae": sk.mean_absolute_error(true, said),
        "rmse": sk.root_mean_squared_error(true, said),
        "r2": sk.r2_score(true, said),
        "mape": 100 * sk.mean_absolute_percentage_error(true, said),
        "loss": sk.mean_squared_error(true, said) / data.dataset.y[data.train].var(),
    }
    for name, value in wanted.items():
        assert best[f"val_{name}"] == pytest.approx(value, rel=1e-5), name
        assert judged.metrics[name].mean() == pytest.approx(value, rel=1e-5), name
    assert set(trained.result.test) == {f"test_{name}" for name in wanted}


@pytest.mark.long(1)
def test_several_targets_of_different_sizes(tmp_path: Path) -> None:
    table = rows() | {"rooms": 3 + 0.001 * rows()["a"]}
    spec, data = compose(*csv(tmp_path, table, "[price,rooms]"), *SHORT)
    trained, folders = kept(tmp_path, spec, data)
    judged = read(folders.judged_of("rows").read_bytes())
    true, said = VALUES.numbers(judged.true), VALUES.numbers(judged.predicted)
    best = trained.epochs[(trained.result.best_epoch or 0) - 1]
    assert true.shape == (len(data.validation), 2)
    assert best["val_rmse"] == pytest.approx(sk.root_mean_squared_error(true, said), rel=1e-5)
    assert best["val_r2"] == pytest.approx(sk.r2_score(true, said), rel=1e-3)


@pytest.mark.long(2)
def test_the_loss_has_no_unit(tmp_path: Path) -> None:
    """In thousandths of the unit and far away from 0, errors are those of the same model."""
    (tmp_path / "small").mkdir()
    table = rows()
    small = table | {"price": table["price"] / 1000 - 50}
    one = run(*compose(*csv(tmp_path, table), *SHORT))
    other = run(*compose(*csv(tmp_path / "small", small), *SHORT))
    assert other.curve("val_loss") == pytest.approx(one.curve("val_loss"), rel=1e-3)
    assert other.curve("val_r2") == pytest.approx(one.curve("val_r2"), rel=1e-3)
    thousandths = [value / 1000 for value in one.curve("val_mae")]
    assert other.curve("val_mae") == pytest.approx(thousandths, rel=1e-3)


def test_another_split_compiles_nothing_and_has_its_own_scale(tmp_path: Path) -> None:
    from fairsweep.training.trial import WorkerCache

    spec, data = compose(*csv(tmp_path, rows()), *SHORT)
    cache = WorkerCache()
    folds = [split_rows(data.dataset, spec.data, Fold(3, 0, i)) for i in range(2)]
    shared = [run(replace(spec, fold=Fold(3, 0, i)), folds[i], cache=cache) for i in range(2)]
    assert len(cache.programs) == 1
    alone = run(replace(spec, fold=Fold(3, 0, 1)), folds[1])
    assert shared[1].epochs == alone.epochs


@pytest.mark.long(1)
def test_a_planted_line_is_found_published_and_predicted(tmp_path: Path) -> None:
    from fairsweep.training.serving import _load_pyfunc

    table = rows()
    own = ("training.epochs=60", "model.params.hidden_units=[16]", "training.batch_size=16")
    rate = "optimizer.params.learning_rate=0.02"
    spec, data = compose(*csv(tmp_path, table), "optimizer=adam", rate, *own)
    trained, folders = kept(tmp_path, spec, data)
    assert trained.result.test["test_r2"] > 0.995
    weights = folders.weights_of("best").read_bytes()
    write_model(tmp_path / "model", recipe_of(spec, data), weights)
    asked = pd.DataFrame(table).drop(columns="price")
    answer = _load_pyfunc(str(tmp_path / "model")).predict(asked)
    assert list(answer.columns) == ["price"]
    assert answer["price"].dtype == np.float64
    assert sk.r2_score(table["price"], answer["price"]) > 0.995


@pytest.mark.long(2)
def test_quantiles_dont_cross_and_cover_their_share(tmp_path: Path) -> None:
    from fairsweep.training.serving import _load_pyfunc

    random = np.random.default_rng(8)
    x = random.uniform(-1, 1, 1200)
    table = {"x": x, "y": 10 + 5 * x + random.normal(0, 1 + 0.8 * x)}
    own = ("training.loss=quantile", "training.quantiles=[0.05,0.5,0.95]", "training.epochs=25")
    spec, data = compose(*csv(tmp_path, table, "y"), "optimizer=adam", *own)
    assert spec.objective.metric == "val_loss"
    trained, folders = kept(tmp_path, spec, data)
    weights = folders.weights_of("best").read_bytes()
    write_model(tmp_path / "model", recipe_of(spec, data), weights)
    answer = _load_pyfunc(str(tmp_path / "model")).predict(pd.DataFrame({"x": x}))
    assert list(answer.columns) == ["y", "y_q0.05", "y_q0.5", "y_q0.95"]
    levels = answer.iloc[:, 1:].to_numpy()
    assert (np.diff(levels, axis=1) >= 0).all()
    assert answer["y"].tolist() == answer["y_q0.5"].tolist()
    inside = (table["y"] >= levels[:, 0]) & (table["y"] <= levels[:, 2])
    assert inside.mean() == pytest.approx(0.9, abs=0.04)
    best = trained.epochs[(trained.result.best_epoch or 0) - 1]
    judged = read(folders.judged_of("rows").read_bytes())
    true = VALUES.numbers(judged.true)[:, 0]
    deviation = data.dataset.y[data.train].std()
    losses = [
        sk.mean_pinball_loss(true, judged.outputs[f"q{level:g}"], alpha=level) / deviation
        for level in (0.05, 0.5, 0.95)
    ]
    assert best["val_loss"] == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.long(1)
def test_counts_are_predicted_above_0(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=400)
    table = {"x": x, "visits": random.poisson(np.exp(4 + 0.8 * x)).astype(float)}
    own = ("data.task=values", "training.loss=poisson", "optimizer=adam", "training.epochs=15")
    trained = run(*compose(*csv(tmp_path, table, "visits"), *own), test=True)
    assert trained.result.outcome == "complete", trained.result.error
    assert trained.result.test["test_r2"] > 0.8


def own_model(folder: Path, last: str) -> Sequence[str]:
    """Settings of a model in a module of its own that ends so."""
    package = folder / f"ends_in_{abs(hash(last))}.py"
    package.write_text(
        "import keras\n\n\ndef build(shape, classes):\n"
        "    return keras.Sequential([keras.Input(shape), keras.layers.Dense(8, 'relu'),\n"
        f"        {last}])\n"
    )
    return ("model=custom", f"model.builder={package.stem}:build")


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("keras.layers.Dense(classes, 'softmax')", "write Dense(1)"),
        ("keras.layers.Dense(1, 'sigmoid')", "1 unit with activation sigmoid"),
        ("keras.layers.Dense(3)", "3 units, and the data has 1 value a row"),
        ("keras.layers.Dense(classes)", ""),
    ],
)
def test_the_last_layer_of_a_model_of_the_users_own(
    last: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairsweep.training.model_check import check
    from fairsweep.training.trial import WorkerCache

    monkeypatch.syspath_prepend(tmp_path)
    own = own_model(tmp_path, last)
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", own[1].partition("=")[2].partition(":")[0])
    spec, data = compose(*csv(tmp_path, rows()), "optimizer=adam", *own)
    error = check(spec, data, WorkerCache()).error
    assert told in error if told else error == ""

"""Tables in a model: what its first layer makes of columns, in both loops and when it is served."""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from fairsweep.config.form import Form
from fairsweep.data.csv import file as csv_file
from fairsweep.data.dataset import Column
from fairsweep.data.inputs.encoding import decode, encode
from fairsweep.data.inputs.rows import InputSpec, read_rows
from fairsweep.data.memory import room
from fairsweep.data.memory.view import InFile
from fairsweep.data.recipe import Recipe, write_model
from fairsweep.data.scaling import Scaling, measure
from fairsweep.data.sources import npz as arrays
from fairsweep.data.tables import files as table_files
from fairsweep.errors import BadInput
from fairsweep.tasks import CLASSES
from fairsweep.tracking.registry import signature
from fairsweep.training import keras_data
from fairsweep.training.preprocessing import kind_of, preprocessing_of
from fairsweep.training.programs import EVALUATION_BATCH
from fairsweep.training.serving import PublishedModel, _load_pyfunc
from fairsweep.training.trial import WorkerCache
from tests.integration import training_room
from tests.integration.training_room import assert_same, both_loops, compose, train

NAN = np.float32("nan")
SCALING = Scaling(
    None, (35.0, 0.5), (100.0, 0.25), numbers=(0, 2), fill=(35.0, 0.5), words=((1, 0), (1, 2))
)
ROWS = np.array([[45, 0, 1], [NAN, 2, 0], [35, 1, NAN], [25, NAN, 1]], np.float32)
FEATURES = [[1, 1, 1, 0], [0, -1, 0, 1], [0, 0, 0, 0], [-1, 1, 0, 0]]
"""Age, a word that training rows have, don't have, and none at all; a switch."""


def test_numbers_are_filled_and_scaled_and_words_get_a_feature_each() -> None:
    layer = preprocessing_of(SCALING)
    assert layer is not None
    np.testing.assert_allclose(np.asarray(layer(ROWS)), FEATURES, atol=1e-6)
    assert SCALING.shape((3,)) == (4,)


def test_what_is_missing_gets_a_feature_behind_the_numbers() -> None:
    flagged = replace(SCALING, gaps=(2,))
    layer = preprocessing_of(flagged)
    assert layer is not None
    given = np.asarray(layer(ROWS))
    np.testing.assert_allclose(np.delete(given, 2, axis=1), FEATURES, atol=1e-6)
    assert given[:, 2].tolist() == [0, 0, 1, 0]
    assert flagged.shape((3,)) == layer.compute_output_shape((4, 3))[1:] == (5,)
    assert kind_of(flagged) != kind_of(SCALING)


@pytest.mark.parametrize("gaps", [(), (0, 2)])
def test_the_layer_comes_back_from_its_config(gaps: tuple[int, ...]) -> None:
    layer = preprocessing_of(replace(SCALING, gaps=gaps))
    assert layer is not None
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    np.testing.assert_array_equal(np.asarray(layer(ROWS)), np.asarray(again(ROWS)))


def test_a_factor_is_for_numbers_alone() -> None:
    layer = preprocessing_of(Scaling(0.5, numbers=(0,), words=((1, 3),)))
    assert layer is not None
    rows = np.array([[8, 3], [2, 1]], np.float32)
    assert np.asarray(layer(rows)).tolist() == [[4, 1], [1, 0]]


@pytest.fixture
def people(tmp_path: Path) -> tuple[str, ...]:
    """A table with gaps, of which age and city say what the class is."""
    random = np.random.default_rng(0)
    rows = 400
    age, city = random.normal(40, 10, rows).round(1), random.choice(["Rome", "Oslo", "Bonn"], rows)
    label = np.where((age > 40) ^ (city == "Oslo"), "yes", "no")
    table = pd.DataFrame({"age": age, "city": city, "member": age % 2 < 1, "label": label})
    table.loc[::11, "age"] = np.nan
    table.loc[::13, "city"] = None
    table.to_csv(tmp_path / "people.csv", index=False)
    return (
        *("data=csv", f"data.path={tmp_path / 'people.csv'}", "data.target=label"),
        *("data.missing=fill", "model.params.hidden_units=[16]", "training.batch_size=50"),
        *("optimizer=adam", "optimizer.params.learning_rate=0.02"),
    )


@pytest.mark.parametrize("norm", ["true", pytest.param("false", marks=pytest.mark.long)])
def test_the_compiled_loop_gives_the_numbers_of_fit(people: tuple[str, ...], norm: str) -> None:
    both = (*people, "training.epochs=3", f"model.params.batch_normalization={norm}")
    assert_same(*both_loops(*both))


def test_a_trial_is_the_same_after_others_of_other_widths(people: tuple[str, ...]) -> None:
    cache = WorkerCache()
    for units in (8, 24):
        train(*people, f"model.params.hidden_units=[{units}]", "training.epochs=2", cache=cache)
    late = train(*people, "training.epochs=2", cache=cache)
    assert len(cache.programs) == 1
    assert late.epochs == train(*people, "training.epochs=2").epochs


def test_it_learns_from_numbers_and_words_together(people: tuple[str, ...]) -> None:
    """Neither age nor city alone says more than half of it."""
    assert train(*people, "training.epochs=30").curve("val_accuracy")[-1] > 0.85


class TestServed:
    """A model of a table, published and asked."""

    COLUMNS = (Column("age"), Column("city", ("", "Oslo", "Rome")))

    def classifier(self, folder: Path, fill: tuple[float, ...] = (40.0,)) -> PublishedModel:
        """Two outputs: how old, in tens of years from 40, and whether from Oslo."""
        scaling = Scaling(None, (40.0,), (100.0,), (0,), fill, ((1, 0), (1, 1), (1, 2)))
        kernel = np.array([[1, 0], [0, 0], [0, 5], [0, 0]], np.float32)
        weights = io.BytesIO()
        np.savez(weights, kernel, np.zeros(2, np.float32))
        params = {
            "hidden_units": [],
            "activation": "relu",
            "dropout": 0.0,
            "batch_normalization": False,
            "l2": 0.0,
        }
        recipe = Recipe("mlp", params, scaling, (2,), ("old", "northern"), self.COLUMNS)
        recipe = replace(recipe, fills=bool(fill))
        write_model(folder / "model", recipe, weights.getvalue())
        return _load_pyfunc(str(folder / "model"))

    def test_it_is_asked_by_the_names_of_columns(self, tmp_path: Path) -> None:
        (tmp_path / "rows.csv").write_text("city,id,age\nOslo,7,40\nRome,8,80\nParis,9,\n,3,20\n")
        takes = InputSpec((2,), self.COLUMNS, missing=True)
        table = read_rows(tmp_path / "rows.csv", takes)
        answer = self.classifier(tmp_path).predict(table)
        assert answer["class"].tolist() == ["northern", "old", "old", "northern"]
        expected = [1 / (1 + np.exp(5)), 1 / (1 + np.exp(-4)), 0.5, 1 / (1 + np.exp(2))]
        np.testing.assert_allclose(answer["p_old"], expected, rtol=1e-5)
        np.testing.assert_allclose(answer["p_old"] + answer["p_northern"], 1.0, atol=1e-12)

    def test_a_parquet_has_the_same_answer(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"age": [40.0, 80.0], "more": [1, 2], "city": ["Oslo", None]})
        table.to_parquet(tmp_path / "rows.parquet")
        table.to_csv(tmp_path / "rows.csv", index=False)
        takes = InputSpec((2,), self.COLUMNS, missing=True)
        one, two = (read_rows(tmp_path / f"rows.{kind}", takes) for kind in ("csv", "parquet"))
        model = self.classifier(tmp_path)
        pd.testing.assert_frame_equal(model.predict(one), model.predict(two))

    @pytest.fixture(scope="class")
    @classmethod
    def published(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        """The model as MLflow loads it."""
        from mlflow import pyfunc

        folder = tmp_path_factory.mktemp("served")
        cls().classifier(folder)
        pyfunc.save_model(
            folder / "published",
            loader_module="fairsweep.training.serving",
            data_path=str(folder / "model"),
            signature=signature(
                InputSpec((2,), cls.COLUMNS, missing=True), CLASSES.columns(["old", "northern"])
            ),
            input_example=decode(np.array([[40, 1]], np.float32), cls.COLUMNS),
            pip_requirements=["keras"],
        )
        return pyfunc.load_model(str(folder / "published"))

    @pytest.mark.filterwarnings("ignore")  # those of MLflow's import
    def test_mlflow_takes_requests_by_the_names_of_columns(self, published: Any) -> None:
        from mlflow.pyfunc.scoring_server import invocations

        rows = [{"age": 40, "city": "Oslo"}, {"age": None, "city": "Paris"}]
        split = {"columns": ["city", "age"], "data": [["Oslo", 40], ["Paris", None]]}
        for request in ({"dataframe_records": rows}, {"dataframe_split": split}):
            answer = invocations(
                json.dumps(request),
                "application/json",
                published,
                published.metadata.get_input_schema(),
            )
            predictions = json.loads(answer.response)["predictions"]
            assert [one["class"] for one in predictions] == ["northern", "old"]
            assert predictions[1] == {"class": "old", "p_old": 0.5, "p_northern": 0.5}

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("city", ["object", "category", "string"])
    @pytest.mark.parametrize("age", ["int64", "float64", "Int64", "object", "uint8"])
    def test_mlflow_takes_rows_as_pandas_reads_them(
        self, age: str, city: str, published: Any
    ) -> None:
        table = pd.DataFrame({"age": [40, 80], "city": ["Oslo", "Rome"], "more": [1, 2]})
        answer = published.predict(table.astype({"age": age, "city": city}))
        assert answer["class"].tolist() == ["northern", "old"]

    def test_marks_of_another_country(self, tmp_path: Path) -> None:
        (tmp_path / "rows.csv").write_text("city;age\nOslo;40,5\n")
        table = read_rows(tmp_path / "rows.csv", InputSpec((2,), self.COLUMNS), Form(";", ","))
        assert isinstance(table, pd.DataFrame)
        assert table.to_dict("list") == {"age": [40.5], "city": ["Oslo"]}
        with pytest.raises(BadInput, match=r"may be ';': .delimiter=';'"):
            read_rows(tmp_path / "rows.csv", InputSpec((2,), self.COLUMNS))

    def test_a_column_that_may_be_missing_may_be_left_out(self, tmp_path: Path) -> None:
        model = self.classifier(tmp_path)
        one = model.predict(pd.DataFrame({"city": ["Oslo"]}))
        two = model.predict(pd.DataFrame({"age": [None], "city": ["Oslo"]}))
        pd.testing.assert_frame_equal(one, two)

    def test_a_model_of_whole_rows_takes_no_gaps(self, tmp_path: Path) -> None:
        model = self.classifier(tmp_path, fill=())
        with pytest.raises(ValueError, match=r"row 2 has no age"):
            model.predict(pd.DataFrame({"age": [40.0, None], "city": ["Oslo", "Rome"]}))
        (tmp_path / "rows.csv").write_text("age,city\n40,Oslo\n,Rome\n")
        with pytest.raises(BadInput, match=r"row 2, column 'age', has no value, and the model"):
            read_rows(tmp_path / "rows.csv", InputSpec((2,), self.COLUMNS))

    @pytest.mark.parametrize("word", ["", None])
    def test_a_missing_word_is_a_gap_as_a_missing_number_is(
        self, tmp_path: Path, word: str | None
    ) -> None:
        model = self.classifier(tmp_path, fill=())
        with pytest.raises(ValueError, match=r"row 2 has no city"):
            model.predict(pd.DataFrame({"age": [40.0, 40.0], "city": ["Oslo", word]}))
        with pytest.raises(ValueError, match=r"row 1 has no city"):
            model.predict(pd.DataFrame({"age": [40.0]}))
        pd.DataFrame({"age": [40.0], "city": [word]}).to_parquet(tmp_path / "rows.parquet")
        with pytest.raises(BadInput, match=r"row 1, column 'city', has no value, and the model"):
            read_rows(tmp_path / "rows.parquet", InputSpec((2,), self.COLUMNS))
        assert model.predict(pd.DataFrame({"age": [90.0], "city": ["Paris"]}))["class"][0] == "old"

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("age\n40\n", "has no column 'city'; the model takes age, city"),
            ("age,city\nold,Oslo\n", "column 'age' must have numbers only"),
        ],
        ids=["column-missing", "words-for-numbers"],
    )
    def test_what_it_does_not_take_is_told(self, tmp_path: Path, text: str, told: str) -> None:
        (tmp_path / "rows.csv").write_text(text)
        with pytest.raises(BadInput, match=told):
            read_rows(tmp_path / "rows.csv", InputSpec((2,), self.COLUMNS))

    def test_rows_and_tables_are_two_forms_of_the_same(self) -> None:
        x = np.array([[1.5, 2], [NAN, 0], [3, 1]], np.float32)
        np.testing.assert_array_equal(encode(decode(x, self.COLUMNS), self.COLUMNS), x)


class TestLargerThanMemory:
    """Arrays that stay in their file, and tables that go to one."""

    @pytest.fixture
    def rows(self, tmp_path: Path) -> tuple[str, ...]:
        random = np.random.default_rng(0)
        x = random.normal(size=(4000, 5)).astype(np.float32)
        np.savez(tmp_path / "rows.npz", x=x, y=(x.sum(axis=1) > 0).astype(int))
        return (
            *("data=npz", f"data.path={tmp_path / 'rows.npz'}", "data.validation=0.3"),
            *("training.epochs=2", "optimizer=adam", "training.batch_size=128"),
        )

    def test_it_gives_the_numbers_of_arrays_in_memory(
        self, rows: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = train(*rows, "training.loop=fit", test=True)
        monkeypatch.setattr(training_room, "_loaded", {})
        monkeypatch.setattr(training_room, "_composed", {})
        monkeypatch.setattr(arrays, "available_bytes", lambda: 1000)
        spec, data = compose(*rows)
        assert isinstance(data.dataset.x, np.memmap)
        assert len(data.validation) > EVALUATION_BATCH
        cache = WorkerCache()
        assert cache.scaling(data, spec.data) == measure(
            spec.data, np.asarray(data.dataset.x)[data.train]
        )
        streamed = train(*rows, test=True, cache=cache)
        assert streamed.result.loop == "fit"
        assert "memory" in streamed.result.loop_reason
        assert streamed.epochs == whole.epochs
        assert streamed.result.test == whole.result.test
        assert streamed.result.tested == whole.result.tested

    def test_a_table_gives_the_numbers_that_it_gives_in_memory(
        self, people: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trained = (*people, "training.epochs=2", "data.standardize=true")
        whole = train(*trained, "training.loop=fit", test=True)
        monkeypatch.setattr(training_room, "_loaded", {})
        monkeypatch.setattr(training_room, "_composed", {})
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(room, "file_system", lambda _: "ext4")
        for module in (csv_file, room, table_files):
            monkeypatch.setattr(module, "available_bytes", lambda: 1000)
        before = sorted(tmp_path.iterdir())
        streamed = train(*trained, test=True)
        assert isinstance(compose(*trained)[1].dataset.x, np.memmap)
        assert streamed.result.loop == "fit"
        assert "memory" in streamed.result.loop_reason
        assert streamed.epochs == whole.epochs
        assert streamed.result.test == whole.result.test
        assert streamed.result.tested == whole.result.tested
        assert sorted(tmp_path.iterdir()) == before

    def test_a_view_is_indexed_as_an_array(self, tmp_path: Path) -> None:
        x = np.memmap(tmp_path / "x", np.float32, "w+", shape=(10, 2))
        x[:] = np.arange(20).reshape(10, 2)
        view = InFile(x, np.array([9, 1, 4]))
        assert (len(view), view.shape, view.nbytes) == (3, (3, 2), 24)
        assert view[np.array([2, 0])].tolist() == [[8, 9], [18, 19]]
        assert view[1:].tolist() == [[2, 3], [8, 9]]
        assert np.asarray(view).tolist() == [[18, 19], [2, 3], [8, 9]]


def test_a_data_set_of_keras_is_left_as_plain_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels in a column of their own, as some of them have."""
    x, y = np.arange(24, dtype=np.uint8).reshape(6, 2, 2), np.arange(6)[:, np.newaxis]
    monkeypatch.setattr(
        keras.datasets.cifar10, "load_data", lambda: ((x[:4], y[:4]), (x[4:], y[4:]))
    )
    keras_data.main("cifar10", tmp_path / "cifar10-arrays.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["cifar10-arrays.npz"]
    with np.load(tmp_path / "cifar10-arrays.npz", allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["x_train"], x[:4])
        assert stored["y_train"].tolist() == [0, 1, 2, 3]
        np.testing.assert_array_equal(stored["x_test"], x[4:])
        assert stored["y_test"].tolist() == [4, 5]


def test_keras_own_layers_stay_in_front_of_arrays() -> None:
    """What doesn't need an encoding keeps the layer that it had."""
    assert isinstance(preprocessing_of(Scaling(factor=0.5)), keras.layers.Rescaling)
    assert preprocessing_of(Scaling()) is None

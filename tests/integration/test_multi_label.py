"""Several labels a row, from arrays to a model that is asked: digits that are even, above four, or
have a loop in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from fairsweep.data.inputs.rows import InputSpec
from fairsweep.data.recipe import write_model
from fairsweep.data.split import SplitData, fingerprint
from fairsweep.files import TrialFolders
from fairsweep.records import TrialResult
from fairsweep.stages.champion import recipe_of
from fairsweep.tasks import LABELS
from fairsweep.tracking.registry import signature
from fairsweep.training import worker
from fairsweep.training.model_check import check
from fairsweep.training.serving import PublishedModel, _load_pyfunc
from fairsweep.training.trial import WorkerCache, compiled, train_trial
from fairsweep.training.user_model import last_activation
from tests.integration.test_programs import mostly_long
from tests.integration.training_room import assert_same, both_loops, compose, train

NAMES = ("even", "high", "loop")
LOOPS = (0, 6, 8, 9)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("digits")
    found = load_digits()
    y = np.column_stack([found.target % 2 == 0, found.target > 4, np.isin(found.target, LOOPS)])
    np.savez(folder / "digits.npz", x=found.data.astype(np.float32), y=y)
    return (
        *("data=npz", f"data.path={folder / 'digits.npz'}", "data.test=0.5"),
        *(f"data.class_names=[{','.join(NAMES)}]", "data.standardize=false"),
        "data.rescale=0.0625",
        *("training.loss=binary_crossentropy", "training.batch_size=50", "optimizer=adam"),
        *("optimizer.params.learning_rate=0.01", "model.params.hidden_units=[16]"),
    )


@pytest.mark.parametrize(
    "loss", [mostly_long(loss, loss == LABELS.losses[0]) for loss in LABELS.losses]
)
def test_the_compiled_loop_gives_the_numbers_of_fit(digits: Sequence[str], loss: str) -> None:
    own = (*digits, f"training.loss={loss}", "training.epochs=3")
    resident, fit = both_loops(*own, test=True)
    assert_same(resident, fit)
    assert resident.result.tested is fit.result.tested is None
    assert set(fit.result.test) == {"test_loss", "test_accuracy"}


def test_a_trial_is_the_same_after_others_of_other_widths(digits: Sequence[str]) -> None:
    cache = WorkerCache()
    for units in (8, 24):
        other = f"model.params.hidden_units=[{units}]"
        train(*digits, other, "training.epochs=1", cache=cache)
    late = train(*digits, "training.epochs=2", cache=cache)
    assert len(cache.programs) == 1
    assert late.epochs == train(*digits, "training.epochs=2").epochs


def test_a_worker_reads_the_labels_of_a_table(tmp_path: Path) -> None:
    """It keeps settings in a form of its own, by which it knows them again."""
    rows = [f"{i * i % 17},{i % 2},{int(i % 3 == 0)}" for i in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["size,red,round", *rows, ""]))
    table = ("data=csv", f"data.path={tmp_path / 'rows.csv'}", "data.target=[red,round]")
    spec, data = compose(*table, "training.loss=binary_crossentropy")
    assert fingerprint(worker._data(worker._key(spec.data), None)) == fingerprint(data)


@pytest.mark.parametrize("loss", LABELS.losses)
def test_a_model_ends_in_a_unit_for_each_label(digits: Sequence[str], loss: str) -> None:
    spec, data = compose(*digits, f"training.loss={loss}")
    model, form = compiled(spec, data, WorkerCache())
    assert (model.output_shape, form) == ((None, 3), "labels")
    assert last_activation(model) == "sigmoid"


def test_the_activation_of_a_layer_that_has_none_is_not_known() -> None:
    """The mean of two networks gives probabilities, which its last layer doesn't say."""
    inputs = keras.Input((2,))
    two = [keras.layers.Dense(3, activation="softmax")(inputs) for _ in range(2)]
    assert last_activation(keras.Model(inputs, keras.layers.Average()(two))) is None


class TestPublished:
    """A model as it is trained, written, loaded and asked."""

    @pytest.fixture(scope="class")
    @classmethod
    def trained(
        cls, digits: Sequence[str], tmp_path_factory: pytest.TempPathFactory
    ) -> tuple[Path, TrialResult, SplitData]:
        """The model's folder, what its training said, and the data."""
        folder = tmp_path_factory.mktemp("trained")
        spec, data = compose(*digits, "training.epochs=20")
        spec = replace(spec, test=True, weights="own")
        folders = TrialFolders(folder, folder)
        result = train_trial(spec, data, lambda _: None, lambda _: True, folders=folders)
        weights = folders.weights_of("own").read_bytes()
        write_model(folder / "model", recipe_of(spec, data), weights)
        return folder / "model", result, data

    def test_it_says_the_labels_of_each_row(
        self, trained: tuple[Path, TrialResult, SplitData]
    ) -> None:
        """And is as right as its training said of the test rows."""
        folder, result, data = trained
        model = _load_pyfunc(str(folder))
        assert isinstance(model, PublishedModel)
        answer = model.predict(data.dataset.x[data.test])
        assert list(answer.columns) == ["labels", "p_even", "p_high", "p_loop"]
        chances = answer[["p_even", "p_high", "p_loop"]].to_numpy()
        y = data.dataset.y[data.test]
        right = ((chances > 0.5) == y).mean()
        assert right == pytest.approx(result.test["test_accuracy"], abs=1e-6)
        assert right > 0.9
        lost = -np.log(np.where(y == 1, chances, 1 - chances)).mean()
        assert lost == pytest.approx(result.test["test_loss"], rel=1e-3)
        assert np.ptp(chances.sum(axis=1)) > 1
        for said, row in zip(answer["labels"], chances, strict=True):
            names = [name for name, chance in zip(NAMES, row, strict=True) if chance >= 0.5]
            assert said == ";".join(names)
        assert {"", "even", "even;loop", "even;high;loop", "high"} <= set(answer["labels"])

    def test_a_csv_of_its_answers(self, trained: tuple[Path, TrialResult, SplitData]) -> None:
        folder, _, data = trained
        answer = _load_pyfunc(str(folder)).predict(data.dataset.x)
        header, *rows = csv.reader(io.StringIO(answer.to_csv(index=False)))
        assert header == ["labels", "p_even", "p_high", "p_loop"]
        assert [row[0] for row in rows] == answer["labels"].tolist()

    @pytest.mark.filterwarnings("ignore")  # those of MLflow's import
    def test_mlflow_serves_it(
        self, trained: tuple[Path, TrialResult, SplitData], tmp_path: Path
    ) -> None:
        from mlflow import pyfunc
        from mlflow.pyfunc.scoring_server import invocations

        folder, _, data = trained
        rows = data.dataset.x[data.test[:3]]
        pyfunc.save_model(
            tmp_path / "published",
            loader_module="fairsweep.training.serving",
            data_path=str(folder),
            signature=signature(InputSpec((64,)), LABELS.columns(NAMES)),
            input_example=rows,
            pip_requirements=["keras"],
        )
        model = pyfunc.load_model(str(tmp_path / "published"))
        assert model.metadata.get_output_schema().input_names()[0] == "labels"
        request = json.dumps({"inputs": rows.tolist()})
        answer = invocations(request, "application/json", model, model.metadata.get_input_schema())
        expected = _load_pyfunc(str(folder)).predict(rows)["labels"].tolist()
        assert [one["labels"] for one in json.loads(answer.response)["predictions"]] == expected


class TestOwnModel:
    """What a model of the user's own must end in."""

    @pytest.fixture(autouse=True)
    def trusted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")

    def problems(self, digits: Sequence[str], params: str) -> Sequence[str]:
        builder = "model.builder=tests.integration.lessons:ends_in"
        given = [word for word in digits if not word.startswith("model.")]
        spec, data = compose(*given, "model=custom", builder, f"+model.params={params}")
        error = check(spec, data, WorkerCache()).error
        return error.split("\n") if error else []

    @pytest.mark.parametrize("hidden", ["true", "false"])
    def test_a_probability_for_each_label_is_fine(self, digits: Sequence[str], hidden: str) -> None:
        own = f"{{units: 3, activation: sigmoid, hidden: {hidden}}}"
        assert self.problems(digits, own) == []

    def test_even_chances_of_two_labels_are_no_softmax(self) -> None:
        """As any two sigmoid units give them for a row of zeros, before they are trained."""
        output = LABELS.output("binary_crossentropy", 2)
        assert list(output.value_problems(np.full((1, 2), 0.5))) == []
        exclusive = np.array([[0.5, 0.5], [0.4, 0.6]])
        assert len(list(output.value_problems(exclusive))) == 1

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ("{units: 3, activation: softmax}", "ends in softmax, so that one label makes others"),
            ("{units: 3, activation: softmax, hidden: true}", "gives probabilities that add up to"),
            ("{units: 3}", "ends in 3 units without an activation, and each should give the"),
            ("{units: 3, activation: tanh}", "ends in 3 units with activation tanh, and each"),
            ("{units: 3, activation: exponential, hidden: true}", "for each label, 0 to 1, and"),
            ("{units: 2, activation: sigmoid}", "ends in 2 units, and the data has 3 labels"),
            ("{units: 1, activation: sigmoid}", "ends in 1 unit, and the data has 3 labels"),
            ("{units: 4, activation: sigmoid, hidden: true}", "4 units, and the data has 3"),
        ],
    )
    def test_what_is_none_is_told(self, digits: Sequence[str], params: str, told: str) -> None:
        (problem,) = self.problems(digits, params)
        assert problem.startswith("model.builder: lessons.py:")
        assert told in problem
        assert problem.endswith('Dense(classes, activation="sigmoid")')

"""What a sweep finds out about its models before the first trial: cases 75 to 85 of bad input."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import pytest
import yaml

from fairsweep.data.dataset import Column
from fairsweep.data.split import SplitData
from fairsweep.records import EpochMetrics, TrialSpec
from fairsweep.training import model_check as preflight
from fairsweep.training.model_check import check
from fairsweep.training.trial import WorkerCache
from tests.integration import lessons
from tests.integration.lab import REPOSITORY, Sandbox, listing, shown_on_a_console
from tests.integration.training_room import FEW_ROWS, compose

DATA = ("data=worked_example", "objective.metric=loss", "objective.direction=minimize")
MODULE = "tests.integration.lessons"
PARAMS = "+model.params="
BINARY = "training.loss=binary_crossentropy"


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


def own(name: str, *overrides: str, module: str = MODULE) -> tuple[TrialSpec, SplitData]:
    """The spec and the data of a model of `module`, which is put into what was composed once with
    another: most cases differ in nothing but the model and its params."""
    shared = [word for word in overrides if not word.startswith(PARAMS)]
    spec, data = compose(*DATA, "model=custom", f"model.builder={MODULE}:mended", *shared)
    given = [yaml.safe_load(word[len(PARAMS) :]) for word in overrides if word.startswith(PARAMS)]
    model = replace(spec.model, builder=f"{module}:{name}", params=given[0] if given else {})
    return replace(spec, model=model), data


def problems(spec: TrialSpec, data: SplitData, cache: WorkerCache | None = None) -> Sequence[str]:
    result = check(spec, data, cache or WorkerCache())
    found = result.error.split("\n") if result.error else []
    assert (result.outcome == "failed") == bool(found)
    assert result.epochs == 0
    return found


def line_of(text: str) -> int:
    """The line of lessons.py that has this."""
    lines = Path(lessons.__file__).read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def place(function: str) -> str:
    return f"model.builder: lessons.py:{line_of(f'def {function}(')}: {function}()"


# The lesson of two slips.


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_both_slips_of_the_lesson_are_told_with_what_mends_them() -> None:
    shape, output = problems(*own("lesson"))
    assert shape == (
        f"{place('lesson')} builds a model for rows of 1 feature, but the data has 2 features; use "
        "its first argument, the shape of a row: keras.Input(shape)"
    )
    assert output == (
        f"{place('lesson')} ends in 2 units with activation sigmoid: what they give for a row are "
        "no probabilities of 2 classes, which add up to 1, and sparse_categorical_crossentropy "
        'takes them for that; write Dense(classes, activation="softmax"), or '
        'Dense(1, activation="sigmoid") with training.loss=binary_crossentropy'
    )


def test_the_lesson_mended_as_the_messages_say_is_fine() -> None:
    assert problems(*own("mended")) == []
    assert problems(*own("ends_in", "+model.params={units: 1, activation: sigmoid}", BINARY)) == []


# Outputs that don't fit.

ENDS: dict[str, tuple[str, str, str]] = {
    "softmax of one unit": ("{units: 1, activation: softmax}", "", "which is 1 for every row"),
    "one unit for two classes": ("{units: 1, activation: sigmoid}", "", f"with {BINARY}"),
    "logits": ("{units: 2}", "", "2 units without an activation"),
    "too many units": (
        "{units: 3, activation: softmax}",
        "",
        "3 units, and the data has 2 classes",
    ),
    "sigmoid in a one-hot loss": (
        "{units: 2, activation: sigmoid}",
        "training.loss=categorical_crossentropy",
        'write Dense(classes, activation="softmax")',
    ),
    "tanh as a probability": ("{units: 1, activation: tanh}", BINARY, "a value from 0 to 1"),
    "a logit as a probability": ("{units: 1}", BINARY, "one unit without an activation"),
    "sigmoid in a hinge": (
        "{units: 1, activation: sigmoid}",
        "training.loss=hinge",
        'a value from -1 to 1; write Dense(1, activation="tanh")',
    ),
    "two units in a hinge": (
        "{units: 2, activation: softmax}",
        "training.loss=squared_hinge",
        'takes one from -1 to 1; write Dense(1, activation="tanh")',
    ),
}


@pytest.mark.parametrize(("params", "loss", "told"), ENDS.values(), ids=ENDS)
def test_an_output_that_does_not_fit(params: str, loss: str, told: str) -> None:
    given = [f"+model.params={params}", *filter(None, [loss])]
    (problem,) = problems(*own("ends_in", *given))
    assert problem.startswith(place("ends_in"))
    assert told in problem


HIDDEN = ("{units: 2, activation: sigmoid, hidden: true}", "{units: 2, hidden: true}")


@pytest.mark.parametrize("params", HIDDEN)
def test_outputs_are_looked_at_where_layers_do_not_say(params: str) -> None:
    (problem,) = problems(*own("ends_in", f"+model.params={params}"))
    assert problem.startswith(place("ends_in"))
    assert "probabilities" in problem
    assert 'end it with Dense(classes, activation="softmax")' in problem


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("{units: 3, activation: softmax, hidden: true}", "3 units, and the data has 2 classes"),
        ("{units: 1, activation: sigmoid, hidden: true}", f"with {BINARY}"),
    ],
)
def test_units_are_counted_where_layers_do_not_say(params: str, told: str) -> None:
    (problem,) = problems(*own("ends_in", f"+model.params={params}"))
    assert told in problem


@pytest.mark.parametrize("loss", ["", BINARY])
def test_a_class_of_the_users_own_is_fine_if_its_outputs_are(loss: str) -> None:
    units = "{units: 1, activation: sigmoid, hidden: true}"
    if not loss:
        units = "{units: 2, activation: softmax, hidden: true}"
    assert problems(*own("ends_in", f"+model.params={units}", *filter(None, [loss]))) == []


# Functions that don't fit.

BUILDERS = {
    "returns_nothing": "returns nothing; end it with: return model",
    "returns_a_layer": "must return a keras.Model, but returns Dense",
    "two_inputs": "builds a model with 2 inputs",
    "unflattened": "a Flatten may be missing before the last Dense",
    "two_heads": "returns a list of 2 outputs, but exactly one can be trained and served; return",
    "named_head": "returns a dict of 1 output, but exactly one can be trained and served; return",
    "named_by_its_class": "returns a dict of 1 output, ",
    "kept": "must build a new model on every call, but returns one that shares weights with an ",
    "keeps_a_layer": "create all layers inside the function",
    "compiled_from_logits": "from_logits=True, but its softmax gives probabilities, not logits",
}


@pytest.mark.parametrize(("name", "told"), BUILDERS.items(), ids=BUILDERS)
def test_a_function_that_does_not_fit(name: str, told: str) -> None:
    lessons.KEPT.clear()
    (problem,) = problems(*own(name))
    assert problem.startswith(place(name))
    assert told in problem


def test_a_model_that_comes_compiled_is_told_whose_settings_hold() -> None:
    result = check(*own("compiled"), WorkerCache())
    assert result.outcome == "complete"
    (note,) = result.notes
    assert note.startswith(f"{place('compiled')} compiles its model, which has no effect")
    assert check(*own("mended"), WorkerCache()).notes == []


@pytest.mark.parametrize("loop", ["auto", "resident", "fit"])
def test_a_step_that_forgets_the_metrics_is_told_how_to_update_them(loop: str) -> None:
    built = ("model=custom", f"model.builder={MODULE}:only_loss", f"training.loop={loop}")
    (problem,) = problems(*compose(*FEW_ROWS, *built))
    assert problem.startswith(
        f"{place('only_loss')} reports loss, val_loss after an epoch, but not val_accuracy; "
        "don't override its metrics property"
    )


@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_a_step_as_keras_shows_it_is_fine(loop: str) -> None:
    built = ("model=custom", "model.builder=tests.integration.own_models:half_steps")
    assert problems(*compose(*FEW_ROWS, *built, f"training.loop={loop}")) == []


# Ids.

STANDARDIZED, RESCALED = "data.standardize=true", "data.rescale=0.5"


@pytest.mark.parametrize("hidden", ["false", "true"])
@pytest.mark.parametrize(
    ("scaled", "remedy"),
    [(STANDARDIZED, "data.standardize=false"), (RESCALED, "data.rescale=null")],
)
def test_ids_that_are_scaled(hidden: str, scaled: str, remedy: str) -> None:
    params = f"+model.params={{rows: 500, hidden: {hidden}}}"
    plain = () if scaled == STANDARDIZED else ("data.standardize=false",)
    (problem,) = problems(*own("looks_up", params, *plain, scaled))
    assert problem.startswith(f"{place('looks_up')} looks up ids in an Embedding")
    assert problem.endswith(f" because features are scaled first; use {remedy}")


UNSCALED = ("data.standardize=false", "data.rescale=null")


@pytest.mark.parametrize("hidden", ["false", "true"])
def test_ids_that_an_embedding_has_no_row_for(hidden: str) -> None:
    """The largest value of the worked example is 230, in its fifth row."""
    params = f"+model.params={{rows: 230, hidden: {hidden}}}"
    (problem,) = problems(*own("looks_up", params, *UNSCALED))
    assert problem == (
        f"{place('looks_up')} has an Embedding of 230 rows, but the data has ids up to 230; write "
        "Embedding(231, …)"
    )
    enough = f"+model.params={{rows: 231, hidden: {hidden}}}"
    assert problems(*own("looks_up", enough, *UNSCALED)) == []


def test_an_embedding_of_something_else_than_features_is_fine() -> None:
    assert problems(*own("looks_up_positions", STANDARDIZED)) == []


# Values that are too large.


def with_values(largest: float, *overrides: str) -> tuple[TrialSpec, SplitData]:
    """The worked example with a large value in its second feature."""
    spec, data = compose(*DATA, "model=mlp", *overrides)
    x = data.dataset.x.copy()
    x[0, 1] = largest
    return spec, replace(data, dataset=replace(data.dataset, x=x))


def test_values_that_cannot_be_standardized_are_told_with_their_column() -> None:
    spec, data = with_values(3e30, STANDARDIZED)
    (problem,) = problems(spec, data)
    assert problem.startswith("data.standardize: the data has values up to 3e+30, whose square")
    named = replace(data.dataset, columns=(Column("height"), Column("weight")))
    (problem,) = problems(spec, replace(data, dataset=named))
    assert problem.startswith("data.standardize: column weight has values up to 3e+30")
    assert problem.endswith("or drop it: data.drop=[weight]")


@pytest.mark.parametrize("largest", [3e38, 3e12])
def test_a_loss_that_makes_no_sense_is_told_with_what_may_help(largest: float) -> None:
    spec, data = with_values(largest, *UNSCALED)
    result = check(spec, data, WorkerCache())
    assert result.outcome == "complete"
    (note,) = result.notes
    assert note.startswith("training.loss: the loss of the first step is ")
    assert f"; the data has values up to {largest:.1g}, and data.standardize=true" in note
    assert check(*with_values(300.0, *UNSCALED), WorkerCache()).notes == []


def test_a_loss_of_the_models_own_that_takes_probabilities_for_logits() -> None:
    (problem,) = problems(*own("stubborn"))
    assert problem.startswith(f"model.builder: {MODULE}:stubborn has a loss of its own")
    assert "remove one of the two" in problem


def test_a_model_without_weights() -> None:
    (problem,) = problems(*own("no_weights"))
    assert problem.startswith("model: it has no weights to train; add a layer such as Dense")


def test_a_function_that_is_not_there() -> None:
    (problem,) = problems(*own("lessen"))
    assert problem.startswith(f"model.builder: {MODULE} has no function 'lessen'; it has lesson,")


@pytest.mark.parametrize("module", ["tests.integration.lessens", "tests.no.lessons"])
def test_a_module_that_is_not_there(module: str) -> None:
    (problem,) = problems(*own("lesson", module=module))
    missing = module if module.startswith("tests.integration") else "tests.no"
    assert problem.startswith(f"model.builder: there is no module {missing} (for {module}:lesson)")
    assert "PYTHONPATH" in problem


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("{widht: 3}", "(shape, classes, widht=3)"),
        ("{}", "missing a required argument: 'width'"),
    ],
)
def test_params_that_the_function_does_not_take(params: str, told: str) -> None:
    (problem,) = problems(*own("wants_a_width", f"+model.params={params}"))
    line = line_of("def wants_a_width(")
    assert problem.startswith(f"model.params: lessons.py:{line}: wants_a_width() takes (shape:")
    assert told in problem


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("raises", "# raises: here", "LookupError: no idea of 2 classes"),
        ("too_wide", "# wide: here", "InvalidArgumentError: "),
    ],
)
def test_what_the_users_code_raises_is_told_with_its_line(name: str, text: str, told: str) -> None:
    spec, data = own(name)
    (problem,) = problems(spec, data)
    assert problem.startswith(f"model.builder: lessons.py:{line_of(text)}: {told}")
    assert "Traceback" not in problem
    assert check(spec, data, WorkerCache()).traceback.startswith("Traceback")


# Seeds that a model fixes.

SAME = "the same in every training, whatever its seed; remove "
FIXED = {
    "initializer": "fixes the seed of initial weights (sequential/dense/kernel)",
    "generator": "fixes the seed of initial weights (sequential/dense/kernel)",
    "layer": "fixes the seed of initial weights (sequential/projects/projects)",
    "numpy": "sets a global seed and then draws random numbers from numpy",
    "python": "sets a global seed and then draws random numbers from random",
    "tensorflow": "sets a global seed and then draws random numbers from TensorFlow",
}


def seeded(how: str) -> tuple[TrialSpec, SplitData]:
    return own("seeded", f'+model.params={{how: "{how}"}}')


@pytest.mark.parametrize(("how", "told"), FIXED.items(), ids=FIXED)
def test_a_seed_that_makes_initial_weights_the_same(how: str, told: str) -> None:
    (problem,) = problems(*seeded(how))
    assert problem.startswith(f"{place('seeded')} {told}, so they are {SAME}")


def test_a_seed_of_weights_that_the_first_call_makes() -> None:
    (problem,) = problems(*own("seeded_when_called"))
    assert problem.startswith(f"{place('seeded_when_called')} fixes the seed of initial weights")


TOLD = {
    "global": "sets a global seed, which has no effect",
    "dropout": "fixes the seed of layers (dropout), so their random numbers are the same",
    "all loaded": "starts with weights that are the same in every training",
    "constants": "starts with weights that are the same in every training",
}


@pytest.mark.parametrize(("how", "told"), TOLD.items(), ids=TOLD)
def test_a_seed_that_is_told(how: str, told: str) -> None:
    result = check(*seeded(how), WorkerCache())
    assert result.outcome == "complete", result.error
    (note,) = result.notes
    assert note.startswith(f"{place('seeded')} {told}")


@pytest.mark.parametrize("how", ["nothing", "constant", "loaded", "loaded over a seed"])
def test_weights_that_are_meant_to_be_the_same(how: str) -> None:
    result = check(*seeded(how), WorkerCache())
    assert (result.outcome, result.error, result.notes) == ("complete", "", [])


def test_a_module_that_changes_settings_when_it_is_imported() -> None:
    cache = WorkerCache()
    sys.modules.pop("tests.integration.sets_on_import", None)
    (problem,) = problems(*own("mended", module="tests.integration.sets_on_import"), cache)
    assert "changes settings of Keras or TensorFlow when it is imported" in problem
    assert problem.endswith("inside the function, call keras.config.set_epsilon")
    cache.globals.restore()
    assert keras.config.epsilon() == 1e-7


# Models of ours.


MODELS = {
    "mlp": ("model=mlp", "model.params.hidden_units=[64]", 64 * 64 + 64 + 64 * 10 + 10),
    "cnn": (
        "model=cnn",
        "model.params.filters=[4]",
        9 * 4 + 4 + (4 * 4 * 4 * 64 + 64) + 64 * 10 + 10,
    ),
}


@pytest.mark.parametrize(("model", "params", "count"), MODELS.values(), ids=MODELS)
def test_a_model_that_memory_has_no_room_for(
    model: str, params: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = ("model.space.hidden_units=null", "training.space.batch_size=null")
    spec, data = compose("data=digits", model, *free, params)
    monkeypatch.setattr(preflight, "available_bytes", lambda: 16 * count - 1)
    (problem,) = problems(spec, data)
    assert problem.startswith(f"model: it has {count:,} parameters, ")
    assert problem.endswith("make it smaller")
    monkeypatch.setattr(preflight, "available_bytes", lambda: 16 * count)
    assert problems(spec, data) == []


def test_a_model_of_the_users_own_that_memory_has_no_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preflight, "available_bytes", lambda: 1000)
    (problem,) = problems(*own("mended"))
    count = 2 * 8 + 8 + 8 * 16 + 16 + 16 * 2 + 2
    assert problem.startswith(f"model: it has {count} parameters")


@pytest.mark.parametrize(
    ("rates", "trains"),
    [
        ("{backbone: 0.1}", True),
        ("{backbone: 0, head: 0}", False),
        ("{backbone: 0, inner: 1.0, head: 0}", True),
        ("{backbone: 0, in*: 1.0, head: 0}", True),
        ("{backbone: 1.0, inner: 0, head: 0}", False),
    ],
)
def test_the_name_of_a_nested_model_means_the_layers_in_it(rates: str, trains: bool) -> None:
    """Where they have no factor of their own."""
    found = problems(*own("nested", f"model.layer_learning_rates={rates}"))
    assert found == ([] if trains else [preflight.NOTHING_TO_TRAIN])


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        (
            "{hiden_*: 0.5}",
            "no layer is named hiden_*; layers with weights: hidden_1, hidden_2, probabilities",
        ),
        ("{'*_1': 0.5, hidden_*: 2}".replace("'", ""), "layer hidden_1 matches *_1 and "),
        ("{'*': 0}".replace("'", ""), "it has no weights to train"),
    ],
)
def test_factors_of_learning_rates_that_mean_nothing(rates: str, told: str) -> None:
    (problem,) = problems(*compose(*DATA, "model=mlp", f"model.layer_learning_rates={rates}"))
    assert told in problem


def test_the_norm_of_all_gradients_is_not_that_of_each_pattern() -> None:
    clipped = ("optimizer=adam", "optimizer.params.global_clipnorm=1.0")
    spec = compose(*DATA, "model=mlp", "model.layer_learning_rates={hidden_*: 0.5}", *clipped)
    (problem,) = problems(*spec)
    assert problem.startswith("optimizer.params.global_clipnorm: ")
    assert "clipnorm" in problem


# What it leaves.


def test_what_it_compiles_is_there_for_the_first_trial() -> None:
    cache = WorkerCache()
    spec, data = compose(*FEW_ROWS, "model=mlp")
    assert problems(spec, data, cache) == []
    assert len(cache.programs) == 1
    from fairsweep.training.trial import train_trial

    told: list[dict[str, float]] = []
    for known in (cache, WorkerCache()):
        epochs: list[EpochMetrics] = []
        assert train_trial(spec, data, epochs.append, bool, known).outcome == "complete"
        told.append(dict(epochs[-1].values))
    assert told[0] == told[1]
    assert len(cache.programs) == 1


@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_every_loop_is_tried(loop: str) -> None:
    assert problems(*compose(*FEW_ROWS, "model=mlp", f"training.loop={loop}")) == []


def test_a_sweep_of_what_cannot_be_trained_leaves_nothing(tmp_path: Path) -> None:
    """It says what docs/MODELS.md shows."""
    command, lines = shown_on_a_console((REPOSITORY / "docs" / "MODELS.md").read_text())
    program, name, *overrides, rest = command.split()
    assert (program, name, rest) == ("fairsweep", "sweep", "…")
    box = Sandbox(tmp_path)
    build = inspect.getsource(lessons.lesson).replace("def lesson(", "def build(")
    imports = "from collections.abc import Sequence\nimport keras\n\n"
    (box.code / "lesson.py").write_text(imports + build)
    done = box.sweep(
        *(*overrides, *DATA, "arms.optimizer=[sgd,adam]"), FAIRSWEEP_TRUSTED_PACKAGES="lesson"
    )
    assert done.code == 2, done.said
    for line, said in zip(lines, done.err.splitlines(), strict=True):
        assert line.fullmatch(said), said
    for folder in (box.work, box.home, box.temporary):
        assert listing(folder) == []

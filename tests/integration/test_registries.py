"""What the config allows by name is what the rooms have by that name: no more, and no less.

The laws of fairsweep.config are checked before TensorFlow is imported, so they hold the names a
second time.
"""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest

from fairsweep.config.checks import data as data_laws
from fairsweep.config.checks import model as training_laws
from fairsweep.config.checks import sweep as laws
from fairsweep.config.options import options_of
from fairsweep.config.schema import Model, Optimizer, Pruner, Schedule, Search, Training
from fairsweep.config.space import Dimension
from fairsweep.data.scaling import Ids, Scaling
from fairsweep.data.sources import SOURCES
from fairsweep.data.tables.files import OPENERS
from fairsweep.executor import EXECUTORS
from fairsweep.metrics import KERAS, METRICS, Metric, metric_named
from fairsweep.records import SearchKey
from fairsweep.search.samplers import make_pruner, make_sampler
from fairsweep.tasks import CLASSES, LABELS, TASKS, VALUES, Output, Task, classes, forms_of
from fairsweep.tasks.layer import RANGES, LastLayer
from fairsweep.training import loss, model
from fairsweep.training.metrics import build_metrics
from fairsweep.training.models import BUILDERS
from fairsweep.training.optimizer import build_optimizer

# Losses that don't fit one class per row: what they want instead.
OTHER_LOSSES = {
    "Loss": "the base class",
    "CTC": "sequences of labels",
    "Circle": "embeddings",
    "MeanAbsolutePercentageError": "labels that are never 0",
}
FORMS = {
    form
    for task in TASKS
    for loss_name in task.losses
    for count in (2, 3)
    for form in forms_of(task.output(loss_name, count), own=True)
}


def test_losses_are_those_of_the_training_room() -> None:
    assert list(classes.SPARSE_LOSSES) == list(loss.SPARSE)
    assert sorted(classes.ONE_HOT_LOSSES) == sorted(loss.ONE_HOT)
    assert sorted(classes.TWO_CLASS_LOSSES) == sorted(loss.COLUMN)
    assert set(loss.COLUMN) < set(classes.ONE_OUTPUT) < set(loss.COLUMN | loss.ONE_HOT)


def test_losses_are_all_of_keras_that_fit_classification() -> None:
    exported = {name for name, _ in inspect.getmembers(keras.losses, inspect.isclass)}
    ours = {kind.__name__ for kind in (loss.SPARSE | loss.ONE_HOT | loss.COLUMN).values()}
    assert exported - ours == set(OTHER_LOSSES)


def test_builders_sources_and_executors() -> None:
    assert sorted(training_laws.BUILDERS) == sorted(BUILDERS)
    assert sorted(data_laws.SOURCES) == sorted(SOURCES)
    assert sorted(data_laws.TABLES) == sorted(OPENERS)
    assert options_of("executor") == sorted(EXECUTORS)


def test_a_metric_is_made_of_a_class_of_keras_in_forms_that_losses_want() -> None:
    all_of_them = [*METRICS.values(), *map(metric_named, KERAS)]
    made = [(form, own) for metric in all_of_them for form, own in metric.keras.items()]
    assert {form for form, _ in made} <= FORMS
    for _, own in made:
        parameters = inspect.signature(getattr(keras.metrics, own.name)).parameters
        assert {"name", *own.arguments, *filter(None, [own.threshold])} <= set(parameters)


# Metrics of Keras that aren't ready by name: what they want instead.
OTHER_METRICS = {
    "Accuracy": "class numbers as outputs",
    "Metric": "the base class",
    "Mean": "values",
    "Sum": "values",
    "MeanMetricWrapper": "a function",
    "PearsonCorrelation": "several outputs that make a series",
    "ConcordanceCorrelation": "several outputs that make a series",
    "BinaryIoU": "pixels",
    "IoU": "arguments",
    "MeanIoU": "arguments",
    "OneHotIoU": "arguments",
    "OneHotMeanIoU": "arguments",
    "PrecisionAtRecall": "arguments",
    "RecallAtPrecision": "arguments",
    "SensitivityAtSpecificity": "arguments",
    "SpecificityAtSensitivity": "arguments",
}
WAYS = {"up": "maximize", "down": "minimize"}


def test_every_metric_of_keras_is_ready_or_known_not_to_be() -> None:
    """With the direction that Keras knows, and under its name, unless that is one of ours."""
    there = {n for n, value in vars(keras.metrics).items() if inspect.isclass(value)}
    assert {own.name for own in KERAS.values()} | set(OTHER_METRICS) == there
    for name, own in KERAS.items():
        made = getattr(keras.metrics, own.name)()
        assert made.name in (name, name.removeprefix("keras_"))
        assert WAYS.get(getattr(made, "_direction", ""), own.direction) == own.direction


def metrics_of_keras(output: Output, units: int) -> list[Metric]:
    found = [metric_named(name) for name in KERAS]
    return [metric for metric in found if output.form(units) in metric.keras]


@pytest.mark.parametrize(
    ("output", "units", "outputs"),
    [
        (CLASSES.output("sparse_categorical_crossentropy", 3), 3, [[0.7, 0.2, 0.1]] * 4),
        (CLASSES.output("categorical_crossentropy", 3), 3, [[0.7, 0.2, 0.1]] * 4),
        (CLASSES.output("binary_crossentropy", 2), 1, [[0.7]] * 4),
        (LABELS.output("binary_crossentropy", 3), 3, [[0.7, 0.2, 0.1]] * 4),
        (VALUES.output("mean_squared_error", 1), 1, [[0.7], [0.1], [0.2], [0.9]]),
    ],
)
def test_keras_measures_each_in_every_form(output: Output, units: int, outputs: Any) -> None:
    """Alike in both forms of classes; the values of each are within its bounds."""
    form = output.form(units)
    answers = np.array([0, 1, 0, 1])
    if form == "labels":
        answers = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]])
    tasks: dict[str, Task] = {"labels": LABELS, "values": VALUES}
    task = tasks.get(form, CLASSES)
    y = task.targets(answers.reshape(4, -1) if form == "values" else answers, form, max(2, units))
    given = np.array(outputs, np.float32)
    wanted = metrics_of_keras(output, units)
    assert len(wanted) >= 9
    for metric, made in zip(wanted, build_metrics(output, units, wanted), strict=True):
        made.update_state(y, given)
        value = float(made.result())  # one number, whatever there is of classes
        low, high = metric.bounds
        assert low - 1e-6 <= value <= high + 1e-6, metric.name
        if metric.name == "cosine_similarity" and units == 3:
            size = np.sqrt(0.54)
            assert value == pytest.approx((0.7 + 0.2) / 2 / size, rel=1e-5)


@pytest.mark.parametrize("name", [*classes.SPARSE_LOSSES, *classes.ONE_HOT_LOSSES])
def test_every_loss_prefers_the_right_class(name: str) -> None:
    """With labels in the form it wants, and an accuracy in the same form.

    Some of Keras's losses take any form without a word, and measure nothing in the wrong one.
    """
    output = CLASSES.output(name, 3)
    labels = CLASSES.targets(np.array([0, 1, 2]), output.form(3), 3)
    right = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]], "float32")
    wrong = right[[1, 2, 0]]
    function = loss.build_loss(output)
    (accuracy,) = build_metrics(output, 3, [METRICS["accuracy"]])
    assert float(function(labels, right)) < float(function(labels, wrong))
    accuracy.update_state(labels, right)
    assert float(accuracy.result()) == 1.0
    accuracy.update_state(labels, wrong)
    assert float(accuracy.result()) == 0.5
    assert accuracy.name == "accuracy"


@pytest.mark.parametrize("name", classes.ONE_OUTPUT)
def test_every_loss_of_two_classes_prefers_the_right_one(name: str) -> None:
    """With one output, a column of labels, and an accuracy that divides its range in the middle."""
    low, high = RANGES[classes.ONE_OUTPUT[name]]
    output = CLASSES.output(name, 2)
    labels = CLASSES.targets(np.array([0, 1, 1]), output.form(1), 2)
    assert labels.tolist() == [[0.0], [1.0], [1.0]]
    middle, step = (low + high) / 2, 0.2 * (high - low)
    right = np.array([[middle - step], [middle + step], [middle + step]], "float32")
    function = loss.build_loss(output)
    (accuracy,) = build_metrics(output, 1, [METRICS["accuracy"]])
    assert float(function(labels, right)) < float(function(labels, 2 * middle - right))
    accuracy.update_state(labels, right)
    assert float(accuracy.result()) == 1.0
    accuracy.update_state(labels, 2 * middle - right)
    assert float(accuracy.result()) == 0.5
    assert accuracy.name == "accuracy"
    found = output.probabilities(right)
    np.testing.assert_allclose(found, [[0.7, 0.3], [0.3, 0.7], [0.3, 0.7]], rtol=1e-6)


@pytest.mark.parametrize("name", LABELS.losses)
def test_every_loss_of_labels_asks_for_each_by_itself(name: str) -> None:
    output = LABELS.output(name, 3)
    assert output.layer == LastLayer(3, "sigmoid")
    labels = LABELS.targets(np.array([[1, 1, 0], [0, 0, 0]]), output.form(3), 3)
    assert (labels.tolist(), labels.dtype) == ([[1, 1, 0], [0, 0, 0]], np.float32)
    right = np.array([[0.8, 0.6, 0.1], [0.1, 0.2, 0.4]], "float32")
    function = loss.build_loss(output)
    (accuracy,) = build_metrics(output, 3, [METRICS["accuracy"]])
    assert float(function(labels, right)) < float(function(labels, 1 - right))
    accuracy.update_state(labels, right)
    assert float(accuracy.result()) == 1.0
    accuracy.update_state(labels, np.array([[0.8, 0.4, 0.1], [0.1, 0.2, 0.4]], "float32"))
    assert float(accuracy.result()) == pytest.approx((6 + 5) / 12)
    assert accuracy.name == "accuracy"
    np.testing.assert_array_equal(output.probabilities(right), right)


@pytest.mark.parametrize("name", [n for n in training_laws.BUILDERS if n != "transfer"])
def test_every_builder_gives_a_probability_for_every_class(name: str) -> None:
    params = {
        "mlp": {
            "hidden_units": [4],
            "activation": "relu",
            "dropout": 0.1,
            "batch_normalization": True,
            "l2": 0.01,
        },
        "cnn": {"filters": [2], "hidden_units": [4], "activation": "relu", "dropout": 0.1},
        "text": {
            "embedding": 2,
            "pooling": "convolution",
            "filters": 2,
            "kernel_size": 2,
            "hidden_units": [4],
            "activation": "relu",
            "dropout": 0.1,
        },
    }
    params["rnn"] = {"cell": "gru", "units": [2], "bidirectional": True, "dropout": 0.1}
    scaling = Scaling()
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype("float32")
    if name == "text":
        scaling, x = Scaling(numbers=(0,), ids=(Ids(1, 7, (2, 0), 3, 5),)), x[:, 0, :, 0].round(0)
        x = x.clip(-1, 2)
    elif name == "rnn":
        x = x[..., 0]
    settings = Model(name, name, params[name])
    built = model.build_model(settings, scaling, x, CLASSES.output("dice", 3), seed=0)
    outputs = np.asarray(built(x))
    assert outputs.shape == (5, 3)
    assert (outputs >= 0).all()
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", training_laws.SCHEDULES)
def test_every_schedule_builds(name: str) -> None:
    training = Training(4, 2, "huber", schedule=Schedule(name, warmup_epochs=1, final=0.1))
    optimizer = build_optimizer(Optimizer("SGD", {"learning_rate": 0.5}), training, 10)
    assert float(optimizer.learning_rate) < 0.5  # the first step of a warm-up


def test_a_schedule_that_is_none_of_them_is_constant() -> None:
    training = Training(4, 2, "huber")
    optimizer = build_optimizer(Optimizer("SGD", {"learning_rate": 0.5}), training, 10)
    assert float(optimizer.learning_rate) == 0.5


def test_every_sampler_and_pruner_builds_another_class() -> None:
    dimension = Dimension("x", "float", 0.5, low=0.0, high=1.0)
    params: dict[str, dict[str, Any]] = {
        "grid": {"points": 2},
        "qmc": {"qmc_type": "sobol", "scramble": True},
    }
    names = [name for name in laws.SAMPLERS if name != "gp"]  # which needs torch
    samplers = [
        make_sampler(Search(name, params.get(name, {})), [dimension], 0, SearchKey("arm"), 1)
        for name in names
    ]
    assert len({type(sampler) for sampler in samplers}) == len(names)
    bands = {"hyperband": {"max_resource": "auto"}}
    pruners = [make_pruner(Pruner(name, bands.get(name, {})), 9) for name in laws.PRUNERS]
    assert len({type(pruner) for pruner in pruners}) == len(laws.PRUNERS)

"""Compiled programs that outlive their trial: no trial can tell what its worker did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import optuna
import pytest
import tensorflow as tf

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.options import CONF
from fairsweep.config.space import dimensions, trial_values
from fairsweep.records import TrialKey
from fairsweep.search.samplers import from_drawn, suggest
from fairsweep.stages.search import trial_spec
from fairsweep.training import programs
from fairsweep.training.constants import Constant, Constants
from fairsweep.training.graph_files import Traced
from fairsweep.training.model_check import check
from fairsweep.training.optimizer import SGD
from fairsweep.training.trial import WorkerCache, compiled
from fairsweep.work import Compiled
from tests.integration.training_room import FEW_ROWS, Trained, compose, run, train

FREE = ("training.space.batch_size=null", "model.space.hidden_units=null")
SHORT = (*FREE, *FEW_ROWS, "training.epochs=2")
OTHER = ("model.params.hidden_units=[24]", "training.batch_size=64")
OTHERS = (OTHER, ("model.params.hidden_units=[8]", "training.batch_size=32"))
OPTIMIZERS = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml"))


def mostly_long(value: Any, short: bool, name: str | None = None) -> Any:
    """A parameter of a test, which `make test` leaves to `make check` if it isn't `short`."""
    return pytest.param(value, marks=() if short else pytest.mark.long, id=name or str(value))


def the_trial(*overrides: str, cache: WorkerCache | None = None) -> Trained:
    own = ("model.params.hidden_units=[16]", "training.batch_size=50")
    return train(*SHORT, *own, *overrides, seed=7, test=True, cache=cache)


def programs_in(cache: WorkerCache) -> int:
    return len(cache.programs)


def assert_same_after_others(kinds: int, *overrides: str) -> None:
    """The trial alone, and after others, bit for bit; in how many programs they ran."""
    cache = WorkerCache()
    for number, other in enumerate(OTHERS):
        ended = train(*SHORT, *overrides, *other, seed=number, cache=cache)
        assert ended.result.outcome == "complete", ended.result.error
    late, alone = the_trial(*overrides, cache=cache), the_trial(*overrides)
    assert late.epochs == alone.epochs
    assert late.result.test == alone.result.test != {}
    assert programs_in(cache) == kinds


# Those that look at a shape when their graph is made have a program for each shape.
BY_SHAPE = ("adafactor", "muon", "schedule_free_adamw")


@pytest.mark.parametrize(
    "optimizer", [mostly_long(name, name in ("sgd", "muon")) for name in OPTIMIZERS]
)
def test_a_trial_is_the_same_after_others_of_other_widths(optimizer: str) -> None:
    rate = "optimizer.params.learning_rate=0.002"
    assert_same_after_others(3 if optimizer in BY_SHAPE else 1, f"optimizer={optimizer}", rate)


HALF = "training.precision=mixed_float16"


def shifted(optimizer: str) -> tuple[str, ...]:
    """Overrides that change every number of an optimizer, and what stands for numbers in SGD's."""
    spec, _ = compose(*SHORT, f"optimizer={optimizer}")
    params = spec.optimizer.params
    numbers = {name: value * 0.9 for name, value in params.items() if type(value) is float}
    numbers |= {"momentum": 0.5} if "momentum" in numbers else {}
    flags = {"nesterov": "true"} if optimizer == "sgd" else {}
    return tuple(f"optimizer.params.{name}={own}" for name, own in (numbers | flags).items())


@pytest.mark.parametrize(
    "optimizer", [mostly_long(name, name in ("sgd", "adamw", "ftrl")) for name in OPTIMIZERS]
)
def test_a_trial_is_the_same_after_others_of_other_numbers(optimizer: str) -> None:
    cache, own = WorkerCache(), f"optimizer={optimizer}"
    other = the_trial(own, *shifted(optimizer), cache=cache)
    late, alone = the_trial(own, cache=cache), the_trial(own)
    assert other.result.outcome == "complete", other.result.error
    assert other.epochs != late.epochs == alone.epochs
    assert late.result.test == alone.result.test != {}
    assert programs_in(cache) == 1
    assert the_trial(own, *shifted(optimizer)).epochs == other.epochs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            ("training.schedule.name=cosine", "training.schedule.final=0.1", "training.epochs=3"),
            ("training.schedule.name=cosine", "training.schedule.final=0.5", "training.epochs=4"),
        ),
        (
            ("training.schedule.name=exponential", "training.schedule.final=0.1"),
            (
                *("training.schedule.name=exponential", "training.schedule.final=0.2"),
                "optimizer.params.learning_rate=0.01",
            ),
        ),
        (
            ("model.params.dropout=0.1", "model.params.l2=0.01"),
            ("model.params.dropout=0.6", "model.params.l2=0.1"),
        ),
        (
            ("optimizer=sgd", "model.layer_learning_rates={hidden_1: 0.5}"),
            ("optimizer=sgd", "model.layer_learning_rates={hidden_1: 0.5}", *shifted("sgd")),
        ),
        ((HALF, "optimizer=adam"), (HALF, "optimizer=adam", *shifted("adam"))),
        pytest.param(
            (HALF, "optimizer=sgd"),
            (HALF, "optimizer=sgd", *shifted("sgd")),
            marks=pytest.mark.long(4),
        ),
    ],
    ids=["cosine", "exponential", "layers", "two-optimizers", "scaled-loss", "scaled-loss-sgd"],
)
def test_numbers_of_schedules_and_layers_share_a_program(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    cache = WorkerCache()
    the_trial(*one, cache=cache)
    late, alone = the_trial(*other, cache=cache), the_trial(*other)
    cache.globals.restore()
    assert late.epochs == alone.epochs
    assert late.result.test == alone.result.test != {}
    assert programs_in(cache) == 1


READ = {
    "dense": ("optimizer=adam", "model.params.dropout=0.2", "model.params.l2=0.01"),
    "normalized": ("optimizer=sgd", "model.params.batch_normalization=true"),
    "scheduled": ("optimizer=muon", "training.schedule.name=cosine"),
    "images": ("model=cnn", "model.params.rotation=0.1"),
    "half floats": (HALF, "training.class_weight=balanced"),
}


@pytest.mark.parametrize("overrides", [mostly_long(READ[n], n == "dense", n) for n in READ])
def test_a_graph_that_another_worker_traced_gives_the_numbers_of_ones_own(
    overrides: tuple[str, ...], tmp_path: Path
) -> None:
    """Of a program both epochs and outputs are read, and nothing is traced."""
    first, second = WorkerCache(tmp_path / "graphs"), WorkerCache(tmp_path / "graphs")
    earlier = train(*SHORT, *overrides, "training.batch_size=64", test=True, cache=first)
    late = train(*SHORT, *overrides, seed=7, test=True, cache=second)
    first.globals.restore()
    alone = train(*SHORT, *overrides, seed=7, test=True)
    first.globals.restore()
    assert late.epochs == alone.epochs
    assert late.result.test == alone.result.test != {}
    made = [own.result.compiled.programs for own in (earlier, late, alone)]
    assert made == [1, 0, 1]


@pytest.mark.long(5)
def test_a_graph_is_read_only_where_what_it_decided_holds(tmp_path: Path) -> None:
    """Keras clips by no norm of 0."""
    own = ("optimizer=adam", "optimizer.params.clipnorm={}")
    for norm, traced in (("0.1", 1), ("0.0", 1), ("0.2", 0), ("0.0", 0)):
        overrides = [part.format(norm) for part in own]
        late = the_trial(*overrides, cache=WorkerCache(tmp_path / "graphs"))
        assert late.epochs == the_trial(*overrides).epochs
        assert late.result.compiled.programs == traced


def test_a_number_that_decides_what_is_computed_tells_programs_apart() -> None:
    """Keras clips by no norm of 0."""
    cache = WorkerCache()
    for norm, programs_so_far in (("0.1", 1), ("0.0", 2), ("0.2", 2), ("0.0", 2)):
        own = ("optimizer=adam", f"optimizer.params.clipnorm={norm}")
        assert the_trial(*own, cache=cache).epochs == the_trial(*own).epochs
        assert programs_in(cache) == programs_so_far


def test_a_constant_is_computed_with_as_a_number_is_and_may_be_another_later() -> None:
    """In doubles, rounded once; what a comparison or a whole number decided has to hold again."""

    def with_rate(rate: float) -> keras.Model:
        model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dropout(rate)])
        model.compile()
        return model

    model = with_rate(0.9)
    constants = Constants(model)
    formulas: list[Any] = []

    def graph(inputs: Any, x: Any) -> Any:
        with constants.given(inputs) as looked_up:
            formulas.append(looked_up)
            rate = model.layers[0].rate
            assert isinstance(rate, Constant)
            assert bool(rate) and rate < 1 and int(10 * rate) == 9
            return tf.stack([x * (1 - rate), abs(-rate) + x, x / rate**2, 2**rate - x])

    given = tf.TensorSpec([None], tf.float64), tf.TensorSpec([], tf.float32)
    made = tf.function(graph, input_signature=given, autograph=False).get_concrete_function()
    assert model.layers[0].rate == 0.9 and type(model.layers[0].rate) is float
    x = np.float32(0.3)
    for rate in (0.9, 0.95):
        other = Constants(with_rate(rate))
        assert constants.hold_for(other)
        constants.take_over(other)
        found = made(tf.constant(constants.inputs(formulas[0])), tf.constant(x)).numpy()
        single = [np.float32(v) for v in (1 - rate, rate, rate**2, 2**rate)]
        expected = [x * single[0], single[1] + x, x / single[2], single[3] - x]
        np.testing.assert_array_equal(found, expected)
    for rate in (0.0, 0.5):
        assert not constants.hold_for(Constants(with_rate(rate)))


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_our_sgd_takes_the_steps_of_keras(momentum: float, nesterov: bool) -> None:
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=(2, 3)), random.normal(size=(5, 2, 3))
    ended = []
    for kind in (SGD, keras.optimizers.SGD):
        optimizer = kind(learning_rate=0.1, momentum=momentum, nesterov=nesterov)
        variable = keras.Variable(start, dtype="float32")
        optimizer.build([variable])
        for gradient in gradients:
            optimizer.apply([keras.ops.cast(gradient, "float32")], [variable])
        ended.append(variable.numpy())
    np.testing.assert_array_equal(*ended)


@pytest.mark.long(20)
def test_a_default_sweep_makes_a_program_for_each_arm_and_number_of_layers() -> None:
    plan = compose_sweep([*FEW_ROWS, "training.epochs=1"])
    _, data = compose(*FEW_ROWS)
    cache, kinds = WorkerCache(), set()
    for arm in plan.arms:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        own = dimensions(arm.settings)
        for number in range(25):
            trial = study.ask()
            for dimension in own:
                suggest(trial, dimension)
            drawn = {each.name: from_drawn(each, trial.params[each.name]) for each in own}
            values = trial_values(arm.settings, drawn)
            spec = trial_spec(plan, arm, TrialKey(arm.name, "search", number), values, number)
            assert run(spec, data, cache=cache).result.error == ""
            kinds.add((arm.name, len(spec.model.params["hidden_units"])))
    assert programs_in(cache) == len(kinds) == 3 * len(plan.arms)


MODELS: dict[str, tuple[Any, ...]] = {
    "dropout-l2-one-hot-clipped": (
        *(1, "model=mlp", "model.params.dropout=0.3", "model.params.l2=0.01"),
        *("training.loss=categorical_crossentropy", "optimizer=adam"),
        "optimizer.params.clipnorm=0.1",
    ),
    "dropout": (1, "model=mlp", "model.params.dropout=0.3"),
    "l2": (1, "model=mlp", "model.params.l2=0.01"),
    "tanh": (1, "model=mlp", "model.params.activation=tanh"),
    "batch-normalization": (3, "model=mlp", "model.params.batch_normalization=true"),
    "layer-normalization": (3, "model=mlp", "model.params.layer_normalization=true"),
    "cnn": (3, "model=cnn", "model.params.filters=[4]"),
    "clipped": (1, "optimizer=adam", "optimizer.params.clipnorm=0.1"),
    "one-hot": (1, "training.loss=categorical_crossentropy"),
}


@pytest.mark.parametrize(
    "model",
    [
        mostly_long(model, name in ("dropout-l2-one-hot-clipped", "batch-normalization"), name)
        for name, model in MODELS.items()
    ],
)
def test_a_trial_is_the_same_after_others_of_its_model(model: tuple[int, *tuple[str, ...]]) -> None:
    kinds, *overrides = model
    assert_same_after_others(kinds, *overrides)


@pytest.mark.long
def test_a_trial_is_the_same_as_the_fiftieth_of_its_worker() -> None:
    cache = WorkerCache()
    for number in range(49):
        widths = [8 << (number % 3), 16][: 1 + number % 2]
        train(
            *(*SHORT, "training.epochs=1", f"model.params.hidden_units={_bare(widths)}"),
            seed=number,
            cache=cache,
        )
    assert the_trial(cache=cache).epochs == the_trial().epochs
    assert programs_in(cache) == 2


def _bare(widths: Sequence[int]) -> str:
    return str(list(widths)).replace(" ", "")


def begin(*overrides: str, cache: WorkerCache) -> programs.Program:
    """The program that a trial would run, which is compiled when it runs."""
    spec, data = compose(*SHORT, *overrides)
    model, form = compiled(spec, data, cache)
    return cache.program(spec, data, model, cache.part(data, "train", form))


def test_layers_optimizer_and_loss_tell_programs_apart() -> None:
    cache = WorkerCache()
    kinds = (
        ("optimizer=adam",),
        ("optimizer=sgd",),
        ("optimizer=adam", "model.params.hidden_units=[16]"),
        ("optimizer=adam", "model.params.activation=tanh"),
        ("optimizer=adam", "training.loss=categorical_crossentropy"),
        ("optimizer=adam", "optimizer.params.weight_decay=0.01"),
    )
    for count, kind in enumerate(kinds, 1):
        begin(*kind, cache=cache)
        assert programs_in(cache) == count
    for number in ("beta_1=0.8", "learning_rate=0.5"):
        begin(*kinds[0], f"optimizer.params.{number}", cache=cache)
    assert programs_in(cache) == len(kinds)


def test_data_with_other_classes_have_programs_of_their_own(tmp_path: Path) -> None:
    """Though their rows look alike: the last layer has a unit for each class."""
    cache, random = WorkerCache(), np.random.default_rng(0)
    for classes in (3, 5):
        file = tmp_path / f"{classes}.npz"
        y = np.arange(60) % classes
        np.savez(file, x=random.normal(size=(60, 4)).astype(np.float32), y=y)
        spec, data = compose(*SHORT[:2], "data=npz", f"data.path={file}", "training.batch_size=8")
        model, form = compiled(spec, data, cache)
        cache.program(spec, data, model, cache.part(data, "train", form))
    assert programs_in(cache) == 2


def test_a_result_says_what_was_compiled_since_the_last_one() -> None:
    """For the check of an arm, too: its first training is there already."""
    cache = WorkerCache()
    spec, data = compose(*SHORT, "optimizer=adam")
    assert check(replace(spec, key=replace(spec.key, stage="check")), data, cache).error == ""
    first, again = (run(spec, data, cache=cache).result.compiled for _ in range(2))
    assert first.programs == 1
    assert first.seconds > 0
    assert again == Compiled()


def test_the_programs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one not used for longest goes first."""
    monkeypatch.setattr(programs, "MOST_PROGRAMS", 2)
    cache, made = WorkerCache(), []
    for optimizer in ("adam", "sgd", "adam", "rmsprop"):
        made.append(begin(f"optimizer={optimizer}", cache=cache))
    assert programs_in(cache) == 2
    adam, sgd, again, _ = made
    assert again is adam
    assert begin("optimizer=adam", cache=cache) is adam
    assert begin("optimizer=sgd", cache=cache) is not sgd


@pytest.mark.parametrize("optimizer", ["adam", "nadam"])
def test_a_step_reads_its_number_once_for_all_weights(optimizer: str) -> None:
    """And once more to count it."""
    program = begin(f"optimizer={optimizer}", cache=WorkerCache())
    traced = program._train.made
    assert isinstance(traced, Traced)
    made = traced.function.graph.as_graph_def()
    bodies = {node.attr["body"].func.name for node in made.node if node.op == "While"}
    steps = [own for own in made.library.function if own.signature.name in bodies]
    number = program.model.optimizer.iterations.value.dtype.as_datatype_enum
    reads = [
        node
        for step in steps
        for node in step.node_def
        if node.op == "ReadVariableOp" and node.attr["dtype"].type == number
    ]
    assert len(program.model.trainable_variables) > 2
    assert len(reads) == 2

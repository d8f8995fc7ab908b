"""A loss and an optimizer of the user's own: Keras's numbers, and what is told first."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.data.split import SplitData
from fairsweep.errors import BadInput
from fairsweep.records import TrialSpec
from fairsweep.training.model_check import check
from fairsweep.training.part_check import optimizer_problems
from fairsweep.training.trial import WorkerCache
from tests.integration import own_parts
from tests.integration.training_room import Trained, assert_same, compose, run

MODULE = "tests.integration.own_parts"
SMALL = (
    *("data=worked_example", "objective.metric=loss", "objective.direction=minimize"),
    *("training.epochs=3", "training.batch_size=2", "model.params.hidden_units=[4]"),
)

RATE = {"learning_rate": 0.05}


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


def with_loss(name: str, **params: Any) -> tuple[TrialSpec, SplitData]:
    spec, split = compose(*SMALL)
    loss = f"{MODULE}:{name}" if hasattr(own_parts, name) or "_" not in name else name
    return replace(spec, training=replace(spec.training, loss=loss, loss_params=params)), split


def with_optimizer(name: str, **params: Any) -> tuple[TrialSpec, SplitData]:
    spec, data = compose(*SMALL)
    own = replace(spec.optimizer, name=f"{MODULE}:{name}", params={**RATE, **params})
    return replace(spec, optimizer=own), data


def problems(spec: TrialSpec, data: SplitData) -> list[str]:
    result = check(spec, data, WorkerCache())
    return result.error.split("\n") if result.error else []


def place(name: str) -> str:
    part = getattr(own_parts, name)
    number = inspect.getsourcelines(part)[1]
    return f"own_parts.py:{number}: {name}{'' if inspect.isclass(part) else '()'}"


def line_of(text: str) -> int:
    lines = Path(own_parts.__file__).read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def assert_alike(ours: Trained, theirs: Trained) -> None:
    assert len(ours.epochs) == len(theirs.epochs) > 1
    for own, other in zip(ours.epochs, theirs.epochs, strict=True):
        assert own == pytest.approx(other, rel=1e-6)


def by_fit(spec: TrialSpec, data: SplitData) -> Trained:
    return run(replace(spec, training=replace(spec.training, loop="fit")), data)


# Losses.


@pytest.mark.long(2)
def test_a_loss_of_ones_own_gives_the_numbers_of_keras() -> None:
    """As a function or a class, in both loops."""
    function, kind = with_loss("squares", power=2.0), with_loss("Squares")
    resident = run(*function)
    assert_alike(resident, run(*with_loss("mean_squared_error")))
    assert_same(resident, by_fit(*kind))


@pytest.mark.long(2)
def test_a_program_belongs_to_the_arguments_of_its_loss() -> None:
    cache = WorkerCache()
    first, second = (with_loss("categorical_crossentropy", label_smoothing=s) for s in (0.0, 0.2))
    plain, smooth = (run(*own, cache=cache).curve("loss") for own in (first, second))
    assert plain != smooth == run(*second).curve("loss")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("of_elements", "must give one number a row, (6,) for 6 rows, but gives (6, 2)"),
        ("of_all", "must give one number a row, (6,) for 6 rows, but gives ()"),
        ("factory", "returns a function"),
        ("nothing", "returns nothing; end it with: return …"),
        ("flat", "has no gradient"),
        ("infinite", "for a row; keep y_pred off 0 and 1"),
        ("Summed", "has reduction='sum'"),
        ("NoLoss", "must be a subclass of keras.losses.Loss"),
    ],
)
def test_a_loss_that_can_not_work(name: str, told: str) -> None:
    (problem,) = problems(*with_loss(name))
    assert problem.startswith(f"training.loss: {place(name)} ")
    assert told in problem


def test_a_loss_that_raises_is_told_with_its_line() -> None:
    (problem,) = problems(*with_loss("raises"))
    line = line_of("# fails: loss")
    assert problem.startswith(f"training.loss: own_parts.py:{line}: LookupError: no such loss")


def test_a_loss_that_is_not_there() -> None:
    (problem,) = problems(*with_loss("squarse"))
    assert problem.startswith(
        f"training.loss: {MODULE} has no function or class 'squarse'; it has squares, Squares,"
    )


def test_an_argument_that_a_loss_does_not_have() -> None:
    (problem,) = problems(*with_loss("squares", powre=2.0))
    assert problem.startswith(f"training.loss_params: {place('squares')} takes ")
    assert "unexpected keyword argument 'powre'" in problem
    (problem,) = problems(*with_loss("categorical_crossentropy", label_smoothin=0.1))
    assert problem == (
        "training.loss_params.label_smoothin: categorical_crossentropy has no such parameter; did "
        "you mean label_smoothing?"
    )


def test_a_loss_that_will_not_be_finite_is_told() -> None:
    result = check(*with_loss("logarithm"), WorkerCache())
    assert result.outcome == "complete"
    (note,) = result.notes
    assert note.startswith(f"training.loss: {place('logarithm')} isn't finite where an output is")
    assert check(*with_loss("squares"), WorkerCache()).notes == []


def test_two_classes_may_have_one_output_under_a_loss_of_ones_own() -> None:
    spec, data = with_loss("squares")
    assert problems(spec, data) == []
    model = replace(
        spec.model,
        builder="tests.integration.lessons:ends_in",
        params={"units": 1, "activation": "sigmoid"},
    )
    assert problems(replace(spec, model=model), data) == []
    tanh = replace(model, params={"units": 1, "activation": "tanh"})
    (problem,) = problems(replace(spec, model=tanh), data)
    assert 'a value from 0 to 1; write Dense(1, activation="sigmoid")' in problem


# Optimizers.


def test_an_optimizer_of_ones_own_gives_the_numbers_of_keras() -> None:
    spec, data = compose("optimizer=sgd", *SMALL)
    plain = replace(spec.optimizer, params={**spec.optimizer.params, "learning_rate": 0.05})
    assert_alike(run(*with_optimizer("Plain")), run(replace(spec, optimizer=plain), data))


@pytest.mark.long(2)
def test_each_trial_has_a_program_of_its_own() -> None:
    """What a class does with its numbers, and what it keeps, is not known."""
    cache = WorkerCache()
    first, second = with_optimizer("Counting"), with_optimizer("Counting", momentum=0.5)
    assert run(*first, cache=cache).epochs == run(*first, cache=cache).epochs
    assert run(*second, cache=cache).epochs == run(*second).epochs


@pytest.mark.long(2)
def test_layer_rates_schedules_and_clipping_hold_for_it() -> None:
    spec, data = with_optimizer("Plain", factor=2.0, clipnorm=0.1)
    schedule = replace(spec.training.schedule, name="cosine", warmup_epochs=1)
    model = replace(spec.model, layer_learning_rates={"hidden_1": 0.1})
    spec = replace(spec, model=model, training=replace(spec.training, schedule=schedule))
    assert_same(run(spec, data), by_fit(spec, data))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Idle", "changes no weight in the first step"),
        ("Explodes", "leaves weights that aren't finite after the first step"),
        ("no_class", "must be a subclass of keras.optimizers.Optimizer"),
        ("Squares", "must be a subclass of keras.optimizers.Optimizer"),
    ],
)
def test_an_optimizer_that_can_not_work(name: str, told: str) -> None:
    (problem,) = problems(*with_optimizer(name))
    assert problem.startswith(f"optimizer.name: {place(name)} ")
    assert told in problem


def test_one_that_gathers_gradients_may_wait_with_its_first_step() -> None:
    spec, _ = with_optimizer("Plain", gradient_accumulation_steps=2)
    assert list(optimizer_problems(spec, [np.ones(1)], [np.ones(1)])) == []


@pytest.mark.parametrize(
    ("name", "loss", "words", "told"),
    [
        ("Plain", "steep", ("data.standardize=true", "training.precision=mixed_float16"), ""),
        ("Plain", "squares", (), ""),
        ("Idle", "squares", ("data.standardize=true",), "changes no weight in the first step"),
    ],
    ids=["a step left out", "no gradient", "idle"],
)
def test_a_step_that_has_nothing_to_change_tells_nothing_of_an_optimizer(
    name: str, loss: str, words: tuple[str, ...], told: str
) -> None:
    """Where the loss is scaled, as under mixed_float16, gradients of the first steps overflow; and
    features of 150 make a model sure of its first rows, which leaves no gradient."""
    spec, data = compose(*SMALL, *words)
    own = replace(spec.optimizer, name=f"{MODULE}:{name}", params=RATE)
    training = replace(spec.training, loss=f"{MODULE}:{loss}")
    cache = WorkerCache()
    result = check(replace(spec, optimizer=own, training=training), data, cache)
    cache.globals.restore()
    assert told in result.error
    assert bool(result.error) == bool(told)


def test_a_param_that_an_optimizer_does_not_have() -> None:
    (problem,) = problems(*with_optimizer("Counting", speed=2.0))
    assert "speed" in problem
    (problem,) = problems(*with_optimizer("Nowhere"))
    assert problem.startswith(f"optimizer.name: {MODULE} has no class 'Nowhere'; it has Squares")


def test_what_is_not_trusted_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "other")
    with pytest.raises(BadInput, match=r"training\.loss: .*'tests', which is not trusted"):
        compose(*SMALL, f"training.loss={MODULE}:squares")

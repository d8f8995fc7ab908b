"""Callbacks, Keras's and the user's own: in both loops, and what is told before the first trial."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fairsweep.config.callbacks import KERAS
from fairsweep.config.checks.callbacks import DONE_OTHERWISE, callback_problems
from fairsweep.config.schema import Schedule, Training
from fairsweep.data.split import SplitData
from fairsweep.records import TrialSpec
from fairsweep.training.callbacks import Callbacks, callbacks_for
from fairsweep.training.kept_state import NotKept
from fairsweep.training.model_check import check
from fairsweep.training.trial import WorkerCache
from tests.integration import own_parts
from tests.integration.training_room import Trained, compose, run

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
MODULE = "tests.integration.own_parts"
SMALL = (
    *("data=worked_example", "objective.metric=loss", "objective.direction=minimize"),
    *("training.epochs=5", "training.batch_size=2", "model.params.hidden_units=[4]"),
)


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


def called(name: str, **params: Any) -> dict[str, Any]:
    return {"name": f"{MODULE}:{name}" if hasattr(own_parts, name) else name, "params": params}


def with_callbacks(*callbacks: Any, **training: Any) -> tuple[TrialSpec, SplitData]:
    spec, data = compose(*SMALL)
    changed = replace(spec.training, callbacks=list(callbacks), **training)
    return replace(spec, training=changed), data


def both(*callbacks: Any) -> tuple[Trained, Trained]:
    resident, fit = (run(*with_callbacks(*callbacks, loop=loop)) for loop in ("resident", "fit"))
    assert (resident.result.loop, fit.result.loop) == ("resident", "fit")
    assert resident.result.outcome == "complete", resident.result.error
    return resident, fit


def told(*callbacks: Any, **training: Any) -> tuple[list[str], list[str]]:
    """Problems and warnings before the first trial."""
    result = check(*with_callbacks(*callbacks, **training), WorkerCache())
    return result.error.split("\n") if result.error else [], list(result.notes)


PLATEAU = called("ReduceLROnPlateau", monitor="loss", patience=1, min_delta=100.0, factor=0.5)


@pytest.mark.long(3)
def test_both_loops_call_them_alike() -> None:
    """What sets the learning rate, adds metrics, and keeps what it needs; bit for bit."""
    schedule = called("LearningRateScheduler", schedule=f"{MODULE}:halves")
    early = called("EarlyStopping", monitor="loss", patience=9)
    resident, fit = both(called("Swings"), schedule, early)
    assert resident.epochs == fit.epochs
    rates = resident.curve("learning_rate")
    assert rates == pytest.approx([0.00055, 0.000605, 0.00033275, 0.000366025, 0.0002013], rel=1e-3)
    assert resident.curve("seen") == [2, 4, 6, 8, 10]


def test_a_rate_is_reduced_where_it_stays() -> None:
    trained = run(*with_callbacks(PLATEAU))
    rates = [0.001, 0.001, 0.0005, 0.00025, 0.000125]
    assert trained.curve("learning_rate") == pytest.approx(rates)


def test_a_training_is_stopped_and_complete() -> None:
    stopped = run(*with_callbacks(called("Stops", epochs=2)))
    assert (stopped.result.outcome, stopped.result.epochs) == ("complete", 2)
    early = called("EarlyStopping", monitor="loss", min_delta=1000.0, patience=2)
    cache = WorkerCache()
    assert run(*with_callbacks(early), cache=cache).result.epochs == 3
    assert run(*with_callbacks(), cache=cache).result.epochs == 5  # in the same program


def test_one_that_only_stops_is_left_out_where_the_epochs_are_given() -> None:
    spec, _ = with_callbacks("EarlyStopping", PLATEAU)
    assert [own.name for own in callbacks_for(spec).asked] == ["EarlyStopping", "ReduceLROnPlateau"]
    refit = replace(spec, last_epoch=3)
    assert [own.name for own in callbacks_for(refit).asked] == ["ReduceLROnPlateau"]


@pytest.mark.long(2)
def test_what_acts_on_batches_takes_fit() -> None:
    trained = run(*with_callbacks(called("Batches")))
    assert trained.result.loop == "fit"
    assert trained.result.loop_reason == f"{MODULE}:Batches (on_test_end) acts on batches"
    assert trained.curve("batches") == [3, 6, 9, 12, 15]
    problems, (note,) = told(called("Batches"))
    assert problems == []
    assert note.startswith(f"training.callbacks: {MODULE}:Batches (on_test_end) acts on batches")


def test_what_acts_on_batches_can_not_be_resident() -> None:
    (problem,), _ = told("TerminateOnNaN", loop="resident")
    assert problem == (
        "training.loop: resident has no batches for TerminateOnNaN (on_batch_end); use "
        "training.loop=auto, which takes fit"
    )


def test_a_callback_that_can_not_work() -> None:
    number = inspect.getsourcelines(own_parts.NoLoss)[1]
    assert told(called("NoLoss"))[0] == [
        f"training.callbacks: own_parts.py:{number}: NoLoss must be a subclass of "
        "keras.callbacks.Callback"
    ]
    (problem,), _ = told(called("Stops"))
    assert "missing a required argument: 'epochs'" in problem
    lines = Path(own_parts.__file__).read_text().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "# fails: callback" in text)
    (problem,), _ = told(called("Asks"))
    assert problem.startswith(f"training.callbacks: own_parts.py:{line}: KeyError: 'val_auk'")
    (problem,), _ = told(called("Words"))
    line = inspect.getsourcelines(own_parts.Words)[1]
    assert problem == (
        f"training.callbacks: own_parts.py:{line}: Words must give numbers as metrics of an epoch, "
        "got mood: 'fine'"
    )


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("loss", -1.0, "sets loss in logs, which is measured; log it under another name"),
        ("accuracy", None, "removes accuracy from logs, which is measured; leave it there"),
        ("best_loss", 0.0, "logs best_loss, which is what a run has beside metrics; log it under"),
        ("seconds", 0.0, "logs seconds, which is what a run has beside metrics; log it under"),
    ],
)
def test_what_is_measured_is_not_for_callbacks_to_write(
    name: str, value: float | None, text: str
) -> None:
    (problem,), _ = told(called("Overwrites", metric=name, value=value))
    line = inspect.getsourcelines(own_parts.Overwrites)[1]
    assert problem.startswith(f"training.callbacks: own_parts.py:{line}: Overwrites {text}")


@pytest.mark.parametrize("value", [-1.0, None])
def test_what_was_measured_stays_where_a_callback_writes_over_it_later(
    value: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Only in the fourth epoch, which the try before the first trial doesn't reach."""
    late = called("Overwrites", metric="loss", value=value, since=3)
    stopping = called("EarlyStopping", monitor="loss", patience=9)
    assert told(late) == ([], [])
    honest, written = run(*with_callbacks()), run(*with_callbacks(late, stopping))
    assert written.result.outcome == "complete", written.result.error
    assert written.curve("loss") == honest.curve("loss")
    assert written.result.best_value == honest.result.best_value
    assert written.curve("epochs_seen") == [1, 2, 3, 4, 5]
    (record,) = [own for own in caplog.records if "Overwrites" in own.getMessage()]
    assert "stays as it was measured" in record.getMessage()


@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_a_schedule_that_fails_is_named_with_its_line(loop: str) -> None:
    def scheduled(name: str) -> str:
        schedule = called("LearningRateScheduler", schedule=f"{MODULE}:{name}")
        (problem,), _ = told(schedule, loop=loop)
        return problem

    number = own_parts.forgets.__code__.co_firstlineno
    assert scheduled("forgets").startswith(
        f"training.callbacks: own_parts.py:{number}: forgets() gives what LearningRateScheduler "
        "refuses: ValueError: "
    )
    number = own_parts.off_the_end.__code__.co_firstlineno + 1
    told_of_the_line = f"training.callbacks: own_parts.py:{number}: KeyError: -1"
    assert scheduled("off_the_end").startswith(told_of_the_line)


def test_one_of_keras_that_fails_is_named() -> None:
    for params in ({"patience": "two"}, {"factor": "half"}):
        (problem,), _ = told(called("ReduceLROnPlateau", monitor="loss", **params))
        assert problem.startswith("training.callbacks: ReduceLROnPlateau fails: TypeError: ")


def test_what_keras_own_are_given() -> None:
    assert told(called("EarlyStopping", monitor="acuracy"))[0] == [
        "training.callbacks: EarlyStopping monitors acuracy, which no epoch has; did you mean "
        "accuracy?"
    ]
    assert told(called("EarlyStopping", patince=3))[0] == [
        "training.callbacks: EarlyStopping has no parameter 'patince'; did you mean patience?"
    ]
    stopping = replace(Training().early_stopping, patience=3)
    twice = called("EarlyStopping", monitor="loss", restore_best_weights=True)
    (problem,), _ = told(twice, early_stopping=stopping)
    assert "EarlyStopping and training.early_stopping.patience=3 both stop" in problem
    problems, (note,) = told(twice)
    assert problems == []
    assert "restore_best_weights, which has no effect" in note


def test_a_score_can_be_watched() -> None:
    """Which of Keras's classes can't tell by its name is better when it is higher."""
    spec, _ = with_callbacks(called("EarlyStopping", monitor="val_f1"))
    (made,) = callbacks_for(spec).made
    assert made.mode == "max"


@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_what_a_callback_before_it_logs_can_be_watched(loop: str) -> None:
    """`seen` grows by 2 in every epoch, and the rate that the last one logs stays."""
    watched = called("EarlyStopping", monitor="seen", mode="min", patience=2)
    rate = called("EarlyStopping", monitor="learning_rate", mode="min", patience=9)
    callbacks = (called("Swings"), watched, PLATEAU, rate)
    assert told(*callbacks, loop=loop)[0] == []
    trained = run(*with_callbacks(*callbacks, loop=loop))
    assert (trained.result.outcome, trained.result.epochs) == ("complete", 3)
    (problem,), _ = told(watched, called("Swings"), loop=loop)
    assert problem == (
        f"training.callbacks: EarlyStopping monitors seen, which {MODULE}:Swings adds only after "
        f"it; put {MODULE}:Swings before EarlyStopping"
    )
    (problem,), _ = told(called("Swings"), called("EarlyStopping", monitor="sean"), loop=loop)
    assert problem.endswith("monitors sean, which no epoch has; did you mean seen?")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("ModelCheckpoint", "is not needed here"),
        ("EarlyStoping", "did you mean EarlyStopping?"),
        ({"nam": "EarlyStopping"}, "need a name, or a name with params"),
        ({"name": "EarlyStopping", "param": {}}, "did you mean params?"),
        ({"name": "EarlyStopping", "params": 3}, "need params by name, got 3"),
        ("LearningRateScheduler", "needs a function of yours"),
        (called("LearningRateScheduler", schedule="os:system"), "which is not trusted"),
        ("os:system", "which is not trusted"),
        ("tests.integration:", "need package.module:name"),
        (3, "need a name, or a name with params, got 3"),
    ],
)
def test_an_entry_that_is_refused(entry: Any, text: str) -> None:
    ((key, problem),) = callback_problems(Training(callbacks=[entry]))
    assert key == "training.callbacks"
    assert text in problem


@pytest.mark.parametrize("schedule", [Schedule("cosine"), Schedule(warmup_epochs=1)])
def test_one_of_them_sets_the_learning_rate(schedule: Schedule) -> None:
    ((_, problem),) = callback_problems(Training(callbacks=[PLATEAU], schedule=schedule))
    assert "would both set the learning rate" in problem


def test_every_callback_of_keras_is_known() -> None:
    there = {name for name in dir(keras.callbacks) if name[0].isupper()}
    assert {*KERAS, *DONE_OTHERWISE} == there - {"Callback", "CallbackList"}


def test_what_a_checkpoint_can_not_hold_is_told_by_name() -> None:
    spec, _ = with_callbacks(called("Draws"))
    callbacks: Callbacks = callbacks_for(spec)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile()
    callbacks.begin(model, 1, 1)
    with pytest.raises(NotKept, match=r"random \(Random\)"):
        callbacks.kept([])
    problems, (note,) = told(called("Draws"))
    assert problems == []
    assert "keeps random (Random), which no checkpoint holds" in note


def test_what_they_keep_of_a_model_and_in_variables_goes_on() -> None:
    """The weights that it remembers are those of the model that goes on."""

    def begun() -> tuple[Callbacks, keras.Model]:
        own: Callbacks = callbacks_for(with_callbacks(called("Averages"))[0])
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile()
        own.begin(model, 3, 1)
        return own, model

    def epoch(own: Callbacks, model: keras.Model, number: int) -> dict[str, float]:
        values: dict[str, float] = {}
        model.set_weights([np.full((1, 1), number), np.zeros(1)])
        own.epoch_end(number, values)
        return values

    (whole, model), arrays = begun(), list[Any]()
    epoch(whole, model, 1)
    found = whole.kept(arrays)
    (again, other) = begun()
    again.put_back(json.loads(json.dumps(found)), dict(enumerate(arrays)))
    for number in (2, 3):
        assert epoch(again, other, number) == epoch(whole, model, number)

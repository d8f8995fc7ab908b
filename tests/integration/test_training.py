"""The training room with the real Keras: two loops, one result; seeds; endings; schedules; losses.

Settings are those of conf/, composed as every command composes them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from fairsweep.config.checks.model import ACTIVATIONS
from fairsweep.config.options import CONF
from fairsweep.data.scaling import measure
from fairsweep.records import PruningSchedule, derive_seed
from fairsweep.tasks import CLASSES
from fairsweep.tasks.classes import (
    ONE_HOT_LOSSES,
    ONE_OUTPUT,
    SPARSE_LOSSES,
    TWO_CLASS_LOSSES,
)
from fairsweep.tested import Confusion
from fairsweep.training import loops
from fairsweep.training import loss as losses
from fairsweep.training.graph_files import Traced
from fairsweep.training.model import build_model
from fairsweep.training.optimizer import build_optimizer
from fairsweep.training.programs import EVALUATION_BATCH, Program
from fairsweep.training.trial import WorkerCache, compiled, train_trial
from tests.integration.test_programs import mostly_long
from tests.integration.training_room import FEW_ROWS, assert_same, both_loops, compose, train

OPTIMIZERS = sorted({path.stem for path in (CONF / "optimizer").glob("*.yaml")} - {"adam_twin"})
FREE = ("training.space.batch_size=null", "model.space.hidden_units=null")
"""Nothing is searched here, so no search space has to hold what is given."""
SMALL = (*FREE, *FEW_ROWS, "model.params.hidden_units=[16]", "training.batch_size=50")
RATE = "optimizer.params.learning_rate"
STILL = ("optimizer=sgd", f"{RATE}=1e-30", "optimizer.space.learning_rate=null")
"""A learning rate that changes no weight: accuracy is the same in every epoch."""
WORKER = WorkerCache()
"""What one worker keeps, for trainings that could as well run in a new one (test_programs.py)."""
LOSS_ONLY = ("objective.metric=loss", "objective.direction=minimize")


# Keras's own loop, and the compiled one.

KINDS_OF_STEPS = {
    "accumulated": ("optimizer.params.gradient_accumulation_steps=2",),
    "averaged": ("optimizer.params.use_ema=true",),
    "averaged-into-weights": (
        "optimizer.params.use_ema=true",
        "optimizer.params.ema_overwrite_frequency=5",
    ),
}
TOGETHER = {
    "sgd, one-hot labels, a schedule, rows in order": (
        *("optimizer=sgd", "training.loss=categorical_crossentropy", "training.shuffle=false"),
        *("training.schedule.name=cosine", "training.schedule.warmup_epochs=1"),
    ),
    "rmsprop, dropout, batch normalization": (
        *("optimizer=rmsprop", "model.params.dropout=0.3"),
        "model.params.batch_normalization=true",
    ),
    "adamw, l2, layer normalization, averaged weights": (
        *("optimizer=adamw", "model.params.l2=0.001", "model.params.layer_normalization=true"),
        *KINDS_OF_STEPS["averaged-into-weights"],
    ),
    "lion, accumulated gradients": ("optimizer=lion", *KINDS_OF_STEPS["accumulated"]),
    "muon, convolutions, dropout": (
        *("optimizer=muon", "model=cnn", "model.params.filters=[8]", "model.params.dropout=0.2"),
    ),
    "schedule_free_adamw": ("optimizer=schedule_free_adamw",),
}
"""Everything that a step can depend on, several at a time; `make check` tries each alone too."""

ALONE = {
    **{name: (f"optimizer={name}",) for name in OPTIMIZERS},
    **{name: ("optimizer=adam", *steps) for name, steps in KINDS_OF_STEPS.items()},
    **{
        activation: (
            *("optimizer=adam", "model.params.hidden_units=[16,16]"),
            f"model.params.activation={activation}",
        )
        for activation in ACTIVATIONS
    },
    "dropout": ("optimizer=adam", "model.params.dropout=0.3"),
    "batch-normalization": ("optimizer=adam", "model.params.batch_normalization=true"),
    "layer-normalization": ("optimizer=adam", "model.params.layer_normalization=true"),
    "l2": ("optimizer=adam", "model.params.l2=0.001"),
    "cnn": (
        *("optimizer=adam", "model=cnn", "model.params.filters=[8]", "model.params.dropout=0.2"),
        *("model.params.flip=both", "model.params.rotation=0.1", "model.params.zoom=0.1"),
        *("model.params.translation=0.1", "model.params.contrast=0.2"),
    ),
    "one-hot-labels": ("optimizer=sgd", "training.loss=categorical_crossentropy"),
    "schedule": (
        *("optimizer=adam", "training.schedule.name=cosine", "training.schedule.warmup_epochs=1"),
        "training.shuffle=false",
    ),
}


@pytest.mark.parametrize("overrides", TOGETHER.values(), ids=TOGETHER)
def test_resident_loop_equals_fit(overrides: Sequence[str]) -> None:
    resident, fit = both_loops(*SMALL, "training.epochs=3", *overrides)
    assert_same(resident, fit)
    assert set(fit.epochs[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.long
@pytest.mark.parametrize("overrides", ALONE.values(), ids=ALONE)
def test_resident_loop_equals_fit_for_each_alone(overrides: Sequence[str]) -> None:
    assert_same(*both_loops(*SMALL, "training.epochs=3", *overrides))


class TestAuto:
    """Keras's loop where the compiled one can't be, and the same numbers from it."""

    def test_a_model_that_cannot_be_compiled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise NotImplementedError("no graph of this")

        fit = train(*SMALL, "training.epochs=2", "training.loop=fit")
        monkeypatch.setattr(Program, "train", refuse)
        auto = train(*SMALL, "training.epochs=2", "training.loop=auto")
        assert (auto.result.outcome, auto.result.loop) == ("complete", "fit")
        assert "can't be compiled: NotImplementedError: no graph of this" in auto.result.loop_reason
        assert auto.epochs == fit.epochs

        resident = train(*SMALL, "training.epochs=2", "training.loop=resident")
        assert (resident.result.outcome, resident.result.loop) == ("failed", "resident")

    def test_data_that_does_not_fit_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fit = train(*SMALL, "training.epochs=2", "training.loop=fit")
        monkeypatch.setattr(loops, "available_bytes", lambda: 4096)
        auto = train(*SMALL, "training.epochs=2", "training.loop=auto")
        assert auto.result.loop == "fit"
        assert "memory" in auto.result.loop_reason
        assert auto.epochs == fit.epochs

    def test_whatever_can_be_is_compiled(self) -> None:
        auto = train(*SMALL, "training.epochs=1", "training.loop=auto")
        assert (auto.result.loop, auto.result.loop_reason) == ("resident", "")


def test_a_single_training_needs_no_search_space_that_holds_it() -> None:
    """Nothing is searched by `fairsweep train`: any batch size and any widths will do."""
    spec, _ = compose("training.batch_size=50", "model.params.hidden_units=[100,10]")
    assert spec.training.batch_size == 50
    assert spec.model.params["hidden_units"] == [100, 10]


def test_the_last_batch_is_short_in_these_tests() -> None:
    _, data = compose(*SMALL)
    assert len(data.train) % 50 not in {0, 1}


@pytest.fixture
def rare(tmp_path: Path) -> tuple[str, ...]:
    """Digits as two classes, of which one is a tenth of the rows."""
    digits = load_digits()
    np.savez(
        tmp_path / "rare.npz",
        x=digits.data.astype(np.float32),
        y=(digits.target == 0).astype(np.int64),
    )
    path = f"data.path={tmp_path / 'rare.npz'}"
    return (*("data=npz", path, "data.test=0.7"), *("training.batch_size=50", "optimizer=adam"))


def test_resident_loop_equals_fit_with_class_weights(rare: Sequence[str]) -> None:
    weighted = (*rare, "training.class_weight=balanced", "training.epochs=3")
    assert_same(*both_loops(*weighted))


def test_balanced_is_keras_own_class_weight(rare: Sequence[str]) -> None:
    weighted = (*rare, "training.class_weight=balanced", "training.shuffle=false")
    spec, data = compose(*weighted, "training.epochs=2")
    cache = WorkerCache()
    model, form = compiled(spec, data, cache)
    part = cache.part(data, "train", form)
    x, y = part.table.x[part.rows], part.table.y[part.rows]
    share = np.mean(y)
    history = model.fit(
        *(x, y),
        batch_size=50,
        epochs=2,
        shuffle=False,
        verbose=0,
        class_weight={0: 0.5 / (1 - share), 1: 0.5 / share},
    ).history
    ours = train(*weighted, "training.epochs=2")
    assert ours.curve("loss") == pytest.approx(history["loss"], rel=1e-6)
    unweighted = train(*rare, "training.shuffle=false", "training.epochs=2")
    assert abs(unweighted.curve("loss")[0] / ours.curve("loss")[0] - 1) > 0.1


def test_validation_is_never_weighted(rare: Sequence[str]) -> None:
    """A learning rate that changes no weight, so that only the weighting can differ."""
    still = (*rare[:-1], *STILL, "training.epochs=1")
    plain, weighted = train(*still), train(*still, "training.class_weight=balanced")
    assert plain.curve("val_loss") == weighted.curve("val_loss")
    assert plain.curve("loss") != weighted.curve("loss")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str, ...]]:
    """The overrides that train a model of `own_models`, its inputs scaled or standardized."""
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
    shared = (*FEW_ROWS, "training.batch_size=50", "training.epochs=3", "optimizer=sgd")
    builder = "model.builder=tests.integration.own_models:"
    return lambda name: (*shared, "model=custom", builder + name)


STANDARDIZED = ("data.rescale=null", "data.standardize=true")


@pytest.mark.parametrize(
    "scaling",
    [pytest.param((), marks=pytest.mark.long, id="rescaled"), pytest.param(STANDARDIZED, id="")],
)
def test_a_training_step_of_the_models_own_is_taken(
    own: Callable[[str], tuple[str, ...]], scaling: tuple[str, ...]
) -> None:
    """Half the gradients are plain SGD at half the learning rate."""
    half = (*own("half_steps"), *scaling)
    resident, fit = both_loops(*half, f"{RATE}=0.02")
    assert_same(resident, fit)
    slower = train(*own("plain"), *scaling, f"{RATE}=0.01")
    for name in ("accuracy", "val_loss", "val_accuracy"):
        assert resident.curve(name) == pytest.approx(slower.curve(name), rel=1e-6)


def test_what_a_model_remembers_by_itself_ends_with_its_trial(
    own: Callable[[str], tuple[str, ...]],
) -> None:
    cache = WorkerCache()
    train(*own("tiring"), seed=1, cache=cache)
    worn, fresh = train(*own("tiring"), cache=cache), train(*own("tiring"))
    assert worn.epochs == fresh.epochs
    assert len(cache.programs) == 0


def test_a_model_of_keras_own_layers_shares_its_program(
    own: Callable[[str], tuple[str, ...]],
) -> None:
    cache = WorkerCache()
    train(*own("plain"), seed=1, cache=cache)
    worn, fresh = train(*own("plain"), cache=cache), train(*own("plain"))
    assert worn.epochs == fresh.epochs
    assert len(cache.programs) == 1


def test_no_order_of_rows_comes_again_in_another_epoch_or_with_another_seed() -> None:
    orders = {
        tuple(loops.BatchOrder(5, 32, True, seed).order(epoch, 100))
        for seed in range(5)
        for epoch in range(1, 6)
    }
    assert len(orders) == 25


def test_every_row_is_seen_once_an_epoch() -> None:
    """With a learning rate too small to change a weight, the mean loss over the batches of an
    epoch is the loss over all rows, whatever the order and the size of the last batch."""
    found = [
        value
        for size in (16, 50, 128)
        for value in train(
            *(*SMALL, *STILL, "training.epochs=2", f"training.batch_size={size}"), cache=WORKER
        ).curve("loss")
    ]
    assert found == pytest.approx([found[0]] * 6, rel=1e-6)


# Seeds.


def test_same_seed_same_numbers_other_seed_other_numbers() -> None:
    overrides = (*SMALL, "optimizer=adam", "model.params.dropout=0.2", "training.epochs=2")
    one, same, other = (train(*overrides, seed=seed, cache=WORKER) for seed in (1, 1, 2))
    assert one.epochs == same.epochs
    assert set(one.curve("loss")).isdisjoint(other.curve("loss"))


def test_seed_decides_dropout_even_where_nothing_else_is_random() -> None:
    """Same initial weights by training nothing, rows in order: what differs is the masks."""
    plain = train(*SMALL, *STILL, "training.epochs=2", cache=WORKER)
    masked = train(*SMALL, *STILL, "training.epochs=2", "model.params.dropout=0.5")
    assert plain.curve("loss")[0] == pytest.approx(plain.curve("loss")[1], rel=1e-6)
    assert masked.curve("loss")[0] != masked.curve("loss")[1]
    assert masked.curve("val_loss")[0] == masked.curve("val_loss")[1]


def test_length_of_a_training_does_not_change_its_beginning() -> None:
    short, long = (
        train(*SMALL, "optimizer=adam", f"training.epochs={epochs}", cache=WORKER)
        for epochs in (2, 4)
    )
    assert long.epochs[:2] == short.epochs


# Endings.


def test_a_hopeless_trial_ends_one_epoch_after_the_verdict() -> None:
    asked = []

    def keep(epoch: int) -> bool:
        asked.append(epoch)
        return epoch != 5

    trained = train(
        *SMALL,
        "training.epochs=20",
        pruning=PruningSchedule(first=3, interval=2),
        keep=keep,
        cache=WORKER,
    )
    assert asked == [3, 5]
    assert len(trained.epochs) == trained.result.epochs == 6
    assert trained.result.outcome == "pruned"


def test_a_trial_that_is_kept_runs_to_its_end() -> None:
    asked = []

    def keep(epoch: int) -> bool:
        asked.append(epoch)
        return True

    trained = train(
        *SMALL,
        "training.epochs=5",
        pruning=PruningSchedule(first=1, interval=1),
        keep=keep,
        cache=WORKER,
    )
    assert trained.result.outcome == "complete"
    assert trained.result.epochs == 5
    # After the last epoch there is nothing to keep.
    assert asked == [1, 2, 3]


@pytest.mark.parametrize("patience", [1, 3])
@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_early_stopping_waits_for_patience_epochs_without_progress(
    patience: int, loop: str
) -> None:
    trained = train(
        *(*SMALL, *STILL, "training.epochs=9", f"training.loop={loop}"),
        f"training.early_stopping.patience={patience}",
        cache=WORKER,
    )
    assert trained.result.epochs == len(trained.epochs) == 1 + patience
    assert trained.result.outcome == "complete"
    assert trained.result.best_epoch == 1


@pytest.mark.parametrize("test", [False, True])
def test_fit_is_heard_of_after_every_batch(test: bool) -> None:
    """Of training, of validation, and twice of test rows: for metrics and for outputs."""
    spec, data = compose(*SMALL, "training.epochs=2", "training.loop=fit")
    spec = replace(spec, test=test)
    batches = 0

    def count() -> None:
        nonlocal batches
        batches += 1

    train_trial(spec, data, lambda _: None, lambda _: True, on_batch=count)
    assert len(data.validation) < EVALUATION_BATCH
    tested = math.ceil(len(data.test) / EVALUATION_BATCH) if test else 0
    assert batches == 2 * (math.ceil(len(data.train) / 50) + 1) + 2 * tested


def test_without_patience_a_training_never_stops_early() -> None:
    trained = train(*SMALL, *STILL, "training.epochs=4", cache=WORKER)
    assert trained.result.epochs == 4


@pytest.mark.parametrize(("min_delta", "epochs"), [(0.0, 5), (100.0, 3)])
def test_progress_below_min_delta_is_no_progress(min_delta: float, epochs: int) -> None:
    trained = train(
        *(*SMALL, "optimizer=adam", "objective.metric=loss", "objective.direction=minimize"),
        *("training.epochs=5", "training.early_stopping.patience=2"),
        f"training.early_stopping.min_delta={min_delta}",
        cache=WORKER,
    )
    falling = trained.curve("loss")
    assert falling == sorted(falling, reverse=True)
    assert trained.result.epochs == epochs


@pytest.mark.parametrize(
    ("values", "patience", "last"),
    [
        ([0.5, 0.6, 0.6, 0.6, 0.9], 2, 4),
        ([0.5, 0.4, 0.6, 0.5, 0.5, 0.5], 3, 6),
        ([0.5, 0.4, 0.6, 0.5, 0.7, 0.6], 2, 6),
        ([0.5, 0.4, 0.3, 0.9], 1, 2),
    ],
    ids=["plateau", "late-progress", "ups-and-downs", "impatient"],
)
def test_patience_on_a_script(values: Sequence[float], patience: int, last: int) -> None:
    """Accuracies as given, one an epoch; `last` is the epoch after which training stops."""
    from fairsweep.training.history import History

    spec, _ = compose(
        f"training.epochs={len(values)}", f"training.early_stopping.patience={patience}"
    )
    history = History(spec, lambda _: None, lambda _: True)
    for epoch, value in enumerate(values, 1):
        metrics = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": value}
        if not history.on_epoch(epoch, metrics):
            break
    assert history.epochs == last
    best = max(values[:last])
    assert history.best_value == best
    assert history.best_epoch == values.index(best) + 1


def test_best_epoch_gives_the_weights_that_are_tested() -> None:
    """Trained to the best epoch only, the last weights are those weights."""
    wild = (*SMALL, "optimizer=adam", f"{RATE}=0.1", "model.params.hidden_units=[8]")
    whole = train(*wild, "training.epochs=12", test=True, cache=WORKER)
    best = whole.result.best_epoch
    assert best is not None
    assert best < 12
    cut = train(*wild, f"training.epochs={best}", test=True, cache=WORKER)
    assert whole.result.test == cut.result.test
    assert set(whole.result.test) == {"test_loss", "test_accuracy"}


def test_without_the_wish_no_test_rows_are_read() -> None:
    assert train(*SMALL, "training.epochs=1", cache=WORKER).result.test == {}


def test_a_diverged_training_says_so_and_stops() -> None:
    trained = train(
        *(*SMALL, "optimizer=sgd", f"{RATE}=1e20", "optimizer.space.learning_rate=null"),
        "training.epochs=6",
        cache=WORKER,
    )
    assert trained.result.outcome == "diverged"
    assert not math.isfinite(trained.epochs[-1]["loss"] + trained.epochs[-1]["val_loss"])
    assert all(math.isfinite(epoch["loss"]) for epoch in trained.epochs[:-1])
    assert trained.result.error == ""


def test_an_exception_is_a_failed_result_with_its_traceback() -> None:
    beyond = ("optimizer.params.use_ema=true", "optimizer.params.ema_momentum=2")
    trained = train("optimizer=adam", *beyond)
    assert trained.result.outcome == "failed"
    assert "ema_momentum" in trained.result.error
    assert trained.result.traceback.startswith("Traceback")
    assert trained.epochs == []


# Learning rates.

EPOCHS, STEPS, BASE = 5, 4, 0.02


def rates(name: str, final: float, warmup_epochs: int) -> list[float]:
    """The learning rate of every step of a training, as Keras's optimizer takes it."""
    spec, _ = compose(
        *("optimizer=sgd", f"{RATE}={BASE}", f"training.epochs={EPOCHS}"),
        *(f"training.schedule.name={name}", f"training.schedule.final={final}"),
        f"training.schedule.warmup_epochs={warmup_epochs}",
    )
    optimizer = build_optimizer(spec.optimizer, spec.training, STEPS)
    optimizer.build([keras.Variable(np.zeros(1, "float32"))])
    found = []
    for step in range(EPOCHS * STEPS + 1):
        optimizer.iterations.assign(step)
        found.append(float(optimizer.learning_rate))
    return found


def shares(steps: int) -> list[float]:
    return [step / steps for step in range(steps + 1)]


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine_falls_as_half_a_wave(final: float) -> None:
    expected = [
        BASE * (final + (1 - final) * (1 + math.cos(math.pi * share)) / 2)
        for share in shares(EPOCHS * STEPS)
    ]
    assert rates("cosine", final, 0) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_exponential_falls_by_the_same_factor_every_step() -> None:
    expected = [BASE * 0.01**share for share in shares(EPOCHS * STEPS)]
    assert rates("exponential", 0.01, 0) == pytest.approx(expected, rel=1e-5)


def test_constant_stays() -> None:
    assert rates("constant", 0.0, 0) == pytest.approx([BASE] * (EPOCHS * STEPS + 1))


def test_after_warmup_every_schedule_runs_over_the_epochs_that_are_left() -> None:
    warm, left = 2 * STEPS, 3 * STEPS
    cosine = [BASE * (1 + math.cos(math.pi * share)) / 2 for share in shares(left)]
    exponential = [BASE * 0.01**share for share in shares(left)]
    assert rates("cosine", 0.0, 2)[warm:] == pytest.approx(cosine, rel=1e-5, abs=1e-9)
    assert rates("exponential", 0.01, 2)[warm:] == pytest.approx(exponential, rel=1e-5)
    assert rates("constant", 0.0, 2)[warm:] == pytest.approx([BASE] * (left + 1))


@pytest.mark.parametrize(
    ("name", "final"), [("constant", 0.0), ("exponential", 0.01), ("cosine", 0.0)]
)
def test_warmup_rises_by_equal_steps_to_the_full_rate(name: str, final: float) -> None:
    warm = 2 * STEPS
    rising = rates(name, final, 2)[: warm + 1]
    steps = [after - before for before, after in itertools.pairwise(rising)]
    rises = [step for step in steps if step > 1e-9]
    assert max(rising) == pytest.approx(BASE)
    assert len(rises) >= warm - 1
    assert rises == pytest.approx([BASE / warm] * len(rises), rel=1e-4)


def test_warmup_is_the_same_before_every_schedule() -> None:
    """Else a comparison of schedules would compare warm-ups too."""
    warm = 2 * STEPS
    constant, exponential, cosine = (
        rates(name, final, 2)[:warm]
        for name, final in (("constant", 0.0), ("exponential", 0.01), ("cosine", 0.0))
    )
    assert exponential == pytest.approx(constant, rel=1e-5)
    assert cosine == pytest.approx(constant, rel=1e-5)


def test_sgd_moves_weights_by_rate_times_gradient() -> None:
    """new weight = old weight - learning rate * gradient, in the config that conf/ has."""
    spec, _ = compose("optimizer=sgd", f"{RATE}=0.1")
    optimizer = build_optimizer(spec.optimizer, spec.training, 1)
    weight = keras.Variable(np.array([1.0, -2.0], "float32"))
    optimizer.apply([np.array([0.5, 4.0], "float32")], [weight])
    np.testing.assert_allclose(weight.numpy(), [1.0 - 0.1 * 0.5, -2.0 - 0.1 * 4.0], rtol=1e-6)


# Losses.


def test_config_offers_the_losses_that_training_has() -> None:
    assert set(SPARSE_LOSSES) == set(losses.SPARSE)
    assert set(ONE_HOT_LOSSES) == set(losses.ONE_HOT)
    assert set(TWO_CLASS_LOSSES) == set(losses.COLUMN)


@pytest.mark.parametrize(
    "loss",
    [
        mostly_long(loss, loss == kind[0])
        for kind in (SPARSE_LOSSES, ONE_HOT_LOSSES, TWO_CLASS_LOSSES)
        for loss in kind
    ],
)
def test_every_loss_trains(loss: str) -> None:
    """And a graph with a branch is not for one thread: TensorFlow's executor of one thread waits
    for ever at a branch where it has no other."""
    cache = WorkerCache()
    own = (
        *(*FREE, "data=worked_example", *LOSS_ONLY, "training.epochs=1", "training.batch_size=4"),
        *(f"training.loss={loss}", "model.params.hidden_units=[4]", "optimizer=adam"),
    )
    trained = train(*own, cache=cache)
    assert trained.result.outcome == "complete", trained.result.traceback
    (epoch,) = trained.epochs
    assert set(epoch) == {"loss", "accuracy"}
    assert math.isfinite(epoch["loss"])
    assert 6 * epoch["accuracy"] == pytest.approx(round(6 * epoch["accuracy"]), abs=1e-5)

    spec, data = compose(*own)
    model, form = compiled(spec, data, cache)
    part = cache.part(data, "train", form)
    program = cache.program(spec, data, model, part)
    traced = program._train.made
    assert isinstance(traced, Traced)
    functions = traced.function.graph.as_graph_def().library.function
    kinds = {node.op for function in functions for node in function.node_def}
    assert "MatMul" in kinds
    branches = bool(kinds & {"If", "StatelessIf", "Case", "StatelessCase"})
    assert branches == (loss in TWO_CLASS_LOSSES)
    assert program._train.way.dense == (not branches)


@pytest.mark.parametrize(
    "loss",
    [
        *("binary_crossentropy", "hinge"),
        pytest.param("binary_focal_crossentropy", marks=pytest.mark.long),
        pytest.param("squared_hinge", marks=pytest.mark.long),
    ],
)
def test_two_classes_of_one_output(rare: Sequence[str], loss: str) -> None:
    """The same in both loops, and what is counted by class is what the accuracy says."""
    own = (*rare, f"training.loss={loss}", "training.class_weight=balanced", "training.epochs=3")
    resident, fit = both_loops(*own, test=True)
    assert_same(resident, fit)
    for trained in (resident, fit):
        assert isinstance(trained.result.tested, Confusion)
        counts = np.array(trained.result.tested.counts)
        assert trained.result.tested.classes == ("0", "1")
        assert (counts.sum(axis=1) > 0).all()
        assert (counts.sum(axis=0) > 0).all()
        share = np.trace(counts) / counts.sum()
        assert trained.result.test["test_accuracy"] == pytest.approx(share, abs=1e-6)
        assert share > 0.9


@pytest.mark.parametrize("loss", ONE_OUTPUT)
def test_two_classes_end_in_one_unit(loss: str) -> None:
    spec, data = compose("data=worked_example", *LOSS_ONLY, f"training.loss={loss}")
    model, form = compiled(spec, data, WorkerCache())
    assert (model.output_shape, form) == ((None, 1), "column")
    x = data.dataset.x
    outputs = model.predict(x, verbose=0)
    low, high = (-1, 1) if "hinge" in loss else (0, 1)
    assert ((outputs >= low) & (outputs <= high)).all()
    np.testing.assert_allclose(
        CLASSES.output(loss, 2).probabilities(outputs).sum(axis=1), 1.0, rtol=1e-6
    )


@pytest.mark.parametrize("loss", ["binary_crossentropy", "binary_focal_crossentropy"])
def test_more_classes_keep_one_unit_each(loss: str) -> None:
    spec, data = compose("data=digits", f"training.loss={loss}")
    model, form = compiled(spec, data, WorkerCache())
    assert (model.output_shape, form) == ((None, 10), "one-hot")


# Outputs.


@pytest.mark.parametrize(
    "overrides",
    [
        ("data=digits", "model=mlp"),
        ("data=digits", "model=cnn"),
        ("data=worked_example", "model=mlp", *LOSS_ONLY),
    ],
    ids=["digits-mlp", "digits-cnn", "worked_example-mlp"],
)
def test_outputs_are_probabilities_of_the_classes(overrides: Sequence[str]) -> None:
    spec, data = compose(*overrides)
    x, classes = data.dataset.x[data.train], len(data.dataset.class_names)
    output = CLASSES.output(spec.training.loss, classes)
    model = build_model(spec.model, measure(spec.data, x), x, output, derive_seed(0, "model"))
    outputs = model.predict(x, verbose=0)
    assert outputs.shape == (len(x), classes)
    assert (outputs >= 0).all()
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, atol=1e-5)


def test_features_are_scaled_as_the_data_says() -> None:
    """Standardizing is part of the model: measured on training rows, so that every feature of
    theirs has mean 0 and variance 1 when it comes to the first layer."""
    spec, data = compose("data=worked_example", "data.standardize=true", *LOSS_ONLY)
    x = data.dataset.x[data.train]
    model = build_model(
        spec.model, measure(spec.data, x), x, CLASSES.output(spec.training.loss, 2), 0
    )
    scaled = next(layer for layer in model.layers if "standardization" in layer.name)(x)
    np.testing.assert_allclose(np.mean(scaled, axis=0), [0.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(np.var(scaled, axis=0), [1.0, 1.0], rtol=1e-4)


def test_the_worked_example_trains_on_its_six_rows() -> None:
    trained = train("experiment=worked_example")
    assert len(trained.epochs) == 10
    sixths = [6 * value for value in trained.curve("accuracy")]
    assert sixths == pytest.approx([round(value) for value in sixths], abs=1e-5)
    assert all(math.isfinite(value) for value in trained.curve("loss"))

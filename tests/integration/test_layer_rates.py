"""Learning rates by layer: the factor is what a step is multiplied by, in every optimizer, in both
loops, with schedules, checkpoints and programs that trials share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fairsweep.config.compose.commands import compose_training
from fairsweep.config.options import CONF
from fairsweep.errors import BadInput
from fairsweep.files import TrialFolders
from fairsweep.training import checkpoint
from fairsweep.training.trial import WorkerCache, compiled, train_trial
from tests.integration.test_programs import mostly_long
from tests.integration.training_room import Trained, assert_same, both_loops, compose, train

OPTIMIZERS = sorted({path.stem for path in (CONF / "optimizer").glob("*.yaml")} - {"adam_twin"})
SMALL = (
    *("data=worked_example", "objective.metric=loss", "objective.direction=minimize"),
    *("data.standardize=true", "model=mlp", "model.params.hidden_units=[4,3]"),
    *("training.batch_size=4", "training.epochs=2"),
)
LOOPS = ("resident", "fit")
RATE = "optimizer.params.learning_rate=0.01"


def rates(factors: str) -> str:
    return f"model.layer_learning_rates={{{factors}}}"


def moves(*overrides: str) -> Mapping[str, npt.NDArray[np.float32]]:
    """How far one step on all rows moves each weight, by its path."""
    spec, data = compose(*SMALL, *overrides)
    cache = WorkerCache()
    model, form = compiled(spec, data, cache)
    part = cache.part(data, "train", form)
    before = {weight.path: weight.numpy() for weight in model.weights}
    model.optimizer.build(model.trainable_variables)
    model.train_step(tuple(column[part.rows] for column in part.columns))
    return {weight.path: weight.numpy() - before[weight.path] for weight in model.weights}


# What a factor does.


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 8.0])
def test_a_step_of_sgd_is_multiplied_by_the_factor(factor: float) -> None:
    """Biases begin at 0, and these factors lose no bit: they move exactly that much as far."""
    plain = moves("optimizer=sgd", RATE)
    scaled = moves("optimizer=sgd", RATE, rates(f"hidden_1: {factor}, probabilities: 1.0"))
    assert {path.rpartition("/")[0] for path in plain} == {"hidden_1", "hidden_2", "probabilities"}
    for path, move in plain.items():
        own = factor if path.startswith("hidden_1") else 1.0
        if path.endswith("bias"):
            assert np.any(move != 0)
            np.testing.assert_array_equal(scaled[path], own * move)
        np.testing.assert_allclose(scaled[path], own * move, rtol=1e-3, atol=1e-7)


def test_a_pattern_means_layers_and_a_name_goes_before_it() -> None:
    plain = moves("optimizer=sgd", RATE)
    scaled = moves("optimizer=sgd", RATE, rates("hidden_*: 2.0, hidden_2: 0.5"))
    for name, own in (("hidden_1", 2.0), ("hidden_2", 0.5), ("probabilities", 1.0)):
        np.testing.assert_array_equal(scaled[f"{name}/bias"], own * plain[f"{name}/bias"])


def test_weight_decay_is_multiplied_too() -> None:
    """It is part of the step: weight * decay * learning rate."""
    decay = ("optimizer=sgd", RATE, "optimizer.params.weight_decay=0.5")
    of_decay = {}
    for factors in ("hidden_1: 1.0", "hidden_1: 0.5"):
        with_it, without = moves(*decay, rates(factors)), moves(*decay[:2], rates(factors))
        of_decay[factors] = with_it["hidden_1/kernel"] - without["hidden_1/kernel"]
    whole, half = of_decay.values()
    assert np.any(np.abs(whole) > 1e-4)
    np.testing.assert_allclose(half, whole / 2, rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize(
    "optimizer", [mostly_long(name, name in ("sgd", "adam", "muon")) for name in OPTIMIZERS]
)
def test_factor_0_freezes(optimizer: str) -> None:
    moved = moves(f"optimizer={optimizer}", rates("hidden_*: 0"))
    for path, move in moved.items():
        assert np.any(move != 0) == path.startswith("probabilities"), path
        assert np.isfinite(move).all()


# Every optimizer.


def trained(*overrides: str, cache: WorkerCache | None = None) -> Trained:
    found = train(*SMALL, *overrides, cache=cache)
    assert found.result.outcome == "complete", found.result.error
    return found


@pytest.mark.parametrize(
    "optimizer", [mostly_long(name, name in ("adam", "muon")) for name in OPTIMIZERS]
)
def test_every_optimizer(optimizer: str) -> None:
    """A factor of 1 changes no bit, another one does, and the same in both loops."""
    plain = trained(f"optimizer={optimizer}")
    ones = trained(f"optimizer={optimizer}", rates("hidden_*: 1.0, probabilities: 1"))
    assert ones.epochs == plain.epochs
    own = (f"optimizer={optimizer}", rates("hidden_1: 0.1, probabilities: 3.0"))
    resident, fit = both_loops(*SMALL, *own)
    assert_same(resident, fit)
    assert resident.epochs != plain.epochs


EMA = ("optimizer.params.use_ema=true", "optimizer.params.ema_overwrite_frequency=2")
MORE = {
    "schedule": ("training.schedule.name=cosine", "training.schedule.warmup_epochs=1"),
    "accumulation": ("optimizer.params.gradient_accumulation_steps=2",),
    "average": EMA,
    "clipped": ("optimizer.params.clipnorm=0.1",),
    "frozen": (),
}
MORE["scheduled, accumulated, clipped"] = (
    *MORE["schedule"],
    *MORE["accumulation"],
    *MORE["clipped"],
)
MORE["averaged, frozen"] = EMA


@pytest.mark.parametrize("more", [mostly_long(m, "," in m[0], m[0]) for m in MORE.items()])
def test_both_loops_agree_with_more(more: tuple[str, tuple[str, ...]]) -> None:
    name, overrides = more
    factors = rates("hidden_1: 0" if "frozen" in name else "hidden_*: 0.5")
    own = ("optimizer=adam", factors, *overrides)
    assert_same(*both_loops(*SMALL, *own))


def test_a_schedule_is_multiplied_as_a_whole() -> None:
    """Factors for all layers are another learning rate."""
    schedule = ("optimizer=sgd", *MORE["schedule"])
    half = trained(*schedule, "optimizer.params.learning_rate=0.01", rates("*: 0.5"))
    less = trained(*schedule, "optimizer.params.learning_rate=0.005")
    for ours, theirs in zip(half.epochs, less.epochs, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-6)


# What outlives a step, and a trial.


def test_trials_of_other_factors_and_widths_share_a_program() -> None:
    cache = WorkerCache()
    widths = "model.params.hidden_units=[8,2]"
    trained("optimizer=adam", rates("hidden_*: 0.1"), widths, cache=cache)
    late = trained("optimizer=adam", rates("hidden_*: 3.0"), cache=cache)
    assert late.epochs == trained("optimizer=adam", rates("hidden_*: 3.0")).epochs
    assert len(cache.programs) == 1


def test_other_patterns_and_frozen_layers_have_another_program() -> None:
    cache = WorkerCache()
    trained("optimizer=adam", rates("hidden_*: 0.1"), cache=cache)
    for count, other in enumerate(("hidden_1: 3.0", "hidden_*: 0"), 2):
        late = trained("optimizer=adam", rates(other), cache=cache)
        assert late.epochs == trained("optimizer=adam", rates(other)).epochs
        assert len(cache.programs) == count


def test_frozen_layers_of_other_widths_have_programs_of_their_own() -> None:
    cache = WorkerCache()
    frozen = ("optimizer=adam", rates("hidden_1: 0"))
    trained(*frozen, "model.params.hidden_units=[8,2]", cache=cache)
    assert trained(*frozen, cache=cache).epochs == trained(*frozen).epochs


@pytest.mark.parametrize("loop", [mostly_long(loop, loop == "resident") for loop in LOOPS])
def test_a_checkpoint_holds_every_layers_optimizer(
    loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "WORTH_SECONDS", 0.0)
    own = ("optimizer=adam", rates("hidden_*: 0.3"), f"training.loop={loop}", "training.epochs=6")
    spec, data = compose(*SMALL, *own, "training.checkpoint_seconds=1e-9")
    spec = replace(spec, checkpoints="own")
    folders = TrialFolders(tmp_path, tmp_path)
    heard: list[Mapping[str, float]] = []
    stops = iter([False, False, True])
    first = train_trial(
        *(spec, data, lambda m: heard.append(m.values), bool),
        has_to_stop=lambda: next(stops),
        folders=folders,
    )
    assert (first.outcome, first.epochs) == ("interrupted", 3)
    again: list[Mapping[str, float]] = []
    second = train_trial(spec, data, lambda m: again.append(m.values), bool, folders=folders)
    assert (second.outcome, second.epochs) == ("complete", 6)
    whole = train(*SMALL, *own)
    assert [dict(values) for values in again] == list(whole.epochs)
    assert heard == again[:3]


def test_layers_of_the_users_own_have_the_same_names_in_every_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
    builder = ("model=custom", "model.builder=tests.integration.lessons:mended")
    own = (*SMALL[:4], *builder, "optimizer=sgd", "training.epochs=1")
    for _ in range(2):
        found = train(*own, rates("dense: 0.5, dense_1: 2, dense_2: 1"))
        assert found.result.outcome == "complete", found.result.error


def test_a_factor_that_is_none_is_refused_at_once() -> None:
    for factors, told in (("hidden_1: -1", "from 0"), ("hidden_1: ten", "from 0")):
        with pytest.raises(BadInput, match=told):
            compose_training([*SMALL, rates(factors)])

"""Search spaces: what is drawn lies inside and composes; the laws let nothing else through."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import optuna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairsweep.config.checks.space import spec_problems
from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.config.options import CONF
from fairsweep.config.plan import Arm, Plan
from fairsweep.config.schema import Data, Model, Optimizer, Range, Search, Spec, Training
from fairsweep.config.space import ArmSettings, dimensions, trial_values
from fairsweep.records import SearchKey, TrialKey, TrialResult
from fairsweep.search.samplers import distribution, from_drawn, make_sampler, suggest, to_drawn
from fairsweep.search.study import ArmStudy

from .profiles import examples
from .spaces import (
    Lawful,
    arbitrary_defaults,
    arbitrary_specs,
    arms,
    changed,
    choices,
    inside,
    lawful,
    log_floats,
    log_integers,
    numbers,
    powers,
)

SAMPLERS: dict[str, dict[str, Any]] = {
    "random": {},
    "tpe": {"n_startup_trials": 1, "n_ei_candidates": 4},
    "qmc": {"qmc_type": "sobol", "scramble": True},
    "grid": {"points": 2},
}


def problems(spec: Spec, default: Any) -> list[tuple[str, str]]:
    return list(spec_problems("optimizer.space.x", spec, default))


def arm_of(spec: Spec, default: Any) -> ArmSettings:
    """An arm that searches one parameter."""
    return ArmSettings(
        Data(name="rows", source="digits"),
        Model("m", "mlp"),
        Optimizer("Adam", {"x": default}, {"x": spec}),
        Training(epochs=3, batch_size=32, loss="huber"),
    )


# Drawing.


@pytest.fixture(scope="module")
def base() -> Plan:
    return compose_sweep(["optimizer=adam", "pruner=none"])


@pytest.mark.parametrize("sampler", SAMPLERS)
@examples(12)
@given(arm=arms(), seed=st.integers(0, 2**31 - 1))
def test_every_trial_lies_in_its_space_and_composes(
    sampler: str, arm: ArmSettings, seed: int, base: Plan
) -> None:
    arm = dataclasses.replace(arm, training=dataclasses.replace(arm.training, seed=seed))
    search = Search(sampler, dict(SAMPLERS[sampler]), trials=4)
    plan = dataclasses.replace(
        base,
        config=dataclasses.replace(base.config, search=search),
        arms=(Arm("arm", arm, {}, ()),),
    )
    study = ArmStudy(optuna.storages.InMemoryStorage(), plan, plan.arms[0], {})
    specs = {f"{group}.{name}": spec for group, name, spec, _ in arm.searched()}
    while study.wants_trial():
        candidate = study.ask()
        assert set(candidate.values) == set(specs)
        for name, value in candidate.values.items():
            assert inside(specs[name], value), (name, specs[name], value)
        if candidate.trial == 0:
            assert arm.with_values(candidate.values) == arm
        composed = arm.with_values(candidate.values)
        check_composed(arm, composed, dict(candidate.values))
        key = TrialKey("arm", "search", candidate.trial)
        study.tell(candidate.trial, TrialResult(key, "complete", 3, 0.1, 3, 0.5))


def check_composed(arm: ArmSettings, composed: ArmSettings, values: dict[str, Any]) -> None:
    """Every value stands in its place, and nothing else has changed."""
    for name, value in values.items():
        group, _, parameter = name.partition(".")
        settings_of = getattr(composed, group)
        got = settings_of.batch_size if group == "training" else settings_of.params[parameter]
        assert got is value or got == value
    back = composed.with_values({name: arm.value(*name.split(".", 1)) for name in values})
    assert back == arm
    assert composed.optimizer.params["fixed"] == 1


@given(spec=lawful, seed=st.integers(0, 100))
@examples(60)
def test_values_are_of_the_kind_of_their_default(spec: Lawful, seed: int) -> None:
    """Keras refuses an int where it wants a float, and a float where it wants a width."""
    arm = arm_of(*spec)
    study = optuna.create_study(
        sampler=make_sampler(Search("random"), (), seed, SearchKey("arm"), 1)
    )
    trial = study.ask()
    for dimension in dimensions(arm):
        suggest(trial, dimension)
    drawn = {d.name: from_drawn(d, trial.params[d.name]) for d in dimensions(arm)}
    value = trial_values(arm, drawn)["optimizer.x"]
    if spec[0].choices is None:
        assert type(value) is type(spec[1])
    if isinstance(value, list):
        assert all(type(width) is int for width in value)


@given(spec=powers())
@examples(60)
def test_powers_drawn_are_exactly_those_between_the_bounds(spec: Lawful) -> None:
    low, high, base = spec[0].low, spec[0].high, spec[0].powers_of
    assert base is not None
    (dimension,) = dimensions(arm_of(*spec))
    drawn = distribution(dimension)
    assert isinstance(drawn, optuna.distributions.IntDistribution)
    values = [from_drawn(dimension, e) for e in range(drawn.low, drawn.high + 1)]
    assert values == [base**e for e in range(40) if low <= base**e <= high]
    assert [to_drawn(dimension, value) for value in values] == list(
        range(drawn.low, drawn.high + 1)
    )


OPTIMIZERS = sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml"))


@pytest.fixture(scope="module")
def every_optimizer() -> dict[str, Arm]:
    plan = compose_sweep([f"arms.optimizer=[{','.join(OPTIMIZERS)}]"])
    return {arm.name: arm for arm in plan.arms}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_drawn_for_a_real_arm_composes_on_the_command_line(
    optimizer: str, every_optimizer: dict[str, Arm], base: Plan
) -> None:
    """The values of a trial, written as overrides, give the settings the trial was trained with."""
    arm = every_optimizer[optimizer]
    study = ArmStudy(optuna.storages.InMemoryStorage(), base, arm, {})
    study.ask()
    values = study.ask().values
    overrides = [
        f"{name if name.startswith('training.') else name.replace('.', '.params.', 1)}={value}"
        for name, value in values.items()
    ]
    composed = compose_training([*arm.overrides, *overrides]).arms[0].settings
    trained = arm.settings.with_values(values)
    assert composed.optimizer.params == trained.optimizer.params
    assert composed.model.params == trained.model.params
    assert dataclasses.replace(composed.training, space=trained.training.space) == trained.training


# Laws.


@given(spec=lawful)
@examples(200)
def test_lawful_specs_break_no_law(spec: Lawful) -> None:
    assert problems(*spec) == []


FORMS = [
    Spec(low=1, high=2, choices=[1]),
    Spec(low=1, choices=[1]),
    Spec(high=1, choices=[1]),
    Spec(choices=[1], layers=Range(low=1, high=2), units=Range(low=1, high=2)),
    Spec(low=1, high=2, layers=Range(low=1, high=2), units=Range(low=1, high=2)),
    Spec(),
    Spec(log=True),
    Spec(step=1),
    Spec(layers=Range(low=1, high=2)),
    Spec(units=Range(low=1, high=2)),
]


@pytest.mark.parametrize("spec", FORMS, ids=str)
def test_a_spec_is_of_exactly_one_form(spec: Spec) -> None:
    for default in ([1], 1):
        ((key, text),) = problems(spec, default)
        assert key == "optimizer.space.x"
        assert "low and high, choices, layers and units" in text or "both layers and units" in text


NO_BOUNDS: list[Any] = [math.nan, math.inf, -math.inf, None, "1", True, [1], {}]


@given(spec=numbers, bound=st.sampled_from(["low", "high"]), value=st.sampled_from(NO_BOUNDS))
def test_a_bound_is_a_finite_number(spec: Lawful, bound: str, value: Any) -> None:
    broken = dataclasses.replace(spec[0], **{bound: value})
    assert [key for key, _ in problems(broken, spec[1])] == [f"optimizer.space.x.{bound}"]


@given(spec=numbers)
def test_low_is_below_high(spec: Lawful) -> None:
    swapped = dataclasses.replace(spec[0], low=spec[0].high, high=spec[0].low)
    ((key, text),) = problems(swapped, spec[1])
    assert key == "optimizer.space.x"
    assert "low < high" in text


@given(spec=numbers)
def test_a_range_of_one_value_leaves_it_fixed(spec: Lawful) -> None:
    default = spec[1]
    fixed = dataclasses.replace(spec[0], low=default, high=default)
    assert problems(fixed, default) == []
    arm = arm_of(fixed, default)
    assert dimensions(arm) == ()
    assert trial_values(arm, {}) == {"optimizer.x": default}
    if spec[0].low != default:
        ((_, text),) = problems(dataclasses.replace(spec[0], high=spec[0].low), default)
        assert "must lie in its own space" in text


@given(spec=numbers, low=st.sampled_from([0, -1, -1000]))
def test_a_log_range_is_above_zero(spec: Lawful, low: int) -> None:
    broken = dataclasses.replace(spec[0], low=low, high=abs(spec[0].high) + 1, log=True, step=None)
    ((_, text),) = problems(broken, spec[1])
    assert "low > 0" in text


@given(spec=numbers, above=st.booleans(), distance=st.integers(1, 1000))
def test_a_default_lies_in_its_space(spec: Lawful, above: bool, distance: int) -> None:
    low, high = spec[0].low, spec[0].high
    kind = type(spec[1])
    outside = kind(math.ceil(high) + distance if above else math.floor(low) - distance)
    ((_, text),) = problems(spec[0], outside)
    assert "must lie in its own space" in text
    assert repr(outside) in text


@given(spec=numbers, default=st.sampled_from([None, "1", True, math.nan, [1]]))
def test_a_default_is_a_number(spec: Lawful, default: Any) -> None:
    assert problems(spec[0], default)


@given(
    spec=numbers,
    step=st.sampled_from([0, -1, math.nan, math.inf, "1", True, 10**9]),
)
def test_a_step_is_positive_and_fits(spec: Lawful, step: Any) -> None:
    assert problems(dataclasses.replace(spec[0], step=step), spec[1])


@given(spec=st.one_of(log_floats(), log_integers(), powers()))
def test_a_step_goes_with_no_other_scale(spec: Lawful) -> None:
    fitting = (spec[0].high - spec[0].low) / 2
    assert problems(dataclasses.replace(spec[0], step=fitting), spec[1])


@given(spec=choices(), data=st.data())
def test_choices_stand_once_and_hold_the_default(spec: Lawful, data: st.DataObject) -> None:
    values = spec[0].choices
    assert values is not None
    again = data.draw(st.sampled_from(values))
    assert problems(Spec(choices=[*values, again]), spec[1])
    without = [value for value in values if value != spec[1]]
    assert problems(Spec(choices=without), spec[1])
    assert problems(Spec(choices=[*values, [[1]]]), spec[1])
    refused = bool(problems(Spec(choices=[*values, [1]]), spec[1]))
    assert refused == (spec[1] is not None), "a list stands beside null, not beside a plain default"


def accepted_by_optuna(spec: Spec, default: Any) -> None:
    """Trial 0 gets the defaults, without a warning."""
    arm = arm_of(spec, default)
    study = optuna.create_study()
    study.enqueue_trial({d.name: to_drawn(d, d.default) for d in dimensions(arm)})
    trial = study.ask()
    for dimension in dimensions(arm):
        suggest(trial, dimension)
    drawn = {d.name: from_drawn(d, trial.params[d.name]) for d in dimensions(arm)}
    value = trial_values(arm, drawn)["optimizer.x"]
    assert value == default
    assert inside(spec, value)


@examples(600)
@given(given_spec=changed() | st.tuples(arbitrary_specs, arbitrary_defaults))
@example((Spec(low=0, high=10, step=4), 0))
@example((Spec(low=0, high=8, step=4), 2))
@example((Spec(low=0.0, high=1.0, step=0.25), 0.3))
@example((Spec(low=0, high=10, step=2.5), 0))
@example((Spec(low=0.25, high=1, step=0.5), 0.25))
@example((Spec(low=0.5, high=2, step=0.25), 0.5))
@example((Spec(low=1.5993576646515066, high=3.1618576646515066, step=0.001), 1.5993576646515066))
@example((Spec(low=1, high=100, powers_of=2), 64))
@example((Spec(low=1.5, high=100.5, powers_of=2), 64))
@example((Spec(low=1, high=2**60, log=True), 5))
@example((Spec(low=-(10**400), high=10**400), 0.5))
@example((Spec(low=0, high=10**30), 5))
@example((Spec(low=0, high=8, step=4), 10**400))
@example((Spec(low=-1.7e308, high=1.7e308), 0.5))
@example((Spec(choices=[math.nan]), math.nan))
@example((Spec(choices=[{}]), {}))
@example((Spec(layers=Range(low=1, high=2), units=Range(low=1, high=9)), [3]))
@example((Spec(layers=Range(low=1, high=2, log=True), units=Range(low=1, high=9)), [3]))
@example((Spec(layers=Range(low=1, high=4, powers_of=2), units=Range(low=1, high=9)), [3, 4]))
@example((Spec(layers=Range(low=1, high=5, step=2), units=Range(low=1, high=9)), [3, 4]))
@example((Spec(layers=Range(low=1.0, high=2.0), units=Range(low=1, high=9)), [3]))
def test_what_breaks_no_law_gives_trial_zero_its_defaults(given_spec: Lawful) -> None:
    """The laws are enough: whatever passes them, Optuna takes as it is. And they raise nothing."""
    if not problems(*given_spec):
        accepted_by_optuna(*given_spec)


@given(spec=lawful)
@examples(100)
def test_lawful_specs_give_trial_zero_their_default(spec: Lawful) -> None:
    accepted_by_optuna(*spec)

"""Strategies for search specs: lawful ones with a default inside, and arbitrary ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from fairsweep.config.schema import Data, Model, Optimizer, Range, Spec, Training
from fairsweep.config.space import ArmSettings

Lawful = tuple[Spec, Any]
"""A spec and a default in its space."""


@st.composite
def floats(draw: st.DrawFn) -> Lawful:
    low = draw(st.floats(-100, 100))
    high = low + draw(st.floats(1e-3, 100))
    return Spec(low=low, high=high), draw(st.floats(low, high))


@st.composite
def log_floats(draw: st.DrawFn) -> Lawful:
    low = draw(st.floats(1e-8, 10))
    high = low * draw(st.floats(1.1, 1e6))
    return Spec(low=low, high=high, log=True), draw(st.floats(low, high))


@st.composite
def stepped_floats(draw: st.DrawFn) -> Lawful:
    """Ranges in quarters so that no rounding comes in, some of which end between two steps."""
    step = draw(st.sampled_from([0.25, 0.5, 1.5]))
    low = 0.25 * draw(st.integers(-40, 40))
    steps = draw(st.integers(1, 20))
    over = draw(st.sampled_from([0, step / 3]))
    default = low + step * draw(st.integers(0, steps))
    return Spec(low=low, high=low + steps * step + over, step=step), default


@st.composite
def integers(draw: st.DrawFn) -> Lawful:
    low = draw(st.integers(-50, 50))
    step = draw(st.sampled_from([None, 1, 2, 7]))
    steps = draw(st.integers(1, 30))
    high = low + steps * (step or 1) + draw(st.integers(0, (step or 1) - 1))
    default = low + (step or 1) * draw(st.integers(0, steps))
    return Spec(low=low, high=high, step=step), default


@st.composite
def log_integers(draw: st.DrawFn) -> Lawful:
    low = draw(st.integers(1, 100))
    high = low + draw(st.integers(1, 1000))
    return Spec(low=low, high=high, log=True), draw(st.integers(low, high))


@st.composite
def powers(draw: st.DrawFn, largest: int = 9) -> Lawful:
    base = draw(st.sampled_from([2, 3, 10]))
    first = draw(st.integers(0, largest - 1))
    last = draw(st.integers(first + 1, largest))
    # Bounds needn't be powers themselves.
    low = base**first - draw(st.integers(0, base**first - base ** (first - 1) - 1 if first else 0))
    high = base**last + draw(st.integers(0, base**last))
    while base ** (last + 1) <= high:
        high -= 1
    return Spec(low=low, high=high, powers_of=base), base ** draw(st.integers(first, last))


@st.composite
def choices(draw: st.DrawFn) -> Lawful:
    plain = st.one_of(
        st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text("abc", max_size=3), st.none()
    )
    values = draw(st.lists(plain, min_size=1, max_size=6, unique=True))
    return Spec(choices=values), draw(st.sampled_from(values))


@st.composite
def widths(draw: st.DrawFn) -> Lawful:
    most = draw(st.integers(2, 4))
    least = draw(st.integers(1, most))
    if draw(st.booleans()):
        units = Range(low=4, high=64, powers_of=2)
        width = st.sampled_from([4, 8, 16, 32, 64])
    else:
        units = Range(low=3, high=50, log=draw(st.booleans()))
        width = st.integers(3, 50)
    default = draw(st.lists(width, min_size=least, max_size=most))
    return Spec(layers=Range(low=least, high=most), units=units), default


numbers = st.one_of(floats(), log_floats(), stepped_floats(), integers(), log_integers(), powers())
lawful = st.one_of(numbers, choices(), widths())


def inside(spec: Spec, value: Any) -> bool:
    """Whether a value lies in the space of a spec: the definition, written as simply as it goes."""
    if spec.choices is not None:
        return value in spec.choices
    if spec.layers is not None and spec.units is not None:
        return (
            isinstance(value, list)
            and spec.layers.low <= len(value) <= spec.layers.high
            and all(in_range(spec.units, width) for width in value)
        )
    return in_range(spec, value)


def in_range(spec: Range, value: Any) -> bool:
    if isinstance(value, bool) or not spec.low <= value <= spec.high:
        return False
    if spec.powers_of is not None:
        return value in {spec.powers_of**exponent for exponent in range(64)}
    if spec.step is not None:
        steps = (value - spec.low) / spec.step
        return math.isclose(steps, round(steps), abs_tol=1e-6)
    return True


@st.composite
def arms(draw: st.DrawFn) -> ArmSettings:
    """An arm with a few searched parameters in the optimizer and the model, and a batch size."""
    optimizer = draw(
        st.dictionaries(st.sampled_from(["rate", "beta", "decay"]), lawful, max_size=2)
    )
    model = draw(st.dictionaries(st.sampled_from(["units", "dropout"]), lawful, max_size=2))
    batch = draw(st.none() | powers(5) | choices_of_integers())
    spec, size = batch if batch is not None else (None, 32)
    return ArmSettings(
        Data(name="rows", source="digits"),
        Model("m", "mlp", _defaults(model), _specs(model)),
        Optimizer("Adam", {"fixed": 1, **_defaults(optimizer)}, _specs(optimizer)),
        Training(epochs=3, batch_size=size, loss="huber", space={"batch_size": spec}),
    )


@st.composite
def choices_of_integers(draw: st.DrawFn) -> Lawful:
    values = draw(st.lists(st.integers(1, 128), min_size=1, max_size=5, unique=True))
    return Spec(choices=list(values)), draw(st.sampled_from(values))


def _defaults(parameters: dict[str, Lawful]) -> dict[str, Any]:
    return {name: default for name, (_, default) in parameters.items()}


def _specs(parameters: dict[str, Lawful]) -> dict[str, Spec | None]:
    return {name: spec for name, (spec, _) in parameters.items()}


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-300, 300),
    st.floats(-300, 300),
    st.sampled_from([math.nan, math.inf, -math.inf, 0, 0.0, 1, 2, 1e-5, "0.1", "low", [1], {}]),
)
arbitrary_ranges = st.builds(
    Range,
    low=anything,
    high=anything,
    log=st.booleans(),
    step=st.none() | anything,
    powers_of=st.none() | st.integers(-2, 5),
)
arbitrary_specs = st.builds(
    Spec,
    low=anything,
    high=anything,
    log=st.booleans(),
    step=st.none() | anything,
    powers_of=st.none() | st.integers(-2, 5),
    choices=st.none() | st.lists(anything, max_size=4),
    layers=st.none() | arbitrary_ranges,
    units=st.none() | arbitrary_ranges,
)
arbitrary_defaults = st.one_of(anything, st.lists(st.integers(-2, 300) | anything, max_size=4))


@st.composite
def changed(draw: st.DrawFn) -> Lawful:
    """A lawful spec with one field, or the default, changed to anything: the near misses."""
    spec, default = draw(lawful)
    name = draw(st.sampled_from(["default", "low", "high", "log", "step", "powers_of", "choices"]))
    if name == "default":
        return spec, draw(arbitrary_defaults)
    values = {
        "log": st.booleans(),
        "powers_of": st.integers(-2, 5),
        "choices": st.lists(anything, max_size=4),
    }
    part = draw(st.sampled_from(["spec", "layers", "units"] if spec.layers else ["spec"]))
    if part == "spec" or name == "choices":
        return replace(spec, **{name: draw(values.get(name, anything))}), default
    inner = replace(getattr(spec, part), **{name: draw(values.get(name, anything))})
    return replace(spec, **{part: inner}), default

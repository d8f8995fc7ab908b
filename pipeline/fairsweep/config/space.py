"""Search spaces: from the specs in YAML to flat dimensions, and from sampled values back.

In: the `space` of a model, an optimizer and a training, and the defaults they stand beside.
Out: `Dimension`s with a default each, and settings with a trial's values put in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from fairsweep.config.schema import Model, Optimizer, Range, Spec, Training

GROUPS = ("optimizer", "model", "training")

Kind = Literal["float", "int", "power", "choice"]


@dataclass(frozen=True)
class Dimension:
    """One number or choice that a sampler draws. A `power` is drawn as its exponent. `when` has the
    values of other parameters, by public name, with which it is used."""

    name: str
    kind: Kind
    default: Any
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    base: int = 0
    choices: tuple[Any, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()


@dataclass(frozen=True)
class ArmSettings:
    """The settings that decide one arm's results."""

    data: Any
    model: Model
    optimizer: Optimizer
    training: Training

    def searched(self) -> Iterator[tuple[str, str, Spec, Any]]:
        """(group, parameter, spec, default) of every parameter that has a spec. A spec whose
        parameter doesn't exist is left to the checks."""
        for group in GROUPS:
            settings = getattr(self, group)
            for name, spec in settings.space.items():
                there = name in self.known(group)
                if there and spec is not None and not is_empty(name, spec):
                    yield group, name, spec, self.value(group, name)

    def known(self, group: str) -> tuple[str, ...]:
        """Names of the parameters of a group that can have a spec."""
        if group == "training":
            return (*TUNABLE_TRAINING, *loss_params(self.training))
        own = tuple(getattr(self, group).params)
        return (*own, LAYER_RATES) if group == "model" else own

    def value(self, group: str, name: str) -> Any:
        """The default of a parameter; raises KeyError when the group has none of that name."""
        settings = getattr(self, group)
        if group == "training":
            tunable = name in TUNABLE_TRAINING
            return getattr(settings, name) if tunable else loss_params(settings)[name]
        if (group, name) == ("model", LAYER_RATES):
            factors = settings.layer_learning_rates or {}
            return {pattern: float(factor) for pattern, factor in factors.items()}
        return settings.params[name]

    def with_values(self, values: Mapping[str, Any]) -> ArmSettings:
        """These settings with `values` put in, by public name (`optimizer.learning_rate`)."""
        changed: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
        for name, value in values.items():
            group, _, parameter = name.partition(".")
            changed[group][parameter] = value
        optimizer, model, training = self.optimizer, self.model, self.training
        plain = {name: v for name, v in changed["training"].items() if name in TUNABLE_TRAINING}
        loss = loss_params(training) | {
            name: v for name, v in changed["training"].items() if name not in plain
        }
        rates = changed["model"].pop(LAYER_RATES, model.layer_learning_rates)
        return replace(
            self,
            optimizer=replace(optimizer, params={**optimizer.params, **changed["optimizer"]}),
            model=replace(
                model, params={**model.params, **changed["model"]}, layer_learning_rates=rates
            ),
            training=replace(training, **plain, loss_params=loss or None),
        )

    @property
    def longest(self) -> int:
        """The epochs of the longest training that it can have."""
        return longest(dimensions(self), self.training.epochs)


TUNABLE_TRAINING = ("batch_size", "epochs")
LAYER_RATES = "layer_learning_rates"


def loss_params(training: Training) -> dict[str, Any]:
    """The arguments of a loss, also where none are given."""
    return training.loss_params if isinstance(training.loss_params, dict) else {}


def place_of(group: str, name: str) -> str:
    """The key at which the default of a parameter stands."""
    if name == LAYER_RATES or (group == "training" and name in TUNABLE_TRAINING):
        return f"{group}.{name}"
    return f"training.loss_params.{name}" if group == "training" else f"{group}.params.{name}"


def is_empty(name: str, spec: Spec) -> bool:
    """Whether a spec asks for nothing: that of layers has its place in a file, to be filled by a
    command, which can't put anything into null."""
    return name == LAYER_RATES and spec == Spec()


def dimensions(arm: ArmSettings) -> tuple[Dimension, ...]:
    """Every dimension of an arm, in the order of its YAML.

    Widths become one dimension for the number of layers and one for each possible layer: all of
    them are always drawn and the first few used, so that every trial of an arm has the same
    dimensions and a sampler can model them jointly. So is what has a condition. Learning rates of
    layers become one dimension for each of their patterns. A range whose ends are equal has nothing
    to draw, and is none.
    """
    return tuple(
        replace(dimension, when=conditions(group, spec))
        for group, name, spec, default in arm.searched()
        for dimension in _of_spec(f"{group}.{name}", spec, default)
    )


def conditions(group: str, spec: Spec) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """What a spec of a group is searched with: parameters by public name, each with its values.
    Those of its own group are named without it."""
    return tuple(
        (
            name if name.partition(".")[0] in GROUPS else f"{group}.{name}",
            tuple(wanted) if isinstance(wanted, list) else (wanted,),
        )
        for name, wanted in (spec.when or {}).items()
    )


def longest(dimensions: Sequence[Dimension], epochs: int) -> int:
    """The epochs of the longest training in a space.

    Args:
        dimensions: of the space.
        epochs: of every training, where they aren't searched.
    """
    own = next((d for d in dimensions if d.name == "training.epochs"), None)
    if own is None:
        return epochs
    if own.kind == "choice":
        return max(map(int, own.choices))
    return int(own.base**own.high if own.kind == "power" else own.high)


def _of_spec(name: str, spec: Spec, default: Any) -> Iterator[Dimension]:
    if isinstance(default, Mapping):
        for pattern, factor in default.items():
            yield from _of_spec(f"{name}.{pattern}", spec, factor)
    elif spec.choices is not None:
        yield Dimension(name, "choice", default, choices=tuple(spec.choices))
    elif spec.layers is not None and spec.units is not None:
        yield from _of_range(f"{name}.layers", spec.layers, len(default))
        for i in range(int(spec.layers.high)):
            yield from _of_range(f"{name}.{i + 1}", spec.units, _width(default, i))
    else:
        yield from _of_range(name, spec, default)


def _of_range(name: str, spec: Range, default: Any) -> Iterator[Dimension]:
    if spec.low == spec.high:
        return
    if spec.powers_of is not None:
        low, high = (exponent(bound, spec.powers_of) for bound in (spec.low, spec.high))
        yield Dimension(
            name, "power", default, math.ceil(low), math.floor(high), base=spec.powers_of
        )
        return
    kind: Kind = "int" if is_int_range(default) else "float"
    yield Dimension(name, kind, default, spec.low, highest(spec), spec.log, spec.step)


def _width(default: list[int], i: int) -> int:
    """The width of layer i, also of one that the default hasn't."""
    return default[min(i, len(default) - 1)]


def highest(spec: Range) -> Any:
    """The highest value of a range: its steps may end below `high`, and the last one has to be a
    number that a float of 64 bits is written as, or Optuna shortens the range by itself."""
    if spec.step is None:
        return spec.high
    low, high, step = (Decimal(str(value)) for value in (spec.low, spec.high, spec.step))
    last = low + (high - low) // step * step
    kind = (
        int if all(isinstance(bound, int) for bound in (spec.low, spec.high, spec.step)) else float
    )
    while last > low and Decimal(str(kind(last))) != last:
        last -= step
    return spec.high if last == high else kind(last)


def is_int_range(default: Any) -> bool:
    """A range is of whole numbers when its default is one."""
    return isinstance(default, int) and not isinstance(default, bool)


def exponent(value: float, base: int) -> float:
    """log of `value` to `base`, exact for whole powers."""
    nearest = round(math.log(value, base))
    return float(nearest) if base**nearest == value else math.log(value, base)


def trial_values(arm: ArmSettings, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """What was drawn for each dimension, put together by public name: widths become a list. What
    has no dimension stays as it is."""
    values: dict[str, Any] = {}
    for group, parameter, spec, default in arm.searched():
        name = f"{group}.{parameter}"
        if isinstance(default, Mapping):
            values[name] = {
                pattern: drawn.get(f"{name}.{pattern}", factor)
                for pattern, factor in default.items()
            }
        elif spec.layers is not None and spec.choices is None:
            layers = drawn.get(f"{name}.layers", len(default))
            values[name] = [drawn.get(f"{name}.{i + 1}", _width(default, i)) for i in range(layers)]
        else:
            values[name] = drawn.get(name, default)
    return {**values, **dict(_without_use(arm, values))}


def _without_use(arm: ArmSettings, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The defaults of those parameters whose conditions the values don't meet. A parameter in a
    condition has none itself."""
    for group, parameter, spec, default in arm.searched():
        for name, wanted in conditions(group, spec):
            if values.get(name, arm.value(*name.split(".", 1))) not in wanted:
                yield f"{group}.{parameter}", default

"""Checks of one search spec and the default beside it.

In: a spec, its key, its default. Out: a `Problem` for each check that fails. Optuna itself accepts
NaN bounds and defaults outside their range without a word.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from fairsweep.config.checks.values import Problem, is_number, is_whole
from fairsweep.config.guess import suggested
from fairsweep.config.schema import Range, Spec
from fairsweep.config.space import (
    GROUPS,
    ArmSettings,
    conditions,
    exponent,
    is_int_range,
    place_of,
)

# Samplers calculate in floats: beyond these a whole number isn't exact, and a range has no width.
LARGEST_WHOLE = 2**53
LARGEST_FLOAT = 1e300


def spec_problems(key: str, spec: Spec, default: Any) -> Iterator[Problem]:
    if isinstance(default, Mapping):
        yield from _factors(key, spec, default)
        return
    given = [
        form
        for form, present in (
            ("low and high", spec.low is not None or spec.high is not None),
            ("choices", spec.choices is not None),
            ("layers and units", spec.layers is not None or spec.units is not None),
        )
        if present
    ]
    if len(given) != 1:
        got = " with ".join(given) if given else "nothing"
        remedy = f"; set the others to null, as {_of_one_form(spec)}" if given else ""
        yield key, f"need one of: low and high, choices, layers and units; got {got}{remedy}"
    elif spec.choices is not None:
        yield from _choices(key, spec.choices, default)
    elif spec.layers is not None or spec.units is not None:
        yield from _widths(key, spec, default)
    else:
        yield from _range(key, spec, default)


def _of_one_form(spec: Spec) -> str:
    """A spec that is as it was meant where it has several forms: choices, or else widths, for low
    and high may be from a file."""
    if spec.choices is not None:
        return f"{{choices: {spec.choices}, low: null, high: null, layers: null, units: null}}"
    return "{layers: {low: 1, high: 3}, units: {low: 16, high: 256}, low: null, high: null}"


def condition_problems(arm: ArmSettings, group: str, name: str) -> Iterator[Problem]:
    """What is wrong with `when` of a parameter that has a spec."""
    key = f"{group}.space.{name}.when"
    searched = {f"{own}.{other}": spec for own, other, spec, _ in arm.searched()}
    known = [f"{own}.{other}" for own in GROUPS for other in arm.known(own)]
    for other, wanted in conditions(group, searched[f"{group}.{name}"]):
        spec = searched.get(other)
        if other == f"{group}.{name}":
            yield (
                key,
                f"{other} can't depend on itself; name another, or leave `when` out",
            )
        elif other not in known:
            meant = suggested(other, known)
            yield key, f"{other} is no parameter of this arm; {meant}"
        elif spec is not None and spec.when:
            yield key, f"{other} has a condition itself; name what that one depends on"
        elif spec is not None and spec.choices is None:
            yield key, f"{other} is searched in a range, and a condition needs choices"
        else:
            there = spec.choices if spec and spec.choices else [arm.value(*other.split(".", 1))]
            if not any(own in there for own in wanted):
                yield (
                    key,
                    f"{other} is never {' or '.join(map(repr, wanted))}: it has "
                    f"{', '.join(map(repr, there))}",
                )


def domain_problems(key: str, spec: Spec, least: float, text: str) -> Iterator[Problem]:
    """Whether all that a spec allows lies in the parameter's own domain: whole numbers from
    `least` where `least` is one, else numbers above it."""
    values = spec.choices if spec.choices is not None else [spec.low]
    if is_whole(least):
        bad = [value for value in values if not (is_whole(value) and value >= least)]
    else:
        bad = [value for value in values if not (is_number(value) and value > least)]
    if bad:
        yield key, f"{text}, got {', '.join(repr(value) for value in bad)}"


def _factors(key: str, spec: Spec, default: Mapping[str, float]) -> Iterator[Problem]:
    """One spec for the factors of all patterns."""
    if not default:
        yield (
            key,
            "names no layer; say which, with the factors of trial 0, for example "
            "model.layer_learning_rates={hidden_*: 1.0, probabilities: 1.0}",
        )
    elif spec.layers is not None or spec.units is not None:
        yield key, "factors are numbers: need low and high, or choices; got layers and units"
    else:
        for factor in default.values():
            yield from spec_problems(key, spec, factor)


def _choices(key: str, choices: list[Any], default: Any) -> Iterator[Problem]:
    if not choices:
        yield f"{key}.choices", "need at least one value, got an empty list"
        return
    parts = [part for own in choices for part in (own if isinstance(own, list) else [own])]
    if any(isinstance(part, list | dict) or _is_nan(part) for part in parts):
        yield (
            f"{key}.choices",
            f"need plain values or lists of them, none of them NaN, got {choices!r}; what has more "
            "parts is an option with a name, in a file, and options stand side by side by arms",
        )
        return
    lists = [own for own in choices if isinstance(own, list)]
    if lists and default is not None and not isinstance(default, list):
        listed = ", ".join(map(repr, lists))
        yield (
            f"{key}.choices",
            f"the default {default!r} is no list, so no choice can be one, got {listed}",
        )
        return
    if any(own in choices[:i] for i, own in enumerate(choices)):
        yield (
            f"{key}.choices",
            f"every value may stand once, got {choices!r} (1, 1.0 and true are equal)",
        )
    if default not in choices:
        yield _outside(key, default, f"the choices {choices!r}")


def _widths(key: str, spec: Spec, default: Any) -> Iterator[Problem]:
    if spec.layers is None or spec.units is None:
        missing = "layers" if spec.layers is None else "units"
        yield key, f"widths need both layers and units; {missing} is missing"
        return
    if not (isinstance(default, list) and default and all(is_whole(w) for w in default)):
        yield key, f"layers and units search a list of widths; the default is {default!r}"
        return
    layers = list(_range(f"{key}.layers", spec.layers, len(default)))
    yield from layers
    if not layers and spec.layers.low < 1:
        yield f"{key}.layers", f"need low of at least 1, got low={spec.layers.low}"
    for width in default:
        problems = list(_range(f"{key}.units", spec.units, width))
        yield from problems
        if problems:
            return
    if spec.units.low < 1:
        yield f"{key}.units", f"need low of at least 1, got low={spec.units.low}"


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _bound(key: str, bound: Any) -> Iterator[Problem]:
    if is_whole(bound):
        if abs(bound) > LARGEST_WHOLE:
            yield key, f"need a whole number of at most 2^53 either way, got {bound}"
    elif not (isinstance(bound, float) and math.isfinite(bound)):
        yield key, f"need a finite number, got {bound!r}"
    elif abs(bound) > LARGEST_FLOAT:
        yield key, f"need a number of at most {LARGEST_FLOAT} either way, got {bound}"


def _range(key: str, spec: Range, default: Any) -> Iterator[Problem]:
    low, high = spec.low, spec.high
    for name, bound in (("low", low), ("high", high)):
        if problems := list(_bound(f"{key}.{name}", bound)):
            yield from problems
            return
    if low > high:
        yield key, f"need low < high, got low={low}, high={high}; set a parameter to null to fix it"
        return
    if low == high and spec.powers_of is None:
        if not is_number(default) or default != low:
            yield _outside(key, default, f"{low} alone")
        return
    if (spec.log or spec.powers_of is not None) and low <= 0:
        least = "1" if spec.powers_of is not None or is_int_range(default) else "1e-6"
        rule, aside = ("a log range needs", " or log: false") if spec.log else ("powers need", "")
        yield key, f"{rule} low > 0, got low={low}; use low: {least}{aside}"
        return
    if is_int_range(default) and not (is_whole(low) and is_whole(high)):
        yield (
            key,
            f"the default {default} is a whole number, so low and high must be: got {low}, {high}",
        )
        return
    if spec.step is not None:
        yield from _steps(key, spec, default)
    elif spec.powers_of is not None:
        yield from _powers(key, spec, default)
    elif not (is_number(default) and low <= default <= high):
        yield _outside(key, default, f"{low} to {high}")


def _steps(key: str, spec: Range, default: Any) -> Iterator[Problem]:
    low, high, step = spec.low, spec.high, spec.step
    if spec.log or spec.powers_of is not None:
        yield key, "step goes with neither log nor powers_of; leave one of them out"
    elif not is_number(step) or not 0 < step <= high - low:
        yield f"{key}.step", f"need a number above 0 and at most high - low, got {step!r}"
    elif not (is_number(default) and low <= default <= high and _in_steps(default, low, step)):
        yield _outside(key, default, f"{low} to {high} in steps of {step}")


def _in_steps(value: float, low: float, step: float) -> bool:
    """Whether `value` is a whole number of steps from `low`, as these numbers are written."""
    if not -LARGEST_FLOAT <= value <= LARGEST_FLOAT:
        return False
    return (Decimal(str(value)) - Decimal(str(low))) % Decimal(str(step)) == 0


def _powers(key: str, spec: Range, default: Any) -> Iterator[Problem]:
    base = spec.powers_of
    if base is None or base < 2:
        yield f"{key}.powers_of", f"need a whole number from 2, got {base}"
        return
    first, last = math.ceil(exponent(spec.low, base)), math.floor(exponent(spec.high, base))
    if first >= last and spec.low != spec.high:
        yield key, f"need two powers of {base} between low={spec.low} and high={spec.high}"
    elif not (
        is_whole(default)
        and spec.low <= default <= spec.high
        and exponent(default, base).is_integer()
    ):
        yield _outside(key, default, f"the powers of {base} from {spec.low} to {spec.high}")


def _outside(key: str, default: Any, space: str) -> Problem:
    group, _, rest = key.partition(".space.")
    return (
        key,
        f"the default {place_of(group, rest)}={default!r} must lie in its own space, which is "
        f"{space}: trial 0 is the defaults; widen the space or change the default",
    )

"""Numbers in quotes: `learning_rate: '1e-3'` is text in YAML, and nobody means text.

In: settings as they were composed. Out: the same settings with numbers, and a warning for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fairsweep.config.checks.model import BUILDERS
from fairsweep.config.checks.values import is_number
from fairsweep.config.schema import Range
from fairsweep.config.space import ArmSettings, loss_params
from fairsweep.own import is_own

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
WHOLE = re.compile(r"[+-]?\d+")


def unquote_arm(arm: ArmSettings) -> Iterator[str]:
    """Makes numbers of an arm's values and bounds. Params of a user's own builder stay."""
    yield from unquote("optimizer.params", arm.optimizer.params)
    if arm.model.builder in BUILDERS:
        yield from unquote("model.params", arm.model.params)
    if not is_own(arm.training.loss):
        yield from unquote("training.loss_params", loss_params(arm.training))
    for group, name, spec, default in arm.searched():
        key = f"{group}.space.{name}"
        places = {key: spec, f"{key}.layers": spec.layers, f"{key}.units": spec.units}
        for place, part in places.items():
            if part is not None:
                yield from _unquote_bounds(place, part)
        if spec.choices is not None and is_number(default):
            own = {"choices": spec.choices}
            yield from unquote(key, own)
            spec.choices = own["choices"]


def unquote(key: str, values: dict[str, Any]) -> Iterator[str]:
    """Makes numbers of values, and of those in lists."""
    for name, value in values.items():
        taken = [_number(item) for item in value] if isinstance(value, list) else _number(value)
        if taken != value:
            values[name] = taken
            yield _told(f"{key}.{name}", value, taken)


def _unquote_bounds(key: str, spec: Range) -> Iterator[str]:
    for name in ("low", "high", "step"):
        value = getattr(spec, name)
        if (taken := _number(value)) is not value:
            setattr(spec, name, taken)
            yield _told(f"{key}.{name}", value, taken)


def _number(value: Any) -> Any:
    if not (isinstance(value, str) and NUMBER.fullmatch(value)):
        return value
    return int(value) if WHOLE.fullmatch(value) else float(value)


def _told(key: str, value: Any, taken: Any) -> str:
    return f"{key}: {value!r} is text and was read as the number {taken!r}; leave the quotes out"

"""A search space as plain data that a store keeps, and the values that a stored run had in it.

In: the dimensions of an arm, or what a store kept of them with the params of a run. Out: dicts of
JSON's types, as short as they can be; and from them, dimensions and values by their names.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fairsweep.config.space import LAYER_RATES, Dimension

FACTORS = f"model.{LAYER_RATES}"

Space = Sequence[Mapping[str, Any]]
"""The dimensions of an arm, as `plain` writes them."""


def plain(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """Each dimension without its default, and without what is as `Dimension` has it. Choices and
    conditions are written as MLflow writes a param: in a store they are compared with that."""
    return [_plain(dimension) for dimension in dimensions]


def restored(space: Space) -> tuple[Dimension, ...]:
    """The dimensions, with choices as a store has them and no default."""
    return tuple(
        Dimension(
            **{
                **stored,
                "default": None,
                "choices": tuple(stored.get("choices", ())),
                "when": tuple((name, tuple(wanted)) for name, wanted in stored.get("when", ())),
            }
        )
        for stored in space
    )


def values(dimensions: Sequence[Dimension], params: Mapping[str, str]) -> dict[str, Any]:
    """What a stored run had, by the dimension's name: a number, or a choice as it is stored.

    Left out are dimensions that the run made no use of (the width of a layer that it doesn't
    have, what is searched with other values only), and values outside their dimension.

    Args:
        dimensions: Those of its arm, as `restored` gives them.
        params: The run's params by public name; what is null isn't among them.
    """
    found = {}
    for dimension in dimensions:
        if any(params.get(name, "None") not in wanted for name, wanted in dimension.when):
            continue
        text = _stored(dimension.name, params)
        if dimension.kind == "choice":
            value: Any = "None" if text is None else text
            inside = value in dimension.choices
        else:
            value = None if text is None else _number(text)
            inside = value is not None and _bounds(dimension)[0] <= value <= _bounds(dimension)[1]
        if inside:
            found[dimension.name] = int(value) if dimension.kind in ("int", "power") else value
    return found


def searched(space: Space) -> frozenset[str]:
    """The names of the params that hold what a space has: all widths are in one, as are all factors
    of layers."""
    names = [str(dimension["name"]) for dimension in space]
    whole = [FACTORS if n.startswith(f"{FACTORS}.") else (widths_of(n) or (n,))[0] for n in names]
    return frozenset((*names, *whole))  # older stores have each factor by itself


def widths_of(name: str) -> tuple[str, str] | None:
    """The parameter and the part of a dimension of widths: `model.hidden_units.layers` is
    (`model.hidden_units`, `layers`), the width of its second layer (`model.hidden_units`, `2`).
    None for a dimension that is a parameter of its own."""
    base, _, part = name.rpartition(".")
    is_widths = base.count(".") == 1 and base != FACTORS and (part == "layers" or part.isdigit())
    return (base, part) if is_widths else None


def _plain(dimension: Dimension) -> dict[str, Any]:
    unset = {field.name: field.default for field in dataclasses.fields(Dimension)}
    stored = {
        name: value
        for name, value in vars(dimension).items()
        if name != "default" and value != unset[name]
    }
    if dimension.choices:
        stored["choices"] = list(map(str, dimension.choices))
    if dimension.when:
        stored["when"] = [[name, list(map(str, wanted))] for name, wanted in dimension.when]
    return stored


def _stored(name: str, params: Mapping[str, str]) -> str | None:
    if name.startswith(f"{FACTORS}.") and FACTORS in params:
        factor = json.loads(params[FACTORS]).get(name.removeprefix(f"{FACTORS}."))
        return None if factor is None else str(factor)
    parts = widths_of(name)
    if parts is None or parts[0] not in params:
        return params.get(name)
    widths = json.loads(params[parts[0]])
    if parts[1] == "layers":
        return str(len(widths))
    place = int(parts[1]) - 1
    return str(widths[place]) if place < len(widths) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _bounds(dimension: Dimension) -> tuple[float, float]:
    """The lowest and highest value; a power's own bounds are those of its exponent."""
    if dimension.kind == "power":
        return dimension.base**dimension.low, dimension.base**dimension.high
    return dimension.low, dimension.high

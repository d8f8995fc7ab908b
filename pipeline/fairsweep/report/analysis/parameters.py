"""What each searched parameter was in each trial, arm by arm, and on which scale to show it.

In: a `Selection` and the stored spaces of its arms. Out: a `Slice` for every parameter but the
learning rate; drawing is left to `figures`. Widths are two parameters: the number of layers, and
the sum of their widths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fairsweep.config.space import Dimension
from fairsweep.config.stored_space import Space, restored, values, widths_of
from fairsweep.records import RunRecord
from fairsweep.report.analysis.search import LEARNING_RATE
from fairsweep.report.analysis.select import ArmSelection, Selection
from fairsweep.report.text.numbers import setting, significant

FEW = 12
"""So many whole numbers are shown side by side, as choices are; more are a range."""


@dataclass(frozen=True)
class Slice:
    """One parameter.

    Attributes:
        parameter: Its public name; widths end in `.layers` and `.widths`.
        scale: `steps` for a few values side by side, else `linear` or `log`.
        steps: What those values are called, from the left.
        values: The trials that have a value, by arm: (trial, its place on the scale, the value
            as text). On `steps`, places count from 0.
    """

    parameter: str
    scale: Literal["steps", "linear", "log"]
    steps: tuple[str, ...]
    values: Mapping[str, tuple[tuple[RunRecord, float, str], ...]]


def slices(selection: Selection, spaces: Mapping[str, Space]) -> tuple[Slice, ...]:
    """Every searched parameter but the learning rate, in the order of the arms' spaces."""
    read = {
        entry.arm: _read(entry, restored(spaces[entry.arm]))
        for entry in selection.arms
        if spaces.get(entry.arm)
    }
    found = dict.fromkeys(name for own in read.values() for name in own)
    made = (
        _slice(name, {arm: own[name] for arm, own in read.items() if name in own})
        for name in found
        if name != LEARNING_RATE
    )
    return tuple(item for item in made if item is not None)


def labels(parameters: Sequence[str]) -> dict[str, str]:
    """A short name for each: without its group where that is clear."""
    short = {name: name.partition(".")[2] for name in parameters}
    twice = {text for text in short.values() if list(short.values()).count(text) > 1}
    return {
        name: _words(name if text in twice or not text else text) for name, text in short.items()
    }


def _words(name: str) -> str:
    base, _, part = name.rpartition(".")
    text = f"{base}, {part}" if base and part in ("layers", "widths") else name
    return text.replace("_", " ").replace(".", " ")


@dataclass(frozen=True)
class _Read:
    """One parameter of one arm: the dimension that tells its scale, and its trials' values."""

    dimension: Dimension
    values: tuple[tuple[RunRecord, Any], ...]


def _read(entry: ArmSelection, space: Sequence[Dimension]) -> dict[str, _Read]:
    rows = [(run, values(space, run.params)) for run in entry.trials]
    found: dict[str, _Read] = {}
    for dimension in space:
        parts = widths_of(dimension.name)
        if parts is None or parts[1] == "layers":
            own = [(run, row[dimension.name]) for run, row in rows if dimension.name in row]
            found[dimension.name] = _Read(dimension, tuple(own))
        elif parts[1] == "1":
            sums = [(run, sum(_widths(row, parts[0]))) for run, row in rows]
            found[f"{parts[0]}.widths"] = _Read(
                dimension, tuple((run, total) for run, total in sums if total)
            )
    return found


def _widths(row: Mapping[str, Any], parameter: str) -> Iterator[int]:
    for name, value in row.items():
        if widths_of(name) is not None and name.rpartition(".")[0] == parameter:
            yield 0 if name.endswith(".layers") else value


def _slice(parameter: str, arms: Mapping[str, _Read]) -> Slice | None:
    dimensions = [own.dimension for own in arms.values()]
    total = parameter.endswith(".widths")
    if all(_is_short(dimension) for dimension in dimensions) and not total:
        steps = _steps(arms)
        places = {text: float(place) for place, text in enumerate(steps)}
        placed = {
            arm: tuple((run, places[str(v)], setting(str(v))) for run, v in own.values)
            for arm, own in arms.items()
        }
        return Slice(parameter, "steps", tuple(map(setting, steps)), placed) if steps else None
    numbers = {
        arm: [(run, x) for run, v in own.values if (x := _number(v)) is not None]
        for arm, own in arms.items()
    }
    found = [x for own in numbers.values() for _, x in own]
    if not found:
        return None
    wide = any(dimension.log or dimension.kind == "power" for dimension in dimensions)
    return Slice(
        parameter,
        "log" if wide and min(found) > 0 else "linear",
        (),
        {arm: tuple((run, x, significant(x, 3)) for run, x in o) for arm, o in numbers.items()},
    )


def _is_short(dimension: Dimension) -> bool:
    """Whether all values of a dimension fit side by side."""
    if dimension.kind == "choice":
        return True
    step = dimension.step or (0 if dimension.kind == "float" else 1)
    return bool(step) and (dimension.high - dimension.low) / step < FEW and not dimension.log


def _steps(arms: Mapping[str, _Read]) -> list[str]:
    """Every value that a trial had: numbers by their size, else in the order of the choices."""
    used = dict.fromkeys(str(value) for own in arms.values() for _, value in own.values)
    sizes = {text: _number(text) for text in used}
    if all(size is not None for size in sizes.values()):
        return sorted(used, key=lambda text: sizes[text] or 0.0)
    listed = dict.fromkeys(text for own in arms.values() for text in own.dimension.choices)
    return [text for text in {**listed, **used} if text in used]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None

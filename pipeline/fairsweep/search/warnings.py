"""Warnings about a search: what looks odd, but may be meant, and isn't refused."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fairsweep.config.plan import Plan
from fairsweep.config.schema import Range
from fairsweep.config.space import ArmSettings, dimensions, highest
from fairsweep.plural import plural
from fairsweep.search.samplers import grid_size

MANY = 10_000


def search_warnings(plan: Plan) -> Iterator[str]:
    """A line for each warning; arms with the same one share it."""
    search = plan.config.search
    nothing = [arm.name for arm in plan.arms if not dimensions(arm.settings)]
    if nothing and search.trials > 1:
        yield (
            f"{', '.join(nothing)}: no parameter is searched, so the {search.trials} trials differ "
            "only in their seed; search.trials=1 is enough"
        )
    if search.name == "grid":
        for arm in plan.arms:
            size = grid_size(dimensions(arm.settings), search.params["points"])
            if size > search.trials:
                yield (
                    f"{arm.name}: the whole grid takes {size:,} trials, and search.trials="
                    f"{search.trials} tries a part of it; narrow the space, or use search.only=[…]"
                )
            elif search.repeats > 1:
                yield (
                    f"{arm.name}: each of {search.repeats} searches trains the whole grid, in "
                    f"{size:,} trials, so they differ only in their seeds; search=random draws "
                    "others"
                )
    yield from dict.fromkeys(line for arm in plan.arms for line in _of_ranges(arm.settings))
    workers, cores = plan.config.executor.workers, os.cpu_count() or 1
    if workers != "auto" and workers > cores:
        yield (
            f"executor.workers={workers} on {plural(cores, 'core')}: workers take turns, and each "
            "needs its own memory; executor.workers=auto starts one per core"
        )
    if search.trials > MANY:
        hours = search.repeats * search.trials * len(plan.arms) / 3600
        yield (
            f"search.trials={search.trials} for {plural(len(plan.arms), 'arm')} takes {hours:,.0f} "
            "hours at one second per trial; search.minutes=… sets a limit"
        )


def _of_ranges(arm: ArmSettings) -> Iterator[str]:
    """Ranges that search less than they seem to."""
    for group, name, spec, _ in arm.searched():
        key = f"{group}.space.{name}"
        parts: dict[str, Range | None] = {f"{key}.layers": spec.layers, f"{key}.units": spec.units}
        if spec.choices is None and spec.layers is None:
            parts = {key: spec}
        elif spec.choices is not None and len(spec.choices) == 1:
            yield f"{key}: the only choice is {spec.choices[0]}, so it isn't searched"
        for place, part in parts.items():
            if part is None:
                continue
            if part.low == part.high:
                yield f"{place}: low and high are both {part.low}, so it isn't searched"
            elif highest(part) != part.high:
                yield (
                    f"{place}: steps of {part.step} from {part.low} end at {highest(part)}, below "
                    f"high={part.high}"
                )

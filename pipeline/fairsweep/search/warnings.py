"""What is odd about a search and may be meant: told, and not refused."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fairsweep.config.plan import Plan
from fairsweep.config.schema import Range
from fairsweep.config.space import ArmSettings, dimensions, highest
from fairsweep.search.samplers import grid_size

MANY = 10_000


def search_warnings(plan: Plan) -> Iterator[str]:
    """One line each; arms of which the same is said share it."""
    search = plan.config.search
    nothing = [arm.name for arm in plan.arms if not dimensions(arm.settings)]
    if nothing and search.trials > 1:
        yield (
            f"{', '.join(nothing)}: nothing is searched, so all {search.trials} trials differ by "
            "their seed alone; search.trials=1 is enough"
        )
    if search.name == "grid":
        for arm in plan.arms:
            size = grid_size(dimensions(arm.settings), search.params["points"])
            if size > search.trials:
                yield (
                    f"{arm.name}: the grid has {size:,} points, and search.trials={search.trials} "
                    "takes the first of them alone; narrow the space, or search.only=[…]"
                )
    yield from dict.fromkeys(line for arm in plan.arms for line in _of_ranges(arm.settings))
    workers, cores = plan.config.executor.workers, os.cpu_count() or 1
    if workers != "auto" and workers > cores:
        yield (
            f"executor.workers={workers} on {cores} cores: they take turns, and each needs memory "
            "of its own; executor.workers=auto is one for each core"
        )
    if search.trials > MANY:
        hours = search.trials * len(plan.arms) / 3600
        yield (
            f"search.trials={search.trials} of {len(plan.arms)} arms take {hours:,.0f} hours if a "
            "trial takes a second; search.minutes=… sets a limit"
        )


def _of_ranges(arm: ArmSettings) -> Iterator[str]:
    """Ranges of which less is searched than they seem to say."""
    for group, name, spec, _ in arm.searched():
        key = f"{group}.space.{name}"
        parts: dict[str, Range | None] = {f"{key}.layers": spec.layers, f"{key}.units": spec.units}
        if spec.choices is None and spec.layers is None:
            parts = {key: spec}
        elif spec.choices is not None and len(spec.choices) == 1:
            yield f"{key}: it has one choice, {spec.choices[0]}, so it isn't searched"
        for place, part in parts.items():
            if part is None:
                continue
            if part.low == part.high:
                yield f"{place}: low and high are {part.low}, so it isn't searched"
            elif highest(part) != part.high:
                yield (
                    f"{place}: steps of {part.step} from {part.low} end at {highest(part)}, below "
                    f"high={part.high}"
                )

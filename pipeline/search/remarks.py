"""What is odd about a search and may be meant: told, and not refused."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.config.plan import Plan
from pipeline.config.space import dimensions
from pipeline.search.samplers import grid_size

MANY = 10_000


def remarks(plan: Plan) -> Iterator[str]:
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
    if search.trials > MANY:
        hours = search.trials * len(plan.arms) / 3600
        yield (
            f"search.trials={search.trials} of {len(plan.arms)} arms take {hours:,.0f} hours if a "
            "trial takes a second; search.minutes=… sets a limit"
        )

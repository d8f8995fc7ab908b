"""The interactive pictures, as plotly figures.

In: a `Selection`. Out: `Figure`s, in the order of the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from plotly.offline import get_plotlyjs

from pipeline.report.curves import panels
from pipeline.report.figures.confirmed import confirmed_values
from pipeline.report.figures.learning import learning_curves
from pipeline.report.figures.parts import Figure
from pipeline.report.figures.search import best_so_far, expected_best, learning_rates
from pipeline.report.select import Selection

__all__ = ["Figure", "figures", "library"]


def library() -> str:
    """plotly.js, to be written into the page once."""
    return str(get_plotlyjs())


def figures(selection: Selection, order: Sequence[str]) -> tuple[Figure, ...]:
    """Every picture there is data for.

    Args:
        selection: What to draw.
        order: The arms as rows of the first picture, from the top.
    """
    drawn = (
        confirmed_values(selection, order),
        *map(learning_curves, panels(selection)),
        learning_rates(selection),
        best_so_far(selection, "trials"),
        best_so_far(selection, "epochs"),
        expected_best(selection),
    )
    return tuple(figure for figure in drawn if figure is not None)

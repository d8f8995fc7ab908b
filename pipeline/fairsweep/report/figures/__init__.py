"""The interactive pictures, as plotly figures.

In: a `Selection`. Out: `Figure`s, in the order of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plotly.offline import get_plotlyjs

from fairsweep.config.stored_space import Space
from fairsweep.importances import Importances
from fairsweep.report.analysis.curves import panels
from fairsweep.report.analysis.select import ArmSelection, Selection
from fairsweep.report.figures.classes import confusion_matrix
from fairsweep.report.figures.confirmed import confirmed_values
from fairsweep.report.figures.differences import differences, luck
from fairsweep.report.figures.front import two_objectives
from fairsweep.report.figures.learning import learning_curves
from fairsweep.report.figures.parameters import importance, parameter_slices
from fairsweep.report.figures.parts import Figure
from fairsweep.report.figures.search import best_so_far, expected_best, learning_rates
from fairsweep.report.figures.values import predicted_values

__all__ = ["Figure", "figures", "library"]


def library() -> str:
    """plotly.js, to be written into the page once."""
    return str(get_plotlyjs())


def figures(
    selection: Selection,
    order: Sequence[str],
    best: ArmSelection | None,
    spaces: Mapping[str, Space],
    importances: Mapping[str, Importances],
) -> tuple[Figure, ...]:
    """Every picture there is data for.

    Args:
        selection: What to draw.
        order: The arms as rows of the first picture, from the top.
        best: The arm whose test rows are shown.
        spaces: The dimensions of each arm, where the store has them.
        importances: What each parameter had to do with good results, by arm.
    """
    verdict = selection.verdict
    drawn = (
        confirmed_values(selection, order),
        differences(selection, verdict),
        luck(selection, verdict),
        two_objectives(selection),
        *map(learning_curves, panels(selection)),
        confusion_matrix(best),
        *predicted_values(selection, best),
        learning_rates(selection),
        best_so_far(selection, "trials"),
        best_so_far(selection, "epochs"),
        expected_best(selection),
        importance(selection, importances),
        *parameter_slices(selection, spaces),
    )
    return tuple(figure for figure in drawn if figure is not None)

"""What the end of a sweep needs and can have before it: its libraries are loaded while workers
import TensorFlow, and most of its report is made while the champion trains.

In: a sweep whose confirmations have ended, as it is stored. Out: a `Draft`. The report takes of it
what still holds, so it is the same with and without one.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fairsweep.importances import Importances
from fairsweep.records import SweepRecord
from fairsweep.tracking import registry

if TYPE_CHECKING:
    from fairsweep.report.static import Picture


_loading = threading.Lock()
"""Two threads that import modules which import each other may find them half done."""


def load_report(logs: Path) -> None:
    """Loads what makes a report: plotly, matplotlib, jinja2, scipy and scikit-learn, in 1.5 s.

    Args:
        logs: where matplotlib may write: by default the user's home.
    """
    os.environ.setdefault("MPLCONFIGDIR", str(logs))
    with _loading:
        import fairsweep.report.render
        import fairsweep.report.text.description
        import fairsweep.search.importance  # noqa: F401


def loading_end(logs: Path) -> Sequence[Callable[[], None]]:
    """Steps that load what the end of a sweep needs: a report, and a model's way into the
    registry."""
    return functools.partial(load_report, logs), registry.load


class Draft:
    """Parts of the report of a sweep that hasn't ended.

    Args:
        record: what was stored of the sweep before its last training; None where nothing is made.
        logs: see `load_report`.

    Attributes:
        importances: by arm, once that part is made: they depend on searches alone.
        pictures: those drawn so far.
    """

    def __init__(self, record: SweepRecord | None, logs: Path) -> None:
        self.record = record
        self._logs = logs
        self.importances: Mapping[str, Importances] | None = None
        self.pictures: list[Picture] = []

    def parts(self) -> Iterator[None]:
        """Makes one part after the other."""
        load_report(self._logs)
        from fairsweep.report.render import draw
        from fairsweep.search.importance import importances

        if self.record is None:
            return
        self.importances = importances(self.record)
        yield
        for picture in draw(self.record, self.importances):
            self.pictures.append(picture)
            yield

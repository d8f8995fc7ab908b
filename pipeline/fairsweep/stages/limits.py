"""Whether the numbers to predict allow what measures them, such as an error in percent.

In: a plan, its data as they are split, and how it confirms. Out: a problem where a metric selects
that means nothing on rows that it is measured on, else a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fairsweep.config.plan import Plan
from fairsweep.data.dataset import Rows, row_place
from fairsweep.data.split import SplitData
from fairsweep.metrics import VALIDATION, Metric, base_name, metric_named
from fairsweep.plural import plural
from fairsweep.tasks import VALUES

INSTEAD = "mae"
FAR_BELOW = 1000
"""A true value that is so many times smaller than the one in the middle is near 0."""


@dataclass(frozen=True)
class Limits:
    """What is to be told of a plan's metrics.

    Args:
        plan: names them.
        data: has the numbers.
        folds: whether training rows validate, too, in another fold.
    """

    plan: Plan
    data: SplitData
    folds: bool

    def problems(self) -> Iterator[str]:
        """The metrics that select, and mean nothing on rows that they select by."""
        for key, name in self.plan.selecting:
            metric = metric_named(base_name(name))
            if found := self._meaningless(metric, self._rows_of(name)):
                prefix = VALIDATION if name.startswith(VALIDATION) else ""
                yield f"{key}: {name} {found}; use {key}={prefix}{INSTEAD}"

    def warnings(self) -> Iterator[str]:
        """The metrics that mean nothing on some rows, or are decided by a few; once each."""
        if self.data.dataset.task is not VALUES:
            return
        rows = np.sort(np.concatenate(self.data.parts))
        for name in self.plan.metrics(VALUES, len(self.data.dataset.class_names)):
            metric = metric_named(name)
            if found := self._meaningless(metric, rows) or self._decided(metric, rows):
                selects = any(base_name(own) == name for _, own in self.plan.selecting)
                key = "objective" if selects else "training.metrics"
                yield f"{key}: {name} {found}; {INSTEAD} has no such limit"

    def _rows_of(self, name: str) -> Rows:
        """The rows that a metric selects by."""
        if not name.startswith(VALIDATION):
            return self.data.train
        if not self.folds:
            return self.data.validation
        return np.sort(np.concatenate([self.data.train, self.data.validation]))

    def _meaningless(self, metric: Metric, rows: Rows) -> str:
        """Why it means nothing on some of the rows; empty where it doesn't."""
        if metric.limit is None or self.data.dataset.task is not VALUES:
            return ""
        hit = rows[metric.limit.at(self.data.dataset.y[rows]).any(axis=1)]
        if not len(hit):
            return ""
        return (
            f"{metric.limit.why} in {plural(len(hit), 'row')} ({self._place(hit[0])} the first), "
            "so that it means nothing"
        )

    def _decided(self, metric: Metric, rows: Rows) -> str:
        """Which rows decide it alone; empty where none do."""
        if metric.limit is None or not metric.limit.relative:
            return ""
        sizes = np.abs(self.data.dataset.y[rows])
        middle = np.median(sizes, axis=0)
        near = (FAR_BELOW * sizes < middle).any(axis=1)
        if not near.any():
            return ""
        least = int((sizes / middle).min(axis=1).argmin())
        own = int((sizes[least] / middle).argmin())
        return (
            f"divides by the true value, which is near 0 in {plural(int(near.sum()), 'row')}: "
            f"{self._place(rows[least])} has {sizes[least, own]:.3g}, and counts for "
            f"{middle[own] / sizes[least, own]:,.0f} rows with {middle[own]:.3g}, the median"
        )

    def _place(self, row: int) -> str:
        return row_place(int(row), self.data.dataset.origin)

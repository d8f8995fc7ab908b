"""What a model says of rows: of each row alone, and by the metrics that take all rows at once.

In: the outputs of the model for the rows. Out: a `Judged` of those that judge its best epoch, and
the scores of any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Dataset
from fairsweep.judged import Judged, Values
from fairsweep.metrics import VALIDATION, Metric, is_mean, scored
from fairsweep.tasks import Output
from fairsweep.training.loops import Arrays
from fairsweep.training.loss import build_loss
from fairsweep.training.metrics import build_metrics, values_of_rows
from fairsweep.training.own_metrics import function_of

Outputs = npt.NDArray[np.float32]


class Judge:
    """Judges what a model says.

    Args:
        dataset: of the rows.
        output: what the model's outputs mean.
        metrics: those that are wanted.
        loss: its arguments.
    """

    def __init__(
        self,
        dataset: Dataset,
        output: Output,
        metrics: Sequence[Metric],
        loss: Mapping[str, Any],
    ) -> None:
        self._dataset = dataset
        self._output = output
        self._loss = loss
        self._metrics = metrics
        self._scores = [metric for metric in metrics if metric.score is not None]
        functions = {metric.name: function_of(metric) for metric in metrics}
        self._functions = {name: own for name, own in functions.items() if own is not None}
        self.names = (*(metric.name for metric in self._scores), *self._functions)

    def score(self, part: Arrays, outputs: Outputs) -> dict[str, float]:
        """What it measures of some rows, from outputs (rows, units); not numbers, where these
        aren't."""
        if not np.isfinite(outputs).all():
            return dict.fromkeys(self.names, np.nan)
        found = dict(self._measured(part, outputs))
        if self._scores:
            found |= self._scored(part, outputs).metrics
        return {name: float(found[name].mean()) for name in self.names}

    def unknown(self, part: Arrays) -> Judged:
        """Of rows of which nothing is known but their numbers."""
        words = self._dataset.task.words(self._dataset.y[part.rows], self._dataset.class_names)
        return Judged(part.rows, words, words, {})

    def rows(
        self, part: Arrays, outputs: Outputs, penalty: float, measured: Mapping[str, float]
    ) -> Judged:
        """What the model says of its validation rows.

        Args:
            part: the rows, with labels in the loss's form.
            outputs: of the model, (rows, units).
            penalty: what the loss has beside that of rows, for large weights.
            measured: the metrics of the epoch. One that isn't the mean of its rows is left out.
        """
        said = self._scored(part, outputs, of_rows=True)
        metrics = {
            name: values
            for name, values in (
                *self._of_rows(part, outputs, penalty),
                *said.metrics.items(),
                *((name, own) for name, own in self._measured(part, outputs) if own.ndim),
            )
            if is_mean(values, measured.get(f"{VALIDATION}{name}"))
        }
        ranked = any(metric.outputs and not metric.of_rows for metric in self._scores)
        kept = ranked or bool(self._output.quantiles)
        return replace(said, metrics=metrics, outputs=said.outputs if kept else {})

    def _scored(self, part: Arrays, outputs: Outputs, of_rows: bool = False) -> Judged:
        """What the model says of some rows, with each row's share of the scores; only of those that
        are means `of_rows`, where it is asked so."""
        task, names = self._dataset.task, self._dataset.class_names
        ranked = bool(self._output.quantiles) or any(metric.outputs for metric in self._scores)
        ranking = self._output.ranking(outputs, names) if ranked else {}
        said = Judged(
            part.rows,
            task.words(self._dataset.y[part.rows], names),
            self._output.said(outputs.astype(np.float64), names),
            {},
            {name: own.astype(np.float64) for name, own in ranking.items()},
        )
        wanted = [metric for metric in self._scores if metric.of_rows or not of_rows]
        return scored(said, wanted, task)

    def _measured(self, part: Arrays, outputs: Outputs) -> Iterator[tuple[str, Values]]:
        """What the user's functions measure: one number (), or one for each row (rows,)."""
        if self._functions:
            y, given = self._dataset.y[part.rows], self._output.probabilities(outputs).copy()
            yield from ((name, function(y, given)) for name, function in self._functions.items())

    def _of_rows(
        self, part: Arrays, outputs: Outputs, penalty: float
    ) -> Iterator[tuple[str, Values]]:
        """Each metric of every row, (rows,), where it has one."""
        loss = build_loss(self._output, self._loss)
        y = keras.ops.convert_to_tensor(part.table.y[part.rows])
        given = keras.ops.convert_to_tensor(outputs)
        found = keras.ops.convert_to_numpy(loss.call(y, given))
        if found.shape == (len(part),):
            weighed = found if part.weights is None else found * part.weights
            yield "loss", weighed.astype(np.float64) + penalty
        for metric in build_metrics(self._output, outputs.shape[1], self._metrics):
            if (own := values_of_rows(metric, y, given)) is not None:
                yield metric.name, own
        true = self._dataset.y[part.rows].astype(np.float64)
        for wanted in self._metrics:
            if wanted.shares is not None:
                said = outputs[:, self._output.point].astype(np.float64)
                yield wanted.name, wanted.shares(true, said)

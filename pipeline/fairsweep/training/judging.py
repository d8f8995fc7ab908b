"""What a model says of rows: of each row alone, and by the metrics that take all rows at once.

In: the outputs of the model for the rows. Out: a `Judged` of those that judge its best epoch, and
the scores of any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Dataset
from fairsweep.judged import Judged, Values
from fairsweep.metrics import METRICS, VALIDATION, is_mean, is_score, scored
from fairsweep.tasks import Output
from fairsweep.training.loops import Arrays
from fairsweep.training.loss import build_loss

Outputs = npt.NDArray[np.float32]


class Judge:
    """Judges what a model says.

    Args:
        dataset: of the rows.
        output: what the model's outputs mean.
        metrics: the names of those that are wanted.
        loss: its arguments.
    """

    def __init__(
        self,
        dataset: Dataset,
        output: Output,
        metrics: Sequence[str],
        loss: Mapping[str, Any],
    ) -> None:
        self._dataset = dataset
        self._output = output
        self._loss = loss
        self._metrics = metrics
        self.scores = tuple(filter(is_score, metrics))
        self._ranked = any(METRICS[name].outputs for name in self.scores)

    def score(self, part: Arrays, outputs: Outputs) -> dict[str, float]:
        """The scores of some rows, from outputs (rows, units); not numbers, where these aren't."""
        if not np.isfinite(outputs).all():
            return dict.fromkeys(self.scores, np.nan)
        said = scored(self._said(part, outputs), self.scores, self._dataset.task)
        return {name: float(said.metrics[name].mean()) for name in self.scores}

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
        metrics = {
            name: values
            for name, values in self._of_rows(part, outputs, penalty)
            if is_mean(values, measured.get(f"{VALIDATION}{name}"))
        }
        return self._said(part, outputs, metrics)

    def _said(
        self, part: Arrays, outputs: Outputs, metrics: Mapping[str, Values] | None = None
    ) -> Judged:
        task, names = self._dataset.task, self._dataset.class_names
        said = self._output.said(outputs.astype(np.float64), names)
        ranking = self._output.ranking(outputs, names) if self._ranked else {}
        return Judged(
            part.rows,
            task.words(self._dataset.y[part.rows], names),
            said,
            metrics or {},
            {name: own.astype(np.float64) for name, own in ranking.items()},
        )

    def _of_rows(
        self, part: Arrays, outputs: Outputs, penalty: float
    ) -> Iterator[tuple[str, Values]]:
        """Each metric of every row, (rows,), where it has one."""
        loss, metrics = build_loss(self._output, outputs.shape[1], self._metrics, self._loss)
        y = keras.ops.convert_to_tensor(part.table.y[part.rows])
        given = keras.ops.convert_to_tensor(outputs)
        found = keras.ops.convert_to_numpy(loss.call(y, given))
        if found.shape == (len(part),):
            weighed = found if part.weights is None else found * part.weights
            yield "loss", weighed.astype(np.float64) + penalty
        for metric in metrics:
            if isinstance(metric, keras.metrics.MeanMetricWrapper):
                own = keras.ops.convert_to_numpy(metric._fn(y, given, **metric._fn_kwargs))
                yield metric.name, own.astype(np.float64).reshape(-1)
            elif (shares := METRICS[metric.name].shares) is not None:
                true = self._dataset.y[part.rows].astype(np.float64)
                yield metric.name, shares(true, outputs.astype(np.float64))

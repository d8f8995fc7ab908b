"""What a training's best epoch says of each row that judges it.

In: the outputs of the model for its validation rows. Out: a `Judged`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Dataset
from fairsweep.judged import Judged, Values
from fairsweep.metrics import VALIDATION, is_mean
from fairsweep.tasks import Output
from fairsweep.training.loops import Arrays
from fairsweep.training.loss import build_loss

Outputs = npt.NDArray[np.float32]


def judged_rows(
    part: Arrays,
    outputs: Outputs,
    output: Output,
    penalty: float,
    dataset: Dataset,
    measured: Mapping[str, float],
) -> Judged:
    """What a model says of its validation rows.

    Args:
        part: the rows, with labels in the loss's form.
        outputs: of the model, (rows, units).
        output: what these mean.
        penalty: what the loss has beside that of rows, for large weights.
        dataset: of the rows.
        measured: the metrics of the epoch. One that isn't the mean of its rows is left out.
    """
    names = dataset.class_names
    said = next(iter(output.answer(outputs.astype(np.float64), names).values()))
    metrics = {
        name: values
        for name, values in _of_rows(part, outputs, output, penalty)
        if is_mean(values, measured.get(f"{VALIDATION}{name}"))
    }
    return Judged(part.rows, dataset.task.words(dataset.y[part.rows], names), said, metrics)


def _of_rows(
    part: Arrays, outputs: Outputs, output: Output, penalty: float
) -> Iterator[tuple[str, Values]]:
    """Each metric of every row, (rows,), where it has one."""
    loss, metrics = build_loss(output, outputs.shape[1])
    y = keras.ops.convert_to_tensor(part.table.y[part.rows])
    given = keras.ops.convert_to_tensor(outputs)
    found = keras.ops.convert_to_numpy(loss.call(y, given))
    if found.shape == (len(part),):
        yield "loss", found.astype(np.float64) + penalty
    for metric in metrics:
        if isinstance(metric, keras.metrics.MeanMetricWrapper):
            own = keras.ops.convert_to_numpy(metric._fn(y, given, **metric._fn_kwargs))
            yield metric.name, own.astype(np.float64).reshape(-1)

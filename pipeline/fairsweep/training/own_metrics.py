"""Metrics of the user's own, by `package.module:name`.

In: a metric that is named so. Out: a function of arrays, asked once an epoch with what the model
says of all rows; or an object of Keras, which the model is compiled with.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.errors import BadInput
from fairsweep.judged import Values
from fairsweep.metrics import Metric
from fairsweep.training.failure import fails, failure
from fairsweep.training.own import find_own, own_problem

KEY = "training.metrics"
TAKES_A_NAME = (
    'must take a name and pass it on: def __init__(self, name="{name}", **keywords): '
    "super().__init__(name=name, **keywords)"
)
NO_METRIC = "must be a function of y_true and y_pred, or a keras.metrics.Metric"


NO_COPY = (
    "can't be made again from its get_config(), which must give every argument of __init__; or "
    "name the class instead of an object"
)


class Function:
    """A function of the user's: from what rows are, and what a model gives for them, to one number
    for all of them, or to one for each, whose mean is the metric."""

    def __init__(self, metric: Metric, function: Any) -> None:
        self._metric = metric
        self._function = function

    def __call__(self, y: npt.NDArray[Any], outputs: npt.NDArray[Any]) -> Values:
        """One number (), or one for each row (rows,), which the function may give as (rows, 1).

        Raises:
            BadInput: it gives something else.
        """
        for array in (y, outputs):
            array.flags.writeable = False  # another metric gets them, too
        found = self._function(y, outputs)
        if not isinstance(found, np.ndarray):
            found = keras.ops.convert_to_numpy(found)
        if found.shape == (len(y), 1):
            found = found[:, 0]
        if found.shape not in ((), (len(y),)) or found.dtype.kind not in "biuf":
            text = (
                f"must give one number, or one for each of the {len(y)} rows, but gives an array "
                f"of {found.dtype}, {found.shape}"
            )
            if found.ndim == 2 and len(found) == len(y):
                text += "; take the mean of each row, .mean(axis=1)"
            raise BadInput(own_problem(KEY, self._metric.own, text))
        return np.asarray(found, np.float64)


def function_of(metric: Metric) -> Function | None:
    """The function of the user's that measures it; None where there is none."""
    if not metric.own:
        return None
    found = find_own(KEY, metric.own)
    return None if _is_of_keras(found) else Function(metric, _checked(metric, found))


def built(metric: Metric) -> keras.metrics.Metric | None:
    """A new object of the user's class, or like the user's object; None where there is none.

    Raises:
        BadInput: the class doesn't take a name, or the object can't be made again.
    """
    found = find_own(KEY, metric.own) if metric.own else None
    if isinstance(found, keras.metrics.Metric):
        try:
            return type(found).from_config({**found.get_config(), "name": metric.name})
        except Exception as error:
            text = f"{NO_COPY}: {failure(error).line}"
            raise BadInput(own_problem(KEY, metric.own, text)) from error
    if found is None or not _is_of_keras(found):
        return None
    try:
        inspect.signature(found).bind(name=metric.name)
    except TypeError as error:
        text = TAKES_A_NAME.format(name=metric.name)
        raise BadInput(own_problem(KEY, metric.own, text)) from error
    own = found(name=metric.name)
    if own.name != metric.name:
        raise BadInput(own_problem(KEY, metric.own, TAKES_A_NAME.format(name=metric.name)))
    return own


def metric_problems(
    wanted: Iterable[Metric], y: npt.NDArray[Any], outputs: npt.NDArray[Any]
) -> Iterator[str]:
    """What is wrong with those of Keras's kind, by a few rows: their answers, as the loss has them,
    and a model's outputs (rows, units)."""
    for metric in wanted:
        if (own := built(metric)) is None:
            continue
        try:
            own.update_state(y, outputs)
            own.result()
        except Exception as error:
            at = f" with y_true of the shape {y.shape} and y_pred of {outputs.shape}"
            yield own_problem(KEY, metric.own, fails(error, at))


def _is_of_keras(found: Any) -> bool:
    kind = found if inspect.isclass(found) else type(found)
    return issubclass(kind, keras.metrics.Metric)


def _checked(metric: Metric, found: Any) -> Any:
    """The function, which takes two arrays.

    Raises:
        BadInput: it is none, or doesn't.
    """
    if inspect.isclass(found):
        raise BadInput(own_problem(KEY, metric.own, NO_METRIC))
    try:
        inspect.signature(found).bind("y_true", "y_pred")
    except ValueError:  # one of C has no signature
        return found
    except TypeError as error:
        text = f"takes {inspect.signature(found)}, but is called with y_true and y_pred: {error}"
        raise BadInput(own_problem(KEY, metric.own, text)) from error
    return found

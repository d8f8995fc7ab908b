"""Metrics as a model is compiled with them, and what they are of each row alone.

In: metrics that are wanted, and what a model ends in. Out: objects of Keras, in the form of answers
that the loss has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from fairsweep.judged import Values
from fairsweep.metrics import Metric, asked, base_name
from fairsweep.records import TrialSpec
from fairsweep.tasks import Output
from fairsweep.training import own_metrics
from fairsweep.training.own import own_problem
from fairsweep.training.values import METRICS as OF_VALUES
from fairsweep.training.values import OF_CENTRED, Measured


def build_metrics(
    output: Output, units: int, wanted: Iterable[Metric]
) -> list[keras.metrics.Metric]:
    """Those of the metrics that Keras measures, by its own classes or the user's.

    Args:
        output: of the model, with `training.loss`.
        units: how many outputs the model has for a row.
        wanted: metrics, also such that Keras doesn't measure.
    """
    form, built = output.form(units), list[keras.metrics.Metric]()
    scales = (Measured(output.scale), Measured(output.centred)) if output.scale else None
    for metric in wanted:
        if (made := metric.keras.get(form)) is not None:
            if scales is not None and made.name in OF_VALUES:
                scale = scales[made.name in OF_CENTRED]
                built.append(OF_VALUES[made.name](metric.name, scale, output.point))
                continue
            own = {made.threshold: output.middle} if made.threshold else {}
            kind = getattr(keras.metrics, made.name)
            if made.takes:
                kind = type(made.name, (TAKING[made.takes], kind), {})
            built.append(kind(name=metric.name, **made.arguments, **own))
        elif (users := own_metrics.built(metric)) is not None:
            built.append(users)
    return built


def compiled_metrics(model: keras.Model, wanted: Iterable[Metric]) -> list[Any]:
    """Those of the metrics that a model of the user's was compiled with by its builder, as they
    were given."""
    names = {metric.name for metric in wanted if metric.is_users}
    models = [own for own in model._flatten_layers() if isinstance(own, keras.Model)]
    compiled = [own._compile_metrics for own in models if own.compiled and own._compile_metrics]
    given = keras.tree.flatten([own._user_metrics or [] for own in compiled])
    return [own for own in given if _name_of(own) in names]


EVERY_EPOCH, FIRST_ROWS = "in any epoch", "on the first rows"


def not_a_number(spec: TrialSpec, name: str, where: str) -> str:
    """The message about a metric of a training that is NaN, by the name that it is logged under:
    what measures it, and what to do."""
    key = "objective.metric" if name == spec.objective.metric else own_metrics.KEY
    for metric in asked(spec.training.metrics, spec.objective.metric):
        if metric.name == base_name(name) and metric.own:
            text = f"gives no number {where}, but NaN, as {name}"
            remedy = "see what it divides by, or takes the root or logarithm of"
            return f"{own_problem(key, metric.own, text)}; {remedy}"
    return (
        f"{key}: {name} is no number {where}, but NaN; it may need rows of every class, or answers "
        "that differ"
    )


def is_compiled_by_user(metric: Metric) -> bool:
    """Whether a model is compiled with code of the user's that measures it, or that is its own."""
    return metric.is_users and own_metrics.function_of(metric) is None


def _name_of(given: Any) -> str:
    """What Keras logs a metric as, of all that `compile` takes for one."""
    if isinstance(given, str):
        return given
    return str(given.name if isinstance(given, keras.metrics.Metric) else given.__name__)


def values_of_rows(metric: keras.metrics.Metric, y: Any, outputs: Any) -> Values | None:
    """The metric of each row alone, (rows,); None where Keras doesn't take it for a mean.

    Args:
        metric: of `build_metrics`.
        y: answers as a tensor, in the loss's form.
        outputs: of the model as a tensor, (rows, units).
    """
    if not isinstance(metric, keras.metrics.MeanMetricWrapper):
        return None
    if isinstance(metric, _Taking):
        y = metric.taken(y, outputs)
    found = keras.ops.convert_to_numpy(metric._fn(y, outputs, **metric._fn_kwargs))
    values: Values = found.astype("float64").reshape(-1)
    return values


class _Taking:
    """Puts answers into another form before they are measured."""

    def taken(self, y: Any, outputs: Any) -> Any:
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y = self.taken(y_true, y_pred)
        return super().update_state(y, y_pred, sample_weight)  # type: ignore[misc]


class _OneHot(_Taking):
    """Of class numbers, 1 for the class and 0 for others."""

    def taken(self, y: Any, outputs: Any) -> Any:
        numbers = keras.ops.cast(keras.ops.reshape(y, (-1,)), "int32")
        return keras.ops.one_hot(numbers, outputs.shape[-1], dtype=outputs.dtype)


class _ClassNumbers(_Taking):
    """The other way round."""

    def taken(self, y: Any, outputs: Any) -> Any:  # noqa: ARG002
        return keras.ops.argmax(y, axis=-1)


TAKING = {"one-hot": _OneHot, "sparse": _ClassNumbers}

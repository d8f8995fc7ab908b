"""One number a row, or several: regression. A model computes with scaled numbers, whose loss
doesn't depend on a unit, and what it gives is in the units of the data.

Under most losses an answer is scaled to mean 0 and variance 1, as measured on training rows. Under
`poisson`, which is for counts, a model gives e to the power of what it computes, times the mean:
that is never below 0, and an untrained model is about right whatever the mean is. Under `quantile`
a model gives several quantiles of one number, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.own import is_own
from fairsweep.plural import plural
from fairsweep.precision import STEPS, nearer, step_at
from fairsweep.tasks.layer import (
    NO_ROWS,
    NO_SCALE,
    Answers,
    ClassWeights,
    Form,
    LastLayer,
    Outputs,
    PlainTask,
    Rows,
    Scale,
    Usual,
    how,
)
from fairsweep.tested import Kind, Residuals, residuals

VALUES_FORM, QUANTILES_FORM = "values", "quantiles"
JOINT = ";"
"""Stands between the numbers of a row where they are written as one word."""
POISSON = "poisson"
QUANTILE = "quantile"
MEDIAN = 0.5
QUANTILES = (0.1, MEDIAN, 0.9)
"""Those of a model that isn't told which."""
USUAL_METRICS = ("mae", "rmse", "r2")
ROBUST = ("mean_absolute_error", "huber", "log_cosh")
"""Losses that are chosen so that a few rows far away don't decide; nor do they by the MAE."""
FIFTHS = 5
"""Rows of a group are counted by the fifth of all rows that their number is in."""
LARGEST = float(np.finfo(np.float32).max)
FEWEST_STEPS = 16
"""From one 32-bit float to the next, in a standard deviation: with fewer, errors are those of
rounding."""


@dataclass(frozen=True)
class Values(PlainTask):
    """Each row has a number, or several: `y` (rows, targets) has them as they are, and the names
    are those of the target's columns."""

    name = "values"
    exclusive = False
    noun = "value"
    says = "a number for each target"
    losses = ("mean_squared_error", *ROBUST, QUANTILE, POISSON)

    @property
    def tested(self) -> Kind | None:
        return Residuals

    def takes(self, y: Answers, columns: Sequence[str]) -> bool:  # noqa: ARG002
        """Floats, some of them with a fraction."""
        return y.dtype.kind == "f" and y.ndim in (1, 2) and bool(fractions(y).any())

    def problems(self, y: Answers, place: str, columns: Sequence[str]) -> Iterator[str]:
        if y.ndim not in (1, 2) or 0 in y.shape[1:] or y.dtype.kind not in "iufUS":
            yield (
                f"{place or 'the target'} must be a number for each row, or a row of them, got "
                f"{y.dtype} of shape {y.shape}"
            )
            return
        several = y.ndim == 2 and y.shape[1] > 1
        names = columns or [str(i) for i in range(y.shape[1] if several else 1)]
        before = f"{place}: " if place else ""
        for name, column in zip(names, y.reshape(len(y), -1).T, strict=True):
            if problem := _problem(column):
                yield f"{before}target {name!r} {problem}" if several else f"{place} {problem}"

    def encode(
        self,
        y: Answers,
        columns: Sequence[str] = (),
        words: Sequence[str] = (),  # noqa: ARG002
    ) -> tuple[Answers, tuple[str, ...]]:
        """Numbers (rows, targets) of 64 bits, and the names of their columns, or `value`."""
        numbers = y.astype(np.float64).reshape(len(y), -1)
        count = numbers.shape[1]
        names = [f"value_{i + 1}" for i in range(count)] if count > 1 else ["value"]
        return numbers, tuple(columns or names)

    def counts(self, y: Answers, names: Sequence[str]) -> Mapping[str, int]:  # noqa: ARG002
        """All rows are of one kind."""
        return {"with a value": len(y)}

    def stratify(self, rows: Rows, y: Answers, share: float, random: np.random.Generator) -> Rows:
        """Rows are put in the order of their (first) number, and cut into as many pieces of equal
        length as there are to be held out: one row of each, so that every quantile is alike on both
        sides."""
        held = round(len(rows) * share)
        ordered = rows[np.lexsort((random.permutation(len(rows)), y[:, 0]))]
        ends = np.arange(1, held + 1) * len(rows) // max(1, held)
        starts = np.concatenate([np.zeros(min(1, held), np.int64), ends[:-1]])
        return np.sort(ordered[random.integers(starts, ends)])

    def tally(self, y: Answers, groups: Rows, count: int) -> Outputs:
        """By the fifth of all rows that their (first) number is in."""
        fifths = np.quantile(y[:, 0], np.arange(1, FIFTHS) / FIFTHS)
        counts = np.zeros((count, FIFTHS))
        np.add.at(counts, (groups, np.searchsorted(fifths, y[:, 0], "right")), 1)
        return counts

    def warnings(self, y: Answers) -> Iterator[str]:
        for column in y.T:
            mean, spread = float(column.mean()), float(column.std())
            if spread < STEPS * step_at(mean):
                yield (
                    f"the target has values around {mean:.9g} that differ by about {spread:.3g}, "
                    f"which 32-bit floats tell apart coarsely; {nearer(mean, spread)}"
                )

    def apart(
        self, y: Answers, names: Sequence[str]
    ) -> Iterator[tuple[str, Answers, tuple[str, ...]]]:
        for name, column in zip(names, y.T, strict=True):
            yield "the target" if len(names) == 1 else repr(name), column, ()

    def training_problems(self, loss: str, class_weight: ClassWeights, count: int) -> Iterator[str]:
        if loss not in self.losses and not is_own(loss):
            yield (
                f"training.loss: {loss} is for classes or labels, and the data has values, which "
                f"are predicted as numbers; use training.loss=auto or one of "
                f"{', '.join(self.losses)}, or data.task=classes"
            )
        if loss == QUANTILE and count > 1:
            yield (
                f"training.loss: quantile is for one value a row, and the data has {count}; name "
                "one column in data.target, or use training.loss=mean_absolute_error"
            )
        if class_weight is not None:
            yield (
                f"training.class_weight: {class_weight} is for one class a row, and the data has "
                "values; leave it out"
            )

    def loss_problems(self, loss: str, y: Answers, names: Sequence[str]) -> Iterator[str]:
        if loss != POISSON:
            return
        for name, column in zip(names, y.T, strict=True):
            if (column < 0).any():
                row = int((column < 0).argmax())
                yield (
                    f"training.loss: poisson is for counts, which aren't below 0, and {name} has "
                    f"{column[row]:g} in row {row + 1}; use training.loss=mean_squared_error"
                )

    def usual(self, loss: str | None) -> Usual:
        """The mean squared error, judged by its root; what was chosen for rows far away is judged
        by the mean absolute error, and counts by their loss."""
        loss = loss or "mean_squared_error"
        metric = "val_mae" if loss in ROBUST else "val_rmse"
        own = loss in (POISSON, QUANTILE)
        return Usual(loss, "val_loss" if own else metric, USUAL_METRICS)

    def output(self, loss: str, count: int, quantiles: Sequence[float] = ()) -> ValueOutput:
        asked = tuple(quantiles) or QUANTILES
        return ValueOutput(loss, count, asked if loss == QUANTILE else ())

    def targets(self, y: Answers, form: Form, count: int) -> Answers:  # noqa: ARG002
        return y.astype(np.float32)

    def words(self, y: Answers, names: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        """Numbers to nine digits, as many as a 32-bit float has; those of a row with a `;` between
        them."""
        return words_of(y)

    def numbers(self, words: Sequence[str]) -> Outputs:
        return np.array([word.split(JOINT) for word in words], np.float64)

    def columns(self, names: Sequence[str], quantiles: Sequence[float] = ()) -> Mapping[str, str]:
        bands = (_quantile(name, level) for name in names for level in quantiles)
        said = names if has_median(quantiles) else ()
        return dict.fromkeys((*said, *bands), "double")


@dataclass(frozen=True)
class ValueOutput:
    """Outputs for so many `targets` under a loss, in the units of the data: what the last layer
    gives times `scale.factor`, plus `scale.shift`. Of one target there can be several `quantiles`,
    by their levels. `centred` has the mean and the deviation of answers, whatever the loss."""

    loss: str
    targets: int
    quantiles: tuple[float, ...] = ()
    scale: Scale = field(default=NO_SCALE)
    centred: Scale = field(default=NO_SCALE)
    compiled = False
    middle = 0.0

    @property
    def count(self) -> int:
        """How many numbers a model gives for a row."""
        return len(self.quantiles) or self.targets

    @property
    def point(self) -> slice:
        """Which of them are what is said of a row: of quantiles the one next to the median."""
        if not self.quantiles:
            return slice(None)
        middle = min(range(self.count), key=lambda i: abs(self.quantiles[i] - MEDIAN))
        return slice(middle, middle + 1)

    def measured(self, y: Answers) -> ValueOutput:
        """Scaled as answers (rows, targets) of training rows ask for."""
        mean, deviation = y.mean(axis=0), y.std(axis=0)
        centred = _scale(mean, deviation)
        own = _scale(np.zeros_like(mean), mean) if self.loss == POISSON else centred
        return replace(self, scale=own, centred=centred)

    def scaled(self, scale: Scale) -> ValueOutput:
        return replace(self, scale=scale)

    @property
    def layer(self) -> LastLayer:
        activation = "exponential" if self.loss == POISSON else "linear"
        return LastLayer(self.count, activation, "values")

    def form(self, units: int) -> Form:  # noqa: ARG002
        return QUANTILES_FORM if self.quantiles else VALUES_FORM

    def problems(self, units: int, activation: str | None) -> Iterator[str]:
        code = self.layer.code
        if units != self.layer.units:
            there = f"the data has {plural(self.targets, 'value')} a row"
            if self.quantiles:
                there = f"{plural(self.count, 'quantile')} are asked for"
            yield f"ends in {plural(units, 'unit')}, and {there}, each with a unit; write {code}"
        elif self.loss == POISSON:
            if activation not in (None, *POSITIVE):
                yield (
                    f"ends in {plural(units, 'unit')} {how(activation)}, and poisson takes a "
                    f"number above 0; write {code}"
                )
        elif activation not in (None, "linear"):
            yield (
                f"ends in {plural(units, 'unit')} {how(activation)}, and a value can be any "
                f"number; write {code}"
            )

    def value_problems(self, outputs: Outputs) -> Iterator[str]:
        code = self.layer.code
        if self.loss == POISSON and (outputs < 0).any():
            yield (
                f"gives {outputs[outputs < 0][0]:.3g} for a row, and poisson takes a number above "
                f"0; end it with {code}"
            )
        scaled = (outputs - self.scale.shift) / self.scale.factor
        if (
            outputs.shape[1] > 1
            and np.ptp(scaled)
            and np.allclose(scaled.sum(axis=1), 1, atol=1e-3)
        ):
            yield (
                f"gives numbers that add up to 1 in a row, as probabilities do, and a value can be "
                f"any number; end it with {code}"
            )

    def probabilities(self, outputs: Outputs) -> Outputs:
        return outputs

    def answer(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Any]:
        """A column for each target, and one for each of its quantiles; of quantiles without the
        median only these, none of which is what is to be expected."""
        said = outputs[:, self.point]
        bands = {
            _quantile(name, level): outputs[:, i]
            for name in names
            for i, level in enumerate(self.quantiles)
        }
        if not has_median(self.quantiles):
            return bands
        return {**{name: said[:, i] for i, name in enumerate(names)}, **bands}

    def said(self, outputs: Outputs, names: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        return words_of(outputs[:, self.point])

    def test_artifact(self, outputs: Outputs, y: Answers, names: Sequence[str]) -> Residuals:
        """The values of rows as they are, and as they are predicted."""
        said = outputs[:, self.point]
        if len(self.quantiles) < 2:
            return residuals(names, y, said)
        ends = self.quantiles[0], self.quantiles[-1]
        return residuals(names, y, said, ends, outputs[:, :1], outputs[:, -1:])

    def ranking(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Outputs]:  # noqa: ARG002
        """Rows aren't told apart by a name: each of several quantiles is kept."""
        return {f"q{level:g}": outputs[:, i] for i, level in enumerate(self.quantiles)}


def fractions(y: Answers) -> npt.NDArray[np.bool_]:
    """Which floats are no whole numbers."""
    return np.asarray(np.isfinite(y) & (y != np.round(y)))


POSITIVE = ("exponential", "softplus")
"""Activations that give a number above 0."""


def has_median(quantiles: Sequence[float]) -> bool:
    """Whether one of these levels, or what is said without any, is in the middle of answers."""
    return not quantiles or MEDIAN in quantiles


def _quantile(name: str, level: float) -> str:
    """What a quantile of a target is called."""
    return f"{name}_q{level:g}"


def words_of(numbers: npt.NDArray[Any]) -> list[str]:
    """Numbers (rows, …) to nine digits, those of a row with a `;` between them."""
    written = np.char.mod("%.9g", numbers)
    return written[:, 0].tolist() if written.shape[1] == 1 else [JOINT.join(row) for row in written]


def _scale(shift: npt.NDArray[Any], factor: npt.NDArray[Any]) -> Scale:
    """Numbers that don't differ are left at their distance from the shift."""
    factor = np.where(factor > 0, factor, 1.0)
    return Scale(tuple(shift.tolist()), tuple(factor.tolist()))


def _problem(column: Answers) -> str | None:
    """What is wrong with the numbers (rows,) of a target; None where nothing is."""
    if column.dtype.kind in "US":
        return _words_problem(column.astype(np.str_))
    numbers = column.astype(np.float64)
    if (missing := np.isnan(numbers)).any():
        return (
            f"is missing in {plural(int(missing.sum()), 'row')}, row {int(missing.argmax()) + 1} "
            "the first; leave these rows out of the data"
        )
    if (beyond := np.abs(numbers) > LARGEST).any():
        row = int(beyond.argmax())
        return (
            f"is infinite or too large for 32 bits in {plural(int(beyond.sum()), 'row')}, row "
            f"{row + 1} the first ({numbers[row]:g}); correct them"
        )
    if (numbers == numbers[:1]).all():
        if not len(numbers):
            return NO_ROWS
        return (
            f"is the same in every row ({numbers[0]:g}), so there is nothing to learn; give rows "
            "that differ, or another target"
        )
    mean, spread = float(numbers.mean()), float(numbers.std())
    if spread < FEWEST_STEPS * step_at(mean):
        return (
            f"has values around {mean:.9g} that differ by about {spread:.3g}, and 32-bit floats, "
            f"with which models compute, are {step_at(mean):.2g} apart there; "
            f"{nearer(mean, spread)}"
        )
    return None


def _words_problem(words: npt.NDArray[np.str_]) -> str:
    for row, word in enumerate(words.tolist()):
        try:
            float(word)
        except ValueError:
            return (
                f"must be a number in each row, and row {row + 1} has {word!r}; correct it, or "
                "use data.task=classes for a column of words"
            )
    return "has numbers that are stored as words; store them as numbers"

"""A class a row. Every class has an output, its probability, and a row's add up to 1; under some
losses two classes have one output for both: the probability of the second, or a value from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairsweep.own import is_own
from fairsweep.plural import plural
from fairsweep.tasks.layer import (
    NO_ROWS,
    RANGES,
    Answers,
    ClassWeights,
    Form,
    LastLayer,
    Marks,
    Outputs,
    PlainOutput,
    PlainTask,
    Rows,
    Usual,
    how,
    shown,
)
from fairsweep.tested import Confusion, Kind

SPARSE_LOSSES = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")
ONE_HOT_LOSSES = tuple(
    "categorical_crossentropy categorical_focal_crossentropy "
    "categorical_hinge kl_divergence poisson "
    "mean_squared_error mean_absolute_error mean_squared_logarithmic_error huber log_cosh "
    "binary_crossentropy binary_focal_crossentropy cosine_similarity dice tversky".split()
)
TWO_CLASS_LOSSES = ("hinge", "squared_hinge")
ONE_OUTPUT = {
    "binary_crossentropy": "sigmoid",
    "binary_focal_crossentropy": "sigmoid",
    "hinge": "tanh",
    "squared_hinge": "tanh",
}
"""Losses that take one output for two classes, and its activation."""

MANY_CLASSES = 20
MANY_FOR_ROWS = 0.1
MOST_APART = 1000
"""Beyond the number of rows: classes that are counted, which is quicker than sorted."""
CLASS_FORMS = ("sparse", "one-hot", "column")
AS_VALUES = "data.task=values predicts them as numbers"
SOFTMAX = 'Dense(classes, activation="softmax")'


@dataclass(frozen=True)
class Classes(PlainTask):
    """Each row has one of two or more classes: `y` (rows,) is its number."""

    name = "classes"
    noun = "class"
    says = "a class and a probability for each class"
    losses = (*SPARSE_LOSSES, *ONE_HOT_LOSSES, *TWO_CLASS_LOSSES)
    exclusive = True

    @property
    def tested(self) -> Kind | None:
        return Confusion

    def takes(self, y: Answers, columns: Sequence[str]) -> bool:  # noqa: ARG002
        """Whatever no other task takes: what isn't one class a row is told by `problems`."""
        return True

    def problems(self, y: Answers, place: str, columns: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        if (problem := _problem(y)) is not None:
            yield f"{place} {problem}"

    def encode(
        self,
        y: Answers,
        columns: Sequence[str] = (),  # noqa: ARG002
        words: Sequence[str] = (),
    ) -> tuple[Answers, tuple[str, ...]]:
        """Numbers (rows,) from 0 in the order of the sorted classes, and the classes' names."""
        numbers, names = _numbered(y)
        return numbers, tuple(words[int(name)] for name in names) if words else names

    def counts(self, y: Answers, names: Sequence[str]) -> Mapping[str, int]:
        numbers = np.bincount(y, minlength=len(names)).tolist()
        return {f"of class {name!r}": n for name, n in zip(names, numbers, strict=True)}

    def stratify(self, rows: Rows, y: Answers, share: float, random: np.random.Generator) -> Rows:
        """Class by class, largest remainders rounded up."""
        held = round(len(rows) * share)
        classes, counts = np.unique(y, return_counts=True)
        exact = counts * (held / len(rows))
        take = np.floor(exact).astype(np.int64)
        for i in np.argsort(take - exact, kind="stable")[: held - int(take.sum())]:
            take[i] += 1
        parts = [
            random.permutation(rows[y == label])[:n] for label, n in zip(classes, take, strict=True)
        ]
        return np.sort(np.concatenate(parts))

    def tally(self, y: Answers, groups: Rows, count: int) -> Outputs:
        classes, own = np.unique(y, return_inverse=True)
        counts = np.zeros((count, len(classes)))
        np.add.at(counts, (groups, own), 1)
        return counts

    def quantities(self, names: Sequence[str], rows: int) -> str:
        many = len(names) > max(MANY_CLASSES, rows * MANY_FOR_ROWS)
        if not many or not are_whole_numbers(names):
            return ""
        return (
            f"They are {len(names)} whole numbers for {rows} rows: if they are quantities, "
            f"{AS_VALUES}"
        )

    def apart(
        self, y: Answers, names: Sequence[str]
    ) -> Iterator[tuple[str, Answers, tuple[str, ...]]]:
        yield "the target", y, tuple(names)

    def training_problems(
        self,
        loss: str,
        class_weight: ClassWeights,  # noqa: ARG002
        count: int,
    ) -> Iterator[str]:
        if loss not in self.losses and not is_own(loss):
            yield (
                f"training.loss: {loss} is for values, and the data has classes; use "
                "training.loss=auto, or data.task=values if they are quantities"
            )
        if loss in TWO_CLASS_LOSSES and count != 2:
            yield (
                f"training.loss: {loss} is for two classes, and the data has {count}; use "
                "categorical_hinge"
            )

    def usual(self, loss: str | None) -> Usual:
        return Usual(loss or SPARSE_LOSSES[0])

    def output(self, loss: str, count: int, quantiles: Sequence[float] = ()) -> ClassOutput:  # noqa: ARG002
        return ClassOutput(loss, count)

    def targets(self, y: Answers, form: Form, count: int) -> Answers:
        if form == "sparse":
            return y
        if form == "column":
            return y.astype(np.float32)[:, np.newaxis]
        return np.eye(count, dtype=np.float32)[y]

    def words(self, y: Answers, names: Sequence[str]) -> Sequence[str]:
        return [names[own] for own in y.tolist()]

    def marks(self, words: Sequence[str]) -> tuple[tuple[str, ...], Marks]:
        places = {name: place for place, name in enumerate(dict.fromkeys(words))}
        return tuple(places), np.eye(len(places), dtype=bool)[[places[word] for word in words]]

    def columns(self, names: Sequence[str], quantiles: Sequence[float] = ()) -> Mapping[str, str]:  # noqa: ARG002
        return {"class": "string", **{f"p_{name}": "double" for name in names}}


@dataclass(frozen=True)
class ClassOutput(PlainOutput):
    """Outputs for `count` classes under a loss."""

    @property
    def layer(self) -> LastLayer:
        if self.count == 2 and self.loss in ONE_OUTPUT:
            return LastLayer(1, ONE_OUTPUT[self.loss])
        return LastLayer(self.count, "softmax")

    @property
    def single(self) -> str | None:
        """The activation of one output for both of two classes; None where there can be none."""
        if self.count != 2:
            return None
        return "sigmoid" if is_own(self.loss) else ONE_OUTPUT.get(self.loss)

    @property
    def middle(self) -> float:
        return sum(RANGES[self.layer.activation]) / 2

    def form(self, units: int) -> Form:
        if self.loss in SPARSE_LOSSES:
            return "sparse"
        return "column" if units == 1 else "one-hot"

    def problems(self, units: int, activation: str | None) -> Iterator[str]:
        loss, classes, fitting, single = self.loss, self.count, self.layer, self.single
        if units == 1 and activation == "softmax":
            yield f"ends in one softmax unit, which is 1 for every row; write {fitting.code}"
        elif units == 1 and single is None:
            remedy = f"write {SOFTMAX}"
            if classes == 2:
                remedy += ', or keep Dense(1, activation="sigmoid") with training.loss='
                remedy += "binary_crossentropy"
            wanted = f"one for each of the {classes} classes"
            yield f"ends in 1 unit, and {loss} takes {wanted}; {remedy}"
        elif units == 1 and single is not None:
            if activation not in (None, single):
                low, high = RANGES[single]
                yield (
                    f"ends in {_unit(activation)}, and {loss} takes a value from {low:g} to "
                    f"{high:g}; write {LastLayer(1, single).code}"
                )
        elif fitting.activation == "tanh":
            yield f"ends in {units} units, and {loss} takes one from -1 to 1; write {fitting.code}"
        elif units != classes:
            yield f"ends in {units} units, and the data has {classes} classes; write {SOFTMAX}"
        elif activation not in (None, "softmax"):
            remedy = f"write {SOFTMAX}"
            if classes == 2:
                remedy += (
                    ', or Dense(1, activation="sigmoid") with training.loss=binary_crossentropy'
                )
            yield (
                f"ends in {units} units {how(activation)}: what they give for a row are no "
                f"probabilities of {classes} classes, which add up to 1, and {loss} takes them for "
                f"that; {remedy}"
            )

    def value_problems(self, outputs: Outputs) -> Iterator[str]:
        fitting, single = self.layer, self.single
        if outputs.shape[1] == 1 and single is not None:
            low, high = RANGES[single]
            if not ((outputs >= low) & (outputs <= high)).all():
                found = outputs[~((outputs >= low) & (outputs <= high))][0]
                yield (
                    f"gives {found:.3g} for a row, and {self.loss} takes a value from {low:g} to "
                    f"{high:g}; write {LastLayer(1, single).code}"
                )
        elif (outputs < 0).any() or not np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
            yield (
                "must give probabilities, which are 0 to 1 and add up to 1 in a row, and gives "
                f"{shown(outputs)}; end it with {fitting.code}"
            )

    def probabilities(self, outputs: Outputs) -> Outputs:
        if outputs.shape[1] > 1:
            return outputs
        assert self.single is not None
        low, high = RANGES[self.single]
        second = (outputs - low) / (high - low)
        return np.concatenate([1 - second, second], axis=1)

    def answer(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Any]:
        """The likeliest class, and probabilities that add up to 1 in a row."""
        found = self.probabilities(outputs)
        found = found / found.sum(axis=1, keepdims=True)  # of 32-bit floats, to the last bit
        said = np.array([names[i] for i in found.argmax(axis=1)], object)
        return {"class": said, **{f"p_{name}": found[:, i] for i, name in enumerate(names)}}

    def said(self, outputs: Outputs, names: Sequence[str]) -> Sequence[str]:
        said: Sequence[str] = next(iter(self.answer(outputs, names).values()))
        return said

    def test_artifact(self, outputs: Outputs, y: Answers, names: Sequence[str]) -> Confusion:
        """Counts rows by their class and the one that the probabilities favour."""
        count, said = len(names), self.probabilities(outputs).argmax(axis=1)
        pairs = np.bincount(y * count + said, minlength=count * count)
        return Confusion(tuple(names), tuple(map(tuple, pairs.reshape(count, count).tolist())))

    def ranking(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Outputs]:
        """By every class; of two by the second, for the first is what is left."""
        found = self.probabilities(outputs)
        return {name: found[:, i] for i, name in enumerate(names) if i or len(names) > 2}


def are_whole_numbers(names: Sequence[str]) -> bool:
    """Whether the classes of these names are whole numbers."""
    return all(name.removeprefix("-").isdecimal() for name in names)


def if_quantities(names: Sequence[str], asked: str) -> str:
    """The end of a sentence about classes that may be quantities, which nobody said that they
    aren't; empty where they are others.

    Args:
        names: of the classes.
        asked: `data.task`.
    """
    may_be = asked != Classes.name and are_whole_numbers(names)
    return f"; if these whole numbers are quantities, {AS_VALUES}" if may_be else ""


def _unit(activation: str) -> str:
    return "one unit without an activation" if activation == "linear" else f"one {activation} unit"


def is_one_hot(y: Answers) -> bool:
    """Whether exactly one of the numbers (rows, classes) of every row is 1, all others 0."""
    return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


def _problem(y: Answers) -> str | None:
    """Why answers aren't one class per row, of two classes or more; None where they are."""
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iubf" and is_one_hot(y):
        return f"is one-hot, of shape {y.shape}; save y.argmax(axis=1), one class per row"
    if y.ndim == 2 and y.shape[1] == 1:
        return f"has the shape {y.shape}; save y.ravel(), one class per row"
    if y.ndim != 1 or y.dtype.kind not in "iubfUS":
        return f"must be one integer or string per row, got {y.dtype} of shape {y.shape}"
    missing = np.isnan(y) if y.dtype.kind == "f" else np.zeros(len(y), bool)
    if y.dtype.kind in "US":
        missing = np.char.str_len(y.astype(np.str_)) == 0
    if missing.any():
        return (
            f"is missing in {plural(int(missing.sum()), 'row')}, row {int(missing.argmax()) + 1} "
            "the first; leave these rows out of the data"
        )
    if y.dtype.kind == "f":
        fractions = np.isinf(y) | (y != np.round(np.asarray(y, np.float64)))
        if fractions.any():
            row = int(fractions.argmax())
            return (
                f"must be one integer or string per row, got {y.dtype}: row {row + 1} has "
                f"{y[row]}; {AS_VALUES}"
            )
    if not len(y):
        return NO_ROWS
    if (y == y[:1]).all():
        return (
            "has fewer than two classes, so there is nothing to learn; give rows of two or more, "
            "or another target"
        )
    return None


def _numbered(y: Answers) -> tuple[Answers, tuple[str, ...]]:
    if y.dtype.kind == "S":
        y = np.char.decode(y.astype(np.bytes_))
    if y.dtype.kind == "f":
        y = y.astype(np.int64)
    if y.dtype.kind in "iu" and int(y.max()) - int(y.min()) < len(y) + MOST_APART:
        low = int(y.min())
        places = (y.astype(np.int64) - low).astype(np.int64)
        there = np.flatnonzero(np.bincount(places))
        numbers = np.zeros(int(there[-1]) + 1, np.int64)
        numbers[there] = np.arange(len(there))
        return numbers[places], tuple(str(low + int(place)) for place in there)
    classes, labels = np.unique(y, return_inverse=True)
    return labels.astype(np.int64), tuple(str(name) for name in classes)

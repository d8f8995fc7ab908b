"""Several labels a row, or none. Each has an output, the probability that a row has it, whatever
others it has."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.own import is_own
from fairsweep.plural import plural
from fairsweep.tasks.classes import is_one_hot
from fairsweep.tasks.layer import (
    SHOWN,
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

JOINT = ";"
"""Stands between the labels of a row where they are written as one word."""
LIKELY = 0.5
"""The probability from which a row is said to have a label."""
EXCLUSIVE = "so that one label makes others less likely, and a row can have several of"


@dataclass(frozen=True)
class Labels(PlainTask):
    """A row can have several labels, or none: `y` (rows, labels) is 1 for those that it has, and 0
    for others."""

    name = "labels"
    noun = "label"
    says = "labels and a probability for each label"
    losses = ("binary_crossentropy", "binary_focal_crossentropy")
    tested = None
    exclusive = False

    def takes(self, y: Answers, columns: Sequence[str]) -> bool:
        """Several columns; where they have no names, one-hot rows are of a class."""
        several = y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iubf"
        return several and (bool(columns) or not is_one_hot(y))

    def problems(self, y: Answers, place: str, columns: Sequence[str]) -> Iterator[str]:
        if y.ndim != 2 or y.dtype.kind not in "iubf":
            yield (
                f"{place or 'the target'} must be 0 or 1 for each label, of shape (rows, labels), "
                f"got {y.dtype} of shape {y.shape}"
            )
            return
        names = columns or [str(i) for i in range(y.shape[1])]
        before = f"{place}: " if place else ""
        problems = [
            f"{before}label {name!r} {problem}"
            for name, column in zip(names, y.T, strict=True)
            if (problem := _problem(column))
        ]
        yield from problems[:SHOWN]
        if len(problems) > SHOWN:
            yield f"{before}… and {len(problems) - SHOWN} more labels"

    def encode(
        self,
        y: Answers,
        columns: Sequence[str] = (),
        words: Sequence[str] = (),  # noqa: ARG002
    ) -> tuple[Answers, tuple[str, ...]]:
        """Labels 0 and 1, and the names of their columns, or their numbers."""
        return y.astype(np.int64), tuple(columns) or tuple(map(str, range(y.shape[1])))

    def name_problems(self, names: Sequence[str]) -> Iterator[str]:
        if joined := [name for name in names if JOINT in name]:
            yield (
                f"a label's name can't contain {JOINT!r}, which separates the labels of a "
                f"row in an answer; rename {joined[0]!r}"
            )

    def counts(self, y: Answers, names: Sequence[str]) -> Mapping[str, int]:
        """How many rows have each label, and how many haven't."""
        numbers = y.sum(axis=0).tolist()
        having = {f"with label {name!r}": n for name, n in zip(names, numbers, strict=True)}
        lacking = {
            f"without label {name!r}": len(y) - n for name, n in zip(names, numbers, strict=True)
        }
        return having | lacking

    def stratify(self, rows: Rows, y: Answers, share: float, random: np.random.Generator) -> Rows:
        """Rows with the same labels keep their share to a row; which of their shares are rounded up
        is decided label by label, the rarest first.

        Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011), with rows of the same
        labels taken together, and each step corrected by what the steps before it rounded.
        """
        packed = np.packbits(y.astype(bool), axis=1)
        _, first, own, counts = np.unique(
            packed, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        own = own.reshape(-1)
        exact = counts * share
        take = np.floor(exact).astype(np.int64)
        take += _rounded_up(y[first], exact - take, random)
        shuffled = random.permutation(len(rows))
        together = shuffled[np.argsort(own[shuffled], kind="stable")]
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        place = np.arange(len(rows)) - starts
        return np.sort(rows[together[place < take[own[together]]]])

    def tally(self, y: Answers, groups: Rows, count: int) -> Outputs:
        """All rows of a group are counted, too."""
        counts = np.zeros((count, y.shape[1] + 1))
        np.add.at(counts, groups, np.column_stack([y, np.ones(len(y), np.int64)]))
        return counts

    def warnings(self, y: Answers) -> Iterator[str]:
        if (y.sum(axis=1) == 1).all():
            yield (
                "every row has exactly one label, so the labels are classes; with one column of "
                "classes as target, probabilities add up to 1"
            )

    def apart(
        self, y: Answers, names: Sequence[str]
    ) -> Iterator[tuple[str, Answers, tuple[str, ...]]]:
        for name, column in zip(names, y.T, strict=True):
            yield repr(name), column, ("0", "1")

    def training_problems(self, loss: str, class_weight: ClassWeights, count: int) -> Iterator[str]:
        if loss not in self.losses and not is_own(loss):
            yield (
                f"training.loss: {loss} is for one class a row, and the data has {count} "
                "labels, of which a row can have several; use training.loss=binary_crossentropy"
            )
        if class_weight is not None:
            yield (
                f"training.class_weight: {class_weight} is for one class a row, and labels, of "
                "which a row can have several, are not weighted yet; leave it out"
            )

    def usual(self, loss: str | None) -> Usual:
        return Usual(loss or self.losses[0])

    def output(self, loss: str, count: int, quantiles: Sequence[float] = ()) -> LabelOutput:  # noqa: ARG002
        return LabelOutput(loss, count)

    def targets(self, y: Answers, form: Form, count: int) -> Answers:  # noqa: ARG002
        return y.astype(np.float32)

    def words(self, y: Answers, names: Sequence[str]) -> Sequence[str]:
        return _joined(y.astype(bool), names)

    def errors(self, true: str, said: str) -> int:
        """The labels that are missing in the answer, or that it has too many."""
        return len(_apart(true) ^ _apart(said))

    def marks(self, words: Sequence[str]) -> tuple[tuple[str, ...], Marks]:
        own = [_apart(word) for word in words]
        places = {name: i for i, name in enumerate(sorted(set[str]().union(*own)))}
        marks = np.zeros((len(own), len(places)), bool)
        for row, having in enumerate(own):
            marks[row, [places[name] for name in having]] = True
        return tuple(places), marks

    def columns(self, names: Sequence[str], quantiles: Sequence[float] = ()) -> Mapping[str, str]:  # noqa: ARG002
        return {"labels": "string", **{f"p_{name}": "double" for name in names}}


@dataclass(frozen=True)
class LabelOutput(PlainOutput):
    """Outputs for `count` labels under a loss."""

    middle = LIKELY

    @property
    def layer(self) -> LastLayer:
        return LastLayer(self.count, "sigmoid")

    def form(self, units: int) -> Form:  # noqa: ARG002
        return "labels"

    def problems(self, units: int, activation: str | None) -> Iterator[str]:
        count, code = self.count, self.layer.code
        if units != count:
            yield (
                f"ends in {plural(units, 'unit')}, and the data has {plural(count, 'label')}, each "
                f"with a unit; write {code}"
            )
        elif activation == "softmax":
            yield f"ends in softmax, {EXCLUSIVE} {plural(count, 'label')}; write {code}"
        elif activation not in (None, "sigmoid"):
            yield (
                f"ends in {plural(units, 'unit')} {how(activation)}, and each should give the "
                f"probability of a label, 0 to 1; write {code}"
            )

    def value_problems(self, outputs: Outputs) -> Iterator[str]:
        code = self.layer.code
        if not ((outputs >= 0) & (outputs <= 1)).all():
            yield (
                f"must give a probability for each label, 0 to 1, and gives {shown(outputs)}; end "
                f"it with {code}"
            )
        elif np.ptp(outputs, axis=0).any() and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
            yield (
                f"gives probabilities that add up to 1 in a row, {EXCLUSIVE} {self.count} labels; "
                f"end it with {code}"
            )

    def answer(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Any]:
        """The labels whose probability is at least 0.5, with a `;` between them, and the
        probability of each label, each of its own."""
        said = _joined(outputs >= LIKELY, names)
        found = {f"p_{name}": outputs[:, i] for i, name in enumerate(names)}
        return {"labels": np.array(said, object), **found}

    def said(self, outputs: Outputs, names: Sequence[str]) -> Sequence[str]:
        return _joined(outputs >= LIKELY, names)

    def ranking(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Outputs]:
        """By every label."""
        return {name: outputs[:, i] for i, name in enumerate(names)}


def _joined(having: Answers, names: Sequence[str]) -> list[str]:
    """The labels of each row, (rows, labels), with a `;` between them."""
    return [JOINT.join(itertools.compress(names, row)) for row in having]


def _apart(joined: str) -> set[str]:
    """The labels of a row, of the word that they are joined to."""
    return set(filter(None, joined.split(JOINT)))


def _problem(column: Answers) -> str | None:
    missing = np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)
    if missing.any():
        return (
            f"is missing in {plural(int(missing.sum()), 'row')}, row {int(missing.argmax()) + 1} "
            "the first; leave these rows out of the data"
        )
    other = ~np.isin(column, (0, 1))
    if other.any():
        row = int(other.argmax())
        return (
            f"must be 0 or 1 (false or true) for each row, and row {row + 1} has {column[row]}; "
            "what has more than two values is a class, one per row"
        )
    if (column == column[:1]).all():
        value = f" ({int(column[0])})" if len(column) else ""
        return f"is the same in every row{value}, so there is nothing to learn; leave it out"
    return None


def _rounded_up(
    sets: Answers, parts: npt.NDArray[np.float64], random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Of which sets of labels one more row is held out.

    Args:
        sets: (sets, labels) of 0 and 1.
        parts: the part of a row of each set that is to be held out, in [0, 1).
        random: the order of sets with the same rarest label.
    """
    having = np.column_stack([sets, np.ones(len(sets), np.int64)]).astype(bool)  # all have the last
    up, left = np.zeros(len(sets), bool), parts > 0
    waiting = having[left].sum(axis=0).astype(np.float64)
    error = np.zeros(having.shape[1])
    while left.any():
        rarest = int(np.argmin(np.where(waiting > 0, waiting, np.inf)))
        for i in random.permutation(np.flatnonzero(left & having[:, rarest])):
            labels = having[i]
            weights = waiting[labels] ** -0.5
            up[i] = (weights * error[labels]).sum() / weights.sum() < parts[i] - 0.5
            error[labels] += up[i] - parts[i]
            waiting[labels] -= 1
            left[i] = False
    return up

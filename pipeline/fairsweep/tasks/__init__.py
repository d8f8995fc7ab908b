"""What depends on the kind of answer that a model gives: a class a row, labels, or values.

A `Task` knows how answers are read, checked and split, what a model ends in and is trained by, and
what it says when it is asked. Another kind of answer is another module here, and its entry in
`TASKS`; the picture of what it finds on test rows is in `fairsweep.report.figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from fairsweep.tasks.classes import Classes
from fairsweep.tasks.labels import Labels
from fairsweep.tasks.layer import (
    Answers,
    ClassWeights,
    Form,
    LastLayer,
    Marks,
    Outputs,
    Rows,
    Scale,
    Usual,
)
from fairsweep.tasks.own import Own
from fairsweep.tasks.values import Values, fractions
from fairsweep.tested import Kind, Tested


class Output(Protocol):
    """What a model of a task ends in under a loss, and what its outputs mean."""

    @property
    def loss(self) -> str:
        """`training.loss`."""
        ...

    @property
    def count(self) -> int:
        """How many names the data set has: of classes, or labels."""
        ...

    @property
    def compiled(self) -> bool:
        """Whether the builder compiles its model, with a loss and metrics of its own."""
        ...

    @property
    def layer(self) -> LastLayer:
        """The last layer of a model of ours."""
        ...

    @property
    def quantiles(self) -> Sequence[float]:
        """The levels of its outputs where they are quantiles of one number; else none."""
        ...

    @property
    def point(self) -> slice:
        """Which outputs are what is said of a row."""
        ...

    @property
    def scale(self) -> Scale:
        """What makes answers of what the last layer gives; empty where that is the answer."""
        ...

    @property
    def centred(self) -> Scale:
        """What makes answers of numbers of mean 0 and variance 1; empty where none is measured."""
        ...

    def measured(self, y: Answers) -> Output:
        """The same with the scales that the answers of training rows ask for, (rows, …)."""
        ...

    def scaled(self, scale: Scale) -> Output:
        """The same with a scale that was measured before."""
        ...

    @property
    def middle(self) -> float:
        """The output from which a unit of its own says yes."""
        ...

    def form(self, units: int) -> Form:
        """The form of answers that the loss wants of a model with so many outputs for a row."""
        ...

    def problems(self, units: int, activation: str | None) -> Iterator[str]:
        """What is wrong with a last layer, as the end of a sentence that begins with the model.

        Args:
            units: its outputs for a row.
            activation: by Keras's name; None where the layers don't say.
        """
        ...

    def value_problems(self, outputs: Outputs) -> Iterator[str]:
        """The same by what a model gives for rows, (rows, units), where its layers don't say."""
        ...

    def probabilities(self, outputs: Outputs) -> Outputs:
        """A number for every name, (rows, names), from a model's outputs (rows, units)."""
        ...

    def answer(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Any]:
        """What `predict` says of rows: a column each, as `Task.columns` has them."""
        ...

    def said(self, outputs: Outputs, names: Sequence[str]) -> Sequence[str]:
        """What rows are taken for, as `Task.words` has answers."""
        ...

    def test_artifact(self, outputs: Outputs, y: Answers, names: Sequence[str]) -> Tested | None:
        """What is stored of test rows beside their metrics, of the kind that the task says; None
        where it is nothing."""
        ...

    def ranking(self, outputs: Outputs, names: Sequence[str]) -> Mapping[str, Outputs]:
        """By each name that rows can be told apart by: a number for every row, (rows,), which is
        larger where the model thinks more of it that the row has the name."""
        ...


class Task(Protocol):
    """A kind of answer. None of them keeps anything: what a data set has beside, its `y` and
    `names`, is handed over."""

    @property
    def name(self) -> str:
        """What the names of a data set are of, `classes`: they are stored under it."""
        ...

    @property
    def noun(self) -> str:
        """One of them."""
        ...

    @property
    def says(self) -> str:
        """What its model gives for a row, in a sentence."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether each row has exactly one of the names."""
        ...

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that fit, by their names in `training.loss`."""
        ...

    @property
    def tested(self) -> Kind | None:
        """What `Output.test_artifact` gives; None where it is nothing."""
        ...

    def takes(self, y: Answers, columns: Sequence[str]) -> bool:
        """Whether answers, as the user has them, are of this kind.

        Args:
            y: an array (rows,) or (rows, …).
            columns: the names that its columns have, in a table; none have a name elsewhere.
        """
        ...

    def problems(self, y: Answers, place: str, columns: Sequence[str]) -> Iterator[str]:
        """What is wrong with answers of this kind, in sentences that begin with their place, or,
        where it is empty, with a column."""
        ...

    def encode(
        self, y: Answers, columns: Sequence[str] = (), words: Sequence[str] = ()
    ) -> tuple[Answers, tuple[str, ...]]:
        """Answers as a `Dataset` has them, and their names.

        Args:
            y: without `problems`.
            columns: the names of its columns.
            words: those that its numbers stand for.
        """
        ...

    def name_problems(self, names: Sequence[str]) -> Iterator[str]:
        """What is wrong with the names."""
        ...

    def counts(self, y: Answers, names: Sequence[str]) -> Mapping[str, int]:
        """How many of the rows are of each kind that no part of the data may be without."""
        ...

    def stratify(self, rows: Rows, y: Answers, share: float, random: np.random.Generator) -> Rows:
        """Which rows to hold out, so that answers are spread alike on both sides.

        Args:
            rows: their numbers.
            y: the answers of these rows.
            share: how many of them, 0 to 1.
            random: which of those that are alike.
        """
        ...

    def tally(self, y: Answers, groups: Rows, count: int) -> Outputs:
        """How many rows of each kind are in each of so many groups, (groups, kinds).

        Args:
            y: the answers (rows, …).
            groups: the group of each row, (rows,) in [0, count).
            count: how many groups there are.
        """
        ...

    def warnings(self, y: Answers) -> Iterator[str]:
        """What is odd about answers and may be meant."""
        ...

    def quantities(self, names: Sequence[str], rows: int) -> str:
        """What to tell of names that may be quantities; nothing if they can't."""
        ...

    def apart(
        self, y: Answers, names: Sequence[str]
    ) -> Iterator[tuple[str, Answers, tuple[str, ...]]]:
        """Each thing that a column of features could be a copy of: what it is called, its numbers
        (rows,), and the words that these stand for."""
        ...

    def training_problems(self, loss: str, class_weight: ClassWeights, count: int) -> Iterator[str]:
        """Which `training` settings don't fit so many names."""
        ...

    def loss_problems(self, loss: str, y: Answers, names: Sequence[str]) -> Iterator[str]:
        """Which answers a loss doesn't take, with their row."""
        ...

    def usual(self, loss: str | None) -> Usual:
        """What a training has where nothing else is asked for.

        Args:
            loss: that is asked for; None for none.
        """
        ...

    def output(self, loss: str, count: int, quantiles: Sequence[float] = ()) -> Output:
        """What a model ends in under a loss that fits, for so many names; `quantiles` are the
        levels that are asked for, where that is its loss."""
        ...

    def targets(self, y: Answers, form: Form, count: int) -> Answers:
        """Answers in one of the task's forms."""
        ...

    def words(self, y: Answers, names: Sequence[str]) -> Sequence[str]:
        """Answers as an answer of `predict` has them, in its first column."""
        ...

    def numbers(self, words: Sequence[str]) -> Outputs | None:
        """What `words` made of numbers, (rows, targets); None where answers are no numbers, but
        right or wrong."""
        ...

    def errors(self, true: str, said: str) -> int:
        """How many errors an answer has, 0 if it is right; both as `words` has them."""
        ...

    def marks(self, words: Sequence[str]) -> tuple[tuple[str, ...], Marks]:
        """The names in the words of rows, and which of them each row has, (rows, names)."""
        ...

    def columns(self, names: Sequence[str], quantiles: Sequence[float] = ()) -> Mapping[str, str]:
        """The columns of an answer, and the type of each by MLflow's name."""
        ...


def forms_of(output: Output, own: bool) -> set[Form]:
    """The forms that a model may want answers in.

    Args:
        output: what it ends in.
        own: whether it is the user's, which may end in another layer that fits.
    """
    units = {output.layer.units}
    if own:
        units |= {n for n in (1, output.count) if not any(output.problems(n, None))}
    return {output.form(n) for n in units}


CLASSES, LABELS, VALUES, OWN = Classes(), Labels(), Values(), Own()
TASKS: tuple[Task, ...] = (CLASSES, LABELS, VALUES, OWN)
"""Those that ask more of answers come later; the first takes what no other does."""
AUTO = "auto"


def task_for(y: Answers, columns: Sequence[str] = (), asked: str = AUTO) -> Task:
    """The task by `data.task`; for auto the one that answers ask for, as the user has them: see
    `Task.takes`."""
    if asked != AUTO:
        return task_named(asked)
    return next(task for task in reversed(TASKS) if task.takes(y, columns))


def may_be_words(targets: Sequence[str]) -> bool:
    """Whether the target columns of a table can hold words: one of classes can. Several are labels,
    each of them 0 or 1, or values."""
    return len(targets) == 1


def by_type(
    task: Task, y: Answers, asked: str = AUTO, place: Callable[[int], str] | None = None
) -> tuple[str, ...]:
    """What to tell of a task that nobody asked for by name.

    Args:
        task: of the data.
        y: the answers, as the user has them, also of rows that are left out.
        asked: `data.task`.
        place: says where a row is, by its number from 0, if that isn't the place in one file.
    """
    if task is not VALUES or asked != AUTO:
        return ()
    row, *column = np.argwhere(fractions(y))[0]
    where = f"row {row + 1}" if place is None else place(int(row))
    return (
        f"the target is predicted as a number (data.task=values), because {where} has "
        f"{y[row, *column]:.9g}; if it is meant as a class, store whole numbers or words",
    )


def task_named(name: str) -> Task:
    """The task of this name.

    Raises:
        ValueError: there is none; another version of this project wrote it.
    """
    for task in TASKS:
        if task.name == name:
            return task
    raise ValueError(f"there is no task {name!r}; there are: {', '.join(t.name for t in TASKS)}")


def task_in(facts: Mapping[str, Any]) -> Task:
    """The task of a data set, by the facts that are stored of it: the names are under its own."""
    return next((task for task in reversed(TASKS) if task.name in facts), CLASSES)

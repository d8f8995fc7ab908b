"""What a metric is, and the forms in which it gets what a model says of rows."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fairsweep import scores
from fairsweep.judged import Judged, Values
from fairsweep.records import Direction
from fairsweep.tasks import Task
from fairsweep.tasks.layer import Form

Digits = Literal["four decimals", "three decimals", "four digits"]
"""How a value is written: the first two are for what is near 1, the last for what has a unit."""
PLAIN: Digits = "four decimals"
UNBOUNDED = (-math.inf, math.inf)
LOSS = "loss"
OF_CLASSES = frozenset({"sparse", "one-hot", "column"})
OF_NAMES = OF_CLASSES | {"labels"}
"""The forms of answers that are classes or labels."""


@dataclass(frozen=True)
class KerasMetric:
    """A class of `keras.metrics` by its name, and the arguments that it is made with. `threshold`
    is what it calls the output from which a unit says yes, where it asks for that; `takes` is the
    form that it takes answers in, where they are put into another for it."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    threshold: str = ""
    takes: Form = ""


class Told:
    """What a model says of rows, in the forms that scores take, each made once.

    Args:
        judged: rows, with what they are and are taken for, and outputs where a score takes them.
        task: of the data.
    """

    def __init__(self, judged: Judged, task: Task) -> None:
        self.judged = judged
        self.task = task

    @functools.cached_property
    def answers(self) -> tuple[scores.Marks, scores.Marks]:
        """What the rows have, and what they are said to have, (rows, names)."""
        _, marks = self.task.marks([*self.judged.true, *self.judged.predicted])
        true, said = np.split(marks, 2)
        return true, said

    @functools.cached_property
    def outputs(self) -> tuple[scores.Marks, scores.Outputs]:
        """What the rows have, and what the model gives for it, (rows, names)."""
        names, marks = self.task.marks(self.judged.true)
        having = dict(zip(names, marks.T, strict=True))
        nobody = np.zeros(len(marks), bool)
        true = np.column_stack([having.get(name, nobody) for name in self.judged.outputs])
        return true, np.column_stack([*self.judged.outputs.values()])


Score = Callable[[Told], Values]
"""From what a model says of rows to each row's share (see `scores`)."""


Shares = Callable[[Values, Values], Values]
"""From the numbers that rows have, and those that a model gives, both (rows, targets), to each
row's share."""


@dataclass(frozen=True)
class Limit:
    """What a metric can't be measured for: where the true numbers (rows, targets) are `at` it, and
    `why`, as said before "in so many rows". Where it is `relative`, numbers near 0 count for so
    much more than others that they decide."""

    at: Callable[[Values], npt.NDArray[np.bool_]]
    why: str
    relative: bool = False


LEAST_DIVISOR = 1e-7
"""What Keras divides by where a true value is nearer to 0."""
OF_ZERO = Limit(
    lambda true: np.abs(true) < LEAST_DIVISOR, "divides by the true value, which is 0", True
)
BELOW_ZERO = Limit(
    lambda true: true < 0, "takes what is below 0 for 0, and the true value is below 0"
)


@dataclass(frozen=True)
class Metric:
    """A metric by its name. `title` and `caption` stand with its learning curves, which have a log
    axis where it is `log` and falls by much.

    Attributes:
        direction: Which way it is better; None where only the user knows.
        bounds: The lowest and the highest value that it can have at all.
        keras: What measures it in each form of answers that it can be measured in; the loss has
            none.
        score: What measures it from what a model says of all rows at once; `forms` are then those
            of answers that it can be measured in.
        outputs: Whether the score takes what the model gives for each class or label, too.
        of_rows: Whether the score is a mean of what each row has alone.
        most: How many of the classes it looks at; there must be more.
        digits: How its values are written.
        unit: Whether it has the unit of the target.
        shares: Of one that Keras measures, but isn't a mean: each row's share of it (see `scores`),
            from what rows are and what the model gives for them. No few rows have most of it, so it
            is judged as a mean is (docs/VERDICT.md).
        limit: Of one for numbers, which of them it means nothing for.
        own: What measures it, as `package.module:name`: code of the user's.
    """

    name: str
    direction: Direction | None
    title: str
    caption: str
    log: bool = False
    bounds: tuple[float, float] = UNBOUNDED
    keras: Mapping[Form, KerasMetric] = field(default_factory=dict)
    score: Score | None = None
    forms: frozenset[Form] = frozenset()
    outputs: bool = False
    of_rows: bool = False
    most: int = 0
    digits: Digits = PLAIN
    unit: bool = False
    shares: Shares | None = None
    limit: Limit | None = None
    own: str = ""

    @property
    def is_users(self) -> bool:
        """Whether the user's own code measures it: a function, or the model itself."""
        return self.name != LOSS and not self.keras and self.score is None

    def fits(self, forms: Iterable[Form]) -> bool:
        """Whether it can be measured in each of these forms of answers."""
        return self.name == LOSS or self.is_users or set(forms) <= self.forms.union(self.keras)

    def fits_any(self, forms: Iterable[Form]) -> bool:
        """Whether it can be measured in one of these forms of answers."""
        return any(self.fits([form]) for form in forms)

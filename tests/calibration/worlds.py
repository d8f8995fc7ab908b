"""Data whose truth is known: arms that are equal by symmetry, or of which one is better.

In: a world and a random stream. Out: one data set an arm, with the same rows and answers.

What an optimizer or a model is better at can't be planted; what an arm gets to see can. Every arm
has features of its own, drawn by the same law, so no arm is better than another on rows to come.
On the rows of one draw they differ all the same, as two optimizers would. A planted difference is
less noise in the features of the first arm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairsweep.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from fairsweep.tasks import CLASSES, VALUES, Task

FRESH = 4_000
"""Rows of the test part, on which the models that were confirmed show what they are worth."""
FEATURES, CLUSTERS = 6, 3
NOISE = 1.0
CENTRES = np.random.default_rng(2_718).normal(size=(3, CLUSTERS, FEATURES))
"""Of each class's clusters. All arms have the same ones."""
CAUSES = 3
LOADINGS = np.random.default_rng(3_141).normal(scale=2, size=(CAUSES, FEATURES))
"""Of the causes of a number in the features. All arms have the same ones."""


Centres = Callable[[], Any]
"""Draws the centres of an arm's features, (rows, FEATURES)."""
Answers = tuple[Any, tuple[str, ...], Centres]
"""Of the rows: their answers, the names of these, and what draws the centres."""


@dataclass(frozen=True)
class World:
    """One kind of sweep.

    Attributes:
        name: What it is called.
        rows: How many there are, of which a fifth would be for testing: fresh rows stand for them.
        arms: How many are compared.
        edge: How much less noise the first arm's features have, as a share.
        shares: Of the rows, by class.
        group: How many rows belong together, and share a shift of their features.
        given: Whether the data gives its validation rows, a quarter of those that aren't for
            testing.
        metric: What judges.
        task: What a row's answer is: its class, or a number.
        of: The world in whose draws it is judged, by the first of their arms; empty for itself.
    """

    name: str
    rows: int
    arms: int = 2
    edge: float = 0.0
    shares: tuple[float, ...] = (1 / 3, 1 / 3, 1 / 3)
    group: int = 1
    given: bool = False
    metric: str = "val_accuracy"
    task: Task = CLASSES
    of: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the arms; where one is better, it is the first."""
        return tuple("abcdefgh"[: self.arms])

    @property
    def better(self) -> str | None:
        """The arm that is truly better; None where all are equal."""
        return self.names[0] if self.edge else None

    @property
    def batch_size(self) -> int:
        return 32 if self.rows < 2_000 else 512

    def datasets(self, random: np.random.Generator) -> dict[str, Dataset]:
        """A draw of its rows, as each arm sees them."""
        own = self.rows - self.rows // 5
        total = own + FRESH
        parts = np.full(total, TRAIN, np.int8)
        parts[own:] = TEST
        if self.given:
            parts[own - own // 4 : own] = VALIDATION
        groups = np.arange(total) // self.group if self.group > 1 else None
        answers = self._numbers if self.task is VALUES else self._classes
        y, names, centres = answers(random, total)
        return {
            arm: Dataset(
                *(self._features(centres, total, random, arm), y, names),
                parts=parts,
                groups=groups,
                task=self.task,
            )
            for arm in self.names
        }

    def _classes(self, random: np.random.Generator, rows: int) -> Answers:
        """Of each row a class; an arm sees it about one of the class's clusters."""
        y = random.choice(len(self.shares), rows, p=self.shares)
        names = tuple(f"class {i}" for i in range(len(self.shares)))
        return y, names, lambda: CENTRES[y, random.integers(0, CLUSTERS, rows)]

    def _numbers(self, random: np.random.Generator, rows: int) -> Answers:
        """Of each row a number with causes that work together; an arm sees mixtures of them."""
        causes = random.normal(size=(rows, CAUSES))
        first, second, third = causes.T
        y = first * (1 + second) + np.sin(2 * third) + 0.5 * random.normal(size=rows)
        return y[:, np.newaxis], ("number",), lambda: causes @ LOADINGS

    def _features(self, centres: Centres, rows: int, random: np.random.Generator, arm: str) -> Any:
        """(rows, FEATURES): of each row a point about its centre."""
        noise = NOISE * (1 - self.edge) if arm == self.better else NOISE
        of_rows = random.normal(size=(rows, FEATURES))
        if self.group > 1:  # half of the variance is the group's
            shifts = random.normal(size=(-(-rows // self.group), FEATURES))
            of_rows = (of_rows + np.repeat(shifts, self.group, axis=0)[:rows]) / np.sqrt(2)
        return (centres() + noise * of_rows).astype(np.float32)


WORLDS = {
    world.name: world
    for world in (
        World("equal-480", 480),
        World("equal-480-4-arms", 480, arms=4),
        World("equal-1800", 1_800),
        World("equal-1800-4-arms", 1_800, arms=4),
        World("equal-10000", 10_000, of="equal-10000-4-arms"),
        World("equal-10000-4-arms", 10_000, arms=4),
        World("given-split-480", 480, given=True),
        World("given-split-1800", 1_800, given=True),
        World("groups-480", 480, group=6),
        World("unbalanced-480", 480, shares=(0.8, 0.12, 0.08)),
        World("loss-480", 480, metric="val_loss"),
        World("f1-480", 480, metric="val_f1"),
        World("f1-unbalanced-480", 480, shares=(0.8, 0.12, 0.08), metric="val_f1"),
        World("auc-480", 480, metric="val_auc"),
        World("auc-unbalanced-480", 480, shares=(0.9, 0.1), metric="val_auc"),
        World("values-480", 480, metric="val_rmse", task=VALUES),
        World("better-480", 480, edge=0.15),
        World("better-1800", 1_800, edge=0.066),
        World("better-f1-480", 480, edge=0.15, metric="val_f1"),
        World("better-auc-480", 480, edge=0.15, metric="val_auc"),
        World("better-values-480", 480, edge=0.3, metric="val_rmse", task=VALUES),
    )
}

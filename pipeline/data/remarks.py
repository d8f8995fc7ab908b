"""What is odd about data and may be meant: told, and not refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.data.dataset import Dataset, Features
from pipeline.data.split import Rows, SplitData

MOST_ROWS = 2_000_000  # among which equal ones are looked for
SHOWN = 5


def remarks(data: SplitData, batch_size: int = 1) -> Iterator[str]:
    """One line each.

    Args:
        data: as it is split.
        batch_size: the largest that a training takes.
    """
    dataset = data.dataset
    yield from dataset.notes
    if isinstance(dataset.x, np.memmap):
        yield (
            f"the data ({dataset.x.nbytes / 2**30:.1f} GiB) doesn't fit in memory twice: it stays "
            "in its file, and batches are read from there, which takes longer"
        )
    elif dataset.columns:
        yield from _odd_columns(dataset, data.train)
    for name in ("validation", "test"):
        rows: Rows = getattr(data, name)
        without = np.setdiff1d(np.arange(len(dataset.class_names)), dataset.y[rows])
        if len(rows) and len(without):
            names = ", ".join(repr(dataset.class_names[label]) for label in without[:SHOWN])
            yield f"no {name} row is of class {names}: what is measured there says nothing of it"
    if len(data.train) < batch_size:
        yield (
            f"there are {len(data.train)} training rows, fewer than a batch of {batch_size}: every "
            "epoch is one step"
        )
    if len(dataset.y) <= MOST_ROWS and not isinstance(dataset.x, np.memmap):
        yield from _repeated(data)


def _odd_columns(dataset: Dataset, train: Rows) -> Iterator[str]:
    """Columns that say nothing, or only which row it is."""
    constant, counting = [], []
    for i, column in enumerate(dataset.columns):
        values = dataset.x[train, i]
        if (values == values[0]).all():
            constant.append(column.name)
        elif not column.vocabulary and _counts(dataset.x[:, i]):
            counting.append(column.name)
    for names, what in (
        (constant, "is the same in every training row"),
        (counting, "only counts the rows"),
    ):
        if names:
            shown = ",".join(names)
            yield f"column {shown} {what}; data.drop=[{shown}] leaves it out"


def _counts(values: Features) -> bool:
    """Whether a column is 0, 1, 2, … or as many whole numbers one after the other in any order."""
    if len(values) < 10 or len(values) > 2**24:
        return False
    ordered = np.sort(values)
    return bool((np.diff(ordered) == 1).all())


def _repeated(data: SplitData) -> Iterator[str]:
    """Training rows that stand in a part on which a model is judged."""
    x = data.dataset.x
    trained = {hash(x[row].tobytes()) for row in data.train}
    for name in ("validation", "test"):
        rows: Rows = getattr(data, name)
        count = sum(hash(x[row].tobytes()) in trained for row in rows)
        if count:
            yield (
                f"{count} of {len(rows)} {name} rows have the features of a training row: a model "
                "can know their answer by heart; take repeated rows out, or keep those that belong "
                "together in one part with data.group"
            )

"""Warnings about data: what looks wrong but may be meant.

In: split data. Out: a line for each warning.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from unicodedata import normalize

import numpy as np

from fairsweep.data.dataset import Column, Dataset, Features, Rows
from fairsweep.data.dates import almost_dates
from fairsweep.data.memory.view import pieces
from fairsweep.data.odd_numbers import far_from_zero, numbers_in, odd_numbers
from fairsweep.data.several import described, named
from fairsweep.data.spelling import alike, as_numbers, disguised, is_text
from fairsweep.data.split import SplitData
from fairsweep.data.weights import odd_weights
from fairsweep.invocation import typed

MOST_ROWS = 2_000_000  # among which equal ones are looked for
SHOWN = 5
MOST_ALIKE = 0.2  # of rows that share a word with few others
SMALLEST_IMAGE = 5  # pixels in height and width


def data_warnings(data: SplitData, batch_size: int = 1) -> Iterator[str]:
    """One line each.

    Args:
        data: as it is split.
        batch_size: the largest that a training uses.
    """
    dataset = data.dataset
    yield from dataset.notes
    stay = [array for _, array in named(dataset.x) if isinstance(array, np.memmap)]
    if stay:
        own = f"a file of its own in {tempfile.gettempdir()}"
        size = sum(array.nbytes for array in stay)
        yield (
            f"the data takes {size / 2**30:.1f} GiB as numbers, which doesn't fit in "
            f"memory twice: every process reads it batch by batch from "
            f"{'the file' if stay[0].filename else own}, which is slower"
        )
    numbers = list(numbers_in(dataset))
    far = far_from_zero(numbers)
    yield from odd_numbers(numbers, far)
    if dataset.columns:
        yield from _odd_columns(dataset, data.train, [own.column for own in far])
    yield from _odd_words(dataset)
    for name, array in () if dataset.columns else named(dataset.x):
        shape = described(array.shape[1:])
        if not _channels_first(array.shape[1:]):
            continue
        yield (
            f"rows {f'of {name} ' if name else ''}have the shape {shape}; if these are images, "
            "channels must come last: save np.moveaxis(x, 1, -1)"
        )
    for name in ("validation", "test"):
        rows: Rows = getattr(data, name)
        without = [kind for kind, count in dataset.counts(rows).items() if not count]
        if len(rows) and without:
            yield (
                f"there is no {name} row {', '.join(without[:SHOWN])}: {name} metrics don't "
                "cover it"
            )
    yield from dataset.task.warnings(dataset.y)
    if told := dataset.task.quantities(dataset.class_names, len(dataset.y)):
        yield f"{dataset.task.name}: {told[:1].lower()}{told[1:]}"
    yield from odd_weights(dataset.weights, data.train)
    if len(data.train) < batch_size:
        yield (
            f"there are {len(data.train)} training rows, fewer than a batch of {batch_size}: every "
            "epoch is one step"
        )
    if len(dataset.y) <= MOST_ROWS and not (stay or far):  # rows differ in what is rounded
        yield from _repeated(data)


def _odd_words(dataset: Dataset) -> Iterator[str]:
    """Words that may be meant as the same word, or as numbers."""
    words = {
        f"column {column.name}": column.vocabulary
        for column in dataset.columns
        if not column.length
    }
    for what, own in ({dataset.task.name: dataset.class_names} | words).items():
        for same in alike(own)[:SHOWN]:
            shown = ascii if len({normalize("NFC", word) for word in same}) < len(same) else repr
            how = (
                "case or surrounding spaces"
                if shown is repr
                else "how letters are stored (Unicode)"
            )
            yield (
                f"{what}: {' and '.join(map(shown, same))} differ only in {how}, but count as "
                "different; if they are the same, spell them alike"
            )
    if (number := disguised(dataset.class_names)) is not None:
        yield f"{dataset.task.name} were read as words, but have {as_numbers(number)}"
    for what, own in words.items():
        if (number := disguised(own)) is not None:
            yield f"{what} was read as words, but has {as_numbers(number)}"
        elif (dates := almost_dates(own)) is not None:
            yield f"{what} was read as words, but has {dates}"
    for column in dataset.columns:
        count = 0 if column.length else len(column.vocabulary)
        if count > MOST_ALIKE * len(dataset.y) and is_text(column.vocabulary):
            yield (
                f"column {column.name} has {count} different words in {len(dataset.y)} rows, each "
                "of which becomes a feature; if it holds texts, have their words read one by one: "
                f"{typed('data.text', [column.name])} model=text"
            )


def _channels_first(shape: Sequence[int]) -> bool:
    """Whether rows look like images whose channels come before height and width."""
    return (
        len(shape) == 3
        and shape[0] in (1, 3)
        and shape[2] not in (1, 3)
        and min(shape[1:]) >= SMALLEST_IMAGE
    )


def _odd_columns(dataset: Dataset, train: Rows, far: Sequence[Column | None]) -> Iterator[str]:
    """Columns that are constant, or only number the rows; of those that are too `far` from 0 to
    be told apart, nothing is known."""
    columns = [column for column in dataset.columns if not column.length]
    x = dataset.x[:, : len(columns)]
    same = np.ones(len(columns), bool)
    for rows in pieces(x[: len(train)]):
        same &= (x[train[rows]] == x[train[0]]).all(axis=0)
        if not same.any():
            break
    few = next(pieces(x))
    counting = (
        not (column.vocabulary or column.date or same[i])
        and _differ(x[few, i])
        and _counts(x[:, i])
        for i, column in enumerate(columns)
    )
    for odd, what in (
        (same, "is the same in every training row"),
        (counting, "only numbers the rows"),
    ):
        pairs = zip(columns, odd, strict=True)
        names = [
            column.name
            for column, is_odd in pairs
            if is_odd and not column.date and column not in far
        ]
        if names:
            yield f"column {','.join(names)} {what}; drop it: {typed('data.drop', names)}"


def _differ(values: Features) -> bool:
    """Whether all numbers of a column are at least 1 apart, as row numbers are."""
    return bool((np.diff(np.sort(values)) >= 1).all())


def _counts(values: Features) -> bool:
    """Whether a column has consecutive whole numbers, in any order."""
    if len(values) < 10 or len(values) > 2**24:
        return False
    ordered = np.sort(values)
    return bool((np.diff(ordered) == 1).all())


def _repeated(data: SplitData) -> Iterator[str]:
    """Training rows that are also in a part on which models are judged."""
    inputs = [array for _, array in named(data.dataset.x)]

    def content(row: int) -> int:
        return hash(b"".join(array[row].tobytes() for array in inputs))

    trained = {content(row) for row in data.train}
    for name in ("validation", "test"):
        rows: Rows = getattr(data, name)
        count = sum(content(row) in trained for row in rows)
        if count:
            yield (
                f"features of a training row are in {count} of {len(rows)} {name} rows: a model "
                "can have memorized their answer; remove repeated rows, or keep those that belong "
                "together in one part with data.group"
            )

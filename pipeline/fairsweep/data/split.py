"""The split of a data set: given by the data, or drawn by share with a seed.

In: a `Dataset` and the settings. Out: the row numbers of each part, and the data's fingerprint.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.config.schema import Data, Training
from fairsweep.data.dataset import PARTS, TEST, TRAIN, VALIDATION, Column, Dataset, Rows, row_place
from fairsweep.data.several import described, each, named, row_shape
from fairsweep.data.shares import by_group, dealt
from fairsweep.data.sources import load
from fairsweep.data.spelling import as_numbers, commented, disguised
from fairsweep.data.weights import all_zero, fold_without_weight
from fairsweep.errors import BadInput
from fairsweep.folds import ALL_ROWS, Fold, asked_by
from fairsweep.invocation import typed
from fairsweep.records import derive_seed
from fairsweep.tasks import CLASSES, Output
from fairsweep.tasks.classes import if_quantities


@dataclass(frozen=True)
class SplitData:
    """A data set and the row numbers of its three parts, each in ascending order."""

    dataset: Dataset
    train: Rows
    validation: Rows
    test: Rows

    @property
    def parts(self) -> tuple[Rows, Rows, Rows]:
        """Training, validation and test rows."""
        return self.train, self.validation, self.test

    def output(self, training: Training) -> Output:
        """What a model ends in that is trained so on these training rows, which are measured once
        for each loss."""
        dataset, quantiles = self.dataset, tuple(training.quantiles or ())
        key = training.loss, quantiles
        if key not in self._outputs:
            plain = dataset.task.output(training.loss, len(dataset.class_names), quantiles)
            self._outputs[key] = plain.measured(dataset.y[self.train])
        return self._outputs[key]

    @cached_property
    def _outputs(self) -> dict[tuple[str, tuple[float, ...]], Output]:
        return {}


def load_split(settings: Data) -> SplitData:
    """Loads the data and splits it.

    Raises:
        BadInput: the data can't be read or split.
    """
    return split_rows(load(settings), settings)


def split_rows(dataset: Dataset, settings: Data, fold: Fold | None = None) -> SplitData:
    """Splits loaded data. Parts that the data itself gives stay as they are; others are held out by
    share, stratified by class or label. Rows of a group stay together.

    Args:
        dataset: all rows.
        settings: the shares, and the seed of the split.
        fold: the part of the rows that aren't for testing to validate with; None for the share that
            the settings ask for.

    Raises:
        BadInput: a part would have no rows of some class, or none with or without some label, or
            none with a weight above 0.
    """
    parts = dataset.parts if dataset.parts is not None else np.full(len(dataset.y), TRAIN, np.int8)
    train, validation, test = (np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION, TEST))
    _check_given(dataset, settings, train, validation, test)
    random = np.random.default_rng(settings.seed)
    taken = 0.0
    if not len(test):
        taken = settings.test
        train, test = _hold_out(train, dataset, settings.test, random, settings, "data.test")
    if fold == ALL_ROWS:
        return _weighed(SplitData(dataset, np.union1d(train, validation), validation[:0], test))
    if not len(validation):
        if fold is not None:
            folds = cut(train, dataset, settings.seed, fold.count, fold.repeat)
            validation = folds[fold.index]
            return SplitData(dataset, np.setdiff1d(train, validation), validation, test)
        share = settings.validation / (1 - taken)
        key = "data.validation"
        train, validation = _hold_out(train, dataset, share, random, settings, key)
    return _weighed(SplitData(dataset, train, validation, test))


def _weighed(data: SplitData) -> SplitData:
    """The same, in which every part that has rows has one with a weight above 0.

    Raises:
        BadInput: a part hasn't.
    """
    if problems := [*all_zero(data.dataset.weights, dict(zip(PARTS, data.parts, strict=True)))]:
        raise BadInput(*problems)
    return data


def cut(rows: Rows, dataset: Dataset, seed: int, count: int, repeat: int) -> list[Rows]:
    """Cuts rows into folds, in the way of a repeat. Groups that can't be drawn fold by fold are
    dealt out to all folds at once.

    Raises:
        BadInput: a fold is empty, or the others have no rows of some class.
    """
    random = np.random.default_rng(derive_seed(seed, "folds", repeat))
    folds = _drawn(rows, dataset, count, random)
    if dataset.groups is not None and _fault(folds, dataset):
        folds = dealt(rows, dataset, count, random)
    if fault := _fault(folds, dataset):
        raise BadInput(f"{asked_by(repeat)}: {count} folds leave {fault}")
    return folds


def can_be_drawn(rows: Rows, dataset: Dataset, seed: int, count: int, repeat: int) -> bool:
    """Whether a cut draws its folds one by one, so that no groups have to be dealt out."""
    random = np.random.default_rng(derive_seed(seed, "folds", repeat))
    return not _fault(_drawn(rows, dataset, count, random), dataset)


def _drawn(rows: Rows, dataset: Dataset, count: int, random: np.random.Generator) -> list[Rows]:
    folds, left = [], rows
    for index in range(count - 1):
        folds.append(_held(left, dataset, 1 / (count - index), random))
        left = np.setdiff1d(left, folds[-1])
    return [*folds, left]


def kind_in_one_part(parts: Sequence[Rows], dataset: Dataset) -> str:
    """A kind of answer of which one of the parts has all rows; empty if there is none."""
    there = dataset.counts(np.concatenate(parts))
    inside = [dataset.counts(part) for part in parts]
    alone = (kind for part in inside for kind, n in there.items() if n == part[kind] > 0)
    return next(alone, "")


def _fault(folds: Sequence[Rows], dataset: Dataset) -> str:
    """Why folds can't take turns in judging; empty where they can."""
    if lacking := kind_in_one_part(folds, dataset):
        return f"no training rows {lacking} where one fold has all of them"
    if not all(map(len, folds)):
        return "a fold without rows"
    return fold_without_weight(dataset.weights, folds)


def _held(rows: Rows, dataset: Dataset, share: float, random: np.random.Generator) -> Rows:
    """Which rows to hold out: whole groups, or kinds of answers alike on both sides."""
    if dataset.groups is not None:
        return by_group(rows, dataset, share, random)
    return dataset.task.stratify(rows, dataset.y[rows], share, random)


def _check_given(
    dataset: Dataset, settings: Data, train: Rows, validation: Rows, test: Rows
) -> None:
    """Checks the parts that the data itself gives.

    Raises:
        BadInput: a class has no training rows, or a label none with or without it, or a part has a
            single row.
    """
    problems = []
    if without := [kind for kind, count in dataset.counts(train).items() if not count]:
        problems.append(
            f"data: the given split has no training rows {', '.join(without[:5])}; a model can't "
            f"learn what it never sees{if_numbers(dataset, settings)}"
        )
    for name, rows in zip(PARTS, (train, validation, test), strict=True):
        if len(rows) == 1:
            problems.append(f"data: the given split has one {name} row; it needs at least two")
    if problems:
        raise BadInput(*problems)


def _hold_out(
    rows: Rows,
    dataset: Dataset,
    share: float,
    random: np.random.Generator,
    settings: Data,
    key: str,
) -> tuple[Rows, Rows]:
    """Splits `rows` into (kept, held out)."""
    if share == 0:
        return rows, rows[:0]
    out = _held(rows, dataset, share, random)
    kept = np.setdiff1d(rows, out)
    there = {kind: count for kind, count in dataset.counts(rows).items() if count}
    for part in map(dataset.counts, (out, kept)):
        if lacking := [kind for kind in there if not part[kind]]:
            if (number := disguised(dataset.class_names)) is not None:
                names = f"{dataset.task.name}{_of_column(dataset, settings)}"
                raise BadInput(
                    f"data: the {len(there)} {names} are {as_numbers(number)}; as classes, "
                    f"{lacking[0].removeprefix('of ')} has too few rows to hold out"
                )
            rarest = min(lacking, key=lambda kind: there[kind])
            if not dataset.task.quantities(dataset.class_names, len(dataset.y)):
                _check_enough(rarest, dataset, settings)
            what = f"{dataset.task.noun}{_of_column(dataset, settings)}"
            whole = "" if dataset.groups is None else " while groups stay whole"
            raise BadInput(
                f"{key}: a share of {share:.3g} leaves some {what} without rows on one side{whole} "
                f"(rows {rarest}: {there[rarest]}); use another share, or 0 to hold none out"
                f"{if_numbers(dataset, settings)}"
            )
    return kept, out


def _check_enough(kind: str, dataset: Dataset, settings: Data) -> None:
    """Checks that a kind of answer has as many rows as there are parts to draw.

    Raises:
        BadInput: it hasn't, so that no share would help.
    """
    rows = np.arange(len(dataset.y))
    count = dataset.counts(rows)[kind]
    held = {"validation": settings.validation, "test": settings.test}
    parts = ["training", *(name for name, share in held.items() if share)]
    if dataset.parts is not None or count >= len(parts):
        return
    while len(rows) > 1:  # the first row of this kind
        half = rows[: len(rows) // 2]
        rows = half if dataset.counts(half)[kind] else rows[len(half) :]
    row = row_place(int(rows[0]), dataset.origin)
    only = f"is only {row}" if count == 1 else f"are only {count} rows, {row} the first"
    raise BadInput(
        f"data: there {only} {kind}, and {', '.join(parts[:-1])} and {parts[-1]} need one each, so "
        f"that no share helps; leave this {dataset.task.noun} out, or merge it with another"
        f"{if_numbers(dataset, settings)}{_if_comments(dataset, settings)}"
    )


def _if_comments(dataset: Dataset, settings: Data) -> str:
    mark = commented(dataset.class_names) if settings.source == "csv" else None
    if mark is None:
        return ""
    return f"; if what stands behind {mark} are comments: {typed('data.comment', mark)}"


def _of_column(dataset: Dataset, settings: Data) -> str:
    single = dataset.columns and len(settings.targets) == 1
    return f" of column {settings.targets[0]!r}" if single else ""


def if_numbers(dataset: Dataset, settings: Data) -> str:
    """The end of a sentence about classes of which there are too few rows, if they may be
    quantities."""
    if told := dataset.task.quantities(dataset.class_names, len(dataset.y)):
        return f". {told}"
    return if_quantities(dataset.class_names, settings.task) if dataset.task is CLASSES else ""


def describe(data: SplitData, settings: Data) -> dict[str, object]:
    """Facts about the data for the report: what it is, its size, its split, its classes or
    labels."""
    weights = data.dataset.weights
    weighed = {} if weights is None else {"row weights": f"{weights.min():g} to {weights.max():g}"}
    return {
        "name": settings.name,
        "source": settings.path or settings.dataset or settings.loader or settings.source,
        "rows": len(data.dataset.y),
        "features": described(row_shape(data.dataset.x)),
        "training rows": len(data.train),
        "validation rows": len(data.validation),
        "test rows": len(data.test),
        **weighed,
        data.dataset.task.name: ", ".join(data.dataset.class_names),
    }


def fingerprint(data: SplitData) -> str:
    """SHA-256 over every byte of features, labels, split and weights of rows, with shapes and
    names: two sweeps with the same one searched on the same rows, and confirm on the same folds if
    they ask for as many. The version that a loader of the user's own gives stands for the bytes of
    all but the split."""
    digest, dataset = hashlib.sha256(), data.dataset
    weights = () if dataset.weights is None else (dataset.weights,)
    features = [array for _, array in named(dataset.x)]
    answers = [array for _, array in named(dataset.y)]

    def add(arrays: Iterable[npt.NDArray[Any]], content: bool) -> None:
        for array in arrays:
            digest.update(f"{array.dtype}{array.shape}".encode())
            if content:
                digest.update(np.ascontiguousarray(array).data)

    add((*features, *answers), not dataset.version)
    add(data.parts, True)
    add(weights, not dataset.version)
    digest.update("\0".join(name for name, _ in named(dataset.x)).encode())
    if dataset.version:
        digest.update(f"version {dataset.version}".encode())
    columns = (
        repr((c.name, c.vocabulary, *((c.length,) if c.length else ()), *filter(None, [c.date])))
        for c in dataset.columns
    )
    digest.update("\0".join((*dataset.class_names, *columns)).encode())
    return digest.hexdigest()


def contents(data: SplitData) -> dict[str, object]:
    """What a fingerprint covers, part by part, to tell which part changed when it differs."""
    dataset = data.dataset
    parts = dict(zip(PARTS, data.parts, strict=True))
    checksums: dict[str, object] = {"split": _checksum(np.concatenate(data.parts))}
    if not dataset.version:
        checksums |= {"features": each(dataset.x, _checksum), "labels": each(dataset.y, _checksum)}
        checksums |= {} if dataset.weights is None else {"weights": _checksum(dataset.weights)}
    return {
        "rows": {name: len(rows) for name, rows in parts.items()},
        "shape of a row": each(dataset.x, lambda array: list(array.shape[1:])),
        "columns": {column.name: _kind(column) for column in dataset.columns},
        dataset.task.name: list(dataset.class_names),
        **({"version": dataset.version} if dataset.version else {}),
        "checksums": checksums,
    }


def _kind(column: Column) -> str:
    words = "\0".join(column.vocabulary).encode()
    return f"{len(column.vocabulary)} words ({zlib.crc32(words):08x})" if words else "numbers"


def _checksum(array: npt.NDArray[np.generic]) -> str:
    return f"{zlib.crc32(np.ascontiguousarray(array).data):08x}"

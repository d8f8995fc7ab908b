"""Tables: from CSV or Parquet files to a data set.

In: the settings. Out: a `Dataset` with numbers as they are and words as indices into vocabularies,
or `BadInput` with the problems of all columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.config.schema import Data
from fairsweep.data.csv.stream import ReadAgain
from fairsweep.data.dataset import (
    PART_WORDS,
    PARTS,
    Column,
    Dataset,
    Features,
    Origin,
    Parts,
)
from fairsweep.data.memory.room import Room, room_for
from fairsweep.data.memory.view import pieces
from fairsweep.data.spelling import as_numbers, disguised
from fairsweep.data.tables.columns import MISSING, MOST_WORDS, Words, numbers_of
from fairsweep.data.tables.dates import with_parts
from fairsweep.data.tables.files import KEYS, MAIN, RowFile, open_files
from fairsweep.data.tables.problems import bad_words, copies, counts_of, too_many
from fairsweep.data.tables.roles import Roles, roles_of
from fairsweep.data.tables.texts import Texts
from fairsweep.data.weights import weight_problems
from fairsweep.errors import BadInput
from fairsweep.invocation import typed
from fairsweep.plural import plural
from fairsweep.tasks import VALUES, Task, by_type, task_for

LESS = "leave columns out with data.drop"
USUAL_WORDS = "NA, N/A, NaN, NULL, null"


def load_table(settings: Data) -> Dataset:
    """The data set of one file, or of one for each part.

    Raises:
        BadInput: a file can't be read, or its columns don't match the settings.
    """
    return load_files(settings, open_files(settings))


def load_files(settings: Data, files: Mapping[int, RowFile]) -> Dataset:
    """The data set of opened files, by the part of the split that each is for.

    Raises:
        BadInput: their columns don't match the settings.
    """
    dataset = None
    while dataset is None:
        dataset = _read(settings, files)
    return dataset


def _read(settings: Data, files: Mapping[int, RowFile]) -> Dataset | None:
    """The data set; None if the files have to be read again, in another way."""
    files, dates = with_parts(settings, files)
    roles = roles_of(settings, {KEYS[part]: file.schema for part, file in files.items()})
    rows = sum(file.rows for file in files.values())
    texts = Texts(roles.texts, len(roles.features), settings)
    shape = (len(roles.features) + texts.features,)
    with room_for(f"{MAIN}: {settings.path}", rows, shape, LESS) as room:
        filling = _Filling(settings, roles, rows, room, texts, dates)
        try:
            for part, file in files.items():
                for batch in file.batches(roles.all):
                    filling.take(batch, part)
        except ReadAgain:
            return None
        return filling.dataset(files)


class _Filling:
    """Collects batches into the arrays of a data set."""

    def __init__(
        self,
        settings: Data,
        roles: Roles,
        rows: int,
        room: Room,
        texts: Texts,
        dates: Mapping[str, str],
    ) -> None:
        self._dates = dates
        self._settings, self._roles, self._room, self._texts = settings, roles, room, texts
        self._keep: npt.NDArray[np.bool_] = np.ones(rows, bool)
        self._files: Parts = np.empty(rows, np.int8)
        fills = settings.fills
        self._words = {name: Words(fills) for name in roles.features if name in roles.words}
        self._named = {name: Words(False) for name in roles.named}
        self._codes = {name: np.empty(rows, np.float32) for name in roles.named}
        self._target = np.empty((rows, len(roles.targets)), np.float64)
        self._weights = None if roles.weight is None else np.empty(rows, np.float64)
        self._missing = np.zeros(len(roles.features), np.int64)
        self._infinite = np.zeros(len(roles.features), np.int64)
        self._labeled: npt.NDArray[np.bool_] = np.ones(rows, bool)
        self._done = 0

    def take(self, batch: Any, part: int) -> None:
        """Adds a batch from the file of a part."""
        rows = slice(self._done, self._done + batch.num_rows)
        self._take_named(batch, rows)
        block: Features = np.empty((batch.num_rows, len(self._roles.features)), np.float32)
        with np.errstate(over="ignore"):  # too large for 32 bits: infinite, and refused as such
            for i, name in enumerate(self._roles.features):
                words = self._words.get(name)
                column = batch.column(name)
                block[:, i] = numbers_of(column) if words is None else words.codes(column)
        if not np.isfinite(block).all():
            gaps, there = np.isnan(block), self._labeled[rows]
            self._missing += gaps[there].sum(axis=0)
            self._infinite += np.isinf(block[there]).sum(axis=0)
            if self._settings.missing == "drop":
                self._keep[rows] &= ~gaps.any(axis=1)
        block = self._texts.beside(block, batch)
        if not self._keep[rows].all():
            block = block[self._keep[rows]]
        self._room.put(block)
        self._texts.see(block)
        self._see_words(block)
        self._files[rows] = part
        self._done = rows.stop

    def _take_named(self, batch: Any, rows: slice) -> None:
        """Adds what rows have besides features; those without an answer may be left out."""
        for name, words in self._named.items():
            self._codes[name][rows] = words.codes(batch.column(name))
        for i, name in enumerate(self._roles.targets):
            if name not in self._named:
                self._target[rows, i] = numbers_of(batch.column(name))
        if self._weights is not None:
            self._weights[rows] = numbers_of(batch.column(self._roles.weight))
        if self._settings.unlabeled == "drop":
            first = self._roles.targets[0]
            answers = self._codes[first][rows, None] if first in self._codes else self._target[rows]
            self._labeled[rows] = ~np.isnan(answers).any(axis=1)
            self._keep[rows] &= self._labeled[rows]

    def dataset(self, opened: Mapping[int, RowFile]) -> Dataset:
        """The data set, checked; `opened` are the files, in the order in which they were read."""
        files = list(opened)
        self._leave_out_what_is_empty()
        named = {name: words.sort(self._codes[name]) for name, words in self._named.items()}
        problems = [*self._bad_values(), *self._bad_named(named), *self._bad_weights(files)]
        y = self._answers(named)
        labeled = y[self._labeled]
        task = task_for(labeled, self._roles.targets, self._settings.task)
        problems += [f"data.target: {problem}" for problem in self._bad_answers(task, labeled)]
        if problems:
            raise BadInput(*problems)
        keep = self._keep
        if problems := [*self._bad_answers(task, y[keep])]:
            raise BadInput(
                *(
                    f"data.target: without the rows that have missing values, {problem}"
                    for problem in problems
                )
            )
        targets = self._roles.targets
        answers, names = task.encode(y[keep], targets, named.get(targets[0], ()))
        x = self._room.array()
        columns = [*self._columns(x), *self._texts.sort(x)]
        x, columns = self._texts.trimmed(x, columns)
        apart = task.apart(answers, names)
        read = self._origin(files, np.ones_like(keep))
        problems = [*self._texts.problems(), *bad_words(columns, len(x))]
        if problems := [*problems, *copies(x, columns, apart)]:
            raise BadInput(*problems)
        return Dataset(
            x,
            answers,
            names,
            tuple(columns),
            self._parts(named, keep, whole_files=len(files) == 1),
            self._groups(keep),
            (
                *by_type(task, y, self._settings.task, None if read is None else read.place),
                *self._notes(named, keep),
                *self._zeros(opened),
            ),
            task,
            self._origin(files, keep),
            None if self._weights is None else self._weights[keep].astype(np.float32),
        )

    def _origin(self, files: Sequence[int], keep: npt.NDArray[np.bool_]) -> Origin | None:
        """Where the rows to keep are in the files; None where the number of each says it."""
        if len(files) == 1 and keep.all():
            return None
        paths = [Path(getattr(self._settings, KEYS[part].removeprefix("data."))) for part in files]
        short = [path.name for path in paths]
        names = short if len(set(short)) == len(short) else list(map(str, paths))
        ends = np.cumsum([np.count_nonzero(self._files == part) for part in files])
        return Origin(names, ends, None if keep.all() else np.flatnonzero(keep))

    def _notes(
        self, named: Mapping[str, tuple[str, ...]], keep: npt.NDArray[np.bool_]
    ) -> Iterator[str]:
        """What was left out, and what was understood as something else."""
        if unlabeled := int((~self._labeled).sum()):
            column = ", ".join(self._roles.targets)
            yield f"left out: {plural(unlabeled, 'row')} without a value in column {column}"
        if gaps := int((~keep).sum()) - unlabeled:
            yield f"left out: {plural(gaps, 'row')} with missing values"
        if index := self._roles.index:
            yield (
                f"the index written by pandas, column {', '.join(index)}, was left out; to "
                "keep it as a column, call reset_index() before to_parquet"
            )
        yield from self._texts.notes()
        words = named.get(self._settings.split or "", ())
        if other := [word for word in words if word not in PARTS]:
            taken = ", ".join(f"{word!r} as {PARTS[_part(word) or 0]}" for word in other)
            yield f"column {self._settings.split!r}: reading {taken}"

    def _zeros(self, opened: Mapping[int, RowFile]) -> Iterator[str]:
        """Columns of codes that were taken for numbers."""
        found = {name: word for file in opened.values() for name, word in file.zeros.items()}
        for name in dict.fromkeys((*self._roles.features, *self._roles.targets)):
            if name in found and name not in self._roles.words:
                yield (
                    f"column {name} has leading zeros, such as {found[name]}, and is taken for "
                    f"numbers; if they are codes: {typed('data.categorical', [name])}"
                )

    def _see_words(self, block: Features) -> None:
        """Marks the words of these rows; refuses too many before they fill memory."""
        for i, name in enumerate(self._roles.features):
            if name in self._words:
                self._words[name].see(block[:, i])
                if self._room.in_file and self._words[name].seen > MOST_WORDS:
                    raise BadInput(too_many(name, f"more than {MOST_WORDS} different words"))

    def _leave_out_what_is_empty(self) -> None:
        """Cuts off the places of rows that didn't come."""
        came = slice(self._done)
        self._keep, self._files = self._keep[came], self._files[came]
        self._labeled = self._labeled[came]
        self._target = self._target[came]
        self._weights = None if self._weights is None else self._weights[came]
        self._codes = {name: codes[came] for name, codes in self._codes.items()}

    def _columns(self, x: Features) -> list[Column]:
        """The columns; in `x`, words become indices into their vocabularies."""
        orders = {
            i: self._words[name].order()
            for i, name in enumerate(self._roles.features)
            if name in self._words
        }
        for rows in pieces(x) if orders else ():
            for i, (_, places) in orders.items():
                x[rows, i] = places[x[rows, i].astype(np.int64)]
        return [
            Column(name, orders[i][0] if i in orders else (), date=self._dates.get(name, ""))
            for i, name in enumerate(self._roles.features)
        ]

    def _answers(self, named: Mapping[str, tuple[str, ...]]) -> npt.NDArray[Any]:
        """The class of each row as a number, itself or that of a word; its labels or values. Words
        where values are asked for."""
        first, *others = self._roles.targets
        if self._settings.task == VALUES.name and first in named:
            words = [*named[first], MISSING]
            return np.array(words)[np.nan_to_num(self._codes[first], nan=-1).astype(np.int64)]
        return self._target if others else self._codes.get(first, self._target[:, 0])

    def _bad_answers(self, task: Task, y: npt.NDArray[Any]) -> Iterator[str]:
        first, *others = self._roles.targets
        place, aside = ("", "") if others else (f"column {first!r}", self._aside(y))
        for problem in task.problems(y, place, self._roles.targets):
            yield f"{problem}{aside}"

    def _aside(self, y: npt.NDArray[Any]) -> str:
        """How a CSV may have been read differently from what was meant."""
        first = self._roles.targets[0]
        if y.dtype.kind == "U":
            number = disguised(word for word in y.tolist() if word != MISSING)
            return "" if number is None else f"; they are {as_numbers(number)}"
        if y.dtype.kind != "f" or not len(y):
            return ""
        if np.isnan(y).any():
            return self._aside_of_missing()
        if self._settings.source != "csv":
            return ""
        whole = self._settings.task != VALUES.name and y[0] == np.round(y[0])
        if first not in self._named and whole and (y == y[0]).all():
            return f"; if they are words, such as 01 and 1: {typed('data.categorical', [first])}"
        return ""

    def _aside_of_missing(self) -> str:
        own, drop = self._settings.missing_words, ", which data.unlabeled=drop does"
        if self._settings.source != "csv":
            return drop
        known = (USUAL_WORDS,) if own is None else own
        words = ", ".join(("an empty value", *known))
        helps = known and self._roles.targets[0] in self._named  # not in a column of numbers
        taken = "; data.missing_words=[] takes these for words" if helps else ""
        return f"{drop} (these count as missing: {words}{taken})"

    def _bad_values(self) -> Iterator[str]:
        """Infinite values, and missing ones if `data.missing` isn't set."""
        place = self._settings.path
        if self._infinite.any():
            counts = counts_of(self._roles.features, self._infinite)
            yield (
                f"data.path: {place} has values that are infinite or too large for 32 bits: "
                f"{counts}; correct them"
            )
        if self._missing.any() and self._settings.missing is None:
            gaps = [self._roles.features[i] for i in np.flatnonzero(self._missing)]
            missing = dict(zip(self._roles.features, self._missing, strict=True))
            of_file = {self._dates.get(name, name): missing[name] for name in gaps}
            counts = counts_of(list(of_file), np.array(list(of_file.values())))
            aside, words = "", self._words.keys() - self._dates.keys()
            if self._settings.missing_words is None and not words.isdisjoint(gaps):
                aside = f"; if {USUAL_WORDS} are words there: data.missing_words=[]"
            yield (
                f"data.path: {place} has missing values: {counts}; data.missing=fill puts the "
                "mean of training rows there, data.missing=indicate also a feature that says "
                "where, data.missing=drop drops these rows"
                f"{aside * (self._settings.source == 'csv')}"
            )

    def _bad_named(self, named: dict[str, tuple[str, ...]]) -> Iterator[str]:
        """Problems of the columns that give the part and the group of each row."""
        for key in ("split", "group"):
            name = getattr(self._settings, key)
            if name is None:
                continue
            missing = int(np.isnan(self._codes[name]).sum())
            if missing:
                empty = f"column {name!r} is empty in {plural(missing, 'row')}"
                yield f"data.{key}: {empty}; every row needs one"
            if key == "split" and (other := [w for w in named[name] if _part(w) is None]):
                yield (
                    f"data.split: column {name!r} must have {', '.join(PARTS)} (or training, val, "
                    f"valid, testing), got {', '.join(map(repr, other[:3]))}"
                )

    def _bad_weights(self, files: Sequence[int]) -> Iterator[str]:
        if self._weights is not None:
            read = self._origin(files, np.ones_like(self._keep))
            what = f"data.weight: column {self._roles.weight!r}"
            yield from weight_problems(self._weights, what, read)

    def _parts(
        self, named: dict[str, tuple[str, ...]], keep: npt.NDArray[np.bool_], whole_files: bool
    ) -> Parts | None:
        split = self._settings.split
        if split is not None:
            numbers = np.array([_part(word) for word in named[split]], np.int8)
            parts: Parts = numbers[self._codes[split].astype(np.int64)]
            return parts[keep]
        return None if whole_files else self._files[keep]

    def _groups(self, keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
        group = self._settings.group
        return None if group is None else self._codes[group].astype(np.int64)[keep]


def _part(word: str) -> int | None:
    """The part of the split that a word stands for; None if it is no such word."""
    return PART_WORDS.get(word.strip().lower())

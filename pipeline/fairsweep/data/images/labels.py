"""A CSV that names images of a folder and says what each of them shows.

In: the settings. Out: the images in the order of its rows, with their answers, or `BadInput` with
the problems of all rows.
"""

from __future__ import annotations

import csv
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fairsweep.config.form import form_of
from fairsweep.config.guess import nearest
from fairsweep.config.schema import Data
from fairsweep.data.csv.lines import text
from fairsweep.data.csv.problems import csv_names
from fairsweep.data.dataset import TRAIN, Dataset
from fairsweep.data.images.files import ENDINGS, ImageFile, examine, files_below, is_hidden, refuse
from fairsweep.data.paths import find_file
from fairsweep.data.tables.columns import text_of
from fairsweep.data.tables.files import MAIN, RowFile, open_files
from fairsweep.data.tables.table import load_files
from fairsweep.errors import BadInput
from fairsweep.plural import plural

KEY = "data.labels"
LOOK = 100  # rows in which names of images are looked for


def find_labels(settings: Data, root: Path) -> Path | None:
    """The CSV that `data.labels` names, here or in the folder, or the only one in a folder that has
    no folders in it.

    Raises:
        BadInput: there is no such file, or settings that are for one.
    """
    if settings.labels is not None:
        beside = root / settings.labels
        found = not Path(settings.labels).exists() and beside.is_file()
        return find_file(KEY, str(beside) if found else settings.labels)
    inside = [path for path in root.iterdir() if not is_hidden(path.name)]
    tables = sorted(path for path in inside if path.suffix.lower() == ".csv")
    if len(tables) == 1 and not any(path.is_dir() for path in inside):
        return tables[0]
    given = [name for name in ("target", "split", "group", "weight") if getattr(settings, name)]
    if given or settings.task not in ("auto", "classes"):
        key = given[0] if given else "task"
        raise BadInput(
            f"data.{key}: is for images with a CSV of their names and answers, data.labels=…; the "
            f"folders in {root} are classes"
        )
    return None


def load_labels(settings: Data, root: Path, table: Path) -> tuple[Sequence[ImageFile], Dataset]:
    """The images that rows of a CSV name, and what it says of them: a data set without features.

    Args:
        settings: the columns; `target` may be left out if there is only one to choose.
        root: the folder of images, in which their names are looked up.
        table: the CSV. One of its columns has the paths of images in the folder, with or without
            their ending.

    Raises:
        BadInput: the CSV can't be read, or an image is missing, elsewhere, damaged or named twice.
    """
    images = _Images(root, table)
    names = csv_names(KEY, table, form_of(settings))
    column = _column_of_files(settings, names, images)
    own = _as_table(settings, names, column, table)
    try:
        words = [*(settings.categorical or ()), column]
        opened = open_files(replace(own, categorical=words))[TRAIN]
        numbered = _Numbered(opened, column)
        answers = load_files(own, {TRAIN: numbered})
    except BadInput as error:
        raise BadInput(*(line.replace(MAIN, KEY) for line in error.problems)) from error
    rows = answers.x[:, 0].astype(np.int64).tolist()
    found, problems = images.of([(row, numbered.names[row]) for row in rows])
    refuse(problems)
    notes = [*answers.notes]
    if settings.target is None:
        notes.append(f"{table.name}: {own.target} says what the images in column {column} show")
    if more := len(images.paths) - len({*map(images.path_of, numbered.names)} - {None}):
        notes.append(f"left out: {plural(more, 'image')} that {table.name} doesn't name")
    return found, replace(answers, columns=(), notes=tuple(notes), origin=None)


def _column_of_files(settings: Data, names: Sequence[str], images: _Images) -> str:
    """The column in whose first rows most names of images are."""
    form = form_of(settings)
    with text(images.table, form) as file:
        rows = filter(None, csv.reader(file, delimiter=form.mark))
        first = list(itertools.islice(rows, form.columns is None, LOOK + 1))
    hits = Counter(
        name
        for row in first
        for name, value in zip(names, row, strict=False)
        if name not in settings.targets and images.path_of(value) is not None
    )
    if not hits:
        example = ""
        if first and images.paths:
            example = f": its first row has {', '.join(map(repr, first[0]))}"
            example += f", and the folder {images.paths[0].relative_to(images.root).as_posix()!r}"
        raise BadInput(
            f"{KEY}: no column of {images.table} has names of images in {images.root}; they are "
            f"paths in this folder, with or without an ending, in the same case{example}"
        )
    return max(names, key=lambda name: hits[name])


def _as_table(settings: Data, names: Sequence[str], column: str, table: Path) -> Data:
    """The settings of a table whose only feature is the column of files."""
    apart = [name for name in (settings.split, settings.group, settings.weight) if name]
    if unknown := [name for name in (*settings.targets, *apart) if name not in names]:
        close = nearest(unknown[0], names)
        hint = f"; did you mean {close}?" if close else ""
        raise BadInput(
            f"{KEY}: {table} has no column {unknown[0]!r}{hint}; its columns: {', '.join(names)}"
        )
    others = [name for name in names if name not in (column, *apart)]
    target = settings.target
    if target is None:
        if len(others) != 1:
            raise BadInput(
                f"data.target: need the column of {table} that says what an image shows: one of "
                f"{', '.join(others) or 'none is left'}; data.target=label"
            )
        target = others[0]
    own = replace(settings, source="csv", path=str(table), target=target, validation_path=None)
    drop = [name for name in others if name not in own.targets]
    return replace(own, drop=drop, missing=None)


class _Numbered:
    """A file whose rows have their numbers, from 0, in a column of words; `names` are these."""

    def __init__(self, file: RowFile, column: str) -> None:
        self._file, self._column = file, column
        self.names: list[str | None] = []

    @property
    def rows(self) -> int:
        return self._file.rows

    @property
    def zeros(self) -> Mapping[str, str]:
        return self._file.zeros

    @property
    def schema(self) -> pa.Schema:
        schema = self._file.schema
        place = schema.get_field_index(self._column)
        return schema if place < 0 else schema.set(place, pa.field(self._column, pa.int64()))

    def batches(self, columns: list[str]) -> Iterator[Any]:
        self.names = []
        for batch in self._file.batches(columns):
            before = len(self.names)
            self.names += text_of(batch.column(self._column)).to_pylist()
            numbers = pa.array(np.arange(before, len(self.names)))
            yield batch.set_column(columns.index(self._column), self._column, numbers)


class _Images:
    """The images of a folder by the names that a CSV may have for them."""

    def __init__(self, root: Path, table: Path) -> None:
        self.root, self.table = root, table
        self.paths = [path for path in files_below(root) if path.suffix.lower() in ENDINGS]
        self._named = {path.relative_to(root).as_posix(): path for path in self.paths}
        self._without_ending: defaultdict[str, list[Path]] = defaultdict(list)
        for name, path in self._named.items():
            self._without_ending[name.removesuffix(path.suffix)].append(path)

    def path_of(self, name: str | None) -> Path | None:
        """The image of this name, from the folder, from where the CSV is, or from the working
        directory; None if there is none."""
        for place in self._places(name or ""):
            if place in self._named:
                return self._named[place]
            alike = self._without_ending.get(place, [])
            if len(alike) == 1:
                return alike[0]
        return None

    def of(
        self, named: Sequence[tuple[int, str | None]]
    ) -> tuple[Sequence[ImageFile], Sequence[str]]:
        """The images of rows of the CSV, and what is wrong with some of them.

        Args:
            named: the number of each row, from 0, and the name in it.
        """
        files: list[ImageFile] = []
        problems: list[str] = []
        before: dict[Path, int] = {}
        inside = self.root.resolve()
        for row, name in named:
            place = f"{KEY}: row {row + 1} of {self.table.name}"
            path = self.path_of(name)
            if path is None:
                problems.append(f"{place} {self._missing(name)}")
            elif path in before:
                twice = f"names {name}, as row {before[path] + 1} does; leave one of them out"
                problems.append(f"{place} {twice}")
            elif isinstance(found := examine(path, inside), str):
                problems.append(f"data.path: {path} {found}")
            else:
                files.append(found)
            if path is not None:
                before.setdefault(path, row)
        return files, problems

    def _missing(self, name: str | None) -> str:
        """Why there is no image of this name."""
        if not name:
            return "names no image; leave it out"
        places = self._places(name)
        if all(place.startswith("..") for place in places):
            return f"names {name}, which is outside of {self.root}; copy the image into it"
        same = self._without_ending.get(places[0], ())
        if len(same) > 1:
            return f"names {name}, which may be {' or '.join(path.name for path in same)}"
        if (self.root / name).is_file():
            return (
                f"names {name}, which isn't an image ({', '.join(sorted(ENDINGS))}); leave it out"
            )
        close = nearest(places[0], sorted(self._named))
        hint = f" (did you mean {close}?)" if close else ""
        return (
            f"names {name}, which isn't in {self.root}{hint}; leave the row out, or add the image"
        )

    def _places(self, name: str) -> Sequence[str]:
        """Where a name may lead, relative to the folder."""
        path = Path(name.strip().replace("\\", "/"))
        return tuple(
            Path(os.path.relpath(base / path, self.root)).as_posix()
            for base in (self.root, self.table.parent, Path())
        )

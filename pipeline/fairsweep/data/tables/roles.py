"""What each column of a table is used for: feature, target, split, group, or nothing.

In: the settings and the schema of every file. Out: names by role, or `BadInput` with all
problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from fairsweep.config.guess import nearest
from fairsweep.config.schema import Data
from fairsweep.data.tables.columns import kind_of
from fairsweep.data.tables.parquet import index_of
from fairsweep.data.weights import NEED as NEED_WEIGHT
from fairsweep.errors import BadInput
from fairsweep.invocation import typed
from fairsweep.tasks import may_be_words

KINDS = ("numbers", "words")
NUMBER = re.compile(r"\s*[-+]?\d+([.,]\d+)?\s*")


@dataclass(frozen=True)
class Roles:
    """`features` are in the order of the file; `targets` are one column of classes, or several of
    labels; `words` are the columns of words; `named` are read as words but aren't features;
    `index` are the columns that pandas wrote as its index, which are left out; `texts` are the
    columns of texts, which aren't in `features`; `weight` is the column of the rows' weights."""

    features: tuple[str, ...]
    targets: tuple[str, ...]
    words: frozenset[str]
    named: tuple[str, ...]
    index: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    weight: str | None = None

    @property
    def all(self) -> list[str]:
        """Every column that is read."""
        weight = () if self.weight is None else (self.weight,)
        others = (*self.named, *self.targets, *weight)
        return list(dict.fromkeys((*self.features, *self.texts, *others)))


def roles_of(settings: Data, schemas: Mapping[str, pa.Schema]) -> Roles:
    """The roles of columns.

    Args:
        settings: name the columns.
        schemas: of every file, by the setting that names it; the training file first.

    Raises:
        BadInput: a named column doesn't exist, or a column can't be read.
    """
    first = next(iter(schemas.values()))
    targets = settings.targets
    apart = [name for name in (*targets, settings.split, settings.group) if name]
    dropped = settings.drop or []
    texts = tuple(settings.text or ())
    wanted = {*apart, settings.weight, *dropped, *texts, *(settings.categorical or ())}
    index = tuple(name for name in index_of(first) if name not in wanted)
    others = (*apart, settings.weight, *dropped, *texts, *index)
    features = tuple(name for name in first.names if name not in others)
    problems = [*_not_there(settings, schemas, (*features, *texts))]
    problems += _no_weights(settings.weight, schemas)
    if not (features or texts):
        problems.append("data.path: no columns are left to learn from; remove some from data.drop")
    categorical = set(settings.categorical or [])
    words = set(categorical)
    labels = () if may_be_words(targets) else targets
    for name in targets:
        if not labels and name in first.names and pa.types.is_boolean(first.field(name).type):
            words.add(name)  # its classes are true and false
    for key, schema in schemas.items():
        problems += _no_texts(key, schema, texts)
        there = [name for name in (*features, *apart) if name in schema.names]
        for name in there:
            kind = kind_of(schema.field(name).type)
            if kind not in KINDS:
                remedy = "" if name in apart else f"; drop it: {typed('data.drop', [name])}"
                problems.append(f"{key}: column {name!r} {kind}{remedy}")
            elif kind == "words" and name in labels:
                problems.append(
                    f"data.target: column {name!r} of {key} has words, but labels must be 0 or 1 "
                    "(false or true) and values numbers; for one column of classes: "
                    f"{typed('data.target', name)}"
                )
            elif kind == "words":
                words.add(name)
    for key, schema in schemas.items():
        for name in words - categorical - {settings.split, settings.group}:
            kind = schema.field(name).type if name in schema.names else pa.string()
            if kind_of(kind) == "numbers" and not pa.types.is_boolean(kind):
                problems.append(
                    f"{key}: column {name!r} has only numbers here, but words in another file; "
                    f"read them as words: {typed('data.categorical', [name])}"
                )
    if problems:
        raise BadInput(*problems)
    named = [name for name in (settings.split, settings.group) if name]
    named += [target for target in targets if target in words]
    named = list(dict.fromkeys(named))
    return Roles(features, targets, frozenset(words), tuple(named), index, texts, settings.weight)


def _no_texts(key: str, schema: pa.Schema, texts: Sequence[str]) -> Iterator[str]:
    """Columns of texts that hold something else."""
    for name in texts:
        kind = kind_of(schema.field(name).type) if name in schema.names else "words"
        if kind != "words":
            what = "has numbers" if kind in KINDS else kind
            yield f"data.text: column {name!r} of {key} {what}; take it out of data.text"


def _no_weights(name: str | None, schemas: Mapping[str, pa.Schema]) -> Iterator[str]:
    """A column of weights that has no numbers."""
    for key, schema in schemas.items():
        if name is None or name not in schema.names:
            continue
        kind = kind_of(schema.field(name).type)
        if kind != "numbers":
            has = "has words" if kind == "words" else kind
            yield f"data.weight: column {name!r} of {key} {has}, but {NEED_WEIGHT}"


def check_dropped(key: str, names: Sequence[str], dropped: Sequence[str]) -> None:
    """Checks that the columns to drop exist.

    Raises:
        BadInput: one doesn't.
    """
    if unknown := [name for name in dropped if name not in names]:
        raise BadInput(
            *(f"data.drop: {key} has no column {name!r}{_hint(name, names)}" for name in unknown)
        )


def _not_there(
    settings: Data, schemas: Mapping[str, pa.Schema], features: Sequence[str]
) -> Iterator[str]:
    (main, first), *others = schemas.items()
    wanted = [
        *(("data.target", name) for name in settings.targets),
        ("data.split", settings.split),
        ("data.group", settings.group),
        ("data.weight", settings.weight),
        *(("data.categorical", name) for name in settings.categorical or ()),
        *(("data.text", name) for name in settings.text or ()),
    ]
    known = first.names
    for key, name in wanted:
        if name is not None and name not in known:
            shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
            aside = ""
            if settings.source == "csv" and any(map(NUMBER.fullmatch, known)):
                aside = "; if the first line is a row: data.columns=[…] names the columns"
            yield (
                f"{key}: {main} has no column {name!r}{_hint(name, known)}; its columns: {shown}"
                f"{aside}"
            )
    read = {*features, *(name for _, name in wanted)}
    for key, schema in others:
        if missing := [name for name in known if name in read and name not in schema.names]:
            yield f"{key}: has no column {', '.join(map(repr, missing))}, which data.path has"


def _hint(name: str, known: Sequence[str]) -> str:
    spaced = next((own for own in known if own != name and own.strip() == name.strip()), None)
    if (close := spaced or nearest(name, known)) is None:
        return ""
    meant = close if close == close.strip() else repr(close)
    return f"; did you mean {meant}?"

"""Checks of the `data` settings that need no look at the data.

In: the settings. Out: a `Problem` for each check that fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from fairsweep.config.checks.values import (
    Problem,
    at_least,
    is_whole,
    one_of,
    own_name,
    plain_name,
    seed,
)
from fairsweep.config.form import EXAMPLE_PATHS, WRITTEN, form_problems
from fairsweep.config.schema import FILLS, Data
from fairsweep.invocation import typed
from fairsweep.tasks import AUTO, CLASSES, OWN, TASKS, may_be_words


@dataclass(frozen=True)
class Source:
    """What a source takes: the settings that not all sources read, an example of its path, and
    whether its files may say which rows are for validation."""

    reads: tuple[str, ...] = ()
    example: str = ""
    splits: bool = False


TABLE = (
    *("path", "validation_path", "test_path", "target", "drop", "categorical", "split", "group"),
    *("weight", "missing", "unlabeled", "text", "text_length", "max_tokens", "words"),
)
LABELED = ("labels", "target", "categorical", "split", "group", "weight", "unlabeled")
"""What a CSV of the names of images may have."""
FORM = (*WRITTEN, "missing_words")
SOURCES = {
    "digits": Source(),
    "worked_example": Source(),
    "csv": Source((*TABLE, *FORM), EXAMPLE_PATHS["csv"]),
    "parquet": Source(TABLE, EXAMPLE_PATHS["parquet"]),
    "npz": Source(("path", "missing", "padding"), EXAMPLE_PATHS["npz"], splits=True),
    "images": Source(
        ("path", "size", "channels", *LABELED, *FORM), EXAMPLE_PATHS["images"], splits=True
    ),
    "keras_dataset": Source(("dataset",)),
    "python": Source(
        ("loader", "params", "padding", *(name for name in TABLE if not name.endswith("path"))),
        splits=True,
    ),
}
OF_CLASSES = ("digits", "worked_example", "keras_dataset")
"""Sources whose answers are classes, whatever is asked for."""
TABLES = [name for name, source in SOURCES.items() if {"path", "drop"} <= {*source.reads}]
DATASETS = ("mnist", "fashion_mnist", "cifar10", "cifar100")
OF_ARRAYS = ("npz", "python")
MISSING = (*FILLS, "drop")
UNLABELED = ("drop",)
WORDS = ("one_hot", "ids")


def data_problems(data: Data) -> Iterator[Problem]:
    """Checks of all settings of the group."""
    yield from plain_name("data.name", data.name)
    yield from one_of("data.source", data.source, SOURCES)
    yield from _task_problems(data)
    example = SOURCES[data.source].example if data.source in SOURCES else ""
    forgotten = bool(data.path) and data.source in SOURCES and not example
    if forgotten:
        yield "data.path", _forgotten(data)
    for name in dict.fromkeys(name for source in SOURCES.values() for name in source.reads):
        sources = [source for source, takes in SOURCES.items() if name in takes.reads]
        given = getattr(data, name) not in (None, {}) and not forgotten
        if given and data.source not in sources:
            yield (
                f"data.{name}",
                f"applies to {', '.join(sources)} only, and data.source is {data.source}; "
                "leave it out",
            )
    if example and not data.path:
        kind = "file" if PurePath(example).suffix else "folder"
        yield (
            "data.path",
            f"data={data.name} reads a {kind}: give its path, for example data.path={example}",
        )
    if data.source == "keras_dataset":
        yield from one_of("data.dataset", data.dataset, DATASETS)
    if data.source == "python":
        yield from _loader_problems(data)
    if data.missing is not None:
        yield from one_of("data.missing", data.missing, MISSING)
    yield from _padding_problems(data)
    if data.words is not None:
        yield from one_of("data.words", data.words, WORDS)
    if data.source in TABLES or data.target is not None:
        yield from _table_problems(data)
        yield from _text_problems(data)
    yield from _form_problems(data)
    yield from _image_problems(data)
    yield from _split_problems(data)
    if data.rescale is not None and data.standardize:
        yield (
            "data.rescale",
            "rescale and standardize exclude each other; set data.rescale=null or "
            "data.standardize=false",
        )
    if data.rescale is not None and not (math.isfinite(data.rescale) and data.rescale > 0):
        yield "data.rescale", f"need a finite factor above 0, got {data.rescale}"


def _task_problems(data: Data) -> Iterator[Problem]:
    yield from one_of("data.task", data.task, (AUTO, *(task.name for task in TASKS)))
    if data.task not in (AUTO, CLASSES.name) and data.source in OF_CLASSES:
        yield "data.task", f"data={data.name} has classes, got {data.task!r}; leave it out"
    elif data.task == OWN.name and data.source not in OF_ARRAYS:
        yield (
            "data.task",
            f"own is for arrays (data={', data='.join(OF_ARRAYS)}), and data.source is "
            f"{data.source}; use data=python with a loader of your own",
        )


def _loader_problems(data: Data) -> Iterator[Problem]:
    if not data.loader:
        yield (
            "data.loader",
            f"data={data.name} calls a function of yours: give its name, for example "
            "data.loader=mypackage.data:load",
        )
    else:
        yield from own_name("data.loader", data.loader)


def _forgotten(data: Data) -> str:
    """What to say about a path for data that reads none; a file whose ending is no source's is
    taken for a CSV."""
    by_ending = {PurePath(source.example).suffix: name for name, source in SOURCES.items()}
    ending = PurePath(data.path or "").suffix.lower()
    option = by_ending.get(ending, "csv") if ending else "csv"
    target = " data.target=…" if option in TABLES else ""
    return (
        f"data={data.name} is built in and reads no file; name the kind of yours: data={option} "
        f"data.path=…{target}, or data=images data.path=… for a folder of images"
    )


def may_give_validation(data: Data) -> bool:
    """Whether the data itself may say which rows are for validation."""
    given = data.source in SOURCES and SOURCES[data.source].splits
    return given or bool(data.split or data.validation_path)


def _table_problems(data: Data) -> Iterator[Problem]:
    """Checks that each column has one role."""
    problems = list(_target_problems(data.target))
    yield from problems
    targets = () if problems else data.targets
    apart = [(name, getattr(data, name)) for name in ("split", "group", "weight")]
    roles = [*(("target", name) for name in targets), *apart]
    for name, column in roles:
        others = [f"data.{other}" for other, same in roles if other != name and same == column]
        words_allowed = name == "target" and may_be_words(targets)
        if column and (column in (data.drop or []) or others):
            named = ", ".join(others) or "data.drop"
            yield f"data.{name}", f"column {column!r} is also in {named}; leave one out"
        elif column and not words_allowed and column in (data.categorical or []):
            yield (
                f"data.{name}",
                f"column {column!r} is no feature; take it out of data.categorical",
            )
    if data.split is not None and (data.validation_path or data.test_path):
        yield (
            "data.split",
            "this column gives the parts, and so do data.validation_path and data.test_path; leave "
            "one out",
        )
    if data.unlabeled is not None:
        yield from one_of("data.unlabeled", data.unlabeled, UNLABELED)


def _form_problems(data: Data) -> Iterator[Problem]:
    """How a table is written, and what counts as missing."""
    if data.source not in SOURCES or "delimiter" not in SOURCES[data.source].reads:
        return
    for name, problem in form_problems(data):
        yield f"data.{name}", problem
    words = data.missing_words
    if words is not None and not (
        isinstance(words, list) and all(isinstance(word, str) for word in words)
    ):
        yield (
            "data.missing_words",
            f"need a list of words, got {words!r}; quote those that YAML takes for something else: "
            "data.missing_words=[unknown,'null','-1']",
        )


def _padding_problems(data: Data) -> Iterator[Problem]:
    """Checks of the value that fills up sequences."""
    if data.padding is None:
        return
    try:
        value = float(data.padding)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        yield "data.padding", f"need nan or a number, got {data.padding!r}; data.padding=nan"
    if data.missing is not None:
        yield (
            "data.missing",
            "isn't for sequences with data.padding; set it to null, and leave incomplete sequences "
            "out of the file",
        )


def _text_problems(data: Data) -> Iterator[Problem]:
    """Checks of columns of texts, and of how many words there may be."""
    texts = data.text or []
    if data.text is not None and not texts:
        yield "data.text", "need the names of columns, got none; data.text=[review], or null"
    others: dict[str | None, str] = {
        **dict.fromkeys(data.targets, "data.target"),
        **dict.fromkeys(data.drop or (), "data.drop"),
        **dict.fromkeys(data.categorical or (), "data.categorical"),
        data.split: "data.split",
        data.group: "data.group",
    }
    for name in dict.fromkeys(texts):
        if texts.count(name) > 1:
            yield "data.text", f"column {name!r} is listed twice; leave one out"
        if name in others:
            yield "data.text", f"column {name!r} is also in {others[name]}; leave one out"
    for key, least in (("text_length", 1), ("max_tokens", 3)):
        value = getattr(data, key)
        if value is None:
            continue
        if not texts:
            yield f"data.{key}", "applies to data.text only, which names no column; leave it out"
        yield from at_least(f"data.{key}", value, least)


def _target_problems(target: Any) -> Iterator[Problem]:
    """One column of classes or values, or two columns of labels or values or more."""
    names = target if isinstance(target, list) else [target]
    if target in (None, "", []):
        yield (
            "data.target",
            "need the name of the column that holds the classes, or the values to predict; "
            "data.target=label",
        )
    elif not all(isinstance(name, str | int | float) and str(name) for name in names):
        yield (
            "data.target",
            f"need a column of classes or a list of label columns, got {target!r}; "
            "data.target=label or data.target=[red,round]",
        )
    elif isinstance(target, list) and len(names) == 1:
        yield (
            "data.target",
            f"need at least two label columns in a list, got {target}; for one column of classes "
            f"{typed('data.target', str(names[0]))}",
        )
    elif twice := sorted({str(name) for name in names if names.count(name) > 1}):
        yield "data.target", f"column {', '.join(twice)} is listed twice; leave one out"


def _image_problems(data: Data) -> Iterator[Problem]:
    if data.size is not None and not (
        len(data.size) == 2 and all(is_whole(n) and 1 <= n <= 10_000 for n in data.size)
    ):
        yield (
            "data.size",
            f"need [height,width] in pixels, got {list(data.size)}; data.size=[64,64]",
        )
    if data.channels not in (None, 1, 3):
        yield "data.channels", f"need 1 (grey), 3 (colour) or null, got {data.channels}"


def _split_problems(data: Data) -> Iterator[Problem]:
    for name in ("validation", "test"):
        share = getattr(data, name)
        if not 0 <= share < 1:
            yield f"data.{name}", f"need a share of the rows in [0, 1), got {share}"
    if data.validation + data.test >= 1:
        yield (
            "data.test",
            "validation and test must leave rows to train on, got "
            f"data.validation={data.validation} and data.test={data.test}",
        )
    yield from seed("data.seed", data.seed)

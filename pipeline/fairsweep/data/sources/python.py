"""Rows from a function of the user's own: `data.loader=mypackage.data:load`, with `data.params`.

In: the settings. Out: a `Dataset`. The function runs once for a command, in a process of its own,
since it may import whatever it likes, TensorFlow too. That process leaves plain files in a folder;
the sweep reads them, and so do its workers, which are told of the folder in their environment.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.config.schema import Data
from fairsweep.config.trust import distrust, is_trusted
from fairsweep.data.arrays import from_arrays
from fairsweep.data.dataset import PART_WORDS, Dataset, Origin
from fairsweep.data.loaded import About, new_folder, read_about
from fairsweep.data.loaded.read import array_in
from fairsweep.data.memory.view import pieces
from fairsweep.data.several import Several, gaps
from fairsweep.errors import BadInput
from fairsweep.plural import plural
from fairsweep.tasks import OWN

RUN = "fairsweep.training.user_data"
FOLDER = "FAIRSWEEP_LOADED"
"""Where a worker finds what the sweep's process has loaded."""

KEYS = {"": "path", "train": "path", "validation": "validation_path", "test": "test_path"}
OF_TABLES = (
    "target",
    "drop",
    "categorical",
    "split",
    "group",
    "weight",
    "text",
    "words",
    "unlabeled",
)

OF_BATCHES = (
    "save y.argmax(axis=1)",
    "return y.argmax(axis=1), or of a tf.data.Dataset .map(lambda x, y: (x, tf.argmax(y, -1)))",
)
"""What is told of one-hot answers in files, and of those of a loader."""

_kept = ExitStack()
_folder: list[Path] = []
atexit.register(_kept.close)


def load_python(settings: Data) -> Dataset:
    """What the loader returns, checked.

    Raises:
        BadInput: it isn't trusted, raises, or doesn't return rows with an answer each.
    """
    assert settings.loader is not None
    if not is_trusted(settings.loader):
        raise BadInput(f"data.loader: {distrust(settings.loader)}")
    given = os.environ.get(FOLDER)
    return dataset_in(Path(given) if given else _run(settings), settings)


def dataset_in(folder: Path, settings: Data) -> Dataset:
    """The data set that a loader's process left in a folder.

    Raises:
        BadInput: that isn't rows with an answer each.
    """
    about = read_about(folder)
    if about.problems:
        raise BadInput(*about.problems)
    dataset = _table(folder, about, settings) if about.tables else _arrays(folder, about, settings)
    return replace(dataset, version=about.version)


def loaded_environment() -> Mapping[str, str]:
    """What the environment of a worker has, so that it reads what this process has loaded."""
    return {FOLDER: str(_folder[-1])} if _folder else {}


def _run(settings: Data) -> Path:
    """Runs the loader; the folder of what it returned stays until this process ends, or loads
    again."""
    _kept.close()
    _folder.clear()
    folder = _kept.enter_context(new_folder())
    request = json.dumps([settings.loader, dict(settings.params)])
    done = subprocess.run(
        [sys.executable, "-P", "-m", RUN, request, str(folder), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise BadInput(
            f"data.loader: {settings.loader} ended its process (exit code {done.returncode}): "
            f"{lines[-1]}"
        )
    _folder.append(folder)
    return folder


def _table(folder: Path, about: About, settings: Data) -> Dataset:
    """The rules of tables, for what the loader returned as one."""
    from fairsweep.data.tables.table import load_table

    if settings.task == OWN.name:
        raise BadInput(f"data.task: own is for arrays, and {about.place} returns a DataFrame")
    paths = {KEYS[part]: str(folder / file) for part, file in about.tables.items()}
    target = _target(about, settings)
    try:
        own: dict[str, Any] = {"source": "parquet", "target": target, **paths}
        dataset = load_table(replace(settings, **own))
    except BadInput as error:
        raise BadInput(*(_of_loader(text, about, paths) for text in error.problems)) from error
    if dataset.origin is not None:
        dataset = replace(
            dataset,
            origin=replace(
                dataset.origin, names=[f"{name or 'all'} rows" for name in about.tables]
            ),
        )
    return dataset


def _target(about: About, settings: Data) -> Any:
    """The columns to learn: those that the loader gave apart, or that `data.target` names."""
    if not about.target:
        if settings.target is None:
            raise BadInput(
                f"data.target: {about.place} returns a DataFrame: name its column of classes, or "
                "return (x, y); data.target=label"
            )
        return settings.target
    if settings.target is not None:
        raise BadInput(
            f"data.target: {about.place} returns y apart from x, so no column is to be named; "
            "leave it out"
        )
    return about.target[0] if len(about.target) == 1 else list(about.target)


def _of_loader(text: str, about: About, paths: Mapping[str, str]) -> str:
    """A problem of a table, as one of the loader's."""
    for key, path in paths.items():
        place = f"the table of {about.place}" if key == "path" else f"its {key.split('_')[0]} rows"
        text = text.replace(path, place)
        if text.startswith(f"data.{key}: "):
            text = f"data.loader: {text.removeprefix(f'data.{key}: ')}"
    return text.replace("data.path has", f"{about.place} returns a DataFrame that has")


def _arrays(folder: Path, about: About, settings: Data) -> Dataset:
    """The rules of arrays."""
    place = f"data.loader: {about.place}"
    if idle := [name for name in OF_TABLES if getattr(settings, name) is not None]:
        raise BadInput(
            *(
                f"data.{name}: names columns of a DataFrame, and {about.place} returns arrays; "
                "leave it out"
                for name in idle
            )
        )
    arrays = {
        role: {name: array_in(folder, one) for name, one in own.items()}
        for role, own in about.arrays.items()
    }
    if "y" not in arrays and (settings.task != OWN.name or "" not in arrays["x"]):
        raise BadInput(f"{place} returns x without y; need an answer for each row")
    answers = arrays.get("y", arrays["x"])  # what an autoencoder learns is its features
    if "" not in answers and settings.task != OWN.name:
        raise BadInput(
            f"{place} returns y with several outputs, {', '.join(answers)}; set data.task=own, and "
            "have the builder compile its model with a loss for each"
            + _if_parts(answers, arrays["x"])
        )
    parts, origin = _parts(about)
    outputs = None if "" in answers else _outputs(answers, place)
    y = answers[""] if outputs is None else np.zeros(len(outputs), np.float32)
    if settings.task != OWN.name and y.shape[1:] == (1,):
        y = y.reshape(-1)  # as those of keras.datasets
    weights = arrays.get("sample_weight", {}).get("")
    several = None if "" in arrays["x"] else _several(arrays["x"], place, settings)
    x = arrays["x"][""] if several is None else _where_missing(several)
    given = (x, y, place, settings.missing, parts, origin, weights)
    try:
        dataset = from_arrays(*given, asked=settings.task, padding=settings.padding)
    except BadInput as error:
        raise BadInput(*(text.replace(*OF_BATCHES) for text in error.problems)) from error
    if several is not None:
        kept = None if dataset.origin is None else dataset.origin.kept
        dataset = replace(dataset, x=several if kept is None else several[kept])
    if outputs is not None:
        kept = None if dataset.origin is None else dataset.origin.kept
        learned: Any = outputs if kept is None else outputs[kept]
        dataset = replace(dataset, y=learned, class_names=tuple(answers))
    names, problems = dataset.class_names, list[str]()
    if about.class_names is not None and settings.class_names is None:
        names = tuple(about.class_names)
        if len(names) != len(dataset.class_names):
            problems.append(
                f"{place} returns {len(names)} class_names, and y has {len(dataset.class_names)} "
                f"{dataset.task.name}"
            )
    groups = arrays.get("groups", {}).get("")
    problems += [] if groups is None else [f"{place} {p}" for p in _group_problems(groups)]
    if problems:
        raise BadInput(*problems)
    if groups is not None:
        kept = None if dataset.origin is None else dataset.origin.kept
        own = np.unique(groups if kept is None else groups[kept], return_inverse=True)[1]
        dataset = replace(dataset, groups=own)
    return replace(dataset, class_names=names)


def _group_problems(groups: npt.NDArray[Any]) -> Iterator[str]:
    """What is wrong with groups, as the end of a sentence that begins with the loader."""
    if groups.ndim != 1:
        yield f"returns groups of shape {groups.shape}; need a value for each row"
    elif groups.dtype.kind == "f" and (missing := np.isnan(groups)).any():
        yield (
            f"returns groups that are NaN in {plural(int(missing.sum()), 'row')}, first in row "
            f"{np.argmax(missing) + 1}; every row needs one"
        )


def _if_parts(answers: Mapping[str, Any], x: Mapping[str, Any]) -> str:
    """What to do if two inputs and two outputs are training and test rows."""
    if {*answers, *x} != {"input_1", "input_2", "output_1", "output_2"}:
        return ""
    return '; if these are training and test rows, return {"train": (x, y), "test": (x, y)}'


def _several(arrays: Mapping[str, npt.NDArray[Any]], place: str, settings: Data) -> Several:
    """Several inputs, each with at least one axis beside the rows."""
    problems = []
    for name, array in arrays.items():
        if array.dtype.kind == "f" and any(np.isinf(array[rows]).any() for rows in pieces(array)):
            problems.append(f"{place}: x[{name!r}] has infinite values; correct them")
    shaped = {n: own.reshape(-1, 1) if own.ndim == 1 else own for n, own in arrays.items()}
    x = Several(shaped)
    if settings.padding is not None:
        problems.append(f"data.padding: needs one array of sequences, and {place} returns several")
    if settings.fills and gaps(x).any():
        problems.append(f"{place}: only tables can be filled; use data.missing=drop")
    if problems:
        raise BadInput(*problems)
    return x


def _outputs(answers: Mapping[str, npt.NDArray[Any]], place: str) -> Several:
    """Several things to learn, each without gaps; floats are of 32 bits."""
    problems = [
        f"{place}: {problem}"
        for name, own in answers.items()
        for problem in OWN.problems(own, f"y[{name!r}]", ())
    ]
    if problems:
        raise BadInput(*problems)
    return Several({name: OWN.encode(own)[0] for name, own in answers.items()})


def _where_missing(x: Several) -> npt.NDArray[np.float32]:
    """A feature (rows, 1) in place of all of several inputs, which is missing where one of them
    is."""
    return np.where(gaps(x), np.float32("nan"), np.float32(0))[:, np.newaxis]


def _parts(about: About) -> tuple[npt.NDArray[np.int8] | None, Origin | None]:
    """The part of each row, and where rows are in what the loader gave for the parts."""
    if not about.parts:
        return None, None
    lengths = list(about.parts.values())
    numbers = np.array([PART_WORDS[name] for name in about.parts], np.int8)
    return np.repeat(numbers, lengths), Origin(list(about.parts), np.cumsum(lengths))

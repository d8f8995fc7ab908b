"""How to rebuild a trained model: everything but its weights, and the folder that holds both.

A folder has `model.json` and `weights.npz`: plain values and plain arrays, no code.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Column, features_of
from fairsweep.data.scaling import Ids, Scaling
from fairsweep.data.several import Input
from fairsweep.errors import StorageError
from fairsweep.tasks import CLASSES, LABELS, Output, task_named
from fairsweep.tasks.layer import NO_SCALE, Scale

FORMAT = 5
EARLIEST = 1
DESCRIPTION, WEIGHTS = "model.json", "weights.npz"
WHOLE = "model"
"""The array of bytes, in the file of weights, of a model that can't be built again without its
training data: Keras's own file."""


@dataclass(frozen=True)
class Recipe:
    """A model without its weights: `builder` and its `params`, the scaling of its features, the
    shape of a row, the names of the classes in the order of the outputs, the columns of a table,
    and the loss, which decides what the outputs mean. `task` is the name of one of
    `fairsweep.tasks`, and `classes` are the names that it has. `target` is the scale of values,
    `quantiles` are the levels of their quantiles. A model of several `inputs` has no `shape`.
    `fills` says whether rows of a table may have gaps: missing numbers are filled in, and a missing
    word is a word of its own."""

    builder: str
    params: Mapping[str, Any]
    scaling: Scaling
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    loss: str = "sparse_categorical_crossentropy"
    task: str = CLASSES.name
    target: Scale = NO_SCALE
    inputs: tuple[Input, ...] = ()
    quantiles: tuple[float, ...] = ()
    fills: bool = False

    @property
    def output(self) -> Output:
        """What its outputs mean."""
        found = task_named(self.task).output(self.loss, len(self.classes), self.quantiles)
        return found.scaled(self.target)


def known_words(scaling: Scaling, columns: Sequence[Column]) -> tuple[Scaling, tuple[Column, ...]]:
    """The same for rows of which nothing is known: of a text the vocabulary has the words that have
    an id, in that order, and no others that the data had."""
    at = {own.start: own for own in scaling.ids}
    ids, kept = [], []
    for column, features in features_of(columns):
        own = at.get(features.start)
        if own is None or not column.length:
            ids += [] if own is None else [own]
            kept.append(column)
        else:
            words = tuple(column.vocabulary[word] for word in own.words)
            ids.append(replace(own, words=tuple(range(len(words))), vocabulary=len(words)))
            kept.append(replace(column, vocabulary=words))
    return replace(scaling, ids=tuple(ids)), tuple(kept)


def write_model(folder: Path, recipe: Recipe, weights: bytes) -> None:
    """Fills a folder; `weights` is an .npz of the model's weights in Keras's order."""
    folder.mkdir(parents=True)
    digest = hashlib.sha256(weights).hexdigest()
    about = {"format": FORMAT, "weights_sha256": digest, **asdict(recipe)}
    (folder / DESCRIPTION).write_text(json.dumps(about, indent=1, sort_keys=True))
    (folder / WEIGHTS).write_bytes(weights)


def read_model(folder: Path) -> tuple[Recipe, Sequence[npt.NDArray[Any]]]:
    """The recipe and the weights of a folder.

    Raises:
        StorageError: `write_model` didn't write the folder, or it was changed since. It names the
            file; the remedy is for the caller to add, who knows what the model is wanted for.
    """
    path = folder / DESCRIPTION
    try:
        about = json.loads(path.read_bytes())
        path = folder / WEIGHTS
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise StorageError(f"{path} is missing") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StorageError(f"{path} can't be read ({why})") from error
    if about.get("format") not in range(EARLIEST, FORMAT + 1):
        raise StorageError(
            f"{folder / DESCRIPTION} has format {about.get('format')}, and this version reads "
            f"{EARLIEST} to {FORMAT}"
        )
    if hashlib.sha256(content).hexdigest() != about["weights_sha256"]:
        raise StorageError(f"{folder / WEIGHTS} was changed after it was published")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            count = sum(name != WHOLE for name in arrays.files)
            weights = [arrays[f"arr_{i}"] for i in range(count)]
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise StorageError(f"{folder / WEIGHTS} contains no plain arrays: {error}") from error
    return _recipe(about), weights


def read_whole(folder: Path) -> bytes:
    """The whole model of a folder that `read_model` has read; empty where it can be built."""
    with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
        return arrays[WHOLE].tobytes() if WHOLE in arrays.files else b""


def _recipe(about: Mapping[str, Any]) -> Recipe:
    scaling = _scaling(about["scaling"])
    columns = tuple(
        Column(c["name"], tuple(c["vocabulary"]), c.get("length", 0), c.get("date", ""))
        for c in about.get("columns", ())
    )
    return Recipe(
        about["builder"],
        about["params"],
        scaling,
        tuple(about["shape"]),
        tuple(about["classes"]),
        columns,
        about.get("loss", Recipe.loss),
        about.get("task", (LABELS if about.get("multi_label") else CLASSES).name),
        _scale(about.get("target", {})),
        tuple(
            Input(own["name"], tuple(own["shape"]), own["dtype"]) for own in about.get("inputs", ())
        ),
        tuple(about.get("quantiles", ())),
        # Earlier ones that have words alone don't say it: then gaps are taken.
        about.get("fills", bool(scaling.fill) or all(c.has_words for c in columns)),
    )


def _scaling(given: Mapping[str, Any]) -> Scaling:
    return Scaling(
        given["factor"],
        tuple(given["mean"]),
        tuple(given["variance"]),
        tuple(given.get("numbers", ())),
        tuple(given.get("fill", ())),
        tuple((column, word) for column, word in given.get("words", ())),
        tuple(Ids(**{**own, "words": tuple(own["words"])}) for own in given.get("ids", ())),
        given.get("padding"),
        tuple((name, _scaling(own)) for name, own in given.get("inputs", ())),
        tuple(given.get("gaps", ())),
    )


def _scale(about: Mapping[str, Any]) -> Scale:
    return Scale(tuple(about.get("shift", ())), tuple(about.get("factor", ())))

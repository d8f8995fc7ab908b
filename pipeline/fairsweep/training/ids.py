"""Checks that what reaches an Embedding can be ids: whole numbers from 0, below its row count.

In: a model of the user's own, and rows of the data. Out: problems, as the end of a sentence that
begins with the model. Keras itself looks up -0.7 as 0, and on a GPU it takes any id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Features, Inputs, Rows
from fairsweep.data.memory.view import pieces
from fairsweep.data.scaling import Scaling
from fairsweep.data.several import Several
from fairsweep.plural import plural

MOST_ROWS = 1024

Lookups = list[tuple[keras.layers.Embedding, npt.NDArray[Any]]]


def looks_up(model: keras.Model) -> bool:
    """Whether a model has an Embedding."""
    return bool(_embeddings(model))


@contextmanager
def lookups_of(model: keras.Model) -> Iterator[Lookups]:
    """Records what each Embedding gets while the model is called in this context. Ids without a row
    are replaced by the nearest, so that the call succeeds."""
    noted: Lookups = []
    embeddings = _embeddings(model)
    for layer in embeddings:
        layer.call = _noting(layer, layer.call, noted)
    try:
        yield noted
    finally:
        for layer in embeddings:
            del layer.call


def id_problems(noted: Lookups, scaling: Scaling) -> Iterator[str]:
    """What is wrong with the first Embedding that got something else than ids of its rows."""
    for layer, got in noted:
        odd = got[(got < 0) | (got != np.floor(got))]
        if odd.size:
            remedy = _unscaled(scaling)
            because = " because features are scaled first" if remedy else ""
            yield (
                "looks up ids in an Embedding, which must be whole numbers from 0, but gets "
                f"{odd[0]:.3g}{because}; {remedy or 'give it only columns of ids'}"
            )
            return
        if got.size and got.max() >= layer.input_dim:
            most = int(got.max())
            yield (
                f"has an Embedding of {plural(layer.input_dim, 'row')}, but the data has ids up to "
                f"{most}; write Embedding({most + 1}, …)"
            )
            return


def extreme_rows(x: Inputs) -> Rows:
    """The indices of the rows in which a feature has its smallest or its largest value."""
    if isinstance(x, Several):
        return np.unique(np.concatenate([extreme_rows(own) for own in x.arrays.values()]))
    low: Sequence[Any] = ()
    high: Sequence[Any] = ()
    for rows in pieces(x):
        block = np.asarray(x[rows]).reshape(len(x[rows]), -1)
        low = _better(np.less, low, block, block.argmin(axis=0), rows.start)
        high = _better(np.greater, high, block, block.argmax(axis=0), rows.start)
    return np.unique(np.concatenate([low[1], high[1]]))[:MOST_ROWS]


def _better(
    better: Callable[..., Any], best: Sequence[Any], block: Features, places: Rows, start: int
) -> Sequence[Any]:
    """The best value of each feature and its row index, after one more block."""
    values = np.take_along_axis(block, places[np.newaxis], axis=0)[0]
    if not best:
        return values, places + start
    there = better(values, best[0])
    return np.where(there, values, best[0]), np.where(there, places + start, best[1])


def _embeddings(model: keras.Model) -> list[keras.layers.Embedding]:
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]


def _noting(
    layer: keras.layers.Embedding, own: Callable[..., Any], noted: Lookups
) -> Callable[..., Any]:
    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        if hasattr(inputs, "numpy"):  # not while Keras only asks for shapes
            noted.append((layer, np.asarray(inputs)))
            inputs = keras.ops.clip(inputs, 0, layer.input_dim - 1)
        return own(inputs, *arguments, **keywords)

    return call


def _unscaled(scaling: Scaling) -> str:
    """The overrides that leave features unscaled; empty if they are."""
    keys = {"data.standardize=false": scaling.mean, "data.rescale=null": scaling.factor is not None}
    own = " ".join(key for key, given in keys.items() if given)
    return f"use {own}" if own else ""

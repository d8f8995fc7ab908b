"""Whether what an Embedding is asked for can be ids: whole numbers from 0, below its rows.

In: a model of the user's own, and rows of the data. Out: what is wrong, as the end of a sentence
that begins with the model. Keras takes -0.7 for 0, and on a GPU any id it has no row for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Features, Rows
from fairsweep.data.memory.view import pieces
from fairsweep.data.scaling import Scaling

MOST_ROWS = 1024

Asked = list[tuple[keras.layers.Embedding, npt.NDArray[Any]]]


def looks_up(model: keras.Model) -> bool:
    """Whether a model has an Embedding."""
    return bool(_embeddings(model))


@contextmanager
def asked(model: keras.Model) -> Iterator[Asked]:
    """Notes what each Embedding of a model gets while the model is called within. Of ids that it
    has no row for it takes the nearest, so that the call comes to its end."""
    noted: Asked = []
    embeddings = _embeddings(model)
    for layer in embeddings:
        layer.call = _noting(layer, layer.call, noted)
    try:
        yield noted
    finally:
        for layer in embeddings:
            del layer.call


def id_problems(noted: Asked, scaling: Scaling) -> Iterator[str]:
    """What is wrong of the first Embedding that got something else than its ids."""
    for layer, got in noted:
        odd = got[(got < 0) | (got != np.floor(got))]
        if odd.size:
            remedy = _unscaled(scaling) or "give it columns of ids alone"
            yield (
                f"looks ids up in an Embedding, whole numbers from 0, and it gets {odd[0]:.3g}"
                f"{', for features are scaled first' if _unscaled(scaling) else ''}; {remedy}"
            )
            return
        if got.size and got.max() >= layer.input_dim:
            most = int(got.max())
            yield (
                f"has an Embedding of {layer.input_dim} rows, and the data has ids up to {most}; "
                f"write Embedding({most + 1}, …)"
            )
            return


def extreme_rows(x: Features) -> Rows:
    """The numbers of the rows in which a feature has its smallest or its largest value."""
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
    """The values and row numbers of each feature so far, and in a further block."""
    values = np.take_along_axis(block, places[np.newaxis], axis=0)[0]
    if not best:
        return values, places + start
    there = better(values, best[0])
    return np.where(there, values, best[0]), np.where(there, places + start, best[1])


def _embeddings(model: keras.Model) -> list[keras.layers.Embedding]:
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]


def _noting(
    layer: keras.layers.Embedding, own: Callable[..., Any], noted: Asked
) -> Callable[..., Any]:
    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        if hasattr(inputs, "numpy"):  # not while Keras only asks for shapes
            noted.append((layer, np.asarray(inputs)))
            inputs = keras.ops.clip(inputs, 0, layer.input_dim - 1)
        return own(inputs, *arguments, **keywords)

    return call


def _unscaled(scaling: Scaling) -> str:
    """How features stay as they are."""
    keys = {"data.standardize=false": scaling.mean, "data.rescale=null": scaling.factor is not None}
    own = " ".join(key for key, given in keys.items() if given)
    return f"use {own}" if own else ""

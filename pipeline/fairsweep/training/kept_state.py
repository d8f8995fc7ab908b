"""What a callback keeps from one epoch to the next, as a checkpoint holds it: its attributes.

In: an object's attributes. Out: plain data and arrays, and the attributes again. What belongs to
the model is kept as its place there, and code that was there when the training began isn't kept:
both are there again. An attribute of any other kind can't be kept, and the training then has no
checkpoints.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

Array = npt.NDArray[Any]
Arrays = list[Array]

VARIABLES = (tf.Variable, keras.Variable)
OF_KERAS = ("_model", "params")
"""What Keras sets in every callback."""
COLLECTIONS: Mapping[str, Callable[[Any], Any]] = {
    kind.__name__: kind for kind in (list, tuple, set, frozenset)
}


class NotKept(Exception):
    """An attribute that a checkpoint can't hold; the message names it, and its type."""


def code_of(owner: Any) -> dict[str, Any]:
    """The attributes of an object that are code: functions, classes and modules."""
    return {name: value for name, value in vars(owner).items() if _is_code(value)}


def kept(owner: Any, model: keras.Model, code: Mapping[str, Any], arrays: Arrays) -> dict[str, Any]:
    """The attributes of an object as plain data.

    Args:
        owner: the object.
        model: what it is a callback of.
        code: `code_of` the object as the training began.
        arrays: get those among the attributes.

    Raises:
        NotKept: one of them can't be kept.
    """
    found, places = {}, {id(part): place for place, part in enumerate(_parts(model))}
    for name, value in vars(owner).items():
        if name in OF_KERAS or (_is_code(value) and code.get(name) is value):
            continue
        try:
            found[name] = _packed(value, places, arrays)
        except TypeError as error:
            raise NotKept(f"{name} ({error})") from error
    return found


def put_back(
    owner: Any, model: keras.Model, found: Mapping[str, Any], arrays: Mapping[int, Array]
) -> None:
    """Gives an object the attributes that `kept` returned. A variable of its own gets the value:
    a graph may know of it."""
    own, parts = vars(owner), _parts(model)
    of_model = set(map(id, parts))
    for name, packed in found.items():
        value, there = _unpacked(packed, parts, arrays), own.get(name)
        both = isinstance(there, VARIABLES) and isinstance(value, (tf.Tensor, *VARIABLES))
        if both and not of_model & {id(there), id(value)}:
            there.assign(value)
        else:
            own[name] = value


def _is_code(value: Any) -> bool:
    return inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value)


def _parts(model: keras.Model) -> list[Any]:
    """What a callback may have of its model, in an order that a model built again has, too."""
    optimizer = model.optimizer
    own = [*model._flatten_layers(), *model.variables]
    return own if optimizer is None else [*own, optimizer, *optimizer.variables]


def _packed(value: Any, places: Mapping[int, int], arrays: Arrays) -> Any:
    def packed(own: Any) -> Any:
        return _packed(own, places, arrays)

    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if id(value) in places:
        return ["part", places[id(value)]]
    if kind.__name__ in COLLECTIONS and kind is COLLECTIONS[kind.__name__]:
        return [kind.__name__, list(map(packed, value))]
    if kind is deque:
        return ["deque", list(map(packed, value)), value.maxlen]
    if kind is dict:
        return ["dict", [[packed(k), packed(v)] for k, v in value.items()]]
    if isinstance(value, VARIABLES):
        return ["variable", _added(np.asarray(value), arrays), isinstance(value, keras.Variable)]
    if isinstance(value, tf.Tensor):
        return ["tensor", _added(np.asarray(value), arrays)]
    if isinstance(value, np.ndarray | np.generic):
        return ["array", _added(np.asarray(value), arrays), isinstance(value, np.generic)]
    name = getattr(value, "__name__", "")
    if name and value is getattr(keras.ops, name, None):
        return ["operation", name]  # by which Keras's own compare
    raise TypeError(kind.__name__)


def _added(array: Array, arrays: Arrays) -> int:
    """The place of an array of plain numbers or words."""
    if array.dtype.kind not in "biufcUS":
        raise TypeError(f"an array of {array.dtype}")
    arrays.append(array)
    return len(arrays) - 1


def _unpacked(packed: Any, parts: Sequence[Any], arrays: Mapping[int, Array]) -> Any:
    def own(inside: Any) -> Any:
        return _unpacked(inside, parts, arrays)

    if not isinstance(packed, list):
        return packed
    kind, inside, *more = packed
    if kind in COLLECTIONS:
        return COLLECTIONS[kind](map(own, inside))
    if kind == "deque":
        return deque(map(own, inside), more[0])
    if kind == "dict":
        return {own(k): own(v) for k, v in inside}
    if kind == "operation":
        return getattr(keras.ops, inside)
    if kind == "part":
        return parts[inside]
    if kind == "variable":
        value = arrays[inside]
        return keras.Variable(value, dtype=str(value.dtype)) if more[0] else tf.Variable(value)
    if kind == "tensor":
        return tf.constant(arrays[inside])
    return arrays[inside][()] if more[0] else arrays[inside]

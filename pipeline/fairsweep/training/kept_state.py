"""What a callback keeps from one epoch to the next, as a checkpoint holds it: its attributes.

In: an object's attributes. Out: plain data and arrays, and the attributes again. What belongs to
the model isn't kept, nor is code that was there when the training began: both are there again. An
attribute of any other kind can't be kept, and the training then has no checkpoints.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

Array = npt.NDArray[Any]
Arrays = list[Array]

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
    found = {}
    for name, value in vars(owner).items():
        as_before = _is_code(value) and code.get(name) is value
        if name in OF_KERAS or as_before or _is_of_model(value, model):
            continue
        try:
            found[name] = _packed(value, arrays)
        except TypeError as error:
            raise NotKept(f"{name} ({error})") from error
    return found


def put_back(owner: Any, found: Mapping[str, Any], arrays: Mapping[int, Array]) -> None:
    """Gives an object the attributes that `kept` returned."""
    own = vars(owner)
    for name, packed in found.items():
        value = _unpacked(packed, arrays)
        if isinstance(own.get(name), tf.Variable | keras.Variable):
            own[name].assign(value)
        else:
            own[name] = value


def _is_code(value: Any) -> bool:
    return inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value)


def _is_of_model(value: Any, model: keras.Model) -> bool:
    own = [model, model.optimizer, *model._flatten_layers(), *model.variables]
    return any(value is part for part in own)


def _packed(value: Any, arrays: Arrays) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind.__name__ in COLLECTIONS and kind is COLLECTIONS[kind.__name__]:
        return [kind.__name__, [_packed(own, arrays) for own in value]]
    if kind is deque:
        return ["deque", [_packed(own, arrays) for own in value], value.maxlen]
    if kind is dict:
        return ["dict", [[_packed(k, arrays), _packed(v, arrays)] for k, v in value.items()]]
    if isinstance(value, tf.Tensor | tf.Variable | keras.Variable):
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


def _unpacked(packed: Any, arrays: Mapping[int, Array]) -> Any:
    if not isinstance(packed, list):
        return packed
    kind, inside, *more = packed
    if kind in COLLECTIONS:
        return COLLECTIONS[kind](_unpacked(own, arrays) for own in inside)
    if kind == "deque":
        return deque((_unpacked(own, arrays) for own in inside), more[0])
    if kind == "dict":
        return {_unpacked(k, arrays): _unpacked(v, arrays) for k, v in inside}
    if kind == "operation":
        return getattr(keras.ops, inside)
    if kind == "tensor":
        return tf.constant(arrays[inside])
    return arrays[inside][()] if more[0] else arrays[inside]

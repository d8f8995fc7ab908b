"""The numbers of an optimizer, its schedule and its layers, as inputs of a compiled program.

Keras writes them into the graph: a trial with another beta_1 would need another program. While a
graph is made, each of them is a `Constant` here, which the graph looks up among its inputs. What
Keras computes from them before it meets a tensor, such as 1 - beta_1, is computed again for each
trial in Python's doubles and rounded once, so every trial has the numbers of a graph of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

Formula = tuple[Any, ...]
"""How a number comes about: `(place,)`, or a function and the formulas and numbers it is given."""
Truths = dict[tuple[Callable[[float, float], bool], Any, Any], bool]
"""What comparisons of formulas and numbers came to."""

ANY_VALUE = frozenset({"momentum", "ahead", "fresh"})
"""Numbers of an optimizer whose graph is made as if they weren't 0; where they are, it gives the
same numbers: a momentum of 0 keeps nothing."""
OF_LAYERS = {keras.layers.Dropout: "rate"}
OF_REGULARIZERS = {keras.regularizers.L2: "l2"}


class Constant(float):
    """A number that a graph being made takes as an input.

    Numbers and constants give another constant. What it answers when it is compared is the truth
    for the trial at hand, and is noted: the graph holds for those trials of which that is true.
    """

    dtype = float  # Keras takes it for a plain number, of no precision of its own

    _formula: Formula
    _constants: Constants
    _any_value: bool

    def __new__(
        cls, value: float, formula: Formula, constants: Constants, any_value: bool = False
    ) -> Constant:
        self = super().__new__(cls, value)
        self._formula, self._constants, self._any_value = formula, constants, any_value
        return self

    def __tf_tensor__(self, dtype: tf.DType | None = None, name: str | None = None) -> Any:
        return self._constants.tensor(self._formula, dtype or tf.float32)

    def _computed(self, compute: Callable[..., float], *operands: object) -> Any:
        if not all(isinstance(operand, int | float) for operand in operands):
            return NotImplemented  # a tensor computes, and looks this number up
        formulas = [getattr(own, "_formula", own) for own in operands]
        value = compute(*(float(own) for own in operands))  # type: ignore[arg-type]
        return Constant(value, (compute, *formulas), self._constants)

    def _compared(self, compare: Callable[[float, float], bool], other: object) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        if self._any_value and other == 0:
            return compare(1, 0)
        truth = compare(float(self), float(other))
        self._constants.truths[(compare, self._formula, getattr(other, "_formula", other))] = truth
        return truth

    def __add__(self, other: object) -> Any:
        return self._computed(operator.add, self, other)

    def __radd__(self, other: object) -> Any:
        return self._computed(operator.add, other, self)

    def __sub__(self, other: object) -> Any:
        return self._computed(operator.sub, self, other)

    def __rsub__(self, other: object) -> Any:
        return self._computed(operator.sub, other, self)

    def __mul__(self, other: object) -> Any:
        return self._computed(operator.mul, self, other)

    def __rmul__(self, other: object) -> Any:
        return self._computed(operator.mul, other, self)

    def __truediv__(self, other: object) -> Any:
        return self._computed(operator.truediv, self, other)

    def __rtruediv__(self, other: object) -> Any:
        return self._computed(operator.truediv, other, self)

    def __pow__(self, other: object, modulo: None = None) -> Any:
        return self._computed(operator.pow, self, other)

    def __rpow__(self, other: object, modulo: None = None) -> Any:
        return self._computed(operator.pow, other, self)

    def __neg__(self) -> Any:
        return self._computed(operator.neg, self)

    def __abs__(self) -> Any:
        return self._computed(abs, self)

    def __int__(self) -> int:
        """A whole number, such as of steps, stands in the graph."""
        whole = int(float.__trunc__(self))
        self._constants.truths[(_comes_to, self._formula, whole)] = True
        return whole

    def __eq__(self, other: object) -> Any:
        return self._compared(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._compared(operator.ne, other)

    def __lt__(self, other: object) -> Any:
        return self._compared(operator.lt, other)

    def __le__(self, other: object) -> Any:
        return self._compared(operator.le, other)

    def __gt__(self, other: object) -> Any:
        return self._compared(operator.gt, other)

    def __ge__(self, other: object) -> Any:
        return self._compared(operator.ge, other)

    def __bool__(self) -> bool:
        return bool(self != 0)

    __hash__ = float.__hash__


class Constants:
    """The constants of a compiled model, and what they are for the trial at hand.

    Args:
        model: has its weights; None for one whose graph keeps its numbers.
    """

    def __init__(self, model: keras.Model | None) -> None:
        self._places = [] if model is None else list(_places(model))
        self.truths: Truths = {}
        self._graph: _Graph | None = None

    def hold_for(self, others: Constants) -> bool:
        """Whether the graphs that were made hold for the constants of another model of the kind."""
        return len(others.values()) == len(self._places) and others.fulfil(self.truths)

    def fulfil(self, truths: Truths) -> bool:
        """Whether these constants answer as those did for which a graph was made."""
        values = self.values()
        return all(
            compare(_computed(one, values), _computed(other, values)) is truth
            for (compare, one, other), truth in truths.items()
        )

    def take_over(self, others: Constants) -> None:
        """Puts the values of another model of the same kind into this one."""
        for (owner, name), value in zip(self._places, others.values(), strict=True):
            setattr(owner, name, value)

    def values(self) -> Sequence[float]:
        """Those of the model, in order."""
        return [getattr(owner, name) for owner, name in self._places]

    def inputs(self, formulas: Iterable[Formula]) -> npt.NDArray[np.float64]:
        """What a graph takes: (numbers,), as the formulas come that were looked up in it."""
        values = self.values()
        return np.array([_computed(formula, values) for formula in formulas], np.float64)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Has an optimizer that is built meanwhile make what graphs need for any value."""
        with self._replaced(lambda name: name in ANY_VALUE):
            yield

    @contextmanager
    def given(self, inputs: Any) -> Iterator[Mapping[Formula, int]]:
        """Has the graph that is made meanwhile look its constants up in `inputs`: (numbers,), of
        64 bits. Gives the formulas that were looked up, in order."""
        self._graph = _Graph(tf.compat.v1.get_default_graph(), inputs)
        try:
            with self._replaced(lambda _: True):
                yield self._graph.formulas
        finally:
            self._graph = None

    @contextmanager
    def _replaced(self, which: Callable[[str], bool]) -> Iterator[None]:
        values = self.values()
        for place, ((owner, name), value) in enumerate(zip(self._places, values, strict=True)):
            if which(name):
                setattr(owner, name, Constant(value, (place,), self, name in ANY_VALUE))
        try:
            yield
        finally:
            for (owner, name), value in zip(self._places, values, strict=True):
                setattr(owner, name, value)

    def tensor(self, formula: Formula, dtype: tf.DType) -> Any:
        """A number as a tensor of the graph that is made."""
        if self._graph is None:
            raise TypeError("a constant of a compiled program was asked for outside of its graph")
        if (formula, dtype) not in self._graph.found:
            formulas = self._graph.formulas
            number = formulas.setdefault(formula, len(formulas))
            with self._graph.graph.as_default():  # once for all steps
                found = tf.cast(self._graph.inputs[number], dtype)
            self._graph.found[formula, dtype] = found
        return self._graph.found[formula, dtype]


@dataclass(frozen=True)
class _Graph:
    """A graph that is made, its inputs, which of them is what, and what was looked up."""

    graph: Any
    inputs: Any
    formulas: dict[Formula, int] = field(default_factory=dict)
    found: dict[tuple[Formula, tf.DType], Any] = field(default_factory=dict)


def _comes_to(value: float, whole: float) -> bool:
    return int(value) == whole


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.neg),
        *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
        *(abs, _comes_to),
    )
}
"""Those of formulas and truths, by name."""


def as_data(formula: Any) -> Any:
    """A formula, or a number, as plain data."""
    if not isinstance(formula, tuple):
        return formula
    first, *operands = formula
    return [first.__name__ if callable(first) else first, *map(as_data, operands)]


def from_data(data: Any) -> Any:
    """The formula, or number, that plain data is of."""
    if not isinstance(data, list):
        return data
    first, *operands = data
    return (FUNCTIONS[first] if isinstance(first, str) else first, *map(from_data, operands))


def _computed(formula: Any, values: Sequence[float]) -> float:
    """What a formula, or a number, comes to."""
    if not isinstance(formula, tuple):
        return float(formula)
    first, *operands = formula
    if callable(first):
        return float(first(*(_computed(own, values) for own in operands)))
    return values[first]


def _places(model: keras.Model) -> Iterator[tuple[Any, str]]:
    """Where the numbers stand: an object, and the name of its attribute."""
    for optimizer in optimizers_of(model):
        yield from _numbers_of(optimizer)
        yield from _of_schedule(getattr(optimizer, "_learning_rate", None))
    for layer in model._flatten_layers():
        if (name := OF_LAYERS.get(type(layer))) is not None:
            yield layer, name
        regularizer = getattr(layer, "kernel_regularizer", None)
        if (name := OF_REGULARIZERS.get(type(regularizer))) is not None:
            yield regularizer, name


def optimizers_of(model: keras.Model) -> Iterator[keras.optimizers.Optimizer]:
    """A model's optimizer, and those that it is made of, each once."""
    yield (own := model.optimizer)
    if isinstance(own, keras.optimizers.LossScaleOptimizer):  # around any, under mixed_float16
        yield (own := own.inner_optimizer)
    if isinstance(own, keras.optimizers.MultiOptimizer):
        parts = map(own._optimizer_map, model.trainable_variables)
        yield from {id(own): own for own in parts}.values()


def _of_schedule(schedule: Any) -> Iterator[tuple[Any, str]]:
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        yield from _numbers_of(schedule)
        yield from _of_schedule(getattr(schedule, "then", None))


def _numbers_of(owner: Any) -> Iterator[tuple[Any, str]]:
    for name, value in vars(owner).items():
        if type(value) is float:
            yield owner, name

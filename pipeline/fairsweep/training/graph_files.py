"""Traced graphs as files: what one worker of a command has traced, the others read.

In: a graph, the variables that it captures, and the numbers that it looks up. Out: a file, and from
it the same graph in another process, in a hundredth of the time that tracing takes. The numbers of
both are the same, bit for bit. Only workers of one command share files: they run the same code, on
the same versions, under the same settings.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf
from tensorflow.core.framework import function_pb2
from tensorflow.python.eager import context

from fairsweep.errors import is_full
from fairsweep.files import replaced
from fairsweep.training.constants import Constants, Formula, as_data, from_data

OF_THIS_PROCESS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
"""Operations that call a function of Python's, which another process hasn't."""
_numbers = itertools.count()


class Made(Protocol):
    """A graph that can be called."""

    @property
    def formulas(self) -> Sequence[Formula]:
        """Of the constants that it takes, in order."""
        ...

    def __call__(self, inputs: Any, *tensors: Any) -> Any:
        """What it gives for its constants (numbers,) and for tensors."""
        ...


class Traced:
    """A graph that was traced here."""

    def __init__(self, function: Any, formulas: Iterable[Formula]) -> None:
        self.function = function
        self.formulas = tuple(formulas)

    def __call__(self, inputs: Any, *tensors: Any) -> Any:
        return self.function(inputs, *tensors)


class Read:
    """A graph from a file, which gives one tensor. It is known to TensorFlow as long as it lives.

    Args:
        library: its function first, then those that it calls.
        captured: the tensors that it takes beside those that it is given.
        formulas: of its constants.
    """

    def __init__(
        self,
        library: function_pb2.FunctionDefLibrary,
        captured: Sequence[Any],
        formulas: Iterable[Formula],
    ) -> None:
        self.formulas = tuple(formulas)
        self._captured = captured
        names = _rename(library, f"read_{next(_numbers)}_")
        for function in library.function:
            context.context().add_function_def(function)
        self._name = names[0].encode()
        weakref.finalize(self, _forget, names).atexit = False

    def __call__(self, inputs: Any, *tensors: Any) -> Any:
        given = [inputs, *tf.nest.flatten(tensors), *self._captured]
        (result,) = context.context().call_function(self._name, given, 1)
        return result


class GraphFiles:
    """The graphs of one kind of program, in the folder of a command.

    Args:
        folder: of all kinds; it is made when the first is kept.
        kind: what a program depends on.
        constants: of this program.
        model: compiled, with its optimizer built.
    """

    def __init__(self, folder: Path, kind: str, constants: Constants, model: keras.Model) -> None:
        self._folder = folder
        self._kind = kind
        self._constants = constants
        self._model = model

    def find(self, name: str) -> Read | None:
        """A graph of the program, by the name of its function, that holds for the constants."""
        known = self._variables()
        for file in sorted(self._folder.glob(f"{self._digest(name)}-*")):
            header, _, content = file.read_bytes().partition(b"\n")
            about = json.loads(header)
            truths = {from_data(comparison): truth for comparison, truth in about["truths"]}
            if _forms(known) != about["variables"] or not self._constants.fulfil(truths):
                continue
            self._constants.truths |= truths
            library = function_pb2.FunctionDefLibrary.FromString(content)
            captured = [known[place].value.handle for place in about["captured"]]
            return Read(library, captured, map(from_data, about["formulas"]))
        return None

    def keep(self, name: str, traced: Traced) -> None:
        """Writes a graph for other workers, if it can be one of theirs."""
        graph, known = traced.function.graph, self._variables()
        places = {id(variable.value.handle): place for place, variable in enumerate(known)}
        captured = [places.get(id(outer)) for outer, _ in graph.captures]
        rest = graph.as_graph_def().library
        library = function_pb2.FunctionDefLibrary(
            function=[traced.function.function_def, *rest.function]
        )
        operations = {node.op for function in library.function for node in function.node_def}
        single = isinstance(traced.function.structured_outputs, tf.Tensor)
        if None in captured or rest.gradient or not single or operations & OF_THIS_PROCESS:
            return
        truths = self._constants.truths.items()
        about = {
            "captured": captured,
            "variables": _forms(known),
            "formulas": list(map(as_data, traced.formulas)),
            "truths": [[as_data(comparison), truth] for comparison, truth in truths],
        }
        content = json.dumps(about).encode() + b"\n" + library.SerializeToString()
        digest = hashlib.sha256(content).hexdigest()[:16]
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with replaced(self._folder / f"{self._digest(name)}-{digest}") as draft:
                draft.write_bytes(content)
        except OSError as error:
            if not is_full(error):
                raise
            # The others trace it, too, as they would have.

    def _digest(self, name: str) -> str:
        return hashlib.sha256(f"{name} of {self._kind}".encode()).hexdigest()[:16]

    def _variables(self) -> Sequence[keras.Variable]:
        """What a graph of the program may capture, in the same order in every process."""
        model = self._model
        return [*model.variables, *model.metrics_variables, *model.optimizer.variables]


def _forms(variables: Iterable[keras.Variable]) -> list[list[Any]]:
    """What has to agree: type and number of dimensions."""
    return [[variable.dtype, len(variable.shape)] for variable in variables]


def _rename(library: function_pb2.FunctionDefLibrary, prefix: str) -> Sequence[str]:
    """Gives functions names that no other of this process has; the new ones, in their order."""
    names = {function.signature.name for function in library.function}
    for function in library.function:
        function.signature.name = f"{prefix}{function.signature.name}"
        for node in function.node_def:
            if node.op in names:
                node.op = f"{prefix}{node.op}"
            for attribute in node.attr.values():
                called = [attribute.func] if attribute.HasField("func") else attribute.list.func
                for own in called:
                    if own.name in names:
                        own.name = f"{prefix}{own.name}"
    return [function.signature.name for function in library.function]


def _forget(names: Sequence[str]) -> None:
    for name in names:
        context.context().remove_function(name)

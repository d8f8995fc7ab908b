"""Finds what a user names as `package.module:name`, and says where it is defined.

In: the key of the config that names it, and the name. Out: the function or class, or `BadInput`
that says what is wrong, with the user's file and line.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairsweep.config.trust import distrust, is_trusted
from fairsweep.errors import BadInput

NOUNS = {
    "optimizer.name": "class",
    "training.loss": "function or class",
    "training.metrics": "function or class",
}
"""What a key of the config asks for, where it isn't a function."""


def find_own(key: str, name: str) -> Any:
    """The user's function or class, whose module is imported.

    Args:
        key: of the config.
        name: `package.module:name`.

    Raises:
        BadInput: there is none.
    """
    if not is_trusted(name):
        raise BadInput(distrust(name))
    module, _, own = name.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # of what it imports itself
        raise BadInput(
            f"{key}: there is no module {error.name} (for {name}); put it into the folder "
            "where you run the command, or on PYTHONPATH"
        ) from error
    part = getattr(found, own, None)
    if not callable(part):
        noun = NOUNS.get(key, "function")
        there = [n for n, value in vars(found).items() if _is_one(value, noun, module)]
        raise BadInput(
            f"{key}: {module} has no {noun} {own!r}; it has {', '.join(there) or 'none'}"
        )
    return part


def _is_one(value: Any, noun: str, module: str) -> bool:
    """Whether it is what the noun says, and defined in the module."""
    function, kind = inspect.isfunction(value), inspect.isclass(value)
    asked = ("function" in noun and function) or ("class" in noun and kind)
    return asked and value.__module__ == module


def own_problem(key: str, name: str, text: str) -> str:
    """The message about a part of the user's: where it is defined, and what is wrong with it."""
    return f"{key}: {place_of(name, find_own(key, name))} {text}"


def place_of(name: str, part: Any) -> str:
    """Where a part is defined, and its name: `models.py:12: build()`, `losses.py:3: Focal`, or, of
    an object, `metrics.py:9: at_half`."""
    own = name.partition(":")[2]
    if inspect.isclass(part):
        try:
            return f"{Path(inspect.getfile(part)).name}:{inspect.getsourcelines(part)[1]}: {own}"
        except (OSError, TypeError):  # it has no source
            return own
    code = getattr(inspect.unwrap(part), "__code__", None)
    if code:
        return f"{Path(code.co_filename).name}:{code.co_firstlineno}: {own}()"
    return own if inspect.isbuiltin(part) else f"{_assigned(*name.split(':'))}{own}"


def _assigned(module: str, own: str) -> str:
    """The place of the line of a module that gives a value to a name; empty if it isn't found."""
    found = importlib.import_module(module)
    try:
        lines = ast.parse(inspect.getsource(found)).body
    except (OSError, TypeError, SyntaxError):  # it has no source
        return ""
    for line in lines:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == own for target in targets):
            return f"{Path(str(found.__file__)).name}:{line.lineno}: "
    return ""


def check_call(
    key: str,
    name: str,
    part: Any,
    positional: Sequence[str],
    params: Mapping[str, Any],
) -> None:
    """Checks that a part of the user's takes what it is called with.

    Args:
        key: of the config, under which `params` stand.
        name: `package.module:name`.
        part: the function or class.
        positional: the names of what comes first.
        params: keywords.

    Raises:
        BadInput: it doesn't.
    """
    try:
        signature = inspect.signature(part)
    except ValueError:  # one of C has none
        return
    try:
        signature.bind(*positional, **params)
    except TypeError as error:
        given = ", ".join((*positional, *(f"{own}={value!r}" for own, value in params.items())))
        raise BadInput(
            f"{key}: {place_of(name, part)} takes {signature}, but is called as ({given}): "
            f"{error}; set its other parameters in {key}"
        ) from error

"""Describes the exception that ended a trial in one line, which points at the user's code."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from fairsweep.errors import BadInput, is_users

# What Keras writes before a message; and a message of Python code in a graph, in TensorFlow's.
PREAMBLE = re.compile(r"Exception encountered when calling .*")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
IN_A_GRAPH = re.compile(r"^(\w+): (.*)\nTraceback \(most recent call last\):", re.MULTILINE)
FRAME = re.compile(r'^ *File "([^"]+)", line (\d+)', re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """`line` is for people; exceptions with the same `cause` have the same type and place. If the
    line begins with a place in the user's code, `file` is that."""

    line: str
    cause: str
    file: str = ""


def failure(error: BaseException) -> Failure:
    """Describes an exception. Its place is the last frame of the traceback in the user's code; if
    there is none, the last frame, which is left out of the line."""
    if isinstance(error, BadInput):
        return Failure("; ".join(error.problems), error.problems[0])
    kind, text = type(error).__name__, COLOURS.sub("", str(error))
    frames = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if (inner := IN_A_GRAPH.search(text)) is not None:
        kind, message = inner[1], inner[2]
        frames += [(file, int(line)) for file, line in FRAME.findall(text)]
    else:
        lines = [line for line in text.splitlines() if line and not PREAMBLE.fullmatch(line)]
        message = lines[0] if lines else ""
    own = [frame for frame in frames if is_users(frame[0])]
    file, number = (own or frames)[-1]
    text = f"{kind}: {message}" if message else kind
    place = f"{Path(file).name}:{number}: " if own else ""
    return Failure(place + text, f"{kind} at {file}:{number}", file if own else "")


def fails(error: BaseException, at: str = "") -> str:
    """What is said of a part of the user's that raises: what it fails `at`, and the line."""
    return f"fails{at}: {failure(error).line}"

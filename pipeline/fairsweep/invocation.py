"""Where and how this was called: commands that are shown work there, and code of the user's own is
found there.

In: the name of a command and its overrides. Out: one line to paste, `fairsweep …` as it was called,
or under make a target of the Makefile. Or a key and its value: the override as it is typed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

UNDER_MAKE = "FAIRSWEEP_UNDER_MAKE"
"""The Makefile sets it."""
TARGETS = ("sweep", "train", "compare", "report", "ui")
"""The commands that have a target in the Makefile."""

_SHOWN = re.compile(r"^( +)fairsweep (\w+)((?: [^\s]+)*)", re.MULTILINE)
_AWKWARD = frozenset('"$`\\!')
"""What a shell still reads inside double quotes."""

_PLAIN = re.compile(
    r"0|[1-9]\d*|(?!(?:null|true|false|nan|inf)$)(?:\.{0,2}/)?[a-z_][\w./-]*", re.ASCII | re.I
)
"""What Hydra takes for a name without quotes."""


def typed(key: str, value: str | Sequence[str]) -> str:
    """The override that gives a key a name, or a list of them, as it is typed into a shell: with
    quotes for Hydra, and others around the whole for the shell, where one of them needs it."""
    names = [value] if isinstance(value, str) else value
    awkward = any("'" in name or _AWKWARD & set(name) for name in names)
    own = [_quoted(name, '"' if awkward else "'") for name in names]
    text = f"{key}={own[0]}" if isinstance(value, str) else f"{key}=[{','.join(own)}]"
    if all(map(_PLAIN.fullmatch, names)):
        return text
    return shlex.quote(text) if awkward else f'"{text}"'


def _quoted(name: str, mark: str) -> str:
    """A name in quotes, if Hydra needs them; it takes backslashes for themselves, but for those
    before a mark."""
    if _PLAIN.fullmatch(name):
        return name
    inside = re.sub(rf"(\\*){mark}", rf"\1\1\\{mark}", name)
    return mark + re.sub(r"(\\+)$", r"\1\1", inside) + mark


def command_line(name: str, *overrides: str) -> str:
    """The line that runs the command `name` with these overrides.

    Under make the text passes three readers: the user's shell, which takes one level of quotes
    off; make, which reads `$`; and the shell that make starts, which splits what is left into
    words. So each override is quoted by itself, every `$` doubled, and the whole put in double
    quotes, or in single ones where double quotes aren't enough. A line break can't pass through
    make.
    """
    broken = any("\n" in override or "\r" in override for override in overrides)
    if UNDER_MAKE not in os.environ or name not in TARGETS or broken:
        return shlex.join((*_program(), name, *overrides))
    if not overrides:
        return f"make {name}"
    inner = shlex.join(overrides).replace("$", "$$")
    outer = shlex.quote(inner) if _AWKWARD & set(inner) else f'"{inner}"'
    return f"make {name} ARGS={outer}"


def usage(name: str) -> str:
    """How a command is called, with overrides."""
    if UNDER_MAKE in os.environ and name in TARGETS:
        return f'make {name} [ARGS="key=value …"]'
    return f"{command_line(name)} [key=value …]"


def as_called(name: str, text: str) -> str:
    """A help text whose lines of `fairsweep …` are as this was called; the first is the usage."""

    def called(found: re.Match[str]) -> str:
        if UNDER_MAKE in os.environ:
            return found[1] + command_line(found[2], *shlex.split(found[3]))
        return found[1] + command_line(found[2]) + found[3]

    first, _, rest = text.partition("\n")
    first = first.replace(f"fairsweep {name} [key=value …]", usage(name))
    return f"{first}\n{_SHOWN.sub(called, rest)}"


def find_code_here() -> None:
    """Lets code of the user's own be imported from the folder where the command runs, as
    `python -m` does."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)


def _program() -> tuple[str, ...]:
    """The words that start this program: by name where the shell finds it, else with its path."""
    program = Path(sys.argv[0])
    if program.parts[-2:] == ("fairsweep", "__main__.py"):
        return (_called(Path(sys.executable)), "-m", "fairsweep")
    return (_called(program),) if program.name == "fairsweep" else ("fairsweep",)


def _called(program: Path) -> str:
    if (found := shutil.which(program.name)) and Path(found).absolute() == program.absolute():
        return program.name
    inside = program.is_relative_to(Path.cwd())
    return str(program.relative_to(Path.cwd()) if inside else program)

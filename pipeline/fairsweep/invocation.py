"""How this was called: a command that is shown works where the user stands.

In: the name of a command and its overrides. Out: one line to paste. Under make it is a target of
the Makefile, elsewhere `fairsweep …` or `python -m fairsweep …`.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

UNDER_MAKE = "FAIRSWEEP_UNDER_MAKE"
"""The Makefile sets it."""
TARGETS = ("sweep", "train", "report", "ui")
"""The commands that have a target in the Makefile."""

_AWKWARD = frozenset('"$`\\!')
"""What a shell still reads inside double quotes."""


def command_line(name: str, *overrides: str) -> str:
    """The line that runs the command `name` with these overrides.

    Under make the text passes three readers: the user's shell, which takes one level of quotes
    off; make, which reads `$`; and the shell that make starts, which splits what is left into
    words. So each override is quoted by itself, every `$` doubled, and the whole put in double
    quotes, or in single ones where double quotes aren't enough. A line break can't pass through
    make.
    """
    under_make = UNDER_MAKE in os.environ
    broken = any("\n" in override or "\r" in override for override in overrides)
    if not under_make or name not in TARGETS or broken:
        return shlex.join((*_program(under_make), name, *overrides))
    if not overrides:
        return f"make {name}"
    inner = shlex.join(overrides).replace("$", "$$")
    outer = shlex.quote(inner) if _AWKWARD & set(inner) else f'"{inner}"'
    return f"make {name} ARGS={outer}"


def _program(under_make: bool) -> tuple[str, ...]:
    """The words that start this program; under make it isn't on the path."""
    if under_make:
        program = Path(sys.argv[0])
        inside = program.is_relative_to(Path.cwd())
        return (str(program.relative_to(Path.cwd()) if inside else program),)
    if Path(sys.argv[0]).parts[-2:] == ("fairsweep", "__main__.py"):
        return ("python", "-m", "fairsweep")
    return ("fairsweep",)

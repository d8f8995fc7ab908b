"""Writes the command that trains a run again, quoted so that it survives shell, make and shell.

In: Hydra overrides. Out: one line to paste.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

_AWKWARD = frozenset('"$`\\!')
"""What a shell still reads inside double quotes."""


def train_command(overrides: Sequence[str]) -> str:
    """`make train ARGS="…"` with these overrides.

    The text passes three readers: the user's shell, which takes one level of quotes off; make,
    which reads `$`; and the shell that make starts, which splits what is left into words. So each
    override is quoted by itself, every `$` doubled, and the whole put in double quotes, or in
    single ones where double quotes aren't enough. A line break can't pass through make: then
    Python is called directly.
    """
    if any("\n" in override or "\r" in override for override in overrides):
        return f"python -m pipeline.train {shlex.join(overrides)}"
    if not overrides:
        return "make train"
    inner = shlex.join(overrides).replace("$", "$$")
    outer = shlex.quote(inner) if _AWKWARD & set(inner) else f'"{inner}"'
    return f"make train ARGS={outer}"

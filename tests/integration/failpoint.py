"""Has a process killed, as by kill -9, at a call of one of the project's functions."""

from __future__ import annotations

import functools
import importlib
import os
import signal
from typing import Any


def arm(target: str, which: int | str, when: str) -> None:
    """Has one call of `target` end this process, before or after its work is done: the `which`-th
    one, or the first with arguments that show the text `which`."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    original, calls = getattr(owner, name), 0

    @functools.wraps(original)
    def deadly(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += isinstance(which, int) or which in repr((arguments, keywords))
        last = calls == (which if isinstance(which, int) else 1)
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **keywords)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)

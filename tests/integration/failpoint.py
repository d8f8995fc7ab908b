"""Runs a command that is killed, as by kill -9, at a call of one of the project's functions.

python -m failpoint MODULE:NAME COUNT before|after MODULE [ARGUMENT …]
"""

from __future__ import annotations

import functools
import importlib
import os
import runpy
import signal
import sys
from typing import Any


def arm(target: str, count: int, when: str) -> None:
    """Has the `count`-th call of `target` end this process, before or after its work is done."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    original, calls = getattr(owner, name), 0

    @functools.wraps(original)
    def deadly(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **keywords)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


if __name__ == "__main__":
    target, count, when, command, *rest = sys.argv[1:]
    arm(target, int(count), when)
    sys.argv = [command, *rest]
    runpy.run_module(command, run_name="__main__", alter_sys=True)

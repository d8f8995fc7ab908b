"""What a result depends on besides config and data: interpreter, packages, code."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path


def packages() -> str:
    """Every installed package and its version, one a line."""
    found = {d.name: d.version for d in importlib.metadata.distributions()}
    return "".join(f"{name}=={found[name]}\n" for name in sorted(found, key=str.lower))


def facts() -> dict[str, str]:
    """Interpreter, system, and the commit of the code with whether it was changed since."""
    git = _git("rev-parse", "HEAD")
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "git_commit": git or "unknown",
        "git_dirty": str(bool(_git("status", "--porcelain", "--untracked-files=no"))).lower()
        if git
        else "unknown",
    }


def _git(*arguments: str) -> str:
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # no git on this machine: the code came as an archive
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

"""What a result depends on besides config and data: interpreter, packages and code."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path


def packages() -> str:
    """Every installed package with its version, one per line."""
    found = {d.name: d.version for d in importlib.metadata.distributions()}
    return "".join(f"{name}=={found[name]}\n" for name in sorted(found, key=str.lower))


def facts() -> dict[str, str]:
    """Interpreter, system, and the commit of this code with whether it was changed since; unknown
    where it is an installed package."""
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


def code_sha256(places: Iterable[Path]) -> str:
    """SHA-256 over all of Python's files in folders, and over single files, with their names."""
    digest = hashlib.sha256()
    for place in sorted(set(places)):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{path.relative_to(place.parent).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _git(*arguments: str) -> str:
    """What git says of the repository that keeps this very file; nothing where none does.

    An installed package is kept in none, though its folder may stand in one of the user's own.
    """
    here = Path(__file__).resolve()
    git = ["git", "-C", str(here.parent)]
    kept = [*git, "ls-files", "--error-unmatch", here.name]
    try:
        if subprocess.run(kept, capture_output=True, check=False).returncode != 0:
            return ""
        done = subprocess.run([*git, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine: the code came as an archive
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

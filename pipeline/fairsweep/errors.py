"""Every way a command can fail, and its exit code.

    PipelineError
    ├── BadInput         2    an invalid value from the user; nothing was written
    ├── AlreadyRunning   3    another process is running this sweep
    ├── SweepChanged     4    data, model or search space changed since the sweep began
    ├── StorageError     5    the store is damaged, full or not writable
    └── Interrupted    130    stopped by the user; the same command continues

A trial that fails is none of these: it is a `TrialResult` with the outcome `failed`, and the
sweep goes on (exit code 1 at the end).
"""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path

DONE = 0
TRIAL_FAILED = 1

OURS = Path(__file__).parent
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
PASSWORD = re.compile(r"(:/+|//)[^/\s]*@")
PYTHONS_OWN = Path(sysconfig.get_path("stdlib"))
INSTALLED = {"site-packages", "dist-packages"}


def is_users(file: str) -> bool:
    """Whether a file named in a traceback is the user's code: not ours, not an installed package's
    or Python's, and not generated."""
    path = Path(file)
    if file.startswith("<") or path.name.startswith("__autograph_generated"):
        return False
    foreign = path.is_relative_to(OURS) or path.is_relative_to(PYTHONS_OWN)
    return not foreign and not INSTALLED & set(path.parts)


class PipelineError(Exception):
    """A command that can't continue. The message is complete, and written for the user."""

    exit_code = 2


class BadInput(PipelineError):
    """One or more invalid values. Each message names the rule, the value, the place, the remedy."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


class AlreadyRunning(PipelineError):
    """Another process is running this sweep and holds its lock."""

    exit_code = 3


class SweepChanged(PipelineError):
    """The stored sweep of this name has other data, models or search spaces."""

    exit_code = 4


class StorageError(PipelineError):
    """The store can't be read or written."""

    exit_code = 5


class Interrupted(PipelineError):
    """The user stopped the command; what was finished is stored."""

    exit_code = 130


def damaged(path: Path, why: object, remedy: str) -> StorageError:
    """The error about a damaged file of the store. It is left as it is, and copied once, however
    often it is met: the copy is named after its content."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
    copy = path.with_name(f"{path.name}.damaged-{digest}")
    if not copy.exists():
        shutil.copy(path, copy)
    return StorageError(
        f"{path} is damaged ({why}); it was left as it is, and copied to {copy}; {remedy}"
    )


def is_full(error: BaseException) -> bool:
    """Whether an error means that the disk is full, which SQLite says in words."""
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    return "disk is full" in str(error)


def unwritable(path: Path, error: BaseException) -> StorageError:
    """The error for a file of the store that couldn't be written."""
    if not is_full(error):
        return StorageError(f"writing to {path} failed: {getattr(error, 'strerror', error)}")
    folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free / 2**20
    return StorageError(
        f"writing to {path} failed: the disk is full ({free:.0f} MB free); free some space, "
        "then run the same command to continue"
    )


def without_password(address: str) -> str:
    """An address, or a text with one in it, without the password."""
    return PASSWORD.sub(r"\1…@", address)

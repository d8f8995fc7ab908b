"""Every way a command can end other than well, and the exit code each one has.

    PipelineError
    ├── BadInput         2    a value the user gave can't be right; nothing was written
    ├── AlreadyRunning   3    another process is running this sweep
    ├── SweepChanged     4    data, model or search space differ from when the sweep began
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
    """Whether code in a file, as a traceback names it, is the user's: it isn't ours, nor installed,
    nor Python's own, nor made on the way."""
    path = Path(file)
    if file.startswith("<") or path.name.startswith("__autograph_generated"):
        return False
    foreign = path.is_relative_to(OURS) or path.is_relative_to(PYTHONS_OWN)
    return not foreign and not INSTALLED & set(path.parts)


class PipelineError(Exception):
    """A command that can't go on. The message is written for the user, and complete."""

    exit_code = 2


class BadInput(PipelineError):
    """One or more values that break a rule, each told as rule, value, place and remedy."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


class AlreadyRunning(PipelineError):
    """Another live process holds the lock of this sweep."""

    exit_code = 3


class SweepChanged(PipelineError):
    """A stored sweep of this name was made from other data, models or search spaces."""

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
    """Whether an error says that the disk has no space left; SQLite says it in words."""
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    return "disk is full" in str(error)


def unwritable(path: Path, error: BaseException) -> StorageError:
    """What to tell of a file of the store that couldn't be written."""
    if not is_full(error):
        return StorageError(f"writing to {path} failed: {getattr(error, 'strerror', error)}")
    folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free / 2**20
    return StorageError(
        f"writing to {path} failed: its disk is full ({free:.0f} MB free); make room, and the same "
        "command continues"
    )


def without_password(address: str) -> str:
    """An address, or what has one in it, as it may be shown."""
    return PASSWORD.sub(r"\1…@", address)

"""Makes MLflow's database, whole or not at all.

MLflow builds it by some fifty migrations, which can't be gone through again once one of them was
cut short. So it is built under another name, and gets its own when it is done.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRAFT = ".mlflow.db.tmp"


def make_database(path: Path) -> None:
    """Makes the database if there is none; takes seconds.

    Args:
        path: where it belongs; its folder is there.
    """
    if path.exists():
        return
    from mlflow import MlflowClient

    with _alone(path.parent):
        if path.exists():  # another process was faster
            return
        draft = path.with_name(DRAFT)
        for left in draft.parent.glob(f"{DRAFT}*"):
            left.unlink()
        MlflowClient(tracking_uri=f"sqlite:///{draft}").search_experiments(max_results=1)
        draft.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps every other process that asks for the same out; the system ends it with this one."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

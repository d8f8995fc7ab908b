"""A store that doesn't answer: a server that is gone for a while, a database that is locked.

In: what MLflow's client raised. Out: whether it may answer later, and what to tell of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fairsweep.errors import PipelineError, StorageError, is_full
from fairsweep.tracking.store import Store

# What MLflow's client says when nobody answers, and when another process writes to the database.
AWAY = (
    "API request to",
    "database is locked",
    "Connection",
    "timed out",
    "TEMPORARILY_UNAVAILABLE",
)


def is_away(error: BaseException) -> bool:
    """Whether a store may answer later: a server that is gone for a while, a locked database."""
    if is_full(error):
        return False
    return isinstance(error, OSError) or any(word in str(error) for word in AWAY)


def gone(store: Store, error: BaseException, waiting: int = 0) -> StorageError:
    """What to tell of a store that doesn't answer, with so many operations still on disk."""
    why = str(error).splitlines()[0][:200]
    rest = f"{waiting} operations wait on disk; " if waiting else ""
    return StorageError(
        f"{store.uri} doesn't answer ({why}…); {rest}nothing is lost: once it is back, the same "
        "command goes on"
    )


@contextmanager
def answering(store: Store) -> Iterator[None]:
    """Has a store that stops answering told as that.

    Raises:
        StorageError: it did.
    """
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        if is_full(error) or not is_away(error) or store.local:
            raise
        raise gone(store, error) from error

"""A store that doesn't answer: a server that is down for a while, a database that is locked.

In: what MLflow's client raised. Out: whether the store may answer later, and the error to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fairsweep.errors import PipelineError, StorageError, is_full
from fairsweep.plural import plural
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
    """Whether an error means that the store may answer later."""
    if is_full(error):
        return False
    return isinstance(error, OSError) or any(word in str(error) for word in AWAY)


def gone(store: Store, error: BaseException, waiting: int = 0) -> StorageError:
    """The error about a store that doesn't answer, while `waiting` writes are kept on disk."""
    why = str(error).splitlines()[0][:200]
    rest = f"{plural(waiting, 'write')} kept on disk; " if waiting else ""
    return StorageError(
        f"{store.uri} doesn't answer ({why}…); {rest}nothing is lost: once it is back, run the "
        "same command again"
    )


@contextmanager
def answering(store: Store) -> Iterator[None]:
    """Turns the errors of a server that stops answering into one that says so.

    Raises:
        StorageError: the server doesn't answer.
    """
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        if is_full(error) or not is_away(error) or store.local:
            raise
        raise gone(store, error) from error

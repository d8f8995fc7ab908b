"""MLflow is imported and its database made while workers start, who take as long.

In: a store, and what may be done after that. Out: the database, in its place when it may be there:
a sweep whose models can't be trained leaves none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from fairsweep.files import locked
from fairsweep.tracking.store import Store, import_mlflow
from fairsweep.tracking.store.database import DRAFT, clear_drafts, draft_database


class HeadStart:
    """A thread that gets a store ready; a context manager, which leaves no draft behind.

    Args:
        store: which; only a local one without a database has one made.
        folder: for the draft; it is there, and on the store's disk.
        then: called by the thread afterwards, in turn, until the context is left; the database
            doesn't wait for them.
    """

    def __init__(self, store: Store, folder: Path, then: Sequence[Callable[[], None]] = ()) -> None:
        self._store = store
        self._draft = folder / DRAFT
        self._then = then
        self._ready, self._left = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._prepare, name="head start", daemon=True)

    def __enter__(self) -> HeadStart:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        self._thread.join()  # for one step at most
        self._draft.unlink(missing_ok=True)

    def place(self) -> None:
        """Puts the database into its place, unless one is there, and clears away what others left
        of theirs that were killed. Where it couldn't be made there is none: whoever opens the store
        makes it, and tells what is wrong."""
        self._ready.wait()
        with locked(self._store.root, wait=True):
            if self._draft.exists() and not self._store.database.exists():
                self._draft.replace(self._store.database)
            if self._store.database.exists():  # so nobody needs another
                clear_drafts(self._store.root)

    def _prepare(self) -> None:
        try:
            self._make_database()
        finally:
            self._ready.set()
        for step in self._then:
            if self._left.is_set():
                return
            step()

    def _make_database(self) -> None:
        import_mlflow()
        if self._left.is_set() or not self._store.local or self._store.database.exists():
            return
        try:
            draft_database(self._draft)
        except Exception:  # it is made again, see `place`
            self._draft.unlink(missing_ok=True)

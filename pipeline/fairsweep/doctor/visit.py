"""The doctor's visit: one sweep of a store after the other, each under its lock; a line for each
finding, and for each thing that was mended."""

from __future__ import annotations

from contextlib import ExitStack

from fairsweep.doctor.examine import Examination, examine, examine_store, mend, mend_store
from fairsweep.doctor.invariants import Finding
from fairsweep.doctor.mending import held_still
from fairsweep.errors import AlreadyRunning
from fairsweep.tracking.store import Store, sweep_lock


class Visit:
    """What was seen so far.

    Args:
        store: whose sweeps are looked at.
        fix: whether to mend what can be mended without training.
    """

    def __init__(self, store: Store, fix: bool) -> None:
        self._store = store
        self._fix = fix
        self._found = 0
        self._mended = 0
        self._sweeps = 0
        self._trainings = 0
        self._rows = 0
        self.left = 0
        self.running = 0

    @property
    def summary(self) -> str:
        """The last line: what was looked at, and what came of it."""
        running = f", {self.running} not looked at" if self.running else ""
        mended = f", {self._mended} mended" if self._fix else ""
        findings = "1 finding" if self._found == 1 else f"{self._found} findings"
        return (
            f"sweeps: {self._sweeps}{running}; trainings: {self._trainings}; rows: {self._rows}; "
            f"{findings}{mended}"
        )

    def sweep(self, name: str) -> None:
        """Looks at a sweep; one that is being run is told, and left alone."""
        lock = sweep_lock if self._fix else held_still
        with ExitStack() as stack:
            try:
                stack.enter_context(lock(self._store, name))
            except AlreadyRunning as running:
                print(running)
                self.running += 1
                return
            seen = examine(self._store, name)
            self._sweeps += 1
            self._count(seen)
            if self._fix and seen.findings:
                for line in mend(self._store, seen):
                    print(f"mended {name}: {line}")
                before, seen = seen, examine(self._store, name)
                self._mended += len(before.findings) - len(seen.findings)
        self._tell(seen.findings)
        if seen.sweep.unfinished or not seen.sweep.closed:
            trials = seen.sweep.unfinished
            print(f"{name} isn't finished ({trials} trials begun); the same command continues it")

    def store(self) -> None:
        """Looks at what belongs to no sweep in particular."""
        found = examine_store(self._store)
        self._found += len(found)
        if self._fix and found:
            for line in mend_store(self._store):
                print(f"mended the store: {line}")
            self._mended += len(found)
            found = examine_store(self._store)
        self._tell(found)

    def _count(self, seen: Examination) -> None:
        trainings, rows = seen.counts
        self._trainings += trainings
        self._rows += rows
        self._found += len(seen.findings)

    def _tell(self, findings: tuple[Finding, ...]) -> None:
        self.left += len(findings)
        for finding in findings:
            print(finding)

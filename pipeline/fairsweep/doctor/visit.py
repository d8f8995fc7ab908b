"""Goes through a store, one sweep after the other, and prints a line for each problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fairsweep.doctor.examine import examine, find_sweeps, held_still
from fairsweep.doctor.files import check_store
from fairsweep.doctor.problems import Problem
from fairsweep.errors import DONE, TRIAL_FAILED, AlreadyRunning, BadInput
from fairsweep.plural import plural
from fairsweep.tracking.store import Store


@dataclass
class Visit:
    """A visit to a store, and what was seen so far: how many sweeps, trainings, rows of metrics and
    problems, and why some sweeps couldn't be examined."""

    store: Store
    sweeps: int = 0
    trainings: int = 0
    rows: int = 0
    problems: int = 0
    skipped: list[AlreadyRunning | BadInput] = field(default_factory=list)

    def examine_sweep(self, name: str) -> None:
        """Examines a sweep; one that is running, or stored elsewhere, is named and skipped."""
        try:
            with held_still(self.store, name):
                examination = examine(self.store, name)
        except (AlreadyRunning, BadInput) as why:
            print(why)
            self.skipped.append(why)
            return
        sweep = examination.sweep
        self.sweeps += 1
        self.trainings += sum(
            len(runs) for key, runs in sweep.attempts.items() if not sweep.is_of_folds(key)
        )
        self.rows += sum(
            len(rows)
            for runs in sweep.attempts.values()
            for run in runs
            for rows in run.metrics.values()
        )
        self._print(examination.problems)
        if sweep.lost_runs:
            return  # nothing continues it
        if begun := sum(map(len, sweep.unfinished.values())):
            trials = plural(begun, "trial")
            print(f"{name} is unfinished ({trials} begun); the same command continues it")
        elif not sweep.closed:
            print(f"{name} is unfinished; the same command continues it")

    def examine_store(self) -> None:
        """Examines what belongs to no sweep in particular."""
        self._print(check_store(self.store))

    def _print(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            print(problem)
            self.problems += 1

    @property
    def summary(self) -> str:
        """The last line: what was examined, and what came of it."""
        skipped = f" ({len(self.skipped)} not examined)" if self.skipped else ""
        problems = plural(self.problems, "problem") if self.problems else "no problems"
        return (
            f"sweeps: {self.sweeps}{skipped}; trainings: {self.trainings}; rows of metrics: "
            f"{self.rows}; {problems}"
        )


def visit(store: Store, name: str | None) -> int:
    """Examines a store, or one sweep of it, prints what there is to say, and gives the exit code.

    Raises:
        BadInput: there is no such sweep.
    """
    seen = Visit(store)
    for sweep in find_sweeps(store, name):
        seen.examine_sweep(sweep)
    seen.examine_store()
    print(seen.summary)
    if seen.problems:
        return TRIAL_FAILED
    for why in seen.skipped:
        if name is not None or isinstance(why, AlreadyRunning):
            return why.exit_code
    return DONE

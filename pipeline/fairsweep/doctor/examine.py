"""Examines stored sweeps: what breaks the invariants, and what can be mended without training.

In: a store. Out: findings. Nothing is changed but by `mend`, which does what the next start of the
sweep would do first.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairsweep.doctor.files import broken_files, left_over, leftovers, remove, strays
from fairsweep.doctor.invariants import AGAIN, Examined, Finding, broken, missing_confirmations
from fairsweep.doctor.mending import interrupt, keep_copy
from fairsweep.doctor.runs import InspectedRun, inspect, sweep_names
from fairsweep.doctor.studies import InspectedStudies, inspect_journal, mend_tail, tell_stored
from fairsweep.errors import BadInput, StorageError
from fairsweep.records import TrialResult
from fairsweep.tracking import names
from fairsweep.tracking.store import Store, no_store


@dataclass(frozen=True)
class Examination:
    """A sweep as it is stored, with what is wrong of it; `left_over` and `journal_tail` (bytes) are
    what is to be taken away."""

    sweep: Examined
    findings: tuple[Finding, ...]
    left_over: tuple[Path, ...]
    journal_tail: int

    @property
    def counts(self) -> tuple[int, int]:
        """Trainings that stand, and rows of their metrics."""
        runs = [run for runs in self.sweep.standing.values() for run in runs]
        return len(runs), sum(len(rows) for run in runs for rows in run.metrics.values())


def find_sweeps(store: Store, name: str | None) -> list[str]:
    """The sweep of this name, None for all there are.

    Raises:
        BadInput: there is no such store or sweep; the message lists those there are.
        StorageError: the database is damaged.
    """
    if not (store.root / "studies").is_dir():
        raise no_store(store)
    found = sweep_names(store)
    if name is None:
        return found
    if name not in found:
        there_are = ", ".join(found) or "none yet"
        raise BadInput(
            f"sweep.name: there is no sweep {name!r} in {store.root}; there are: {there_are}"
        )
    return [name]


def examine(store: Store, name: str) -> Examination:
    """What is wrong of a sweep, for the holder of its lock; nothing is changed.

    Raises:
        StorageError: the database is damaged.
    """
    stored = inspect(store, name)
    journal, findings = store.journal(name), []
    try:
        studies = inspect_journal(journal)
    except StorageError as error:
        remedy = f"restore {journal}, or start another sweep with sweep.name=…"
        findings.append(Finding("V1", name, str(error), remedy))
        studies = InspectedStudies({}, 0)
    sweep = Examined(name, _about(stored.runs), stored.runs, studies.arms, stored.champion)
    if waiting := _waiting(journal.with_suffix(".spool")):
        what = f"{waiting} writes are in {journal.with_suffix('.spool')}, and not in MLflow yet"
        findings.append(Finding("V3", name, what, "the same command carries them out"))
        return Examination(sweep, tuple(findings), (), 0)
    if studies.left_over:
        what = f"{studies.left_over} bytes at the end of {journal} were left unfinished by a crash"
        findings.append(Finding("V1", name, what, AGAIN))
    if not findings or studies.arms:
        findings += broken(sweep)
    findings += broken_files(store, sweep)
    left = leftovers(store, sweep)
    findings += [left_over(name, path) for path in left]
    return Examination(sweep, tuple(findings), tuple(left), studies.left_over)


def _waiting(spool: Path) -> int:
    """How many writes a process left that it had yet to carry out: until then the runs are behind
    the studies, and nothing is to be mended."""
    return spool.read_bytes().count(b"\n") if spool.exists() else 0


def _about(runs: Sequence[InspectedRun]) -> Mapping[str, Any]:
    """What the sweep's run says of it; nothing where there is none yet."""
    for run in runs:
        if run.stage == "sweep" and names.SWEEP_TAG in run.tags:
            about: Mapping[str, Any] = json.loads(run.tags[names.SWEEP_TAG])
            return about
    return {}


def examine_store(store: Store) -> tuple[Finding, ...]:
    """What killed commands left in the store's folder, of no sweep in particular."""
    return tuple(left_over("the store", path) for path in strays(store))


def mend_store(store: Store) -> list[str]:
    """Takes that away; says what."""
    found = strays(store)
    for path in found:
        remove(path)
    return [f"removed {path}" for path in found]


def mend(store: Store, found: Examination) -> list[str]:
    """Does what the next start of the sweep would do before it trains, for the holder of its lock.
    Of what is changed in place a copy is kept.

    Returns:
        What was done, a line each.
    """
    sweep, journal, done = found.sweep, store.journal(found.sweep.name), []
    if _waiting(journal.with_suffix(".spool")):
        return []
    to_tell = defaultdict(list)
    for run in sweep.untold:
        to_tell[run.key.arm].append(_result(run, sweep))
    if found.journal_tail or to_tell:
        done.append(f"kept {keep_copy(journal)}")
    if found.journal_tail:
        mend_tail(journal)
        done.append(f"took {found.journal_tail} bytes off the end of {journal}")
    to_close = [run for run in sweep.runs if run.status == "RUNNING" and not sweep.told(run)]
    if sweep.closed and (sweep.unfinished or missing_confirmations(sweep)):
        to_close += [run for run in sweep.runs if run.stage in ("sweep", "arm")]
    if to_close:
        done += [f"kept {copy}" for copy in interrupt(store, [run.run_id for run in to_close])]
        done += [f"closed {sweep.place(run)} as interrupted" for run in to_close]
    for arm, results in to_tell.items():
        tell_stored(journal, arm, results)
        done += [f"told the study of {r.key}: {r.outcome}" for r in results]
    for path in found.left_over:
        remove(path)
        done.append(f"removed {path}")
    return done


def _result(run: InspectedRun, sweep: Examined) -> TrialResult:
    """What a run that has ended says of its training."""
    epoch = run.latest.get("best_epoch")
    return TrialResult(
        key=run.key,
        outcome=run.outcome,  # type: ignore[arg-type]
        epochs=int(run.latest.get("epochs", 0)),
        seconds=run.latest.get("seconds", 0.0),
        best_epoch=None if epoch is None else int(epoch),
        best_value=run.latest.get(f"best_{sweep.objective.metric}"),
        cause=run.tags.get(names.CAUSE, ""),
    )

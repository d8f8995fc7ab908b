"""What must hold of a stored sweep, whatever was killed on the way: V1 to V4, from rows alone.

V1 every trial of an arm has one outcome, or none yet. V2 exactly one run stands for a training, and
run, outcome and study agree. V3 every epoch of a run is stored once. V4 the study knows the values
that MLflow has, bit for bit.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fairsweep.doctor.runs import InspectedModel, InspectedRun
from fairsweep.doctor.studies import InspectedTrial, same
from fairsweep.records import Objective, TrialKey
from fairsweep.tracking.write.run import STATUS

AGAIN = "the same command continues the sweep and settles it; fix=true does without training"
TRAINS = "the same command trains it"
RESTORE = "restore the store from a copy, or start another sweep with sweep.name=…"


@dataclass(frozen=True)
class Finding:
    """A broken rule: where, what is wrong, and what to do."""

    rule: str
    place: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.rule} {self.place}: {self.what}; {self.remedy}"


@dataclass(frozen=True)
class Examined:
    """A sweep as it is stored: what its run says of it, its runs, and its studies by arm."""

    name: str
    about: Mapping[str, Any]
    runs: Sequence[InspectedRun]
    studies: Mapping[str, Sequence[InspectedTrial]]
    champion: InspectedModel | None = None

    @cached_property
    def objective(self) -> Objective:
        settings = self.about["objective"]
        return Objective(settings["metric"], settings["direction"])

    @cached_property
    def trainings(self) -> Sequence[InspectedRun]:
        return [run for run in self.runs if run.stage in ("search", "confirm")]

    @cached_property
    def standing(self) -> Mapping[TrialKey, Sequence[InspectedRun]]:
        """Runs that aren't interrupted, by training: as its first attempt."""
        found: defaultdict[TrialKey, list[InspectedRun]] = defaultdict(list)
        for run in self.trainings:
            if run.counts:
                key = run.key
                found[TrialKey(key.arm, key.stage, key.trial, key.repeat)].append(run)
        return dict(found)

    @cached_property
    def closed(self) -> bool:
        """Whether it is stored as done."""
        return any(
            (run.stage, run.status, run.outcome) == ("sweep", "FINISHED", "complete")
            for run in self.runs
        )

    @cached_property
    def untold(self) -> Sequence[InspectedRun]:
        """Runs of searched trials that have ended while their study doesn't know."""
        open_trials = {
            (arm, trial.number)
            for arm, trials in self.studies.items()
            for trial in trials
            if trial.state == "running"
        }
        return [
            runs[0]
            for key, runs in self.standing.items()
            if key.stage == "search" and (key.arm, key.trial) in open_trials
            if len(runs) == 1 and runs[0].status != "RUNNING" and runs[0].outcome
        ]

    def told(self, run: InspectedRun) -> bool:
        """Whether it is a searched trial's whose outcome the study knows: then no other attempt
        will stand for it."""
        if run.stage != "search":
            return False
        trials = self.studies.get(run.key.arm, ())
        return run.key.trial < len(trials) and trials[run.key.trial].finished

    @property
    def unfinished(self) -> int:
        """How many trials were begun and have no outcome."""
        return sum(not trial.finished for trials in self.studies.values() for trial in trials)

    def place(self, run: InspectedRun) -> str:
        return f"{self.name} {run.name} (run {run.run_id})"


def broken(sweep: Examined) -> Iterator[Finding]:
    """What breaks V1 to V4, and runs that are open though nobody holds the sweep's lock (V6)."""
    yield from _frame(sweep)
    if not sweep.about:
        return
    for arm, trials in sweep.studies.items():
        for trial in trials:
            yield from _trial(sweep, arm, trial)
    yield from _trainings(sweep)
    for run in sweep.runs:
        yield from _state(sweep, run)
    for run in sweep.trainings:
        yield from _rows(sweep, run)


def _frame(sweep: Examined) -> Iterator[Finding]:
    """One run for the sweep, one for each arm."""
    counts = Counter((run.stage, run.tags.get("arm", "")) for run in sweep.runs)
    wanted = {("sweep", "")}
    if sweep.closed:
        wanted |= {("arm", arm) for arm in sweep.about.get("arms", ())}
    elif not sweep.trainings:
        wanted = set()
    wanted |= {key for key in counts if key[0] in ("sweep", "arm")}
    for key in sorted(wanted):
        if counts[key] != 1:
            what = f"need one run of the {' '.join(key).strip()}, there are {counts[key]}"
            yield Finding("V2", sweep.name, what, RESTORE)
    if not sweep.about and sweep.trainings and counts["sweep", ""] == 1:
        yield Finding("V2", sweep.name, "its run doesn't say what it is about", RESTORE)


def _trial(sweep: Examined, arm: str, trial: InspectedTrial) -> Iterator[Finding]:
    place = f"{sweep.name} {arm}/{trial.number}"
    runs = sweep.standing.get(TrialKey(arm, "search", trial.number), ())
    if trial.state == "waiting":
        yield Finding("V1", place, "the study has it and never drew it", RESTORE)
    if not trial.finished:
        if sweep.closed:
            what = "it has no outcome, and the sweep is stored as complete"
            yield Finding("V1", place, what, AGAIN)
        if len(runs) == 1 and runs[0] in sweep.untold:
            what = f"its run has ended as {runs[0].outcome}, and the study wasn't told"
            yield Finding("V2", place, what, AGAIN)
        return
    if not trial.state_fits:
        what = f"the study has it as {trial.state}, with the outcome {trial.outcome or 'unknown'}"
        yield Finding("V1", place, what, RESTORE)
    if not runs:
        what = f"the study has it as {trial.outcome}, and no run stands for it"
        yield Finding("V2", place, what, RESTORE)
    if len(runs) != 1:
        return
    run, best = runs[0], f"best_{sweep.objective.metric}"
    stored = (run.outcome, int(run.latest.get("epochs", -1)))
    if stored != (trial.outcome, trial.epochs):
        what = (
            f"the study has it as {trial.outcome} after {trial.epochs} epochs, its run as "
            f"{stored[0] or 'open'} after {stored[1]} (-1: unknown)"
        )
        yield Finding("V2", place, what, RESTORE)
    if trial.state == "complete" and not same(trial.value, run.latest.get(best)):
        what = f"{best} is {trial.value!r} in the study and {run.latest.get(best)!r} in MLflow"
        yield Finding("V4", place, what, RESTORE)
    rows = dict(run.metrics.get(sweep.objective.metric, ()))
    for epoch, value in trial.judged.items():
        if not same(value, rows.get(epoch)):
            what = (
                f"{sweep.objective.metric} of epoch {epoch} is {value!r} in the study and "
                f"{rows.get(epoch)!r} in MLflow"
            )
            yield Finding("V4", place, what, RESTORE)


def _trainings(sweep: Examined) -> Iterator[Finding]:
    for key, runs in sweep.standing.items():
        place = f"{sweep.name} {key}"
        if len(runs) > 1:
            ids = ", ".join(run.run_id for run in runs)
            yield Finding("V2", place, f"{len(runs)} runs stand for it: {ids}", RESTORE)
        trials = sweep.studies.get(key.arm, ())
        if key.trial >= len(trials):
            what = f"run {runs[0].run_id} is of a trial that the study doesn't have"
            yield Finding("V1", place, what, RESTORE)
        elif key.stage == "confirm" and trials[key.trial].state != "complete":
            what = f"it confirms a trial that is {trials[key.trial].state} in the study"
            yield Finding("V2", place, what, RESTORE)
    for key in missing_confirmations(sweep) if sweep.closed else ():
        what = "no run stands for it, and the sweep is stored as complete"
        yield Finding("V2", f"{sweep.name} {key}", what, TRAINS)


def missing_confirmations(sweep: Examined) -> list[TrialKey]:
    """The seeds of each arm's best trial of which no run stands."""
    missing = []
    for arm in sweep.about.get("arms", ()):
        trials = sweep.studies.get(arm, ())
        values = [math.nan if trial.value is None else trial.value for trial in trials]
        index = sweep.objective.best(values)
        for repeat in range(sweep.about["confirm_seeds"]) if index is not None else ():
            key = TrialKey(arm, "confirm", trials[index or 0].number, repeat)
            if key not in sweep.standing:
                missing.append(key)
    return missing


def _state(sweep: Examined, run: InspectedRun) -> Iterator[Finding]:
    if run.status == "RUNNING":
        what = "it is open, and no process runs the sweep"
        yield Finding("V6", sweep.place(run), what, RESTORE if sweep.told(run) else AGAIN)
    elif STATUS.get(run.outcome) != run.status:  # type: ignore[call-overload]
        what = f"its status is {run.status}, and its outcome {run.outcome or 'missing'}"
        yield Finding("V2", sweep.place(run), what, RESTORE)


def _rows(sweep: Examined, run: InspectedRun) -> Iterator[Finding]:
    """Every epoch once, none left out, and what is said of the whole agrees with them."""
    place = sweep.place(run)
    ended = run.counts and run.status != "RUNNING"
    names = {"loss", "accuracy"}
    if sweep.about["data"].get("validation rows", 0):
        names |= {"val_loss", "val_accuracy"}
    longest = max((step for name in names for step, _ in run.metrics.get(name, ())), default=0)
    epochs = int(run.latest.get("epochs", longest)) if ended else longest
    if ended and "epochs" not in run.latest:
        yield Finding("V3", place, "it has ended and doesn't say after how many epochs", RESTORE)
    if run.outcome == "failed":  # the epochs of one whose workers died aren't counted
        epochs = max(epochs, longest)
    for name in sorted(names):
        steps = Counter(step for step, _ in run.metrics.get(name, ()))
        for step, count in sorted(steps.items()):
            if count > 1:
                what = f"{name} has {count} rows of epoch {step}"
                yield Finding("V3", place, what, RESTORE)
        lost = sorted(set(range(1, epochs + 1)) - set(steps))
        if lost:
            yield Finding("V3", place, f"{name} lacks the epochs {_short(lost)}", RESTORE)
        if extra := sorted(set(steps) - set(range(1, epochs + 1))):
            what = f"{name} has epochs beyond the {epochs} it ended after: {_short(extra)}"
            yield Finding("V3", place, what, RESTORE)
    for name, rows in run.metrics.items():
        last = [value for step, value in rows if step == rows[-1][0]]
        if not any(same(run.latest.get(name), value) for value in last):
            what = f"MLflow shows {name} as {run.latest.get(name)!r}, its last row is {last[-1]!r}"
            yield Finding("V3", place, what, RESTORE)
        if name not in names and len(rows) > 1:
            yield Finding("V3", place, f"{name} has {len(rows)} rows, and is said once", RESTORE)
    if ended:
        yield from _best(sweep, run, place)


def _best(sweep: Examined, run: InspectedRun, place: str) -> Iterator[Finding]:
    rows = dict(run.metrics.get(sweep.objective.metric, ()))
    name = f"best_{sweep.objective.metric}"
    said, epoch = run.latest.get(name), run.latest.get("best_epoch")
    if said is None or epoch is None:
        if run.outcome == "complete":
            yield Finding("V4", place, f"it is complete and has no {name}", RESTORE)
        return
    steps = sorted(rows)
    index = sweep.objective.best([rows[step] for step in steps])
    best = None if index is None else (steps[index], rows[steps[index]])
    if best is None or best[0] != epoch or not same(best[1], said):
        what = f"{name} is {said!r} at epoch {epoch:g}, its rows say {best and best[1]!r}"
        yield Finding("V4", place, what, RESTORE)


def _short(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    return shown if len(numbers) <= 5 else f"{shown}, … ({len(numbers)})"

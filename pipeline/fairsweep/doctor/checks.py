"""V1 to V4, which compare a sweep's studies with its runs, and runs that were left open (V6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fairsweep.doctor.folds import check_folds, judged_on_folds
from fairsweep.doctor.problems import AGAIN, RESTORE, Problem
from fairsweep.doctor.runs import StoredRun
from fairsweep.doctor.studies import StoredTrial, same
from fairsweep.doctor.sweep import StoredSweep
from fairsweep.metrics import of_epoch, stored
from fairsweep.plural import plural
from fairsweep.records import SearchKey, TrialKey
from fairsweep.tracking.names import SWEEP_TAG
from fairsweep.tracking.write.run import STATUS


def check_rows(sweep: StoredSweep) -> Iterator[Problem]:
    """What breaks V1 to V4, and runs that are open though no process holds the sweep's lock."""
    if sweep.lost_runs:
        what = "its studies have finished trials, but MLflow has none of its runs"
        yield Problem("V2", sweep.name, what, RESTORE)
    yield from _check_frame(sweep)
    if not sweep.about:
        return
    for search, trials in sweep.studies.items():
        for trial in trials:
            yield from _check_trial(sweep, search, trial)
    yield from _check_trainings(sweep)
    for run in sweep.runs:
        yield from _check_status(sweep, run)
    for run in sweep.trainings:
        if not sweep.is_of_folds(run.key):
            yield from _rows(sweep, run)
        elif run.has_ended:
            yield from check_folds(sweep, run)


def _check_frame(sweep: StoredSweep) -> Iterator[Problem]:
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
            what = f"need one run for the {' '.join(key).strip()}, found {counts[key]}"
            yield Problem("V2", sweep.name, what, RESTORE)
    if not sweep.about and sweep.trainings and counts["sweep", ""] == 1:
        what = f"its run lacks the tag {SWEEP_TAG}, which describes the sweep"
        yield Problem("V2", sweep.name, what, RESTORE)


def _check_trial(sweep: StoredSweep, search: SearchKey, trial: StoredTrial) -> Iterator[Problem]:
    key = TrialKey(search.arm, "search", trial.number, search=search.number)
    place = f"{sweep.name} {key}"
    runs = sweep.attempts.get(key, ())
    if trial.state == "waiting":
        yield Problem("V1", place, "it is queued in the study and was never drawn", RESTORE)
    if not trial.finished:
        if len(runs) == 1 and key in sweep.ended:
            what = f"its run has ended as {runs[0].outcome}, but the study was never told"
            yield Problem("V2", place, what, AGAIN)
        elif sweep.closed:
            what = "it has no outcome, although the sweep is stored as complete"
            yield Problem("V1", place, what, AGAIN)
        return
    if not trial.state_fits:
        what = f"its state in the study is {trial.state}, its outcome {trial.outcome or 'missing'}"
        yield Problem("V1", place, what, RESTORE)
    if not runs:
        what = f"it is {trial.outcome or trial.state} in the study, but has no run in MLflow"
        yield Problem("V2", place, what, RESTORE)
    if len(runs) == 1:
        yield from _check_agreement(sweep, place, trial, runs[0])


def _check_agreement(
    sweep: StoredSweep, place: str, trial: StoredTrial, run: StoredRun
) -> Iterator[Problem]:
    """What study and run say of a trial that ended."""
    epochs = run.latest.get("epochs")
    if (run.outcome, epochs) != (trial.outcome, trial.epochs):
        after = "an unknown number of epochs" if epochs is None else plural(int(epochs), "epoch")
        what = (
            f"it is {trial.outcome or trial.state} after {plural(trial.epochs, 'epoch')} in the "
            f"study, but {run.outcome or 'open'} after {after} in MLflow"
        )
        yield Problem("V2", place, what, RESTORE)
    best = f"best_{sweep.objective.metric}"
    if trial.state == "complete" and not same(trial.value, run.latest.get(best)):
        what = f"{best} is {trial.value!r} in the study, but {run.latest.get(best)!r} in MLflow"
        yield Problem("V4", place, what, RESTORE)
    name = sweep.objective.stored_second
    if name and not same(trial.second, run.latest.get(name)):
        what = f"{name} is {trial.second!r} in the study, but {run.latest.get(name)!r} in MLflow"
        yield Problem("V4", place, what, RESTORE)
    rows: Mapping[int, float] = dict(run.metrics.get(sweep.objective.metric, ()))
    if sweep.search_folds:
        rows = judged_on_folds(sweep, run)
    for epoch, value in trial.judged.items():
        earlier = trial.outcome == "failed" and epoch > trial.epochs  # attempt, of a worker lost
        if not earlier and not same(value, rows.get(epoch)):
            what = (
                f"{sweep.objective.metric} of {'step' if sweep.search_folds else 'epoch'} {epoch} "
                f"is {value!r} in the study, but {rows.get(epoch)!r} in MLflow"
            )
            yield Problem("V4", place, what, RESTORE)


def _check_trainings(sweep: StoredSweep) -> Iterator[Problem]:
    for key, runs in sweep.attempts.items():
        place = f"{sweep.name} {key}"
        if len(runs) > 1:
            ids = ", ".join(run.run_id for run in runs)
            yield Problem("V2", place, f"it has {len(runs)} runs, need one: {ids}", RESTORE)
        trials = sweep.studies.get(key.of, ())
        if key.trial >= len(trials):
            what = f"run {runs[0].run_id} belongs to a trial that the study doesn't have"
            yield Problem("V1", place, what, RESTORE)
        elif key.stage != "search" and trials[key.trial].state != "complete":
            searched = replace(key, stage="search", repeat=0, fold=None)
            if not trials[key.trial].finished and searched in sweep.ended:
                continue  # the study was never told, which is a problem of its trial
            what = f"it trains again a trial that is {trials[key.trial].state} in the study"
            yield Problem("V2", place, what, RESTORE)
    trained = {key.of for key in sweep.attempts}
    for search in sweep.searches if sweep.closed else ():
        if search not in sweep.studies and search not in trained:
            what = "this search has no study, although the sweep is stored as complete"
            yield Problem("V1", f"{sweep.name} {search}", what, RESTORE)
    for key in sweep.missing_confirmations() if sweep.closed else ():
        if sweep.unfinished.get(key.of):
            continue  # told already; which of its trials is the best isn't known yet
        what = "it has no run, although the sweep is stored as complete"
        yield Problem("V2", f"{sweep.name} {key}", what, AGAIN)


def _check_status(sweep: StoredSweep, run: StoredRun) -> Iterator[Problem]:
    if run.status == "RUNNING":
        remedy = RESTORE if sweep.knows_outcome(run) else AGAIN
        what = "its status is RUNNING, but no process runs the sweep"
        yield Problem("V6", sweep.place(run), what, remedy)
    elif STATUS.get(run.outcome) != run.status:  # type: ignore[call-overload]
        what = f"its status is {run.status}, but its outcome {run.outcome or 'missing'}"
        yield Problem("V2", sweep.place(run), what, RESTORE)


def _rows(sweep: StoredSweep, run: StoredRun) -> Iterator[Problem]:
    """Every epoch once, none left out, and what is said of the whole agrees with them."""
    place, ended = sweep.place(run), run.has_ended
    validation = bool(sweep.about["data"].get("validation rows", 0)) and run.stage != "refit"
    names = set(of_epoch(stored(sweep.about), validation))
    once = {"epochs", "seconds", "best_epoch", f"best_{sweep.objective.metric}"}
    once.add(sweep.objective.stored_second)
    own = {n for n in run.metrics if n not in names | once and not n.startswith("test_")}
    longest = max((step for name in names for step, _ in run.metrics.get(name, ())), default=0)
    epochs = int(run.latest.get("epochs", longest)) if ended else longest
    if ended and "epochs" not in run.latest:
        yield Problem("V3", place, "it has ended without the metric epochs", RESTORE)
    for name in sorted(names | own):  # a model of the user's own may measure more
        steps = Counter(step for step, _ in run.metrics.get(name, ()))
        for step, count in sorted(steps.items()):
            if count > 1:
                what = f"{name} has {count} rows for epoch {step}"
                yield Problem("V3", place, what, RESTORE)
        lost = sorted(set(range(1, epochs + 1)) - set(steps))
        if lost and name in names:
            yield Problem("V3", place, f"{name} has no row for {_epochs(lost)}", RESTORE)
        if extra := sorted(set(steps) - set(range(1, epochs + 1))):
            what = f"{name} has rows for {_epochs(extra)}, but it ended after {epochs}"
            yield Problem("V3", place, what, RESTORE)
    for name, rows in run.metrics.items():
        last = [value for step, value in rows if step == rows[-1][0]]
        if not any(same(run.latest.get(name), value) for value in last):
            what = f"MLflow shows {name} as {run.latest.get(name)!r}, its last row is {last[-1]!r}"
            yield Problem("V3", place, what, RESTORE)
        if name not in names | own and len(rows) > 1:
            yield Problem("V3", place, f"{name} has {len(rows)} rows, need one", RESTORE)
    if ended:
        yield from _check_best(sweep, run, place)


def _check_best(sweep: StoredSweep, run: StoredRun, place: str) -> Iterator[Problem]:
    """The best value of a run is the best of its rows."""
    rows = dict(run.metrics.get(sweep.objective.metric, ()))
    name = f"best_{sweep.objective.metric}"
    value, epoch = run.latest.get(name), run.latest.get("best_epoch")
    if value is None or epoch is None:
        if run.outcome == "complete" and run.stage != "refit":
            yield Problem("V4", place, f"it is complete, but has no {name}", RESTORE)
        return
    steps = sorted(rows)
    index = sweep.objective.best([rows[step] for step in steps])
    best = None if index is None else (steps[index], rows[steps[index]])
    if best is None or best[0] != epoch or not same(best[1], value):
        found = "none" if best is None else f"{best[1]!r} at epoch {best[0]}"
        what = f"{name} is {value!r} at epoch {epoch:g}, but the best of its rows is {found}"
        yield Problem("V4", place, what, RESTORE)


def _epochs(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    more = f", … ({len(numbers)} in all)" if len(numbers) > 5 else ""
    return f"{'epoch' if len(numbers) == 1 else 'epochs'} {shown}{more}"

"""Trials of a search on folds: the run of each says what its folds, whose runs are inside it, come
to.

In: a stored sweep and the run of a trial. Out: what breaks V2 to V4; the sweep's own rules say what
has to be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fairsweep.doctor.problems import RESTORE, Problem
from fairsweep.doctor.runs import StoredRun
from fairsweep.doctor.studies import same
from fairsweep.doctor.sweep import StoredSweep
from fairsweep.folds import mean_over_folds
from fairsweep.metrics import of_epoch, stored
from fairsweep.records import TrialResult
from fairsweep.search.study import step, value_so_far
from fairsweep.stages.folds import best, whole


def check_folds(sweep: StoredSweep, run: StoredRun) -> Iterator[Problem]:
    """What is wrong with a trial that has ended, or with its folds."""
    place, trained = sweep.place(run), _trained(sweep, run)
    if missing := _missing(sweep, run, len(trained)):
        for fold in missing:
            what = f"fold {fold} has no run that has ended, although its trial is {run.outcome}"
            yield Problem("V2", place, what, RESTORE)
        return
    ended = [_result(sweep, fold) for fold in trained]
    pruned = run.outcome == "pruned" and len(ended) < sweep.search_folds
    if any(result.outcome != "complete" for result in ended[:-1]):
        what = f"its folds ended as {', '.join(r.outcome for r in ended)}, and more were trained"
        yield Problem("V2", place, what, RESTORE)
    wanted = whole(run.key, ended, pruned=pruned and ended[-1].outcome == "complete")
    if wanted.outcome != run.outcome:
        what = f"its outcome is {run.outcome}, but its folds ended as {_outcomes(ended)}"
        yield Problem("V2", place, what, RESTORE)
    objective = f"best_{sweep.objective.metric}"
    for name, value, what in (
        ("epochs", float(wanted.epochs), "its folds have"),
        (objective, wanted.best_value, "the mean over its folds is"),
        ("best_epoch", wanted.best_epoch, "the median of its folds is"),
        (sweep.objective.stored_second, wanted.second, "the mean over its folds is"),
    ):
        if not same(run.latest.get(name), value):
            found = f"{name} is {run.latest.get(name)!r}, but {what} {value!r}"
            yield Problem("V4", place, found, RESTORE)
    yield from _check_curves(sweep, run, trained)


def judged_on_folds(sweep: StoredSweep, run: StoredRun) -> Mapping[int, float]:
    """The value of a trial at each step at which it may have been judged."""
    found: dict[int, float] = {}
    epochs, before = sweep.longest(run), list[float]()
    for fold, own in enumerate(_trained(sweep, run)):
        for epoch, value in own.metrics.get(sweep.objective.metric, ()):
            found[step(epoch, fold, epochs)] = value_so_far(before, value)
        last = best(_result(sweep, own))
        found[step(epochs, fold, epochs)] = value_so_far(before, last)
        before.append(last)
    return found


def _trained(sweep: StoredSweep, run: StoredRun) -> Sequence[StoredRun]:
    """The runs of a trial's folds, up to the first one that hasn't ended."""
    found: list[StoredRun] = []
    while runs := sweep.attempts.get(replace(run.key.first, fold=len(found)), ()):
        if not runs[0].has_ended:
            break
        found.append(runs[0])
    return found


def _missing(sweep: StoredSweep, run: StoredRun, trained: int) -> Sequence[int]:
    """The folds that have to be there, and aren't: all of a complete trial, and in any all before
    one that was begun."""
    keys = [replace(run.key.first, fold=fold) for fold in range(sweep.search_folds)]
    begun = [fold for fold, key in enumerate(keys) if key in sweep.attempts]
    needed = sweep.search_folds if run.outcome == "complete" else 1 + max(begun, default=0)
    return [fold for fold in range(trained, needed) if keys[fold] not in sweep.ended]


def _result(sweep: StoredSweep, run: StoredRun) -> TrialResult:
    epoch = run.latest.get("best_epoch")
    return TrialResult(
        run.key,
        run.outcome,  # type: ignore[arg-type]
        int(run.latest.get("epochs", 0)),
        run.latest.get("seconds", 0.0),
        None if epoch is None else int(epoch),
        run.latest.get(f"best_{sweep.objective.metric}"),
        second=run.latest.get(sweep.objective.stored_second),
    )


def _outcomes(ended: Sequence[TrialResult]) -> str:
    return ", ".join(result.outcome for result in ended)


def _check_curves(
    sweep: StoredSweep, run: StoredRun, trained: Sequence[StoredRun]
) -> Iterator[Problem]:
    """Its epochs are the mean over its folds, each once."""
    names = of_epoch(stored(sweep.about))
    curves = [
        {name: [value for _, value in fold.metrics[name]] for name in names if name in fold.metrics}
        for fold in trained
    ]
    wanted = mean_over_folds(curves)
    for name in names:
        rows = run.metrics.get(name, ())
        due = [(epoch, own[name]) for epoch, own in enumerate(wanted, 1) if name in own]
        if len(rows) != len(due):
            what = f"{name} has {len(rows)} rows, but its folds have {len(due)} epochs in common"
            yield Problem("V3", sweep.place(run), what, RESTORE)
            continue
        for (epoch, value), (other, mean) in zip(rows, due, strict=True):
            if epoch != other or not same(value, mean):
                what = (
                    f"{name} is {value!r} in epoch {epoch}, but the mean over its folds is "
                    f"{mean!r} in epoch {other}"
                )
                yield Problem("V3", sweep.place(run), what, RESTORE)
                break

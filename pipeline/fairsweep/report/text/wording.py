"""Says in sentences what is missing from a result, and what its runs, arms and model are.

In: a sweep, what was selected from it, and the verdict. Out: plain text; escaping is up to the
page it goes into.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from fairsweep.importances import Importances
from fairsweep.metrics import VALIDATION, base_name, has_unit, measured_on_validation
from fairsweep.plural import plural, times
from fairsweep.records import Confirmation, Objective, RunRecord, SweepRecord
from fairsweep.report.analysis.select import ArmSelection, Selection, value_of
from fairsweep.report.analysis.statistics import Claim, Verdict, summarize
from fairsweep.report.text.numbers import number, spread
from fairsweep.report.text.second import preferred
from fairsweep.tasks import task_in
from fairsweep.tested import Residuals
from fairsweep.work import Work

LUCK: Mapping[Claim, str] = {
    "configuration": "rows and seeds",
    "search": "rows, seeds and searches",
    "split": "validation rows and seeds",
    "rows": "the random seed",
}
"""What differs between equal arms, by what is claimed."""


def scale_of(selection: Selection, verdict: Verdict) -> float:
    """A value as large as those that are compared, for the digits of their differences."""
    means = [sample.mean for sample in selection.samples.values()]
    return max(means, key=abs) if verdict.best else 0.0


def notes(sweep: SweepRecord, selection: Selection, verdict: Verdict) -> tuple[str, ...]:
    """What a reader has to know before believing the numbers; empty when nothing is missing."""
    found = [*_unfinished(selection), *_searches(sweep, selection)]
    for entry in selection.arms:
        found += _confirmations(sweep, entry)
    found += _units(sweep, selection)
    if sweep.code_changed:
        found.append(
            "The code has changed since this sweep was begun, so trainings from before and after "
            "may not be comparable. If it changes results, start another sweep (sweep.name=…)."
        )
    if sweep.confirmation.trainings == 0 and selection.leader():
        found.append(
            "The best configurations weren't confirmed (confirm.seeds=0). The best value of a "
            "search is the luckiest of many, and overstates the arm. Without a confirmation "
            "no model is published."
        )
    if sweep.confirmation.trainings == 1:
        found.append(
            "With one confirmation per arm there can be no interval and no test. Use five or more "
            "(confirm.seeds=5)."
        )
    if sweep.confirmation.searches == 2:
        found.append(
            "Two searches per arm tell next to nothing of how much searches vary. Use three or "
            "more (search.repeats=3), in another sweep (sweep.name=…)."
        )
    if verdict.kind == "tie" and one_repeat(sweep.confirmation):
        found.append(
            "With one repeat of the folds, the luck of trainings can't be told from that of rows, "
            "so small differences stay unseen. Two find much more: add confirm.repeats=2 to the "
            "same command, which continues this sweep."
        )
    if verdict.kind == "described":
        found.append(_undecided(sweep, selection))
    return tuple(found)


def _units(sweep: SweepRecord, selection: Selection) -> Iterator[str]:
    """That an objective adds up unlike numbers."""
    metric = sweep.objective.metric
    kept = [run.tested for entry in selection.arms for run in entry.confirmed]
    targets = max((len(own.targets) for own in kept if isinstance(own, Residuals)), default=0)
    if targets > 1 and has_unit(metric):
        name = metric.replace(base_name(metric), "r2")
        yield (
            f"{metric} is the mean over {targets} targets, each in its own unit, so the one with "
            f"the largest numbers decides. {name} counts them alike: start another sweep with "
            f"objective.metric={name} if that is meant."
        )


def _undecided(sweep: SweepRecord, selection: Selection) -> str:
    """Why the confirmed means can only be described, and how to get more."""
    metric = sweep.objective.metric
    if not measured_on_validation(metric):
        return (
            f"{metric} is measured on the rows that a model was trained on. The arm that fits "
            "these best needn't be the best on new ones, so no winner is named. Start another "
            f"sweep with objective.metric={VALIDATION}{metric}."
        )
    shared = "All confirmations were judged on the same validation rows, and "
    luck = ". A difference may be the luck of these rows, so no winner is named. "
    if any(run.judged for entry in selection.arms for run in entry.confirmed):
        why = f"this model's {metric} isn't the mean over rows"
        return f"{shared}{why}{luck}Start another sweep with confirm.folds=5."
    why = "what they said of each row isn't stored"
    return f"{shared}{why}{luck}Start another sweep with sweep.name=… to have it stored."


def one_repeat(scheme: Confirmation) -> bool:
    """Whether each row was judged once."""
    return bool(scheme.folds) and scheme.repeats == 1


def repeated(scheme: Confirmation) -> tuple[str, str]:
    """What there can be more of beside rows, and the setting that says how many."""
    if scheme.searches > 1:
        return "searches", "search.repeats"
    return ("repeats", "confirm.repeats") if scheme.folds else ("seeds", "confirm.seeds")


def comparisons_line(verdict: Verdict) -> str:
    """How to read the table of comparisons; empty when there is none."""
    if not verdict.comparisons:
        return ""
    luck = LUCK[verdict.claim]
    luck = f"{luck} alone" if verdict.claim == "rows" else f"the luck of {luck}"
    return (
        f"Differences are {verdict.best} minus the other arm, on the same rows with the same "
        f"seeds. Where the interval contains zero, {luck} could explain the difference."
    )


def importance_line(importances: Mapping[str, Importances]) -> str:
    """Why no parameter can be called important; empty where some can, or nothing is known."""
    if not importances or any(own.parameters for own in importances.values()):
        return ""
    why = "; ".join(f"{arm}: {own.missing}" for arm, own in importances.items())
    return f"It is too early to say which of them mattered ({why})."


def facts(sweep: SweepRecord) -> tuple[str, ...]:
    """The sweep in a line of short items."""
    better = "higher" if sweep.objective.higher_is_better else "lower"
    started = datetime.fromtimestamp(sweep.started / 1000, UTC)
    on_folds = f", every trial on {sweep.search_folds} folds" if sweep.search_folds else ""
    return (
        f"{sweep.objective.metric}, {better} is better",
        f"{plural(len(sweep.arms), 'arm')} with {_budget(sweep)} each{on_folds}",
        confirmed_how(sweep.confirmation),
        f"started {started:%Y-%m-%d %H:%M} UTC",
        *_work(sweep.work),
    )


def _work(work: Work | None) -> Iterator[str]:
    if work is None:
        return
    yield f"workers busy {work.share:.0%}"
    if (own := work.compiled) is not None and own.programs:
        yield f"{plural(own.programs, 'program')} compiled in {own.seconds:.1f} s of their time"


def _budget(sweep: SweepRecord) -> str:
    searches, trials = sweep.confirmation.searches, plural(sweep.trials, "trial")
    return trials if searches == 1 else f"{searches} searches of {trials}"


def confirmed_how(scheme: Confirmation) -> str:
    """How best configurations were trained again, in short."""
    if not scheme.folds:
        return f"confirmed on {plural(scheme.repeats, 'seed')}"
    return f"confirmed on {scheme.folds} folds, {times(scheme.repeats)}"


def best_run_title(
    run: RunRecord, entry: ArmSelection, verdict: Verdict, objective: Objective
) -> str:
    """What the run is called that the report is about."""
    instead = verdict.best not in (None, entry.arm) or preferred(run, entry, objective)
    return "Recommended run" if instead else "Best run"


def best_run_line(
    run: RunRecord, sweep: SweepRecord, verdict: Verdict, selection: Selection
) -> str:
    """Which run the report calls best, and by what right."""
    epoch = "" if run.best_epoch is None else f" at epoch {run.best_epoch} of {run.epochs}"
    if sweep.search_folds:
        epoch = f" on average over {sweep.search_folds} folds"
    metric = sweep.objective.metric
    found = f"{metric} {number(value_of(run), of=metric)}{epoch}"
    entry = selection[run.key.arm]
    why = preferred(run, entry, sweep.objective)
    if not selection.confirmed:
        place = f"It reached {found}" if why else f"The best run of the search: {found}"
        return f"{place}. It isn't confirmed.{why}"
    own = f"The search reached {found}; confirmed, it averaged {_mean_of(entry.retrained, metric)}."
    own += why
    if (searches := selection.scheme.searches) > 1:
        return f"{own}{_best_of(entry, metric, searches)}"
    if verdict.kind == "tie" and entry.arm == verdict.best:
        return f"{own} This is the best mean of the tied arms."
    if verdict.kind == "none":
        return f"{own} This is the best mean, but some of its trainings diverged."
    return own


def _best_of(entry: ArmSelection, metric: str, searches: int) -> str:
    """How the mean of what was chosen from several searches differs from the arm's own."""
    return (
        f" The confirmed mean is the best of the {searches} searches of {entry.arm}, and partly "
        f"luck: over all of them {entry.arm} averaged {mean_of(entry, metric)}, which is what the "
        "verdict compares."
    )


def again(sweep: SweepRecord) -> str:
    """What the command does that trains the best run again."""
    return "train its first fold again" if sweep.search_folds else "train it again"


def champion_line(sweep: SweepRecord, selection: Selection) -> str:
    """What the published model is; empty while there is none."""
    champion = sweep.champion
    if champion is None:
        return ""
    run = next((run for run in sweep.runs if run.run_id == champion.run_id), None)
    searches, metric = selection.scheme.searches, sweep.objective.metric
    luck = _best_of(selection[run.key.arm], metric, searches) if run and searches > 1 else ""
    return (
        f"Version {champion.version} of {champion.name} in MLflow's model registry, with the alias "
        f"champion: {run.key if run else champion.run_id}, {_origin(run)}. Its configuration's "
        f"confirmed mean is {number(champion.mean, of=metric)}{_tested(run, sweep)}.{luck} The "
        f"model takes rows as they are in the data set, and returns {task_in(sweep.data).says}:"
    )


def _origin(run: RunRecord | None) -> str:
    """Which training a published model is of."""
    if run is None or run.key.stage != "refit":
        return "the best training of its arm"
    return (
        "its arm's configuration trained once more on all rows that aren't for testing, for "
        f"{plural(run.epochs, 'epoch')}, as many as the confirmations found best"
    )


def _tested(run: RunRecord | None, sweep: SweepRecord) -> str:
    """What test rows say of a published model."""
    name = f"test_{base_name(sweep.objective.metric)}"
    value = None if run is None else run.test.get(name)
    return "" if value is None else f", and its {name} {number(value, of=name)}"


def group_of(sweep: SweepRecord) -> str:
    """What an arm is: `optimizer`, `model`, …"""
    return sweep.group.rsplit("/", 1)[-1] or "arm"


def of_group(sweep: SweepRecord) -> str:
    """An arm as one of its kind: `an optimizer`, `a model`, …"""
    kind = group_of(sweep)
    if kind == "arm":
        return "one configuration"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def mean_of(entry: ArmSelection, metric: str) -> str:
    """An arm's confirmed mean of the objective's metric, and of how many trainings it is."""
    return _mean_of(entry.confirmed, metric)


def _mean_of(runs: Sequence[RunRecord], metric: str) -> str:
    summary = summarize([value_of(run) for run in runs])
    if summary is None:
        return "nothing"
    return f"{spread(summary.mean, summary.sd, metric)} over {plural(summary.n, 'training')}"


def _unfinished(selection: Selection) -> list[str]:
    if not selection.pending:
        return []
    training = f" {plural(selection.running, 'run')} training." if selection.running else ""
    text = (
        f"The sweep is still running, or was interrupted.{training} Runs of "
        f"{listed(selection.pending)} are still to come, and no winner is named before they have "
        "ended. The same command continues the sweep."
    )
    return [text]


def _searches(sweep: SweepRecord, selection: Selection) -> list[str]:
    found = []
    for entry in selection.arms:
        ended = len(entry.trials) - entry.counts["running"]
        if entry.best is None and ended:
            told = ", ".join(f"{count} {name}" for name, count in entry.counts.items() if count)
            found.append(f"{entry.arm}: no trial completed ({told}).")
        trials = sweep.trials * sweep.confirmation.searches
        if ended < trials:
            why = "."
            if sweep.finished:
                unknown = "a limit of epochs or minutes, or the end of its grid, came first"
                why = f": {sweep.cut_off.get(entry.arm, unknown)}."
            if entry.arm in sweep.stopped:
                why = f". Stopped: {sweep.stopped[entry.arm]}."
            found.append(f"{entry.arm}: {ended} of {plural(trials, 'trial')} ended{why}")
    runs = [run for entry in selection.arms for run in entry.trials]
    if failed := [run for run in runs if run.outcome == "failed"]:
        found.append(f"{plural(len(failed), 'trial')} failed{_because(failed)}")
    return found


def _confirmations(sweep: SweepRecord, entry: ArmSelection) -> list[str]:
    counts = entry.confirmation_counts
    total = max(len(entry.confirmations), sweep.confirmation.trainings)
    found = []
    if counts["diverged"]:
        found.append(
            f"{entry.arm}: {counts['diverged']} of {total} confirmations diverged, so it can't "
            "win; its mean is that of the others."
        )
    if failed := [run for run in entry.confirmations if run.outcome == "failed"]:
        found.append(
            f"{entry.arm}: {len(failed)} of {total} confirmations failed{_because(failed)}"
        )
    waiting = total - sum(counts[name] for name in ("complete", "diverged", "failed", "pruned"))
    if entry.best is not None and waiting:
        found.append(f"{entry.arm}: {waiting} of {total} confirmations not trained yet.")
    return found


def _because(failed: Sequence[RunRecord]) -> str:
    """Why trainings failed: the error that most of them ended with, and where others are."""
    ((error, count), *_) = Counter(run.error for run in failed).most_common()
    runs = "its MLflow run" if len(failed) == 1 else "their MLflow runs"
    if not error:
        return f"; the error is on {runs}."
    if count == len(failed):
        return f": {error}"
    return f", {count} of them alike (the other errors are on {runs}): {error}"

"""The result of a sweep in words: a headline, and what stands behind it.

In: a sweep, what was selected from it, and the verdict. Out: plain text; escaping is up to the
page it goes into.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairsweep.metrics import bounds_of, measured_on_validation
from fairsweep.plural import plural
from fairsweep.records import SweepRecord
from fairsweep.report.analysis.luck import Difference, settling
from fairsweep.report.analysis.select import Selection, value_of
from fairsweep.report.analysis.statistics import Claim, Verdict
from fairsweep.report.text.numbers import number, p_value, signed
from fairsweep.report.text.second import is_named, recommendation
from fairsweep.report.text.wording import listed, mean_of, one_repeat, repeated, scale_of

MOST_MORE = 50
"""Times as many rows or repeats: what would take more is called out of reach."""


@dataclass(frozen=True)
class Result:
    """What was found.

    Attributes:
        status: The verdict in a word or two.
        headline: The result in one short sentence, without a full stop.
        details: By how much, what that claims, and what would settle a tie: whole sentences, or
            nothing where there is no more to say.
    """

    status: str
    headline: str
    details: str = ""


def result(sweep: SweepRecord, selection: Selection, verdict: Verdict) -> Result:
    """What the verdict says, and which arm is recommended where a second objective chooses."""
    found = _judged(sweep, selection, verdict)
    told = recommendation(selection, verdict)
    named = is_named(selection, verdict)
    headline = f"{found.headline}; {selection.recommended} is recommended"
    return Result(found.status, headline if named else found.headline, _joined(found.details, told))


def _judged(sweep: SweepRecord, selection: Selection, verdict: Verdict) -> Result:
    """What the verdict says."""
    if verdict.best is None:
        return _unconfirmed(selection)
    best = f"{sweep.objective.metric} {mean_of(selection[verdict.best], sweep.objective.metric)}"
    left_out = _left_out(selection)
    match verdict.kind:
        case "winner":
            chance = p_value(verdict.comparisons[0].corrected, named=True)
            won = f"{best}: {_against_next(selection, verdict)} ({chance})."
            details = _joined(won, left_out, _claim(sweep, verdict.claim))
            return Result("Winner", f"{verdict.best}{_tuned(sweep, verdict)} wins", details)
        case "described":
            on, other = ("its training rows", "rows that it wasn't trained on")
            if measured_on_validation(sweep.objective.metric):
                on, other = ("these validation rows", "other rows")
            headline = f"No winner: {verdict.best} did best, but on {on} only"
            led = f"{best}: {_against_next(selection, verdict)}."
            details = _joined(led, left_out, f"Nothing is known of {other}.")
            return Result("Not for new rows", headline, details)
        case "open":
            return Result(
                "Not decided yet", f"Not decided yet: {verdict.best} leads", f"So far {best}."
            )
        case "single" if len(selection.arms) == 1:
            metric, own = sweep.objective.metric, selection.samples[verdict.best]
            reached = f"{verdict.best} reaches {metric} {number(own.mean, of=metric)}"
            return Result("One arm", reached, f"Confirmed: {best}.")
        case "single":
            headline = f"No comparison: {verdict.best} is the only arm left"
            return Result("One arm", headline, _joined(f"It has {best}.", left_out))
    tied = f"No winner: {listed(verdict.tied)} tie{_tuned(sweep, verdict).rstrip(',')}"
    return Result("Tie", tied, _tie(sweep, selection, verdict, best))


def _tuned(sweep: SweepRecord, verdict: Verdict) -> str:
    """How an arm was tuned, where that is part of what is claimed: words between commas."""
    trials = plural(sweep.trials, "trial")
    return f", tuned with {trials}," if verdict.claim == "search" else ""


def _claim(sweep: SweepRecord, of: Claim) -> str:
    """What a winner has won, or how far what is said of a tie reaches."""
    holds = {
        "configuration": "for these configurations",
        "search": f"for each arm, whichever {plural(sweep.trials, 'trial')} its search draws",
        "split": "for models trained on these training rows",
    }
    return f"This holds {holds[of]}, on new rows like these."


def _tie(sweep: SweepRecord, selection: Selection, verdict: Verdict, best: str) -> str:
    found = f"{verdict.best} has the best mean, {best}, but not by enough."
    if len(verdict.tied) == 2:
        found = f"{best} against {mean_of(selection[verdict.tied[1]], sweep.objective.metric)}."
    told = _joined(found, _left_out(selection))
    if verdict.allowed is None:
        return told
    apart = _allowance(verdict.allowed, selection, verdict)
    return _joined(told, apart, _claim(sweep, verdict.claim), _remedy(selection, verdict))


def _allowance(allowed: float, selection: Selection, verdict: Verdict) -> str:
    """How far the tied arms can be apart, in a sentence."""
    low, high = bounds_of(selection.objective.metric)
    if allowed >= high - low:
        return "The data can't tell how far apart they are."
    size = number(allowed, scale_of(selection, verdict), selection.objective.metric)
    if len(verdict.tied) == 2:
        return f"With 95 % confidence, they are within {size} of each other."
    return f"With 95 % confidence for each, the others are within {size} of {verdict.best}."


def _remedy(selection: Selection, verdict: Verdict) -> str:
    """What would settle a tie, in a sentence: more rows, repeats, or searches. One repeat can't
    tell which of them (see `notes`)."""
    close = next((item for item in verdict.comparisons if item.arm in verdict.tied), None)
    if close is None or close.difference is None or one_repeat(selection.scheme):
        return ""
    return _settled_by(close.difference, selection, scale_of(selection, verdict))


def _settled_by(difference: Difference, selection: Selection, scale: float) -> str:
    found, parts = settling(difference), difference.parts
    if found is None or parts is None:
        return ""
    units, key = repeated(selection.scheme)
    metric = selection.objective.metric
    apart = f"A difference of {number(abs(difference.mean), scale, metric)}"
    ways = []
    if found.units is not None and found.units <= MOST_MORE * parts.n_units:
        # A sweep keeps its number of searches; repeats and seeds are added to those that it has.
        again = " in another sweep, sweep.name=…" if selection.scheme.searches > 1 else ""
        count = max(found.units, parts.n_units + 1)
        ways.append(f"about {count:,} {units} to settle ({key}={count}{again})")
    if found.rows is not None and parts.n_rows < found.rows <= MOST_MORE * parts.n_rows:
        more = f"about {_rounded(found.rows - parts.n_rows):,} more rows"
        ways.append(more if ways else f"{more} to settle; more {units} can't")
    if ways:
        return f"{apart} would take {', or '.join(ways)}."
    if found.units is not None:
        return f"{apart} would take more than {MOST_MORE * parts.n_units:,} {units} to settle."
    least = number(found.floor, scale, metric)
    return (
        f"With these {parts.n_rows:,} rows nothing under {least} can be told, with any number of "
        f"{units}."
    )


def _rounded(count: int) -> int:
    """A number of rows to its first two digits."""
    size = 10 ** max(0, len(str(abs(count))) - 2)
    return int(round(count / size) * size)


def _against_next(selection: Selection, verdict: Verdict) -> str:
    rival = verdict.comparisons[0]
    mean = rival.difference.mean if rival.difference else None
    apart = signed(mean, scale_of(selection, verdict), selection.objective.metric)
    return f"{apart} against {rival.arm}, the next best"


def _left_out(selection: Selection) -> str:
    out = [entry.arm for entry in selection.arms if entry.confirmation_counts["diverged"]]
    empty = [entry.arm for entry in selection.arms if entry.confirmed and entry.empty]
    return _joined(
        f"{listed(out)} diverged in some trainings and can't win." if out else "",
        f"{listed(empty)} found nothing in some search and can't win." if empty else "",
    )


def _unconfirmed(selection: Selection) -> Result:
    leader = selection.leader()
    if leader is None or leader.best is None:
        return _nothing(selection)
    if selection.confirmed:
        status = "Not decided yet" if selection.pending else "No winner"
        if any(entry.confirmed and entry.empty for entry in selection.arms):
            return Result(status, f"{status}: no arm can win", _left_out(selection))
        return Result(
            status,
            f"{status}: every confirmed arm diverged",
            "The best configuration of each confirmed arm diverged in some training.",
        )
    metric = selection.objective.metric
    best = f"{metric} {number(value_of(leader.best), of=metric)}"
    if selection.pending:
        headline = f"Not decided yet: {leader.best.key} leads the search"
        return Result("Not decided yet", headline, f"{best}, not confirmed yet.")
    headline = f"Not confirmed: {leader.best.key} is the best of the search"
    return Result("Not confirmed", headline, f"{best}.")


def _nothing(selection: Selection) -> Result:
    totals = {
        name: sum(entry.counts[name] for entry in selection.arms)
        for name in ("pruned", "diverged", "failed", "running")
    }
    told = ", ".join(f"{count} {name}" for name, count in totals.items() if count)
    details = f"{told}." if told else ""
    if selection.pending:
        return Result("Nothing to judge yet", "No trial has completed yet", details)
    return Result("No result", f"No trial {'completed' if told else 'was trained'}", details)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))

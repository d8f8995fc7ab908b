"""What the words of the report mean, a line each, for a reader who meets them for the first time.

In: a sweep and its verdict. Out: (word, meaning) in plain text, for the place where the word first
stands; escaping is up to the page it goes into.
"""

from __future__ import annotations

from fairsweep.metrics import measured_on_validation
from fairsweep.plural import plural
from fairsweep.records import SweepRecord
from fairsweep.report.analysis.luck import LEVEL
from fairsweep.report.analysis.statistics import Verdict
from fairsweep.report.text.second import second_terms
from fairsweep.report.text.wording import LUCK, of_group

Terms = tuple[tuple[str, str], ...]


def arm_terms(sweep: SweepRecord) -> Terms:
    """The words of the table of arms."""
    metric = sweep.objective.metric
    found: Terms = (
        ("arm", f"one of the options compared, here {of_group(sweep)}; every arm gets the same "
         "data and the same budget"),
        ("default, tuned", f"{metric} of the arm's default settings, and of the best trial of its "
         f"{'search' if sweep.confirmation.searches == 1 else 'searches'}{_over_folds(sweep)}"),
    )  # fmt: skip
    if not sweep.confirmation.trainings:
        return found
    gap = ("the tuned value", "the confirmed mean")
    first, second = gap if sweep.objective.higher_is_better else reversed(gap)
    return (
        *found,
        ("confirmed mean", f"mean {metric} of {_confirmed(sweep)}, ± the standard deviation from "
         "training to training; the 95 % interval says how precisely the mean is known"),
        ("optimism gap", f"{first} minus {second}. Reporting the best trial alone would overstate "
         "the arm by this much. It is negative where the confirmations happened to do better "
         "than that trial"),
        *second_terms(sweep.objective),
    )  # fmt: skip


def _over_folds(sweep: SweepRecord) -> str:
    if not sweep.search_folds:
        return ""
    return f"; both are means over {sweep.search_folds} folds"


def comparison_terms(verdict: Verdict) -> Terms:
    """The words of the table of comparisons."""
    count = len(verdict.comparisons)
    if not count:
        return ()
    corrected = (
        "there is only one comparison, so it equals p"
        if count == 1
        else f"p after Holm's correction for {count} comparisons: the smallest p times {count}, "
        f"the next one times {count - 1}, and so on, and never less than the one before"
    )
    return (
        ("p", "the chance of a difference at least this large if the two arms were equally good "
         f"and only {LUCK[verdict.claim]} differed"),
        ("p, corrected", f"{corrected}. This is what is compared with the threshold"),
        ("threshold", _threshold(verdict)),
    )  # fmt: skip


def brief(sweep: SweepRecord, verdict: Verdict) -> tuple[str, ...]:
    """What a terminal has room to say of the table and of the headline."""
    lines = []
    if sweep.confirmation.trainings:
        lines.append(f"confirmed mean: {_confirmed(sweep)}")
    if verdict.kind == "winner":
        lines.append(f"p: the chance of such a difference between equal arms; below {LEVEL} wins")
    return tuple(lines)


def _confirmed(sweep: SweepRecord) -> str:
    scheme = sweep.confirmation
    which = "configuration" if scheme.top == 1 else "configurations"
    top = "" if scheme.top == 1 else f"{scheme.top} "
    best = "" if scheme.top == 1 else ", of which the one with the best mean counts"
    how = f"with {plural(scheme.repeats, 'fresh random seed')}"
    if scheme.folds:
        how = f"{plural(scheme.trainings, 'time')}{'' if scheme.searches == 1 else ' in all'}"
        if measured_on_validation(sweep.objective.metric):
            how = f"{how}, always judged on rows that it didn't train on"
    if scheme.searches == 1:
        return f"the arm's best {top}{which}, trained again {how}{best}"
    return (
        f"the best {top}{which} of each of the arm's {scheme.searches} searches, trained again "
        f"{how}{best}"
    )


def _threshold(verdict: Verdict) -> str:
    arms = len(verdict.comparisons) + 1
    wins = f"{verdict.best} wins if its corrected p is below {LEVEL} against every other arm"
    if verdict.kind != "tie" or arms == 2:
        return wins
    return (
        f"{wins}. It isn't, so this is a tie. An arm is left out of the tie only if its corrected "
        f"p is below {verdict.limit:.3g} ({LEVEL} × 2 / {arms} arms). It is stricter, because the "
        "best arm was picked by looking at these same numbers"
    )

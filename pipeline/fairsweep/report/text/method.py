"""How the verdict comes about, for a reader who meets it for the first time, and what it rests on.

In: a sweep. Out: plain text; escaping is up to the page it goes into.
"""

from __future__ import annotations

from fairsweep.metrics import base_name, is_shared, measured_on_validation
from fairsweep.plural import plural, times
from fairsweep.records import Confirmation, SweepRecord
from fairsweep.report.analysis.luck import LEVEL
from fairsweep.report.text.second import chosen

BOUTHILLIER = (
    "Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks, "
    "arXiv 2103.03098"
)
CHOI = (
    "Choi et al. 2019, On empirical comparisons of optimizers for deep learning, arXiv 1910.05446"
)
HOLM = (
    "Holm 1979, A simple sequentially rejective multiple test procedure, "
    "Scandinavian Journal of Statistics 6(2), 65-70"
)
SIVAPRASAD = (
    "Sivaprasad et al. 2020, Optimizer benchmarking needs to account for hyperparameter tuning, "
    "arXiv 1910.11758"
)
SCHMIDT = (
    "Schmidt et al. 2021, Descending through a crowded valley: benchmarking deep learning "
    "optimizers, arXiv 2007.01547"
)
NADEAU = (
    "Nadeau and Bengio 2003, Inference for the generalization error, Machine Learning 52, 239-281"
)
OWEN = "Owen 2007, The pigeonhole bootstrap, arXiv 0712.1111"
SOURCES = (
    (BOUTHILLIER, "https://arxiv.org/abs/2103.03098"),
    (CHOI, "https://arxiv.org/abs/1910.05446"),
    (SIVAPRASAD, "https://arxiv.org/abs/1910.11758"),
    (SCHMIDT, "https://arxiv.org/abs/2007.01547"),
    (OWEN, "https://arxiv.org/abs/0712.1111"),
    (NADEAU, ""),
    (HOLM, ""),
)
"""What the method rests on, with an address where it can be read."""


def method(sweep: SweepRecord) -> tuple[str, ...]:
    """How the verdict comes about, for a reader who meets it for the first time."""
    scheme = sweep.confirmation
    choice = (
        ""
        if scheme.top == 1
        else " The configuration with the best confirmed mean represents its arm."
    )
    protocol = (
        f"{_searched(scheme, plural(sweep.trials, 'trial'))}; trial 0 uses the arm's "
        f"defaults. {_trial(sweep)} The best score of a search overstates the arm, because it is "
        "the luckiest of many. "
        f"{_retrained(scheme)} trained again {_how(scheme)}, and only these confirmed runs "
        "decide. Test rows are used once per confirmed run, at its best epoch, and decide nothing."
        f"{choice}"
    )
    rule = (
        f"{_compared(sweep)}, and intervals are Student's t. More comparisons give "
        "chance more opportunities, which Holm's correction of the p-values makes up for. A winner "
        f"is named only if the corrected p is below {LEVEL} against every other arm. Anything else "
        f"is a tie.{_counted(sweep)}"
    )
    return tuple(filter(None, (protocol, rule, chosen(sweep.objective))))


def _compared(sweep: SweepRecord) -> str:
    """Where the variance of a difference comes from."""
    metric, scheme = sweep.objective.metric, sweep.confirmation
    units = "trainings" if scheme.searches == 1 else "searches"
    if not _knows_rows(sweep):
        own = (
            f"The best arm is compared with each other arm by the {metric} of {units} on the same "
            "rows, for it is no mean of what single rows have, and a row's share of it isn't known"
        )
        if not scheme.folds:
            return f"{own}. The variance of the difference is that of seeds"
        return (
            f"{own}. Folds share training rows, for which the variance of the difference is "
            "corrected (Nadeau and Bengio)"
        )
    variance = "crossed random effects"
    if is_shared(base_name(metric)):
        variance = "that of the crossed bootstrap, by each row's share of the metric"
    return (
        f"The best arm is compared with each other arm on the same rows. Rows and {units} are "
        "both drawn from many that could have been, so the variance of the difference has a part "
        f"for each ({variance})"
    )


def _knows_rows(sweep: SweepRecord) -> bool:
    """Whether what judges has a number for each row; where none was judged yet, it may."""
    said = [run.judged for run in sweep.runs if run.judged is not None]
    return not said or any(base_name(sweep.objective.metric) in own.metrics for own in said)


def _trial(sweep: SweepRecord) -> str:
    if sweep.search_folds:
        return (
            f"The rows that aren't for testing are cut into {sweep.search_folds} folds, alike for "
            "every trial and arm. A trial trains once for each fold, on the others, and is scored "
            "on it; its score is the mean over the folds."
        )
    on_validation = measured_on_validation(sweep.objective.metric)
    own = "validation rows" if on_validation else "these same rows, which tell nothing of new ones"
    return f"A trial trains on the training rows and is scored on {own}."


def _how(scheme: Confirmation) -> str:
    turns = "" if scheme.searches == 1 else "; searches take turns"
    if not scheme.folds:
        seeds = plural(scheme.repeats, "fresh random seed") if scheme.repeats else "fresh seeds"
        return f"with {seeds}, the same seeds in every arm{turns}"
    anew = "" if scheme.repeats == 1 else ", and each time they are cut in another way"
    return (
        f"on {scheme.folds} folds, {times(scheme.repeats)}: the rows that aren't for testing are "
        f"cut into {scheme.folds} parts, each training leaves one of them out and is judged on "
        f"it{anew}. Cuts and seeds are the same in every arm{turns}"
    )


def _counted(sweep: SweepRecord) -> str:
    """Why a difference isn't that of the means in the table."""
    if not (sweep.confirmation.folds and _knows_rows(sweep)):
        return ""
    return (
        " A difference counts every row alike (for a metric that is no mean over rows: the share "
        "that it has in it), and an arm's mean every training; folds of unequal size can make the "
        "difference a little other than that of the means."
    )


def _searched(scheme: Confirmation, trials: str) -> str:
    if scheme.searches == 1:
        return f"Every arm got the same budget of {trials}"
    return (
        f"Every arm was searched {scheme.searches} times, each time with the same budget of "
        f"{trials} and with other draws, which the arms share as far as they share parameters"
    )


def _retrained(scheme: Confirmation) -> str:
    each = "arm" if scheme.searches == 1 else "search"
    if scheme.top == 1:
        return f"So the best configuration of each {each} is"
    return f"So the best {scheme.top} configurations of each {each} are"

"""The second objective in words: its values, and which arm is recommended because of it.

In: what was selected from a sweep, and the verdict. Out: plain text; escaping is up to the
page it goes into.
"""

from __future__ import annotations

import math

from fairsweep.costs import BATCH, BYTES, COSTS, PARAMETERS, SECONDS
from fairsweep.records import Objective, RunRecord
from fairsweep.report.analysis.select import ArmSelection, Selection, value_of
from fairsweep.report.analysis.statistics import Verdict, summarize
from fairsweep.report.text.numbers import MISSING, interval, number, significant

WORTH_TELLING = 1.1
"""Times as many, from which it is told how many times."""
MEANINGS = {
    PARAMETERS: "how many numbers the weights of a model are, those that aren't trained too",
    BYTES: "what the weights of a model take, as weights.npz has them",
    SECONDS: f"how long a model takes to answer {BATCH} rows at once, divided by {BATCH}: the "
    "fastest of up to 50 calls after its training, which differs from one time to the next",
}


def called(name: str) -> str:
    """What a second objective is called."""
    return COSTS.get(name, name)


def written(value: float | None, name: str) -> str:
    """A value of it."""
    if name not in COSTS:
        return number(value, of=name)
    if value is None or not math.isfinite(value):
        return MISSING
    return _time(value) if name == SECONDS else f"{value:,.0f}"


def with_name(value: float, name: str) -> str:
    """A value of it, and what it is: `1,234 parameters`, `2.1 µs a row`, `val_f1 0.9123`."""
    if name == SECONDS:
        return f"{_time(value)} a row"
    shown = written(value, name)
    return f"{shown} {called(name)}" if name in COSTS else f"{name} {shown}"


def second_terms(objective: Objective) -> tuple[tuple[str, str], ...]:
    """What its column in the table of arms is."""
    second = objective.second
    if second is None:
        return ()
    own = MEANINGS.get(second.metric, f"{second.metric} at the epoch with the best objective")
    mean = "mean over the arm's confirmations, whose configuration needn't be the best trial's"
    return ((called(second.metric), f"{own}; {mean}"),)


def recommendation(selection: Selection, verdict: Verdict) -> str:
    """Which arm is recommended, by what right, and what it has before the best one; empty where
    nothing was to choose."""
    objective, arm = selection.objective, selection.recommended
    second, best = objective.second, verdict.best
    if second is None or arm is None or best is None or not verdict.comparisons:
        return ""
    if verdict.kind == "open":
        return ""
    if arm != best:
        found = _needs(selection[arm].second, selection[best].second, second)
        return f"{arm} is recommended: {_equal(selection, verdict, arm)}, and it {found}."
    if len(selection.equals) > 1:
        better = _none_better(selection, second)
        return f"{arm} is recommended: no arm that counts as equal {better}."
    if objective.tolerance is None:
        return ""
    return f"No other mean is within the tolerance of {_tolerance(objective)}."


def is_named(selection: Selection, verdict: Verdict) -> bool:
    """Whether the headline has to say which arm is recommended: it isn't the one that won, or none
    did."""
    if not recommendation(selection, verdict) or len(selection.equals) < 2:
        return False
    return verdict.kind != "winner" or selection.recommended != verdict.best


def preferred(run: RunRecord, entry: ArmSelection, objective: Objective) -> str:
    """Why a trial stands for its arm, and not the best one of the search; empty where it is that,
    or was chosen for another reason."""
    best, second = entry.best, objective.second
    if second is None or best is None or run is best or None in (run.second, best.second):
        return ""
    assert run.second is not None
    assert best.second is not None
    value, most = value_of(run), value_of(best)
    if not (objective.tolerates(value, most) and second.better(run.second, best.second)):
        return ""
    than = f"that of {best.key}, the best of the search"
    within = f"within the tolerance of {_tolerance(objective)} of {than}"
    like = within if objective.tolerance else f"the same as {than}"
    shown = number(most, of=objective.metric)
    needs = _needs(run.second, best.second, second)
    return f" Its value in the search is {like} ({shown}), and it {needs}."


def chosen(objective: Objective) -> str:
    """How the second objective chooses, for the description of the method."""
    second, metric = objective.second, objective.metric
    if second is None:
        return ""
    if objective.tolerance is None:
        trials, arms = "have the same value", "that the verdict can't tell from the best"
    else:
        within = f"within {_tolerance(objective)} of the best"
        trials, arms = f"are {within}", f"whose confirmed mean is {within}"
    name = called(second.metric)
    return (
        f"Of trials that {trials} by {metric}, the one that is best by {name} represents its "
        f"search. Of arms {arms}, the one that is best by {name} is recommended, and its model is "
        f"published. That is a choice, and no claim that it is better by {metric}."
    )


def _equal(selection: Selection, verdict: Verdict, arm: str) -> str:
    """By what right an arm counts as equal to the best one."""
    best, objective = verdict.best, selection.objective
    if objective.tolerance is None:
        return f"the verdict can't tell it from {best}"
    assert best is not None
    metric = objective.metric
    means = [summarize([value_of(r) for r in selection[own].confirmed]) for own in (arm, best)]
    shown = " against ".join(number(own.mean, of=metric) for own in means if own is not None)
    difference = next(item.difference for item in verdict.comparisons if item.arm == arm)
    spread = ""
    if difference is not None and difference.interval is not None and verdict.claim != "rows":
        like = max(abs(own.mean) for own in means if own is not None)
        ends = interval(difference.interval, like, metric, sign=True)
        spread = f"; {best} minus {arm} is {ends} with 95 % confidence"
    return (
        f"its mean {metric} is within the tolerance of {_tolerance(objective)} of {best}'s "
        f"({shown}{spread})"
    )


def _needs(value: float, than: float, second: Objective) -> str:
    """What a model has before another one."""
    name = second.metric
    values = f"({written(value, name)} against {written(than, name)})"
    if name not in COSTS:
        return f"has the better {name} {values}"
    ratio = than / value if value else 0.0
    times = f"{significant(ratio, 2)} times " if ratio >= WORTH_TELLING else ""
    return f"needs {times}fewer {called(name)} {values}"


def _none_better(selection: Selection, second: Objective) -> str:
    assert selection.recommended is not None
    value = written(selection[selection.recommended].second, second.metric)
    if second.metric in COSTS:
        return f"needs fewer {called(second.metric)} ({value})"
    return f"has a better {second.metric} ({value})"


def _tolerance(objective: Objective) -> str:
    return f"{objective.tolerance or 0.0:g}"


def _time(seconds: float) -> str:
    """`2.1 µs`, `3.4 ms`, `1.2 s`."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{significant(seconds / size, 3)} {unit}"
    return f"{significant(seconds / 1e-6, 3)} µs"

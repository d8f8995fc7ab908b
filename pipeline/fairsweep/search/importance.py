"""Which searched parameters set an arm's best trials apart: Optuna's PED-ANOVA (Watanabe et al.
2023, arXiv 2304.10255), and how much of it shuffled results show as well.

In: a stored sweep, no journal. Out: an `Importances` for every arm whose space is stored, the same
for the same store.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial

from fairsweep.config.space import Dimension
from fairsweep.config.stored_space import restored, widths_of
from fairsweep.config.stored_space import values as values_of
from fairsweep.importances import Importance, Importances
from fairsweep.records import Objective, RunRecord, SweepRecord, derive_seed
from fairsweep.search.samplers import distribution, to_drawn

BEST = 0.25
"""The part of the trials that counts as the best. Optuna takes a tenth: in simulated searches of 60
trials that found a learning rate that mattered in 4 cases of 10, a quarter does in 9, and finds no
more of what doesn't matter."""
TRIALS = 20
"""A quarter of these is five, below which Optuna calls the result unstable."""
SHUFFLES = 19
"""A value above all of these is reached by luck in one case of twenty."""


def importances(sweep: SweepRecord) -> dict[str, Importances]:
    """The importances of each arm whose space is stored, in the order of the sweep.

    The best trials are compared with all that ended. One that was stopped early or diverged is
    known not to be among the best, which is all that is asked of it here; leaving it out would
    leave out the very values that the search learned to avoid. Widths count as two parameters: the
    number of layers (`model.hidden_units.layers`), and the widths (`model.hidden_units.widths`),
    which is the sum over the layers.
    """
    optuna.logging.disable_default_handler()
    return {
        arm: _of_arm(
            _ended(sweep.runs, arm),
            restored(sweep.spaces[arm]),
            sweep.objective,
            derive_seed(0, "importance", arm),
        )
        for arm in sweep.arms
        if sweep.spaces.get(arm)
    }


def _ended(runs: Sequence[RunRecord], arm: str) -> list[RunRecord]:
    """The last attempt of each search run that says something of its values, search by search, by
    trial number."""
    last: dict[tuple[int, int], RunRecord] = {}
    for run in sorted(runs, key=lambda run: (run.key.search, run.key.trial, run.key.attempt)):
        if run.key.arm == arm and run.key.stage == "search":
            last[run.key.search, run.key.trial] = run
    return [run for run in last.values() if run.outcome in ("complete", "pruned", "diverged")]


def _of_arm(
    runs: Sequence[RunRecord], dimensions: Sequence[Dimension], objective: Objective, seed: int
) -> Importances:
    if len(runs) < TRIALS:
        return Importances((), f"needs {TRIALS} finished trials, has {len(runs)}")
    ranks = _ranks(runs, objective)
    best = math.ceil(BEST * len(runs))
    if sorted(ranks)[best - 1] == max(ranks):
        return Importances((), "too few of its trials are better than the rest")
    study = _study(runs, dimensions)
    found = _evaluate(study, ranks, best)
    total = sum(found.values())
    if total == 0:
        return Importances((), "no parameter was searched")
    shuffle = random.Random(seed)
    by_luck = [_evaluate(study, shuffle.sample(ranks, len(ranks)), best) for _ in range(SHUFFLES)]
    return Importances(
        tuple(
            Importance(name, value / total, any(luck[name] >= value for luck in by_luck))
            for name, value in found.items()
        )
    )


def _ranks(runs: Sequence[RunRecord], objective: Objective) -> list[int]:
    """The rank of each run, 0 for the best; equals share one, and runs that aren't complete come
    last."""
    costs = [
        objective.cost(run.best_value)
        if run.outcome == "complete" and run.best_value is not None
        else math.inf
        for run in runs
    ]
    places = {cost: place for place, cost in enumerate(sorted(set(costs)))}
    return [places[cost] for cost in costs]


def _study(runs: Sequence[RunRecord], dimensions: Sequence[Dimension]) -> optuna.Study:
    """The runs as trials of a study in memory, numbered by their place; their values don't count,
    for `_evaluate` is given ranks."""
    drawn = {dimension.name: distribution(dimension) for dimension in dimensions}
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage())
    by_name = {dimension.name: dimension for dimension in dimensions}
    for run in runs:
        own = values_of(dimensions, run.params)
        study.add_trial(
            optuna.create_trial(
                params={name: to_drawn(by_name[name], value) for name, value in own.items()},
                distributions={name: drawn[name] for name in own},
                value=0.0,
            )
        )
    return study


def _evaluate(study: optuna.Study, ranks: Sequence[int], best: int) -> Mapping[str, float]:
    """PED-ANOVA's value of each parameter, by name, where `ranks` are the trials' results."""
    trials = study.get_trials(deepcopy=False)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=best / len(trials))

    def rank(trial: FrozenTrial) -> float:
        return float(ranks[trial.number])

    with warnings.catch_warnings():
        # That low values of `rank` count as good, and that a layer which one trial alone has is
        # left out: both are meant.
        warnings.simplefilter("ignore", UserWarning)
        found = evaluator.evaluate(
            study, sorted({name for trial in trials for name in trial.params}), target=rank
        )
    sums: dict[str, float] = {}
    for name in sorted(found):
        parts = widths_of(name)
        parameter = name if parts is None or parts[1] == "layers" else f"{parts[0]}.widths"
        sums[parameter] = sums.get(parameter, 0.0) + found[name]
    return sums

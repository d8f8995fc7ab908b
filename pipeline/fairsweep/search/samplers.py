"""From the `search` and `pruner` settings to Optuna's distributions, samplers and pruners."""

from __future__ import annotations

import copy
import itertools
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial

from fairsweep.config.schema import Pruner, Search
from fairsweep.config.space import Dimension
from fairsweep.records import PruningSchedule, SearchKey, derive_seed

GOLDEN = (math.sqrt(5) - 1) / 2


def distribution(dimension: Dimension) -> BaseDistribution:
    """Optuna's distribution for a dimension; a power is drawn by its exponent."""
    if dimension.kind == "choice":
        return CategoricalDistribution([to_drawn(dimension, own) for own in dimension.choices])
    if dimension.kind == "float":
        return FloatDistribution(
            float(dimension.low), float(dimension.high), log=dimension.log, step=dimension.step
        )
    low, high, step = int(dimension.low), int(dimension.high), int(dimension.step or 1)
    return IntDistribution(low, high, log=dimension.log, step=step)


class _Grid(optuna.samplers.BaseSampler):  # type: ignore[misc]
    """Has each trial take a combination that no trial before it has, spread over the whole grid as
    far as the budget goes. Optuna's own doesn't know of trials that it didn't draw, such as the
    defaults, and so leaves combinations out."""

    def __init__(self, dimensions: Sequence[Dimension], points: int, seed: int) -> None:
        self._dimensions = dimensions
        self._space = {d.name: distribution(d) for d in dimensions}
        self._values = grid(dimensions, points)
        self._seed = seed

    def infer_relative_search_space(self, *_: Any) -> dict[str, BaseDistribution]:
        return self._space

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, _: Mapping[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The next combination of the grid."""
        trials = study.get_trials(deepcopy=False)[: trial.number]
        tried = {_used(self._dimensions, own.params) for own in trials}
        found = (dict(zip(self._space, own, strict=True)) for own in self._combinations())
        return next(own for own in found if _used(self._dimensions, own) not in tried)

    def sample_independent(self, *_: Any) -> Any:
        raise NotImplementedError("all parameters are drawn at once")

    def _combinations(self) -> Iterator[tuple[Any, ...]]:
        """All of them, in steps of about the golden ratio of their number: any first few lie evenly
        among the rest."""
        counts = [len(values) for values in self._values.values()]
        size = math.prod(counts)
        stride = max(1, round(size * GOLDEN))
        while math.gcd(stride, size) > 1:
            stride += 1
        place = self._seed % size
        for _ in range(size):
            left, values = place, []
            for count, own in zip(counts, self._values.values(), strict=True):
                left, i = divmod(left, count)
                values.append(own[i])
            yield tuple(values)
            place = (place + stride) % size


def _used(dimensions: Sequence[Dimension], drawn: Mapping[str, Any]) -> tuple[Any, ...]:
    """What was drawn, without what the rest makes no use of."""
    has = {d.name: from_drawn(d, drawn[d.name]) for d in dimensions if d.name in drawn}
    return tuple(
        drawn.get(d.name)
        if all(has[name] in wanted for name, wanted in d.when if name in has)
        else None
        for d in dimensions
    )


class _Tpe(optuna.samplers.TPESampler):  # type: ignore[misc]
    """Knows that all trials of an arm draw from one space. Optuna's own infers it anew for every
    trial from all trials before, in two thirds of the time that a draw takes."""

    def __init__(self, dimensions: Sequence[Dimension], **params: Any) -> None:
        super().__init__(**params)
        drawn = {d.name: distribution(d) for d in sorted(dimensions, key=lambda d: d.name)}
        self._space = {name: own for name, own in drawn.items() if not own.single()}

    def infer_relative_search_space(self, *_: Any) -> dict[str, BaseDistribution]:
        """The arm's space, in the order of Optuna's."""
        return self._space


class _FoldMedian(optuna.pruners.MedianPruner):  # type: ignore[misc]
    """Judges a trial on folds by the best value of the fold that it is at. Optuna's own takes the
    best of all steps: once a trial was lucky on its first fold, nothing could stop it on others."""

    def __init__(self, epochs: int, **params: Any) -> None:
        # It judges wherever it is asked: `decision_schedule` has the interval, and folds end
        # between.
        super().__init__(**{**params, "interval_steps": 1})
        self._epochs = epochs

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        own = copy.copy(trial)
        before = (trial.last_step - 1) // self._epochs * self._epochs
        steps = trial.intermediate_values.items()
        own.intermediate_values = {step: value for step, value in steps if step > before}
        return bool(super().prune(study, own))


def suggest(trial: optuna.Trial, dimension: Dimension) -> None:
    """Has the trial draw the dimension, unless it did so before."""
    drawn = distribution(dimension)
    if isinstance(drawn, CategoricalDistribution):
        trial.suggest_categorical(dimension.name, drawn.choices)
    elif isinstance(drawn, FloatDistribution):
        trial.suggest_float(dimension.name, drawn.low, drawn.high, step=drawn.step, log=drawn.log)
    elif isinstance(drawn, IntDistribution):
        trial.suggest_int(dimension.name, drawn.low, drawn.high, step=drawn.step, log=drawn.log)


def to_drawn(dimension: Dimension, value: Any) -> Any:
    """A value in the form that Optuna draws: a power by its exponent, a list as JSON."""
    if dimension.kind == "power":
        return round(math.log(value, dimension.base))
    return json.dumps(value) if isinstance(value, list) else value


def from_drawn(dimension: Dimension, drawn: Any) -> Any:
    """A drawn value in the form that the model or optimizer gets."""
    if dimension.kind == "power":
        return dimension.base**drawn
    if dimension.kind == "choice":
        return next(own for own in dimension.choices if to_drawn(dimension, own) == drawn)
    return drawn


def grid(dimensions: Sequence[Dimension], points: int) -> dict[str, list[Any]]:
    """At most `points` values of each range, evenly spaced on its scale, both ends included."""
    return {d.name: _grid_values(d, points) for d in dimensions}


def grid_size(dimensions: Sequence[Dimension], points: int) -> int:
    """How many trials it takes to try all combinations, and the defaults."""
    values = grid(dimensions, points)
    defaults = {d.name: to_drawn(d, d.default) for d in dimensions}
    if not any(d.when for d in dimensions):
        there = all(own in values[name] for name, own in defaults.items())
        return math.prod(map(len, values.values())) + (not there)
    combinations = (
        dict(zip(values, own, strict=True)) for own in itertools.product(*values.values())
    )
    return len({_used(dimensions, own) for own in (defaults, *combinations)})


def _grid_values(dimension: Dimension, points: int) -> list[Any]:
    drawn = distribution(dimension)
    if isinstance(drawn, CategoricalDistribution):
        return list(drawn.choices)
    assert isinstance(drawn, FloatDistribution | IntDistribution)
    space = np.geomspace if drawn.log else np.linspace
    values = [
        min(max(float(v), drawn.low), drawn.high) for v in space(drawn.low, drawn.high, points)
    ]
    if drawn.step:
        values = [drawn.low + round((v - drawn.low) / drawn.step) * drawn.step for v in values]
    number = int if isinstance(drawn, IntDistribution) else float
    return [number(v) for v, _ in itertools.groupby(values)]


def make_sampler(
    search: Search, dimensions: Sequence[Dimension], seed: int, of: SearchKey, trial: int
) -> optuna.samplers.BaseSampler:
    """The sampler for one trial of a search.

    It is made anew for every trial, with a seed derived from the sweep's seed, the arm and the
    trial's number: a sweep that was stopped and continued draws the same trials as one that wasn't.
    Quasi-random and grid samplers keep one seed per search, since the seed decides their sequence.
    Where arms are searched several times, the search's number takes the place of the arm: arms
    share the luck of a search, so that less of it is left in their differences.
    """
    drawn = ("sampler", of.number if search.repeats > 1 else of.arm)
    of_search, of_trial = derive_seed(seed, *drawn), derive_seed(seed, *drawn, trial)
    params: Mapping[str, Any] = search.params
    if search.name == "random":
        return optuna.samplers.RandomSampler(seed=of_trial)
    if search.name == "qmc":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.QMCSampler(
                **params,
                seed=of_search,
                independent_sampler=optuna.samplers.RandomSampler(seed=of_trial),
                warn_independent_sampling=False,
            )
    if search.name == "grid":
        return _Grid(dimensions, params["points"], of_search)
    if search.name == "gp":
        return optuna.samplers.GPSampler(**params, seed=of_trial)
    return _Tpe(dimensions, **params, seed=of_trial)


def make_pruner(pruner: Pruner, epochs: int, folds: int = 0) -> optuna.pruners.BasePruner:
    """Optuna's pruner; hyperband's `max_resource: auto` is the length of a trial.

    Args:
        pruner: its settings.
        epochs: of a training.
        folds: that a trial is trained on; 0 for none.
    """
    params = dict(pruner.params)
    if pruner.name == "median":
        if folds:
            return _FoldMedian(epochs, **params)
        return optuna.pruners.MedianPruner(**params)
    if pruner.name == "successive_halving":
        return optuna.pruners.SuccessiveHalvingPruner(**params)
    if pruner.name == "hyperband":
        if params["max_resource"] == "auto":
            params["max_resource"] = epochs * max(1, folds)
        return optuna.pruners.HyperbandPruner(**params)
    return optuna.pruners.NopPruner()


def decision_schedule(pruner: Pruner) -> PruningSchedule | None:
    """The epochs at which the pruner can stop a trial; None when it never does."""
    if pruner.name == "none":
        return None
    if pruner.name == "median":
        first = max(1, int(pruner.params["n_warmup_steps"]))
        return PruningSchedule(first, int(pruner.params["interval_steps"]))
    return PruningSchedule(max(1, int(pruner.params["min_resource"])), 1)

"""The confirmation: each arm's best configurations on fresh seeds, the same ones in every arm.

Selection has seen validation rows many times, so the best value found is too good to be true;
what these runs give is not. Test rows are read here, once a run.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

from fairsweep.config.plan import Arm, Plan
from fairsweep.files import TrialFolders
from fairsweep.records import TrialKey, TrialResult, TrialSpec, derive_seed
from fairsweep.search.study import ArmStudy
from fairsweep.stages.dispatch import SweepStage
from fairsweep.stages.search import SearchStage, trial_spec


def confirmations(
    plan: Plan, studies: Mapping[str, ArmStudy], done: Collection[TrialKey]
) -> list[TrialSpec]:
    """The trainings that confirmation still needs: seed by seed, all arms of a seed together.
    Configurations that an arm drew twice are confirmed once.

    Args:
        plan: the sweep.
        studies: finished searches.
        done: trainings that are stored already, as their first attempts.
    """
    specs = [
        confirmation(plan, study.arm, best, values, repeat)
        for repeat in range(plan.config.confirm.seeds)
        for study in studies.values()
        for best, values in study.best_trials(plan.config.confirm.top)
    ]
    return [spec for spec in specs if spec.key not in done]


def confirmation(
    plan: Plan, arm: Arm, trial: int, values: Mapping[str, object], repeat: int
) -> TrialSpec:
    """One seed of a configuration: the seed, and the split if each seed has its own, are the same
    in every arm."""
    seed = derive_seed(arm.settings.training.seed, "confirm", repeat)
    key = TrialKey(arm.name, "confirm", trial, repeat)
    spec = trial_spec(plan, arm, key, values, seed)
    if not plan.config.confirm.resplit:
        return spec
    return replace(spec, data=replace(spec.data, validation_seed=derive_seed(seed, "split")))


class ConfirmStage(SweepStage):
    """Confirms an arm as soon as its search is settled, while others may still be searching. Of
    each configuration the weights of its best seed are kept.

    Args:
        plan: the sweep.
        studies: by arm.
        search: says which arms are settled.
        ended: what is stored of the sweep, as first attempts.
        folders: where workers put weights, until they are stored.
    """

    def __init__(
        self,
        plan: Plan,
        studies: Mapping[str, ArmStudy],
        search: SearchStage,
        ended: Mapping[TrialKey, TrialResult],
        folders: TrialFolders,
    ) -> None:
        self._plan = plan
        self._searching = dict(studies)
        self._search = search
        self._done = ended.keys()
        self._folders = folders
        self._waiting: list[TrialSpec] = []
        self._best: dict[tuple[str, int], tuple[float, int]] = {}
        for result in ended.values():
            if result.key.stage == "confirm":
                self._is_best(result)

    def next(self) -> TrialSpec | None:
        """A seed of an arm whose search is settled, the first seeds first."""
        settled = [name for name in self._searching if self._search.settled(name)]
        if settled:
            studies = {name: self._searching.pop(name) for name in settled}
            self._waiting += confirmations(self._plan, studies, self._done)
            self._waiting.sort(key=lambda spec: spec.key.repeat)
        if not self._waiting:
            return None
        spec = self._waiting.pop(0)
        return replace(spec, weights=spec.key.files)

    def ended(self, result: TrialResult) -> TrialResult:
        """Keeps the weights, and says where they are, if no seed before was better."""
        best = self._is_best(result)
        if not result.weights:
            return result
        file = self._folders.weights_of(result.weights)
        if best:
            return replace(result, weights=str(file))
        file.unlink()
        return replace(result, weights="")

    def _is_best(self, result: TrialResult) -> bool:
        place, value = (result.key.arm, result.key.trial), result.best_value
        if result.outcome != "complete" or value is None:
            return False
        best, seed = self._best.get(place, (math.nan, 0))
        first_of_equals = value == best and result.key.repeat < seed  # whoever ended first
        if not (self._plan.objective.better(value, best) or first_of_equals):
            return False
        self._best[place] = value, result.key.repeat
        return True

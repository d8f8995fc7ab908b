"""The confirmation: each arm's best configurations on folds of the rows and fresh seeds, the same
ones in every arm.

Selection has seen validation rows many times, so the best value found is too good to be true;
what these runs give is not. Test rows are read here, once a run.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol

from fairsweep.config.plan import Arm, Plan
from fairsweep.files import TrialFolders
from fairsweep.folds import Fold
from fairsweep.records import Confirmation, SearchKey, TrialKey, TrialResult, TrialSpec, derive_seed
from fairsweep.search.study import ArmStudy
from fairsweep.stages.dispatch import SweepStage
from fairsweep.stages.search import SearchStage, trial_spec


def confirmations(
    plan: Plan,
    wanted: Confirmation,
    studies: Mapping[SearchKey, ArmStudy],
    done: Collection[TrialKey],
) -> list[TrialSpec]:
    """The trainings that confirmation still needs: place by place, all arms of a place together.
    Configurations that an arm drew twice are confirmed once.

    Args:
        plan: the sweep.
        wanted: how each configuration is confirmed.
        studies: finished searches.
        done: trainings that are stored already, as their first attempts.
    """
    specs = [
        confirming(plan, wanted, study.arm, values, key)
        for study in studies.values()
        for best, values in study.best_trials(wanted.top)
        for key in wanted.keys(study.key, best)
        if key not in done
    ]
    return sorted(specs, key=lambda spec: spec.key.place)


def confirming(
    plan: Plan, wanted: Confirmation, arm: Arm, values: Mapping[str, object], key: TrialKey
) -> TrialSpec:
    """A training of a configuration: seed and fold are the same in every arm."""
    place = (key.repeat,) if key.fold is None else (key.repeat, key.fold)
    seed = derive_seed(arm.settings.training.seed, "confirm", *place)
    spec = trial_spec(plan, arm, key, values, seed)
    if key.fold is None:
        return spec
    return replace(spec, fold=Fold(wanted.folds, key.repeat, key.fold))


class Progress(Protocol):
    """Is told what is still to come; the terminal is."""

    def settled(self, arm: str, trials: int, confirmations: int, stored: int) -> None: ...


class ConfirmStage(SweepStage):
    """Confirms the best of a search as soon as it is settled, while others are under way. Of
    each configuration the weights of its best training are kept.

    Args:
        plan: the sweep.
        wanted: how each configuration is confirmed.
        studies: by search.
        search: says which of them are settled.
        ended: what is stored of the sweep, as first attempts.
        folders: where workers put weights, until they are stored.
        progress: is told of each search that is settled.
    """

    def __init__(
        self,
        plan: Plan,
        wanted: Confirmation,
        studies: Mapping[SearchKey, ArmStudy],
        search: SearchStage,
        ended: Mapping[TrialKey, TrialResult],
        folders: TrialFolders,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._wanted = wanted
        self._searching = dict(studies)
        self._search = search
        self._done = ended.keys()
        self._folders = folders
        self._progress = progress
        self._waiting: list[TrialSpec] = []
        self._best: dict[tuple[SearchKey, int], tuple[float, tuple[int, int]]] = {}
        for result in ended.values():
            if result.key.stage == "confirm":
                self._is_best(result)

    def next(self) -> TrialSpec | None:
        """A training of a search that is settled, the first places first."""
        settled = [key for key in self._searching if self._search.settled(key)]
        if settled:
            studies = {key: self._searching.pop(key) for key in settled}
            self._waiting += confirmations(self._plan, self._wanted, studies, self._done)
            self._waiting.sort(key=lambda spec: spec.key.place)
            for study in studies.values():
                self._tell(study)
        if not self._waiting:
            return None
        spec = self._waiting.pop(0)
        return replace(spec, weights=spec.key.files, judged=spec.key.files)

    def _tell(self, study: ArmStudy) -> None:
        """Says what of a settled search's budget won't come, and what of it is stored."""
        planned = self._wanted.top * len(list(self._wanted.keys(study.key, 0)))
        best = [number for number, _ in study.best_trials(self._wanted.top)]
        keys = [key for number in best for key in self._wanted.keys(study.key, number)]
        stopped_before = bool(study.stopped)  # which the search told
        self._progress.settled(
            study.key.arm,
            trials=0 if stopped_before else study.limit - study.begun,
            confirmations=planned - len(keys),
            stored=sum(key in self._done for key in keys),
        )

    def ended(self, result: TrialResult) -> TrialResult:
        """Says where what it says of rows is, and where its weights are; these are kept if no
        training before was better."""
        best = self._is_best(result)
        if result.judged:
            result = replace(result, judged=str(self._folders.judged_of(result.judged)))
        if not result.weights:
            return result
        file = self._folders.weights_of(result.weights)
        if best:
            return replace(result, weights=str(file))
        file.unlink()
        return replace(result, weights="")

    def _is_best(self, result: TrialResult) -> bool:
        place, value = (result.key.of, result.key.trial), result.best_value
        if result.outcome != "complete" or value is None:
            return False
        best, first = self._best.get(place, (math.nan, (0, 0)))
        first_of_equals = value == best and result.key.place < first  # whoever ended first
        if not (self._plan.objective.better(value, best) or first_of_equals):
            return False
        self._best[place] = value, result.key.place
        return True

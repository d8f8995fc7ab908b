"""The confirmation: each arm's best configurations on fresh seeds, the same ones in every arm.

Selection has seen validation rows many times, so the best value found is too good to be true;
what these runs give is not. Test rows are read here, once a run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pipeline.config.plan import Plan
from pipeline.records import EpochMetrics, TrialKey, TrialResult, TrialSpec, derive_seed
from pipeline.search.study import ArmStudy
from pipeline.stages.search import Search, trial_spec


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
    specs = []
    for repeat in range(plan.config.confirm.seeds):
        for study in studies.values():
            for best, values in study.best_trials(plan.config.confirm.top):
                key = TrialKey(study.arm.name, "confirm", best, repeat)
                if key not in done:
                    seed = derive_seed(study.arm.settings.training.seed, "confirm", repeat)
                    spec = trial_spec(plan, study.arm, key, values, seed)
                    if plan.config.confirm.resplit:
                        split = derive_seed(seed, "split")
                        spec = replace(spec, data=replace(spec.data, validation_seed=split))
                    specs.append(spec)
    return specs


class Confirmation:
    """Confirms an arm as soon as its search is settled, while others may still be searching."""

    def __init__(
        self,
        plan: Plan,
        studies: Mapping[str, ArmStudy],
        search: Search,
        done: Collection[TrialKey],
    ) -> None:
        self._plan = plan
        self._searching = dict(studies)
        self._search = search
        self._done = done
        self._waiting: list[TrialSpec] = []

    def next(self) -> TrialSpec | None:
        """A seed of an arm whose search is settled, the first seeds first."""
        settled = [name for name in self._searching if self._search.settled(name)]
        if settled:
            studies = {name: self._searching.pop(name) for name in settled}
            self._waiting += confirmations(self._plan, studies, self._done)
            self._waiting.sort(key=lambda spec: spec.key.repeat)
        return self._waiting.pop(0) if self._waiting else None

    def begun(self, key: TrialKey) -> None:
        """No study counts a confirmation."""

    def take(self, event: EpochMetrics | TrialResult) -> None:
        """Nobody judges a confirmation, and the dispatcher has it stored."""

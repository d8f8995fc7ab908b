"""The confirmation: each arm's best configuration on fresh seeds, the same ones in every arm.

Selection has seen validation rows many times, so the best value found is too good to be true;
what these runs give is not. Test rows are read here, once a run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace

from pipeline.config.plan import Plan
from pipeline.records import TrialKey, TrialSpec, derive_seed
from pipeline.search.study import ArmStudy
from pipeline.stages.dispatch import Dispatcher
from pipeline.stages.search import trial_spec


def confirmations(
    plan: Plan, studies: Mapping[str, ArmStudy], done: Collection[TrialKey]
) -> list[TrialSpec]:
    """The trainings that confirmation still needs: seed by seed, all arms of a seed together.

    Args:
        plan: the sweep.
        studies: finished searches.
        done: trainings that are stored already, as their first attempts.
    """
    specs = []
    for repeat in range(plan.config.confirm.seeds):
        for study in studies.values():
            best = study.tally().best_trial
            if best is None:
                continue
            key = TrialKey(study.arm.name, "confirm", best, repeat)
            if key not in done:
                seed = derive_seed(study.arm.settings.training.seed, "confirm", repeat)
                spec = trial_spec(plan, study.arm, key, study.values(best), seed)
                if plan.config.confirm.resplit:
                    split = derive_seed(seed, "split")
                    spec = replace(spec, data=replace(spec.data, validation_seed=split))
                specs.append(spec)
    return specs


def run_all(specs: Collection[TrialSpec], dispatcher: Dispatcher) -> None:
    """Trains all of them."""
    waiting = deque(specs)
    while waiting or dispatcher.running:
        while waiting and dispatcher.has_room:
            dispatcher.submit(waiting.popleft())
        for _ in dispatcher.events():
            pass  # the dispatcher has it stored; nobody judges a confirmation

"""The training whose model is published: the best arm's configuration on all rows that aren't for
testing.

Folds have said how good it is and how many epochs it needs; nothing is held out of this one to say
it again. Only its test score stands beside what the folds promised.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Literal

from fairsweep.config.plan import Plan
from fairsweep.files import TrialFolders
from fairsweep.folds import ALL_ROWS
from fairsweep.records import (
    Confirmation,
    SearchKey,
    SweepRecord,
    TrialKey,
    TrialResult,
    TrialSpec,
    derive_seed,
)
from fairsweep.report.analysis.select import ArmSelection, Selection, select
from fairsweep.search.study import ArmStudy
from fairsweep.stages.dispatch import SweepStage
from fairsweep.stages.search import trial_spec

STAGE: Literal["refit"] = "refit"


def leading(selection: Selection) -> ArmSelection | None:
    """The arm whose model is published; None while trainings are to come, or where none is
    confirmed."""
    arm = selection.recommended
    return None if arm is None or selection.pending else selection[arm]


def refit(plan: Plan, wanted: Confirmation, entry: ArmSelection, study: ArmStudy) -> TrialSpec:
    """The training of an arm's configuration for publication: as many epochs as its confirmations
    found best, in the median.

    Args:
        plan: the sweep.
        wanted: how its configurations are confirmed.
        entry: the arm, confirmed.
        study: the search that found it.
    """
    assert entry.chosen is not None
    chosen = entry.chosen.key
    values = dict(study.best_trials(wanted.top))[chosen.trial]
    epochs = [run.best_epoch for run in entry.retrained if run.best_epoch is not None]
    seed = derive_seed(study.arm.settings.training.seed, STAGE)
    key = TrialKey(entry.arm, STAGE, chosen.trial, search=chosen.search)
    spec = trial_spec(plan, study.arm, key, values, seed)
    return replace(
        spec, fold=ALL_ROWS, last_epoch=statistics.median_low(epochs), weights=spec.key.files
    )


def refits(
    plan: Plan,
    wanted: Confirmation,
    sweep: SweepRecord,
    studies: Mapping[SearchKey, ArmStudy],
    done: Collection[TrialKey],
) -> list[TrialSpec]:
    """The training for publication, if there is one to make that isn't stored yet."""
    entry = leading(select(sweep))
    if entry is None or entry.chosen is None:
        return []
    spec = refit(plan, wanted, entry, studies[entry.chosen.key.of])
    return [] if spec.key in done else [spec]


class RefitStage(SweepStage):
    """Trains what is to be published, and has its weights kept.

    Args:
        specs: the trainings.
        folders: where workers put weights, until they are stored.
    """

    def __init__(self, specs: list[TrialSpec], folders: TrialFolders) -> None:
        self._waiting = list(specs)
        self._folders = folders

    def next(self) -> TrialSpec | None:
        return self._waiting.pop(0) if self._waiting else None

    def ended(self, result: TrialResult) -> TrialResult:
        if not result.weights:
            return result
        return replace(result, weights=str(self._folders.weights_of(result.weights)))

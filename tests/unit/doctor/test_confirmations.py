"""Which trials are confirmed is one rule: for the sweep, for its report, and for the doctor."""

from __future__ import annotations

import functools
import math
import random
from dataclasses import replace

import optuna
import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.plan import Plan
from fairsweep.configurations import best_configurations
from fairsweep.doctor.runs import StoredRun
from fairsweep.doctor.studies import StoredTrial
from fairsweep.doctor.sweep import StoredSweep
from fairsweep.records import (
    Confirmation,
    Objective,
    RunRecord,
    TrialKey,
    TrialResult,
)
from fairsweep.report.analysis.select import select
from fairsweep.search.study import ArmStudy
from fairsweep.stages.confirm import confirmations
from fairsweep.stages.search import trial_spec
from fairsweep.tracking.names import flat_params
from tests.unit.report.builders import sweep

TRIALS, FOLDS, REPEATS = 12, 3, 2
# Two widths of one or two layers: some trials have the same, though they were drawn otherwise.
FEW = (
    *("optimizer=adam", "search=random", f"search.trials={TRIALS}"),
    *("optimizer.space.learning_rate=null", "optimizer.space.beta_1=null"),
    *("optimizer.space.beta_2=null", "training.space.batch_size=null"),
    "model.space.hidden_units={layers: {low: 1, high: 2}, units: {low: 32, high: 64}}",
)
ACCURACIES = (0.5, 0.7, 0.9)
COSTS = (10.0, 20.0, None)
SECOND = ("objective.second=parameters", "objective.tolerance=0.2")


@functools.cache
def plan(top: int, searches: int, *more: str) -> Plan:
    return compose_sweep([*FEW, f"confirm.top={top}", f"search.repeats={searches}", *more])


def searched(of: Plan, seed: int, search: int) -> tuple[ArmStudy, list[RunRecord]]:
    """A study of a finished search, and its runs as they are stored."""
    draw, (arm,) = random.Random(10 * seed + search), of.arms
    study, runs = ArmStudy(optuna.storages.InMemoryStorage(), of, arm, {}, search), []
    for number in range(TRIALS):
        key = TrialKey(arm.name, "search", number, search=search)
        value, values = draw.choice(ACCURACIES), study.ask().values
        second = draw.choice(COSTS) if of.objective.second else None
        study.tell(number, TrialResult(key, "complete", 20, 0.1, 20, value, second=second))
        params = flat_params(arm.choices, trial_spec(of, arm, key, values, number))
        params["seed"] = str(number)
        run = RunRecord(str(key), key, "complete", number, params, value, 20, 20, 0.1)
        runs.append(replace(run, second=second))
    return study, runs


def confirmation_of(run: RunRecord, key: TrialKey) -> RunRecord:
    return replace(run, run_id=str(key), key=key, seed=100 + key.repeat)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("top", "searches", "more"),
    [(1, 1, ()), (3, 1, ()), (1, 2, ()), (3, 2, ()), (1, 1, SECOND), (3, 2, SECOND)],
)
def test_sweep_report_and_doctor_agree(
    top: int, searches: int, more: tuple[str, ...], seed: int
) -> None:
    of = plan(top, searches, *more)
    found = [searched(of, seed, number) for number in range(searches)]
    runs = [run for _, own in found for run in own]
    scheme = Confirmation(FOLDS, REPEATS, top, searches)
    studies = {study.key: study for study, _ in found}
    wanted = [spec.key for spec in confirmations(of, scheme, studies, [])]
    assert len({(key.search, key.trial) for key in wanted}) == top * searches
    assert len(wanted) == top * FOLDS * REPEATS
    stored = StoredSweep(
        "agreed",
        {
            "objective": of.objective_settings(),
            "arms": ["adam"],
            "confirmation": vars(scheme),
        },
        [as_stored(run) for run in runs],
        {
            study.key: [
                StoredTrial(
                    run.key.trial, "complete", "complete", 20, run.best_value, second=run.second
                )
                for run in own
            ]
            for study, own in found
        },
    )
    assert set(stored.missing_confirmations()) == set(wanted)

    by_key = {(run.key.of, run.key.trial): run for run in runs}
    confirmed = [confirmation_of(by_key[key.of, key.trial], key) for key in wanted]
    record = sweep(
        *runs,
        arms=["adam"],
        objective=of.objective,
        trials=TRIALS,
        folds=FOLDS,
        confirm_seeds=REPEATS,
        confirm_top=top,
        searches=searches,
    )
    assert not select(replace(record, runs=(*runs, *confirmed))).pending
    for left_out in confirmed:
        rest = [run for run in confirmed if run is not left_out]
        assert select(replace(record, runs=(*runs, *rest))).pending
    everything = [as_stored(run) for run in (*runs, *confirmed)]
    assert replace(stored, runs=everything).missing_confirmations() == []


def as_stored(run: RunRecord) -> StoredRun:
    key = run.key
    tags = {"arm": key.arm, "stage": key.stage, "trial": str(key.trial), "attempt": "1"}
    tags |= {"repeat": str(key.repeat), "search": str(key.search), "outcome": run.outcome}
    if key.fold is not None:
        tags["fold"] = str(key.fold)
    return StoredRun(run.run_id, str(key), "FINISHED", tags, params=run.params)


def test_the_best_value_stands_for_its_configuration_and_of_equals_the_first_trial() -> None:
    values = {0: 0.2, 1: 0.9, 2: 0.9, 3: 0.7, 4: math.nan, 5: 0.8}
    same = {0: "a", 1: "b", 2: "b", 3: "c", 4: "d", 5: "a"}
    up, down = (Objective("m", direction) for direction in ("maximize", "minimize"))
    assert best_configurations(values, same.__getitem__, up, 9, {}) == [1, 5, 3]
    assert best_configurations(values, same.__getitem__, down, 9, {}) == [0, 3, 1]
    assert best_configurations(values, same.__getitem__, up, 2, {}) == [1, 5]
    assert best_configurations({}, same.__getitem__, up, 2, {}) == []

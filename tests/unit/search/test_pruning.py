"""Pruners on scripted curves: the hopeless are stopped, soon; the good never."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.config.plan import Plan
from fairsweep.records import PruningSchedule
from fairsweep.search.samplers import decision_schedule, make_pruner
from fairsweep.search.study import ArmStudy, step, value_so_far

from .builders import open_study, plan, result, train

TRIALS = 30


def good(epoch: int) -> float:
    return 0.9 + 0.001 * epoch


def hopeless(epoch: int) -> float:
    return 0.1 + 0.001 * epoch


def of(pruner: str, *overrides: str) -> Plan:
    return plan("search=random", f"pruner={pruner}", f"search.trials={TRIALS}", *overrides)


def run(study: ArmStudy, pruner: Plan, curve: Callable[[int], float]) -> tuple[str, int]:
    """(outcome, epochs) of one more trial along a curve."""
    ended = train(study, study.ask(), pruner, curve)
    return ended.outcome, ended.epochs


def test_median_stops_the_hopeless_at_the_first_verdict(tmp_path: Path) -> None:
    pruner = of("median")
    study = open_study(tmp_path, pruner)
    startup = pruner.config.pruner.params["n_startup_trials"]
    first = pruner.config.pruner.params["n_warmup_steps"]
    for _ in range(startup):
        assert run(study, pruner, good) == ("complete", 20)
    assert run(study, pruner, hopeless) == ("pruned", first + 1)
    assert run(study, pruner, lambda epoch: good(epoch) + 0.01) == ("complete", 20)


def test_median_lets_its_startup_trials_be(tmp_path: Path) -> None:
    pruner = of("median")
    study = open_study(tmp_path, pruner)
    startup = pruner.config.pruner.params["n_startup_trials"]
    outcomes = [run(study, pruner, good)] + [
        run(study, pruner, hopeless) for _ in range(startup - 1)
    ]
    assert outcomes == [("complete", 20)] * startup


def test_median_judges_again_after_its_interval(tmp_path: Path) -> None:
    pruner = of("median")
    study = open_study(tmp_path, pruner)
    for _ in range(5):
        run(study, pruner, good)
    # Better than all until epoch 4, the first verdict, and then it falls; best so far counts, so
    # the others pass it by a little later.
    curve = {1: 0.9, 2: 0.9, 3: 0.9, 4: 0.9045}
    assert run(study, pruner, lambda epoch: curve.get(epoch, 0.1)) == ("pruned", 9)


def test_median_stops_what_never_was_a_number(tmp_path: Path) -> None:
    """Of which numpy warns, and warnings are errors here."""
    pruner = of("median")
    study = open_study(tmp_path, pruner)
    for _ in range(5):
        run(study, pruner, good)
    assert run(study, pruner, lambda _: math.nan) == ("pruned", 5)


def test_median_follows_the_direction(tmp_path: Path) -> None:
    """Under a loss the low curve is the good one."""
    pruner = of("median", "objective.metric=val_loss", "objective.direction=minimize")
    study = open_study(tmp_path, pruner)
    for _ in range(5):
        assert run(study, pruner, hopeless) == ("complete", 20)
    assert run(study, pruner, good) == ("pruned", 5)
    assert run(study, pruner, lambda epoch: hopeless(epoch) - 0.05) == ("complete", 20)


def test_none_never_stops_a_trial(tmp_path: Path) -> None:
    pruner = of("none")
    assert decision_schedule(pruner.config.pruner) is None
    study = open_study(tmp_path, pruner)
    outcomes = [run(study, pruner, curve) for curve in [good] * 6 + [hopeless] * 6]
    assert outcomes == [("complete", 20)] * 12


def test_successive_halving_stops_the_hopeless_at_the_first_rung(tmp_path: Path) -> None:
    pruner = of("successive_halving")
    study = open_study(tmp_path, pruner)
    rung = pruner.config.pruner.params["min_resource"]
    for _ in range(3):
        run(study, pruner, good)
    assert run(study, pruner, hopeless) == ("pruned", rung + 1)


def test_successive_halving_keeps_the_best(tmp_path: Path) -> None:
    """Of trials that get better one by one each is in the best third when it comes to a rung."""
    pruner = of("successive_halving")
    study = open_study(tmp_path, pruner)
    outcomes = [
        run(study, pruner, lambda epoch, trial=trial: good(epoch) + 0.001 * trial)  # type: ignore[misc]
        for trial in range(10)
    ]
    assert outcomes[-1] == ("complete", 20)
    assert outcomes.count(("complete", 20)) >= 8


def test_hyperband_stops_the_hopeless_in_every_bracket(tmp_path: Path) -> None:
    pruner = of("hyperband")
    study = open_study(tmp_path, pruner)
    for _ in range(12):
        run(study, pruner, good)
    outcomes = [run(study, pruner, hopeless) for _ in range(12)]
    stopped = [epochs for outcome, epochs in outcomes if outcome == "pruned"]
    assert len(stopped) >= 6  # one bracket of the three runs almost everything to its end
    assert min(stopped) == pruner.config.pruner.params["min_resource"] + 1


@pytest.mark.parametrize("pruner", ["median", "successive_halving", "hyperband"])
def test_verdicts_survive_a_restart(pruner: str, tmp_path: Path) -> None:
    """What pruning compares with is stored, not remembered."""
    the = of(pruner)
    study = open_study(tmp_path, the)
    for _ in range(9):
        run(study, the, good)
    again = open_study(tmp_path, the)
    assert "pruned" in {run(again, the, hopeless)[0] for _ in range(6)}


def test_a_trial_taken_up_is_judged_anew(tmp_path: Path) -> None:
    """The attempt that was lost has reported epochs already; they must not count, nor break."""
    pruner = of("median")
    study = open_study(tmp_path, pruner)
    for _ in range(5):
        run(study, pruner, good)
    lost = study.ask()
    assert study.keep(lost.trial, 4, good(4))

    again = open_study(tmp_path, pruner)
    (candidate,) = again.take_up()
    assert train(again, candidate, pruner, good).outcome == "complete"
    assert again.tally().outcomes == {"complete": 6}


def test_what_was_judged_stands_for_every_attempt(tmp_path: Path) -> None:
    """Kept at 4 and 8, hopeless at 12; meanwhile others came that would decide otherwise."""
    pruner = of("median")
    study = open_study(tmp_path, pruner)
    for _ in range(5):
        run(study, pruner, good)
    lost = study.ask()
    values = {4: 0.99, 8: 0.99}
    assert all(study.keep(lost.trial, epoch, value) for epoch, value in values.items())
    for _ in range(9):
        run(study, pruner, lambda epoch: 1.0 + good(epoch))
    for opened in (study, open_study(tmp_path, pruner)):
        if opened is not study:
            opened.take_up()
        assert all(opened.keep(lost.trial, epoch, value) for epoch, value in values.items())
        assert not opened.keep(lost.trial, 12, 0.99)
        assert not opened.keep(lost.trial, 16, 9.0)  # trained before it heard of that


def test_what_is_only_reported_is_not_judged(tmp_path: Path) -> None:
    """Epochs of a checkpoint that the study missed: the training is past them."""
    pruner = of("median")
    study = open_study(tmp_path, pruner)
    for _ in range(5):
        run(study, pruner, good)
    lost = study.ask()
    assert study.report(lost.trial, 4, hopeless(4))
    assert not study.report(lost.trial, 4, hopeless(4))
    assert study.keep(lost.trial, 4, hopeless(4))
    assert not study.keep(lost.trial, 8, hopeless(8))


def folded(tmp_path: Path) -> tuple[Plan, ArmStudy]:
    """A study of trials on 3 folds of 20 epochs, of which five were good on all of them."""
    the = of("median", "search.folds=3")
    study = open_study(tmp_path, the)
    for _ in range(5):
        number = study.ask().trial
        for at in (4, 16, 20, 24, 36, 40, 44, 56):
            assert study.keep(number, at, 0.9)
        study.tell(number, result(study, number, 0.9))
    return the, study


def test_a_trial_on_folds_is_judged_by_the_fold_that_it_is_at(tmp_path: Path) -> None:
    """What it was worth on fewer folds doesn't save it, be that within a fold or where it ends."""
    _, study = folded(tmp_path)
    lucky, late = study.ask().trial, study.ask().trial
    assert study.keep(lucky, step(4, 0, 20), 0.99)
    assert study.keep(lucky, step(20, 0, 20), 0.99)
    assert not study.keep(lucky, step(4, 1, 20), value_so_far([0.99], 0.5))
    assert study.keep(late, step(20, 0, 20), 0.9)
    assert not study.keep(late, step(20, 1, 20), value_so_far([0.9], 0.8))


def test_what_was_judged_between_folds_stands_after_a_restart(tmp_path: Path) -> None:
    the, study = folded(tmp_path)
    lost = study.ask().trial
    assert not study.keep(lost, step(20, 0, 20), 0.5)
    again = open_study(tmp_path, the)
    (candidate,) = again.take_up()
    assert candidate.trial == lost
    assert not again.keep(lost, step(20, 0, 20), 0.5)


def test_steps_of_folds_are_unique_and_go_up() -> None:
    steps = [step(epoch, fold, 20) for fold in range(3) for epoch in range(1, 21)]
    assert steps == list(range(1, 61))


def test_a_trial_on_folds_is_as_long_as_all_of_them() -> None:
    assert vars(make_pruner(of("hyperband").config.pruner, 20, folds=3))["_max_resource"] == 60


@pytest.mark.parametrize("pruner", ["median", "successive_halving", "hyperband"])
def test_schedule_judges_where_the_pruner_can_stop(pruner: str) -> None:
    """No verdict is waited for where the pruner has none to give, and none is missed."""
    settings = of(pruner).config.pruner
    schedule = decision_schedule(settings)
    assert schedule is not None
    assert schedule.first >= 1
    if pruner == "median":
        warmup, interval = settings.params["n_warmup_steps"], settings.params["interval_steps"]
        assert schedule == PruningSchedule(warmup, interval)
    else:
        assert schedule.first == settings.params["min_resource"]


def test_median_without_warmup_judges_from_the_first_epoch() -> None:
    settings = of("median", "pruner.params.n_warmup_steps=0").config.pruner
    schedule = decision_schedule(settings)
    assert schedule is not None and schedule.judged(1)


def test_hyperband_of_a_given_length_keeps_it() -> None:
    settings = of("hyperband").config.pruner
    automatic = make_pruner(settings, epochs=81)
    given = make_pruner(
        dataclasses.replace(settings, params={**settings.params, "max_resource": 9}), epochs=81
    )
    assert vars(automatic)["_max_resource"] == 81
    assert vars(given)["_max_resource"] == 9
    assert settings.params["max_resource"] == "auto"  # the settings stay as they are

"""A study of one arm: its first trial, its tally, its outcomes and its budget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.space import dimensions
from fairsweep.records import Outcome, SearchKey
from fairsweep.search.journal import open_storage
from fairsweep.search.study import ArmStudy, identities

from .builders import open_study, plan, search, tell, value_of

SAMPLERS = ["tpe", "random", "qmc", "grid"]


@pytest.fixture
def study(tmp_path: Path) -> ArmStudy:
    return open_study(tmp_path, plan("search=random", "search.trials=5"))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trial_zero_is_the_defaults(sampler: str, tmp_path: Path) -> None:
    of = compose_sweep(["optimizer=adam", f"search={sampler}"])
    candidate = open_study(tmp_path, of).ask()
    arm = of.arms[0].settings
    assert (candidate.trial, candidate.attempt) == (0, 1)
    assert arm.with_values(candidate.values) == arm
    assert set(candidate.values) == set(of.arms[0].searched)


def test_trial_zero_alone_is_the_defaults(study: ArmStudy) -> None:
    first, *others = list(search(study))
    assert [candidate.trial for candidate in [first, *others]] == [0, 1, 2, 3, 4]
    assert all(candidate.values != first.values for candidate in others)
    rates = [candidate.values["optimizer.learning_rate"] for candidate in others]
    assert len(set(rates)) == len(rates)  # every trial has draws of its own


def test_only_parameters_with_a_space_are_drawn(study: ArmStudy) -> None:
    names = {"optimizer.learning_rate", "optimizer.beta_1", "training.batch_size"}
    assert all(set(candidate.values) == names for candidate in search(study))


def test_an_arm_without_a_space_repeats_its_defaults(tmp_path: Path) -> None:
    of = plan(
        "optimizer.space.learning_rate=null",
        "optimizer.space.beta_1=null",
        "training.space.batch_size=null",
        "search.trials=2",
    )
    assert dimensions(of.arms[0].settings) == ()
    study = open_study(tmp_path, of)
    while study.wants_trial():
        candidate = study.ask()
        assert candidate.values == {}
        tell(study, candidate, 0.5)
    assert study.tally().finished == 2


def test_values_of_a_stored_trial(study: ArmStudy, tmp_path: Path) -> None:
    candidates = list(search(study))
    again = open_study(tmp_path, plan("search=random", "search.trials=5"))
    assert dict(again.best_trials(5)) == {c.trial: c.values for c in candidates}


OUTCOMES: list[tuple[Outcome, TrialState]] = [
    ("complete", TrialState.COMPLETE),
    ("pruned", TrialState.PRUNED),
    ("diverged", TrialState.PRUNED),
    ("failed", TrialState.FAIL),
]


@pytest.mark.parametrize(("outcome", "state"), OUTCOMES, ids=[o for o, _ in OUTCOMES])
def test_outcomes_are_told_and_kept(
    outcome: Outcome, state: TrialState, study: ArmStudy, tmp_path: Path
) -> None:
    """A diverged trial teaches the sampler as a pruned one does, a failed one says nothing."""
    tell(study, study.ask(), 0.5, outcome, epochs=3)
    stored = optuna.load_study(
        study_name="adam", storage=open_storage(tmp_path / "studies.log")
    ).trials
    assert [trial.state for trial in stored] == [state]
    tally = study.tally()
    assert tally.outcomes == {outcome: 1}
    assert (tally.finished, tally.unfinished, tally.epochs) == (1, 0, 3)


def test_only_complete_trials_can_be_best(study: ArmStudy) -> None:
    for outcome, value in [
        ("diverged", 0.99),
        ("complete", 0.7),
        ("pruned", 0.98),
        ("complete", 0.8),
        ("failed", None),
    ]:
        tell(study, study.ask(), value, outcome)  # type: ignore[arg-type]
    tally = study.tally()
    assert tally.best_value == 0.8
    assert [number for number, _ in study.best_trials(9)] == [3, 1]
    assert tally.outcomes == {"complete": 2, "pruned": 1, "diverged": 1, "failed": 1}


@pytest.mark.parametrize(
    ("words", "trials", "why"),
    [
        ("search=grid search.only=[training.batch_size]", 4, "its grid has no more combinations"),
        ("search.epochs=10", 2, "search.epochs=10 has no room for another"),
        ("search.minutes=0.5", 2, "search.minutes=0.5 came first"),
        ("search.minutes=0.5 search.epochs=10", 2, "search.epochs=10 has no room for another"),
        ("search.minutes=0.5 search.epochs=25", 2, "search.minutes=0.5 came first"),
        ("search.minutes=0.5 search=random", 5, ""),
    ],
)
def test_which_limit_came_first_is_known(words: str, trials: int, why: str, tmp_path: Path) -> None:
    study = open_study(tmp_path, plan(*words.split(), "search.trials=5", "training.epochs=5"))
    for _ in range(trials):
        tell(study, study.ask(), 0.9, epochs=5)
    assert study.cut_off == why


def test_best_follows_the_direction(tmp_path: Path) -> None:
    of = plan("objective.metric=val_loss", "objective.direction=minimize", "search.trials=3")
    study = open_study(tmp_path, of)
    for value in (0.7, 0.3, 0.5):
        tell(study, study.ask(), value)
    assert study.tally().best_value == 0.3
    assert [number for number, _ in study.best_trials(2)] == [1, 2]


def test_a_tally_without_a_complete_trial_has_no_best(study: ArmStudy) -> None:
    assert study.best_trials(1) == []
    tell(study, study.ask(), None, "diverged")
    assert study.tally().best_value is None
    assert study.best_trials(1) == []


def test_a_diverged_trial_needs_no_value(study: ArmStudy) -> None:
    tell(study, study.ask(), None, "diverged", epochs=1)
    tell(study, study.ask(), None, "failed", epochs=0)
    assert study.tally().epochs == 1


def test_trials_that_run_count_as_begun_and_unfinished(study: ArmStudy) -> None:
    study.ask()
    second = study.ask()
    assert (study.begun, study.tally().unfinished, study.tally().finished) == (2, 2, 0)
    tell(study, second)
    assert (study.begun, study.tally().unfinished, study.tally().finished) == (2, 1, 1)


def test_trials_may_end_in_any_order(study: ArmStudy) -> None:
    candidates = [study.ask() for _ in range(3)]
    for candidate in reversed(candidates):
        tell(study, candidate)
    best = max(candidates, key=lambda candidate: value_of(candidate.values))
    assert study.best_trials(1) == [(best.trial, best.values)]


def test_of_equal_trials_the_first_is_best(study: ArmStudy) -> None:
    for value in (0.5, 0.9, 0.9):
        tell(study, study.ask(), value)
    assert [number for number, _ in study.best_trials(2)] == [1, 2]


def test_the_same_values_stand_once_among_the_best(tmp_path: Path) -> None:
    of = plan("search=random", "search.only=[training.batch_size]", "search.trials=30")
    study = open_study(tmp_path, of)
    for _ in range(30):
        tell(study, study.ask(), 0.5)
    best = study.best_trials(30)
    sizes = [values["training.batch_size"] for _, values in best]
    assert len(sizes) == len(set(sizes)) < 30
    assert best[0][0] == 0


def test_identity_is_kept(tmp_path: Path) -> None:
    storage, of = open_storage(tmp_path / "studies.log"), plan("optimizer=adam")
    ArmStudy(storage, of, of.arms[0], {"model": {"units": [8, 16]}, "seed": 0})
    again = identities(open_storage(tmp_path / "studies.log"))
    assert again == {SearchKey("adam"): {"model": {"units": [8, 16]}, "seed": 0}}


def test_arms_of_a_journal_do_not_mix(tmp_path: Path) -> None:
    storage = open_storage(tmp_path / "studies.log")
    adam, sgd = (plan("search.trials=2", f"optimizer={arm}") for arm in ("adam", "adamw"))
    first, second = (
        ArmStudy(storage, adam, adam.arms[0], {}),
        ArmStudy(storage, sgd, sgd.arms[0], {}),
    )
    list(search(first))
    assert (first.tally().finished, second.tally().finished) == (2, 0)
    assert second.ask().trial == 0


def test_searches_of_an_arm_draw_otherwise_and_know_their_own_trials(tmp_path: Path) -> None:
    of = plan("search=random", "search.repeats=2")

    def opened() -> list[ArmStudy]:
        storage = open_storage(tmp_path / "studies.log")
        return [ArmStudy(storage, of, of.arms[0], {}, number) for number in range(2)]

    one, two = opened()
    first, second = ([c.values for c in search(study, 4)] for study in (one, two))
    assert first[0] == second[0]  # the defaults
    assert all(values not in second for values in first[1:])
    assert two.ask().trial == 4
    assert [(study.key, study.begun) for study in opened()] == [
        (SearchKey("adam", 0), 4),
        (SearchKey("adam", 1), 5),
    ]


def draws(arms: str, *overrides: str) -> dict[str, list[Any]]:
    """What the second search of each arm draws after its defaults."""
    of = compose_sweep([arms, "search.repeats=2", *overrides])
    studies = [ArmStudy(optuna.storages.InMemoryStorage(), of, arm, {}, 1) for arm in of.arms]
    return {
        study.arm.name: [candidate.values for candidate in search(study, 5)][1:]
        for study in studies
    }


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_searches_with_a_number_draw_alike_what_arms_share(sampler: str) -> None:
    drawn = draws("arms.optimizer=[sgd,adam,adamw]", f"search={sampler}")
    shared = ("model.hidden_units", "training.batch_size")
    first, *others = (
        [[values[name] for name in shared] for values in own] for own in drawn.values()
    )
    assert others == [first, first]


def test_one_search_of_each_arm_draws_by_its_name() -> None:
    of = compose_sweep(["arms.optimizer=[sgd,adam]", "search=random"])
    sgd, adam = (ArmStudy(optuna.storages.InMemoryStorage(), of, arm, {}) for arm in of.arms)
    assert [c.values["model.hidden_units"] for c in search(sgd, 5)][1:] != [
        c.values["model.hidden_units"] for c in search(adam, 5)
    ][1:]


def test_a_twin_draws_otherwise_in_the_search_of_the_same_number() -> None:
    drawn = draws("experiment=self_check")
    assert set(drawn) == {"adam", "adam_twin"}
    for adam, twin in zip(*drawn.values(), strict=True):
        assert adam["optimizer.learning_rate"] != twin["optimizer.learning_rate"]
        assert adam["model.hidden_units"] == twin["model.hidden_units"]


class TestTrials:
    """A budget in trials is a total, whatever the number of processes that spend it."""

    def test_it_is_spent_exactly(self, study: ArmStudy) -> None:
        assert study.limit == 5
        assert len(list(search(study))) == 5
        assert not study.wants_trial()

    def test_trials_that_run_take_their_place(self, study: ArmStudy) -> None:
        running = []
        while study.wants_trial():
            running.append(study.ask())
        assert len(running) == 5

    @pytest.mark.parametrize("first", [1, 3, 5])
    def test_it_is_a_total_over_restarts(self, first: int, tmp_path: Path) -> None:
        of = plan("search=random", "search.trials=5")
        assert len(list(search(open_study(tmp_path, of), first))) == first
        assert len(list(search(open_study(tmp_path, of)))) == 5 - first
        assert len(list(search(open_study(tmp_path, of)))) == 0
        assert open_study(tmp_path, of).tally().finished == 5

    def test_more_trials_continue(self, tmp_path: Path) -> None:
        of = plan("search=random", "search.trials=5")
        list(search(open_study(tmp_path, of)))
        more = open_study(tmp_path, plan("search=random", "search.trials=8"))
        assert [candidate.trial for candidate in search(more)] == [5, 6, 7]

    def test_failed_and_diverged_trials_are_spent(self, study: ArmStudy) -> None:
        while study.wants_trial():
            tell(study, study.ask(), None, "failed")
        assert study.tally().outcomes == {"failed": 5}


class TestEpochs:
    """A budget in epochs is never exceeded, and pruned trials leave room for more of them."""

    @staticmethod
    def spend(
        folder: Path, budget: int, lengths: list[int], workers: int, restart: int | None = None
    ) -> tuple[int, int]:
        """Trains with `workers` at once, lengths in turn; gives (trials, epochs) spent."""
        of = plan("search=random", "search.trials=1000", f"search.epochs={budget}")
        study = open_study(folder, of)
        running: list[Any] = []
        ended = 0
        while True:
            while len(running) < workers and study.wants_trial():
                running.append(study.ask())
            if not running:
                return ended, study.tally().epochs
            length = lengths[ended % len(lengths)]
            tell(study, running.pop(0), 0.5, "complete" if length == 20 else "pruned", length)
            assert study.tally().epochs <= budget
            ended += 1
            if ended == restart:
                study = open_study(folder, of)
                running = study.take_up()

    @pytest.mark.parametrize("workers", [1, 3])
    @pytest.mark.parametrize("budget", [20, 39, 110])
    @pytest.mark.parametrize("lengths", [[20], [20, 5, 1, 13]], ids=str)
    def test_never_exceeded_and_no_training_left_unspent(
        self, budget: int, lengths: list[int], workers: int, tmp_path: Path
    ) -> None:
        trials, epochs = self.spend(tmp_path, budget, lengths, workers)
        assert budget - 20 < epochs <= budget
        assert trials >= budget // 20

    def test_never_exceeded_over_a_restart(self, tmp_path: Path) -> None:
        _, epochs = self.spend(tmp_path, 100, [20, 5], workers=3, restart=2)
        assert 80 < epochs <= 100

    def test_whichever_budget_ends_first(self, tmp_path: Path) -> None:
        of = plan("search=random", "search.trials=2", "search.epochs=1000")
        assert len(list(search(open_study(tmp_path, of)))) == 2


class TestGrid:
    """A grid is a budget of its own: every combination once, after the defaults."""

    GRID = (
        "search=grid",
        "search.params.points=2",
        "optimizer.space.beta_1.choices=[0.8,0.9]",
        "training.space.batch_size.choices=[32,64]",
    )

    def test_it_ends_with_its_last_combination(self, tmp_path: Path) -> None:
        study = open_study(tmp_path, plan(*self.GRID, "search.trials=100"))
        assert study.limit == 1 + 2 * 2 * 2
        candidates = list(search(study))
        combinations = {json.dumps(c.values, sort_keys=True) for c in candidates[1:]}
        assert len(candidates) == 9
        assert len(combinations) == 8
        rates = {c.values["optimizer.learning_rate"] for c in candidates[1:]}
        assert rates == {1e-5, 0.1}  # ends included

    def test_no_combination_is_tried_twice_before_all_are(self, tmp_path: Path) -> None:
        """The defaults are one of the combinations."""
        rates = "optimizer.space.learning_rate={low:null,high:null,log:false,choices:[1e-3,1e-2]}"
        study = open_study(tmp_path, plan(*self.GRID, rates, "search.trials=100"))
        values = [json.dumps(c.values, sort_keys=True) for c in search(study)]
        assert study.limit == len(values) == len(set(values)) == 2 * 2 * 2

    def test_what_is_not_used_makes_no_other_combination(self, tmp_path: Path) -> None:
        """Beta 1 is searched with batches of 64 alone: two rates by (32, 64 with 0.8 or 0.9)."""
        when = "optimizer.space.beta_1.when={training.batch_size:64}"
        rates = "optimizer.space.learning_rate={low:null,high:null,log:false,choices:[1e-3,1e-2]}"
        study = open_study(tmp_path, plan(*self.GRID, rates, when, "search.trials=100"))
        values = [json.dumps(c.values, sort_keys=True) for c in search(study)]
        assert study.limit == len(values) == len(set(values)) == 2 * 3

    def test_a_part_of_it_is_spread_over_the_whole(self, tmp_path: Path) -> None:
        """Five of 25 combinations have nearly every value of either parameter."""
        of = plan(
            "search=grid",
            "search.params.points=5",
            "optimizer.space.beta_1=null",
            "training.space.batch_size={choices:[16,32,64,128,256]}",
            "search.trials=6",
        )
        _, *trials = search(open_study(tmp_path, of))
        for name in ("optimizer.learning_rate", "training.batch_size"):
            assert len({trial.values[name] for trial in trials}) >= 4

    def test_fewer_trials_than_combinations(self, tmp_path: Path) -> None:
        study = open_study(tmp_path, plan(*self.GRID, "search.trials=4"))
        assert len(list(search(study))) == 4

    def test_with_several_at_once(self, tmp_path: Path) -> None:
        study = open_study(tmp_path, plan(*self.GRID, "search.trials=100"))
        running = [study.ask() for _ in range(4)]
        seen = [c.values for c in running]
        while running:
            tell(study, running.pop(0))
            if study.wants_trial():
                running.append(study.ask())
                seen.append(running[-1].values)
        assert len({json.dumps(values, sort_keys=True) for values in seen[1:]}) == 8

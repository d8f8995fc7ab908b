"""Which trainings confirm a sweep: each arm's best configuration on folds and seeds that all arms
share."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path

import optuna
import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.plan import Plan
from fairsweep.files import TrialFolders
from fairsweep.folds import Fold
from fairsweep.records import Confirmation, Outcome, SearchKey, TrialKey, TrialResult
from fairsweep.search.study import ArmStudy
from fairsweep.stages.confirm import ConfirmStage, confirmations

ARMS = ("adam", "sgd")
ON_SEEDS = Confirmation(0, 3)


@functools.cache
def _plan(*overrides: str) -> Plan:
    arms = f"arms.optimizer=[{','.join(ARMS)}]"
    return compose_sweep([arms, "search=random", *overrides])


def _searched(plan: Plan, searches: int = 1) -> dict[SearchKey, ArmStudy]:
    """Studies of three trials; the second one is best, and in search 1 the third one."""
    studies = {
        SearchKey(arm.name, number): ArmStudy(
            optuna.storages.InMemoryStorage(), plan, arm, {}, number
        )
        for number in range(searches)
        for arm in plan.arms
    }
    for search, study in studies.items():
        for value in (0.5, 0.7, 0.9) if search.number == 1 else (0.5, 0.9, 0.7):
            trial = study.ask().trial
            key = TrialKey(search.arm, "search", trial, search=search.number)
            study.tell(trial, TrialResult(key, "complete", 20, 0.1, 20, value))
    return studies


def test_the_best_trial_of_each_arm_is_trained_on_every_seed() -> None:
    plan = _plan()
    studies = _searched(plan)
    specs = confirmations(plan, ON_SEEDS, studies, [])
    assert [spec.key for spec in specs] == [
        TrialKey(arm, "confirm", 1, repeat) for repeat in range(3) for arm in ARMS
    ]
    for spec in specs:
        assert spec.test
        [(_, best)] = studies[spec.key.of].best_trials(1)
        assert spec.optimizer.params["learning_rate"] == best["optimizer.learning_rate"]


def test_a_seed_is_the_same_in_every_arm_and_no_two_are() -> None:
    plan = _plan()
    seeds = [spec.seed for spec in confirmations(plan, ON_SEEDS, _searched(plan), [])]
    assert seeds[::2] == seeds[1::2]
    assert len(set(seeds)) == 3


def test_what_is_stored_is_not_trained_again() -> None:
    plan = _plan()
    studies = _searched(plan)
    done = [TrialKey("adam", "confirm", 1, 0), TrialKey("sgd", "confirm", 1, 2)]
    keys = {spec.key for spec in confirmations(plan, ON_SEEDS, studies, done)}
    assert len(keys) == 4
    assert not keys & set(done)


def test_seeds_share_the_split() -> None:
    plan = _plan()
    specs = confirmations(plan, ON_SEEDS, _searched(plan), [])
    assert {spec.fold for spec in specs} == {None}


def test_each_fold_of_each_repeat_is_left_out_once_and_alike_in_every_arm() -> None:
    plan = _plan()
    specs = confirmations(plan, Confirmation(3, 2), _searched(plan), [])
    folds = [Fold(3, repeat, index) for repeat in range(2) for index in range(3)]
    assert [spec.fold for spec in specs if spec.key.arm == "adam"] == folds
    assert [spec.fold for spec in specs if spec.key.arm == "sgd"] == folds
    assert [spec.key.place for spec in specs] == sorted(spec.key.place for spec in specs)
    seeds = [spec.seed for spec in specs]
    assert seeds[::2] == seeds[1::2]
    assert len(set(seeds)) == 6


def test_the_top_trials_of_each_arm_are_trained_on_every_seed() -> None:
    plan = _plan()
    specs = confirmations(plan, Confirmation(0, 3, top=2), _searched(plan), [])
    assert [(spec.key.arm, spec.key.trial, spec.key.repeat) for spec in specs] == [
        (arm, trial, repeat) for repeat in range(3) for arm in ARMS for trial in (1, 2)
    ]
    assert len({spec.seed for spec in specs}) == 3


def test_searches_take_turns_in_confirming_what_they_found() -> None:
    plan, wanted = _plan("search.repeats=3"), Confirmation(2, 6, searches=3)
    studies = _searched(plan, searches=3)
    specs = confirmations(plan, wanted, studies, [])
    assert [spec.key for spec in specs if spec.key.arm == "adam"] == [
        TrialKey("adam", "confirm", trial, repeat, fold=fold, search=search)
        for repeat, (search, trial) in enumerate([(0, 1), (1, 2), (2, 1)] * 2)
        for fold in range(2)
    ]
    for spec in specs:
        [(_, best)] = studies[spec.key.of].best_trials(1)
        assert spec.optimizer.params["learning_rate"] == best["optimizer.learning_rate"]
    alike = confirmations(plan, Confirmation(2, 6), _searched(plan), [])
    assert [spec.seed for spec in specs] == [spec.seed for spec in alike]
    assert [spec.fold for spec in specs] == [spec.fold for spec in alike]


class Searching:
    """A search in which some arms are settled."""

    def __init__(self) -> None:
        self.arms: set[str] = set()

    def settled(self, search: SearchKey) -> bool:
        return search.arm in self.arms


class Told:
    """Keeps what it is told of settled searches: the arm, and the three numbers."""

    def __init__(self) -> None:
        self.searches: list[tuple[str, int, int, int]] = []

    def settled(self, arm: str, trials: int, confirmations: int, stored: int) -> None:
        self.searches.append((arm, trials, confirmations, stored))


def test_what_is_stored_and_what_will_not_come_is_told() -> None:
    """Of five trials three were drawn, so there are three configurations to confirm where four were
    planned, thrice each; two trainings of the best are stored."""
    plan, search, told = _plan("search.trials=5"), Searching(), Told()
    search.arms = {"sgd"}
    keys = [TrialKey("sgd", "confirm", 1, repeat) for repeat in range(2)]
    done = {key: TrialResult(key, "complete", 20, 0.1, 20, 0.9) for key in keys}
    wanted, folders = Confirmation(0, 3, top=4), TrialFolders(Path("x"), Path("x"))
    stage = ConfirmStage(plan, wanted, _searched(plan), search, done, folders, told)  # type: ignore[arg-type]
    trained = list(iter(stage.next, None))
    assert told.searches == [("sgd", 2, 3, 2)]
    assert len(trained) == 4 * 3 - 3 - 2


def test_an_arm_is_confirmed_while_another_still_searches() -> None:
    plan, search = _plan(), Searching()
    folders = TrialFolders(Path("x"), Path("x"))
    stage = ConfirmStage(plan, ON_SEEDS, _searched(plan), search, {}, folders, Told())  # type: ignore[arg-type]
    assert stage.next() is None
    search.arms = {"sgd"}
    first = stage.next()
    assert first is not None
    assert first.key == TrialKey("sgd", "confirm", 1, 0)
    search.arms = {"sgd", "adam"}
    rest = [spec.key for spec in iter(stage.next, None)]
    assert rest == [
        TrialKey(arm, "confirm", 1, repeat)
        for repeat in range(3)
        for arm in ("sgd", "adam")
        if (arm, repeat) != ("sgd", 0)
    ]


def _ended(repeat: int, value: float, folder: Path, outcome: Outcome = "complete") -> TrialResult:
    key = TrialKey("sgd", "confirm", 1, repeat)
    file = TrialFolders(folder, folder).weights_of(key.files)
    file.parent.mkdir()
    file.touch()
    return TrialResult(key, outcome, 20, 0.1, 20, value, weights=key.files)


def _left(folder: Path) -> list[str]:
    return sorted(file.parent.name for file in folder.rglob("weights.npz"))


def test_the_weights_of_the_best_seed_are_kept(tmp_path: Path) -> None:
    plan = _plan()
    stored = {TrialKey("sgd", "confirm", 1, 0): _ended(0, 0.90, tmp_path)}
    folders = TrialFolders(tmp_path, tmp_path)
    stage = ConfirmStage(plan, ON_SEEDS, {}, Searching(), stored, folders, Told())  # type: ignore[arg-type]
    results = [
        _ended(1, 0.89, tmp_path),
        _ended(2, 0.91, tmp_path),
        _ended(3, 0.99, tmp_path, "diverged"),
        _ended(4, 0.91, tmp_path),
    ]
    kept = [stage.ended(result).weights for result in results]
    assert kept == ["", str(tmp_path / "sgd-confirm-1-2" / "weights.npz"), "", ""]
    assert _left(tmp_path) == ["sgd-confirm-1-0", "sgd-confirm-1-2"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_of_equal_seeds_the_first_has_its_weights_whichever_ended_first(
    order: Sequence[int], tmp_path: Path
) -> None:
    """It is the one whose weights are published."""
    folders = TrialFolders(tmp_path, tmp_path)
    stage = ConfirmStage(_plan(), ON_SEEDS, {}, Searching(), {}, folders, Told())  # type: ignore[arg-type]
    for repeat in order:
        stage.ended(_ended(repeat, 0.9, tmp_path))
    assert "sgd-confirm-1-0" in _left(tmp_path)

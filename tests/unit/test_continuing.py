"""A sweep goes on in the store that has its runs, and in no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.errors import StorageError
from fairsweep.records import SearchKey, TrialKey, TrialResult
from fairsweep.search.journal import open_storage
from fairsweep.search.study import ArmStudy
from fairsweep.stages.continuing import settle
from fairsweep.tracking.store import Store

LOCAL = Store(Path("mlruns"), "sqlite:///mlruns/mlflow.db", local=True)
SERVER = Store(Path("mlruns"), "http://tracker:5000", local=False)
ON_A_SERVER = ("tracking=server", f"tracking.uri={SERVER.uri}")
Begun = Callable[..., dict[SearchKey, ArmStudy]]


@pytest.fixture
def begun(tmp_path: Path) -> Begun:
    """The studies of a sweep of one trial, which a new process has opened again."""

    def open_again(*overrides: str, finished: bool = True) -> dict[SearchKey, ArmStudy]:
        plan = compose_sweep(["optimizer=adam", "search=random", *overrides])
        path = tmp_path / "begun.journal"
        study = ArmStudy(open_storage(path), plan, plan.arms[0], {})
        trial = study.ask().trial
        if finished:
            key = TrialKey("adam", "search", trial)
            study.tell(trial, TrialResult(key, "complete", 20, 0.1, 20, 0.5))
        return {SearchKey("adam"): ArmStudy(open_storage(path), plan, plan.arms[0], {})}

    return open_again


def test_local_runs_are_not_on_a_server(begun: Begun) -> None:
    with pytest.raises(StorageError, match=r"has its runs in the local store.*tracking=local"):
        settle(begun(), {}, SERVER)


def test_runs_on_a_server_are_not_here(begun: Begun) -> None:
    with pytest.raises(StorageError, match=r"tracking=server tracking.uri=http://tracker:5000"):
        settle(begun(*ON_A_SERVER), {}, LOCAL)


def test_runs_that_are_gone_are_told(begun: Begun) -> None:
    with pytest.raises(StorageError, match=r"none of their runs is in sql.*restore mlflow\.db "):
        settle(begun(), {}, LOCAL)


def test_runs_that_are_gone_from_a_server_are_told(begun: Begun) -> None:
    with pytest.raises(StorageError, match=r"none of their runs is in http:.*; restore them "):
        settle(begun(*ON_A_SERVER), {}, SERVER)


def test_a_store_that_has_runs_is_theirs_whatever_it_is_called(begun: Begun) -> None:
    """A server may get another address, or serve what was a local database."""
    key = TrialKey("adam", "search", 0)
    settle(begun(), {key: TrialResult(key, "complete", 20, 0.1, 20, 0.5)}, SERVER)


def test_studies_without_a_finished_trial_may_have_no_run_anywhere(begun: Begun) -> None:
    settle(begun(finished=False), {}, SERVER)

"""MLflow answers page by page: whatever is looked for is found on any of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairsweep.doctor.runs import check_begins, read_runs, sweep_names
from fairsweep.errors import StorageError
from fairsweep.tracking import names
from fairsweep.tracking.registry import ALIAS, find_model
from fairsweep.tracking.store import Store
from fairsweep.tracking.ui.links import sweeps_links

SWEEPS = ("one", "two", "three", "four", "five")
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture(scope="module")
def server(empty_store: Callable[[Path], Store], tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a sweep, a training and a champion in each of its experiments, which is asked
    as a server is."""
    store = empty_store(tmp_path_factory.mktemp("pages") / "mlruns")
    client = store.client()
    for name in SWEEPS:
        experiment = client.create_experiment(name)
        for stage in ("sweep", "search"):
            run = client.create_run(experiment, tags={"sweep": name, "stage": stage})
        client.create_registered_model(name)
        version = client.create_model_version(name, "models", run.info.run_id)
        client.set_registered_model_alias(name, ALIAS, version.version)
    return Store(store.root, store.uri, local=False)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two, however many are asked for."""
    from mlflow import MlflowClient

    def of_two(search: Callable[..., Any]) -> Callable[..., Any]:
        def page(client: MlflowClient, *args: Any, max_results: int = 2, **asked: Any) -> Any:
            return search(client, *args, max_results=min(max_results, 2), **asked)

        return page

    for name in ("search_experiments", "search_runs", "search_registered_models"):
        monkeypatch.setattr(MlflowClient, name, of_two(getattr(MlflowClient, name)))


def test_all_experiments(server: Store) -> None:
    assert set(names.all_experiments(server.client()).values()) >= set(SWEEPS)


def test_the_sweeps_of_all_experiments(server: Store) -> None:
    assert sweep_names(server) == sorted(SWEEPS)


@pytest.mark.parametrize("name", SWEEPS)
def test_the_runs_of_a_sweep_in_any_experiment(name: str, server: Store) -> None:
    assert {run.tags["sweep"] for run in read_runs(server, name)[0]} == {name}
    with pytest.raises(StorageError, match=f"trainings of sweep {name}"):
        check_begins(server, name)


def test_the_links_to_the_sweeps_of_all_experiments(server: Store) -> None:
    assert set(sweeps_links(server, "http://127.0.0.1:5000")) == set(SWEEPS)


@pytest.mark.parametrize("name", SWEEPS)
def test_the_champion_of_any_sweep(name: str, server: Store) -> None:
    assert find_model(server, name) == f"models:/{name}@{ALIAS}"


def test_a_sweep_may_be_called_like_a_folder(
    server: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / SWEEPS[0]).mkdir()
    assert find_model(server, SWEEPS[0]) == f"models:/{SWEEPS[0]}@{ALIAS}"
    (tmp_path / SWEEPS[0] / "MLmodel").touch()
    assert find_model(server, SWEEPS[0]) == SWEEPS[0]


def test_without_a_name_it_is_the_newest_champion(server: Store) -> None:
    assert find_model(server, None) == f"models:/{SWEEPS[-1]}@{ALIAS}"

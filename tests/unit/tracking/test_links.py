"""The addresses that show sweeps in the MLflow UI: a page for each experiment that has some."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from fairsweep.tracking.store import Store
from fairsweep.tracking.ui.links import sweeps_links

UI = "http://127.0.0.1:5000"


class Page(list[Any]):
    """What MLflow's searches return, and no further page."""

    token = None


class Client:
    """A store with sweeps, the oldest first, in these experiments."""

    def __init__(self, *swept: str) -> None:
        self.swept = swept

    def search_experiments(self, **_: Any) -> Page:
        names = {"0": "Default", "1": "digits", "2": "wine"}
        return Page(SimpleNamespace(experiment_id=i, name=name) for i, name in names.items())

    def search_runs(self, experiments: list[str], condition: str, **_: Any) -> Page:
        assert (set(experiments), condition) == ({"0", "1", "2"}, "tags.stage = 'sweep'")
        return Page(SimpleNamespace(info=SimpleNamespace(experiment_id=own)) for own in self.swept)


def links(monkeypatch: pytest.MonkeyPatch, *swept: str) -> dict[str, str]:
    monkeypatch.setattr(Store, "client", lambda _: Client(*swept))
    return dict(sweeps_links(Store(Path("mlruns"), "sqlite:///x", local=True), UI))


def test_the_experiment_with_the_newest_sweep_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(links(monkeypatch, "1", "2", "1")) == ["digits", "wine"]
    assert list(links(monkeypatch, "1", "1", "2")) == ["wine", "digits"]


def test_the_page_shows_sweeps_alone_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    (link,) = links(monkeypatch, "2").values()
    place, _, query = link.partition("?")
    assert place == f"{UI}/#/experiments/2/runs"
    assert parse_qs(query) == {
        "searchFilter": ["tags.stage = 'sweep'"],
        "orderByKey": ["attributes.start_time"],
        "orderByAsc": ["false"],
    }


def test_a_store_without_sweeps_has_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    assert links(monkeypatch) == {}

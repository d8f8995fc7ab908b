"""A builder that asks what the data is, in training and when its model is published."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.data.recipe import write_model
from fairsweep.data.split import SplitData
from fairsweep.files import TrialFolders
from fairsweep.records import TrialSpec
from fairsweep.stages.champion import recipe_of
from fairsweep.training.asked_data import MOST_ROWS, BuilderData
from fairsweep.training.model_check import check
from fairsweep.training.serving import _load_pyfunc
from fairsweep.training.trial import WorkerCache, train_trial
from tests.integration import asking_models
from tests.integration.lab import REPOSITORY
from tests.integration.training_room import FEW_ROWS, compose

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
MODULE = "tests.integration.asking_models"


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
    asking_models.SEEN.clear()


def built_by(name: str, *overrides: str, **params: Any) -> tuple[TrialSpec, SplitData]:
    spec, data = compose("data=digits", "training.epochs=2", *(overrides or FEW_ROWS))
    return replace(spec, model=replace(spec.model, builder=f"{MODULE}:{name}", params=params)), data


def test_it_is_told_what_the_data_is() -> None:
    spec, data = built_by("adapted", "data.test=0.1")
    assert check(spec, data, WorkerCache()).error == ""
    told: BuilderData = asking_models.SEEN[0]
    assert (told.task, told.names) == ("classes", tuple(map(str, range(10))))
    assert told.rows.shape == (MOST_ROWS, 8, 8, 1)
    rows = data.dataset.x[data.train] * spec.data.rescale
    there = {row.tobytes() for row in rows.astype(np.float32)}
    assert {row.tobytes() for row in told.rows} <= there
    assert all(np.array_equal(told.rows, other.rows) for other in asking_models.SEEN)


def test_the_model_that_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (REPOSITORY / "docs" / "MODELS.md").read_text()
    (code,) = re.findall(
        r"```python\nimport keras  # mypackage/asking.py\n(.*?)```", page, re.DOTALL
    )
    (tmp_path / "page_models.py").write_text(f"import keras\n{code}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "page_models")
    spec, data = built_by("adapted")
    own = replace(spec.model, builder="page_models:build")
    assert check(replace(spec, model=own), data, WorkerCache()).error == ""


def test_a_param_of_that_name_is_the_users() -> None:
    assert check(*built_by("its_own", data="words"), WorkerCache()).error == ""
    assert set(asking_models.SEEN) == {"words"}


@pytest.mark.filterwarnings("ignore:`build.. was called")
@pytest.mark.parametrize(
    ("name", "text"),
    [("subclassed", "make it of layers from its inputs to its outputs"), ("unsaved", "get_config")],
)
def test_a_model_that_can_not_be_published(name: str, text: str) -> None:
    spec, data = built_by(name)
    problems = check(spec, data, WorkerCache()).error
    assert "asks for data, so that its model is published as Keras's own file" in problems
    assert text in problems


@pytest.mark.long(4)
def test_its_model_is_published_without_the_data(tmp_path: Path) -> None:
    """In trials of two splits, whose bins differ, after each other in the same worker."""
    cache = WorkerCache()
    spec, data = built_by("adapted")
    few = replace(data, train=data.train[::3])
    folders = TrialFolders(tmp_path, tmp_path)
    for name, part in (("all", data), ("few", few)):
        own = replace(spec, weights=name, test=True)
        result = train_trial(own, part, lambda _: None, lambda _: True, cache, folders=folders)
        assert result.outcome == "complete", result.error
        alone = train_trial(own, part, lambda _: None, lambda _: True, folders=folders)
        assert result.test == alone.test
        folder = tmp_path / f"published-{name}"
        write_model(folder, recipe_of(own, part), folders.weights_of(name).read_bytes())
        asking_models.SEEN.clear()
        served = _load_pyfunc(str(folder))
        assert asking_models.SEEN == []
        said = served.predict(data.dataset.x[data.test])["class"].astype(int)
        right = (said == data.dataset.y[data.test]).mean()
        assert right == pytest.approx(result.test["test_accuracy"])
        shutil.rmtree(folder)

"""docs/PARTS.md: its files work as they are shown, by themselves and all at once."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fairsweep.commands.train import prepare
from fairsweep.records import TrialKey
from fairsweep.stages.search import trial_spec
from fairsweep.training.model_check import check
from fairsweep.training.trial import WorkerCache
from tests.integration.forked import ForkedSandbox
from tests.integration.lab import REPOSITORY

PAGE = (REPOSITORY / "docs" / "PARTS.md").read_text()
SMALL = ("data=digits", "data.test=0.7", "training.epochs=2", "search.trials=1")


def write_files(folder: Path) -> None:
    """The files that the page shows, each by the path in its first comment."""
    shown = re.findall(r"```(?:python|yaml)\n(.*?)```", PAGE, re.DOTALL)
    for text in shown:
        (path,) = re.findall(r"# (\S+/\S+)$", text, re.MULTILINE)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    assert len(shown) == 6


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_files(tmp_path)
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mypackage")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
@pytest.mark.parametrize("choice", ["training=focal", "training=watched", "optimizer=signs"])
def test_what_the_page_shows_can_be_trained(choice: str, files: Path) -> None:
    job = prepare([choice, *SMALL[:2]], str(files / "myconf"))
    arm = job.plan.arms[0]
    spec = trial_spec(job.plan, arm, TrialKey(arm.name, "check", 0), {}, 0)
    result = check(spec, job.data, WorkerCache())
    assert (result.outcome, result.notes) == ("complete", [])


@pytest.mark.long(8)
def test_a_sweep_with_all_of_them(tmp_path: Path) -> None:
    """Searched, confirmed and published; the published model needs none of them."""
    sandbox = ForkedSandbox(tmp_path)
    write_files(sandbox.work)
    folder = sandbox.work / "myconf" / "training"
    _, callbacks = (folder / "watched.yaml").read_text().split("\ncallbacks:")
    (folder / "all.yaml").write_text(f"defaults: [focal, _self_]\ncallbacks:{callbacks}")
    overrides = ("training=all", "optimizer=signs", *SMALL, "confirm.folds=0", "confirm.seeds=1")
    words = (*overrides, "terminal=plain", "--config-dir", "myconf")
    done = sandbox.sweep(*words, FAIRSWEEP_TRUSTED_PACKAGES="mypackage")
    assert done.code == 0, done.said
    assert "mypackage.callbacks:Warm may watch" in done.said
    (run,) = [run for run in sandbox.stored.runs() if run.stage == "search"]
    assert run.params["training.gamma"] == "2.0"
    assert run.params["training.loss"] == "mypackage.losses:focal"
    np.savez(sandbox.work / "rows.npz", x=np.zeros((2, 8, 8), np.float32))
    (sandbox.work / "mypackage").rename(sandbox.work / "gone")
    asked = sandbox.run("fairsweep", "predict", "input=rows.npz", "output=classes.csv")
    assert asked.code == 0, asked.said
    assert len((sandbox.work / "classes.csv").read_text().splitlines()) == 3

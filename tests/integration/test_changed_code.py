"""The user's own parts, changed between two runs of the same command."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.config.trust import OURS
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import scripted, tiny_data
from fairsweep.tracking.names import SWEEP_TAG
from fairsweep.tracking.store.environment import code_sha256
from fairsweep.tracking.write import frame
from tests.unit.config.plans import plan

pytestmark = pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves
PARTS = {
    "training.loss=orchard.parts:loss": "training.loss",
    "training.metrics=[accuracy,orchard.parts:cost]": "training.metrics",
    "training.callbacks=[orchard.parts:Watch]": "training.callbacks",
    "model=custom model.builder=orchard.parts:build": "model.builder",
    "optimizer.name=orchard.parts:Steps": "optimizer.name",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of the user's; no process of these tests imports it."""
    folder = tmp_path / "mine" / "orchard"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "parts.py").write_text("rate = 1\n")
    monkeypatch.syspath_prepend(folder.parent)
    importlib.invalidate_caches()
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "orchard")
    return folder


@pytest.mark.parametrize("words", PARTS)
def test_every_part_is_told_by_its_key(words: str, package: Path) -> None:
    own = plan("optimizer=adam", *words.split())
    before = frame.own_code(own)
    assert frame.changed_code(before, own) == []
    (package / "parts.py").write_text("rate = 2\n")
    assert frame.changed_code(before, own) == [f"orchard ({PARTS[words]})"]


def test_what_another_arm_or_nothing_is_made_of_has_not_changed(package: Path) -> None:
    with_loss = plan("optimizer=adam", "training.loss=orchard.parts:loss")
    assert frame.changed_code(frame.own_code(plan("optimizer=adam")), with_loss) == []
    before = frame.own_code(with_loss)
    package.rename(package.parent / "moved")
    importlib.invalidate_caches()
    assert frame.changed_code(before, with_loss) == []


def test_an_older_store_has_one_hash_of_all() -> None:
    own = plan("optimizer=adam")
    tags = {SWEEP_TAG: json.dumps({"code_sha256": code_sha256([OURS])})}
    assert frame.changed_code(frame.stored_code(tags), own) == []
    other = {SWEEP_TAG: json.dumps({"code_sha256": "another"})}
    assert frame.changed_code(frame.stored_code(other), own) == ["fairsweep"]
    assert frame.changed_code(frame.stored_code({}), own) == []


def test_it_is_told_of_a_finished_sweep_too(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        *("optimizer=adam", "training.loss=orchard.parts:loss", "training.epochs=1"),
        *("search.trials=1", "confirm.seeds=0", "terminal=plain"),
        *(f"tracking.root={tmp_path / 'mlruns'}", *tiny_data(tmp_path)),
    ]
    told = "warning: the code of orchard (training.loss) has changed since this sweep was last run;"
    for rate in (1, 2):
        (package / "parts.py").write_text(f"rate = {rate}\n")
        assert run_sweep(prepare(words, None), tmp_path, scripted()) == 0
        assert (told in capsys.readouterr().out) == (rate == 2)

"""Whose code goes with a published model."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from fairsweep.config.trust import OURS, code_of


@pytest.mark.parametrize("init", [True, False], ids=["with-init", "without-init"])
def test_a_package_that_is_found_twice_is_taken_once(
    init: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / f"orchard_{init}".lower()
    package.mkdir()
    (package / "models.py").touch()
    if init:
        (package / "__init__.py").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    for folder in (tmp_path, tmp_path / "link"):
        monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    assert code_of(f"{package.name}.models:build") == [OURS, package.resolve()]


def test_models_of_ours_need_no_other_code() -> None:
    assert code_of("mlp") == [OURS]

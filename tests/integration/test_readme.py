"""The commands that the README and the manuals show: each one composes, each target exists."""

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fairsweep.config.compose.commands import compose_sweep, compose_training

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
HELP = {
    name: (ROOT / "conf" / "hydra" / "help" / f"{name}.yaml").read_text()
    for name in ("sweep", "train")
}
MAKE = re.compile(r'^make (?P<target>sweep|train|compare)(?: ARGS="(?P<arguments>[^"…]*)")?', re.M)
PYTHON = re.compile(r"^\s*fairsweep (?P<command>sweep|train) (?P<arguments>[a-z].*)$", re.M)


def shown() -> list[tuple[str, str]]:
    commands = [(m["target"], m["arguments"] or "") for m in MAKE.finditer(README)]
    for text in (README, *HELP.values()):
        commands += [
            (m["command"], re.split(r"\s{2,}", m["arguments"])[0]) for m in PYTHON.finditer(text)
        ]
    return commands


@pytest.fixture
def users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the README's examples of own data and an own model take for granted."""
    (tmp_path / "myconf" / "model").mkdir(parents=True)
    block = re.search(r"```yaml\n(name: wide\n.*?)```", README, re.S)
    assert block is not None
    (tmp_path / "myconf" / "model" / "wide.yaml").write_text(block[1])
    named = re.search(
        r"`myconf/data/people.yaml` with the lines (`[^.]*\.csv`,\s`target: \w+`)", README
    )
    assert named is not None
    lines = re.findall(r"`([^`]*)`", named[1])
    (tmp_path / "myconf" / "data").mkdir()
    (tmp_path / "myconf" / "data" / "people.yaml").write_text("\n".join(lines))
    for name in ("rows", "images"):
        np.savez(tmp_path / f"{name}.npz", x=np.zeros((4, 2)), y=np.array([0, 1, 0, 1]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mypackage")
    return tmp_path


def test_there_are_commands_to_check() -> None:
    assert len(shown()) >= 15


@pytest.mark.parametrize(("command", "arguments"), shown())
@pytest.mark.usefixtures("users_folder")
def test_shown_command_composes(command: str, arguments: str) -> None:
    words = shlex.split(arguments)
    overrides = [word for word in words if "=" in word and not word.startswith("--")]
    config_dir = words[words.index("--config-dir") + 1] if "--config-dir" in words else None
    if arguments == "key=value":
        return
    compose = compose_training if command == "train" else compose_sweep
    assert compose(overrides, config_dir).arms


@pytest.mark.usefixtures("users_folder")
def test_a_data_set_in_a_file_has_what_its_kind_has() -> None:
    (arm,) = compose_training(["data=people"], "myconf").arms
    data = arm.settings.data
    assert (data.source, data.path, data.target) == ("csv", "people.csv", "income")
    assert data.standardize


def test_every_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`make ([a-z]+)", README)) | set(
        re.findall(r"^make ([a-z]+)", README, re.M)
    )
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = set(re.findall(r"^make ([a-z]+)", listed.stdout, re.M))
    assert named
    assert named <= targets


def test_every_file_that_the_documents_link_to_exists() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"

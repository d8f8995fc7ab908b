"""The commands that the README, the other documents and the manuals show: each one composes, each
target and each file exists."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fairsweep.cli import COMMANDS
from fairsweep.commands.compare import COMPARISON
from fairsweep.config.compose.commands import (
    compose_doctor,
    compose_predict,
    compose_report,
    compose_sweep,
    compose_training,
    compose_ui,
)
from fairsweep.errors import BadInput
from tests.integration.lab import shown_on_a_console

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MANUALS = sorted((ROOT / "conf" / "hydra" / "help").glob("*.yaml"))
COMPOSE: dict[str, Callable[[list[str], str | None], Any]] = {
    "sweep": compose_sweep,
    "train": compose_training,
    "compare": lambda overrides, folder: compose_sweep([COMPARISON, *overrides], folder),
    "report": compose_report,
    "predict": compose_predict,
    "doctor": compose_doctor,
    "ui": compose_ui,
}
SHOWN = re.compile(r"^ *((?:make|fairsweep|python -m) [a-z].*)$", re.M)
INLINE = re.compile(r"`((?:make|fairsweep|python -m) [a-z][^`]*)`")
EVERY_ARM = re.compile(r"optimizer|arms|search\.only|experiment|training\.space|model\.space")
"""What an arm may have of its own, or what chooses arms."""
GAP = re.compile(r"\s{2,}")
"""What parts a command from what it does, or from another, on one line."""


def commands() -> Iterator[tuple[str, str]]:
    """Every command that is shown, and the name of the file that shows it."""
    for path in (*DOCUMENTS, *MANUALS):
        text = re.sub(r" \\\n\s*", " ", path.read_text())
        for line in SHOWN.findall(text):
            yield from ((part, path.name) for part in GAP.split(line) if INLINE.match(f"`{part}`"))
        yield from ((command.replace("\n", " "), path.name) for command in INLINE.findall(text))


ALL = sorted(set(commands()))


def words_of(command: str) -> tuple[str, list[str]]:
    """The name of a command of ours, and its words, also of those that make passes on."""
    program, name, *words = shlex.split(command, comments=True)
    if program == "make":
        words = [w for word in words for w in shlex.split(word.partition("ARGS=")[2])]
    return name, words


def composable() -> list[str]:
    """The commands of ours that are shown whole, with values that can be tried."""
    found = []
    for command, _ in ALL:
        program, name = command.split()[:2]
        ours = program == "fairsweep" or (program == "make" and name in COMPOSE)
        if ours and "=" in command and "…" not in command and "key=value" not in command:
            found.append(command)
    return sorted(set(found))


@pytest.fixture
def users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the examples of own data and an own model take for granted."""
    (tmp_path / "myconf" / "model").mkdir(parents=True)
    models = README + (ROOT / "docs" / "MODELS.md").read_text()
    for name, block in re.findall(r"```yaml\n# (myconf/model/\w+.yaml)\n(.*?)```", models, re.S):
        (tmp_path / name).write_text(block)
    named = re.search(
        r"`myconf/data/people.yaml` with the lines (`[^.]*\.csv`,\s`target: \w+`)",
        (ROOT / "docs" / "DATA.md").read_text(),
    )
    assert named is not None
    lines = re.findall(r"`([^`]*)`", named[1])
    (tmp_path / "myconf" / "data").mkdir()
    (tmp_path / "myconf" / "data" / "people.yaml").write_text("\n".join(lines))
    for name in ("rows", "images"):
        np.savez(tmp_path / f"{name}.npz", x=np.zeros((4, 2)), y=np.array([0, 1, 0, 1]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mypackage,sensors")
    return tmp_path


def test_there_are_commands_to_check() -> None:
    assert {"sweep", "train", "predict"} <= {name for name, _ in map(words_of, composable())}
    assert len(composable()) >= 30


@pytest.mark.parametrize("command", composable())
@pytest.mark.usefixtures("users_folder")
def test_shown_command_composes(command: str) -> None:
    name, words = words_of(command)
    if "base.keras" in command or "pretrained" in command:
        keras.Sequential([keras.Input((96, 96, 3)), keras.layers.Flatten()]).save("base.keras")
    folder = words.pop(words.index("--config-dir") + 1) if "--config-dir" in words else None
    overrides = [word for word in words if not word.startswith("-")]
    short = [f"predict.{o}" if name == "predict" and "." not in o.partition("=")[0] else o
             for o in overrides]  # fmt: skip
    if name in ("sweep", "compare") and not any(
        EVERY_ARM.match(override) for override in overrides
    ):
        short = ["optimizer=adam", *short]  # one arm is composed as any other
    COMPOSE[name](short, folder)


@pytest.mark.parametrize("document", [path.name for path in (*DOCUMENTS, *MANUALS)])
def test_every_command_target_and_module_that_is_named_exists(document: str) -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    there = {
        "make": set(re.findall(r"^make ([a-z]+)", listed.stdout, re.M)),
        "fairsweep": set(COMMANDS),
    }
    for command, _ in (shown for shown in ALL if shown[1] == document):
        program, name, *words = command.split()
        if program == "python" and document == "CHANGELOG.md":
            continue  # it says what had another name before
        if program == "python":
            module = ROOT.joinpath(*words[0].split("."))
            ours = words[0] == "fairsweep" or module.is_dir() or module.with_suffix(".py").exists()
            assert ours, command
        elif name != "COMMAND":
            assert name in there[program], command


def test_the_table_of_commands_says_what_the_help_says() -> None:
    """What it adds stands after a semicolon."""
    rows = re.findall(r"^\| `fairsweep (\w+)`.* \| ([^;|]+?)(?:; .*)? \|$", README, re.M)
    assert rows == list(COMMANDS.items())


def test_the_message_of_the_readme_is_what_is_said() -> None:
    shown, (said,) = shown_on_a_console(README)
    name, words = words_of(shown)
    with pytest.raises(BadInput) as caught:
        COMPOSE[name](words, None)
    assert said.fullmatch(f"error: {caught.value}")


@pytest.mark.usefixtures("users_folder")
def test_a_data_set_in_a_file_has_what_its_kind_has() -> None:
    (arm,) = compose_training(["data=people"], "myconf").arms
    data = arm.settings.data
    assert (data.source, data.path, data.target) == ("csv", "people.csv", "income")
    assert data.standardize


def test_every_file_that_the_documents_link_to_exists() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_every_heading_that_the_documents_link_to_exists() -> None:
    for document in DOCUMENTS:
        for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]*)\)", document.read_text()):
            text = (document.parent / link if link else document).read_text()
            headings = re.findall(r"^#+ (.*)$", text, re.M)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, anchor

"""The command to train a run again, read by a real shell, a real make and its shell."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from fairsweep.invocation import UNDER_MAKE, command_line, typed

# What `make test` says to the makes below it isn't said to this one.
OUTSIDE = {
    name: value
    for name, value in os.environ.items()
    if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
}
MAKEFILE = (
    f"train:\n\t@{sys.executable} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' $(ARGS)\n"
)


@pytest.fixture
def under_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNDER_MAKE, "1")


@pytest.mark.usefixtures("under_make")
def test_plain_overrides_read_as_a_person_would_type_them() -> None:
    assert (
        command_line("train", "optimizer=adam", "training.batch_size=32")
        == 'make train ARGS="optimizer=adam training.batch_size=32"'
    )
    assert command_line("train") == "make train"


@pytest.mark.usefixtures("under_make")
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    "overrides",
    [
        ["optimizer=adam", "optimizer.params.learning_rate=1e-05"],
        ["model.params.hidden_units=[64,32]"],
        ["data.path=/data/my rows.csv", "name='quoted'"],
        ['note="double"', "back\\slash=1", "tick=`id`"],
        ["price=$HOME", "cost=$$", "make=$(shell id)", "other=${PATH}"],
        ["wow=yes!", "hash=#1", "amp=a&b", "semi=a;b", "glob=*"],
        ["mixed='it''s' \"$x\" `y` \\z !"],
        ["ümlaut=größe"],
    ],
    ids=lambda overrides: overrides[0],
)
def test_overrides_arrive_as_they_were(tmp_path: Path, overrides: Sequence[str]) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    ran = subprocess.run(
        ["sh", "-c", command_line("train", *overrides)],
        cwd=tmp_path, env=OUTSIDE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(ran.stdout) == overrides


ODD = [
    *("id", "x_1", "12", "größe", "price ($)", "it's", 'say "x"', "a\\", 'a\\"b', "a'\"b\\"),
    *("a,b", "x=1", "true", "1.50", "007", "#", "C:\\x", "`a`!", "[a]", "{b}", "a b", "a:b"),
    *("/a/b.csv", "./a", "../a"),
]


def test_names_arrive_through_shell_and_hydra() -> None:
    """Each alone, and two side by side, since one of them decides the quotes of both."""
    words = [typed("key", own) for own in (*ODD, *([name, "ä"] for name in ODD))]
    ran = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {' '.join(words)}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    parser = OverridesParser.create()
    values = [parser.parse_override(line).value() for line in ran.stdout.splitlines()]
    lists = [[str(name) for name in own] for own in values[len(ODD) :]]
    assert [str(own) for own in values[: len(ODD)]] == ODD
    assert lists == [[name, "ä"] for name in ODD]
    assert words[:3] == ["key=id", "key=x_1", "key=12"]


def test_a_line_break_goes_past_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNDER_MAKE, "1")
    monkeypatch.setattr(sys, "argv", [".venv/bin/fairsweep"])
    monkeypatch.setenv("PATH", os.defpath)
    command = command_line("train", "a=1\n2")
    assert command.startswith(".venv/bin/fairsweep train ")
    ran = subprocess.run(
        ["sh", "-c", command.replace(".venv/bin/fairsweep train", "printf %s")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "a=1\n2"


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment's folder of commands, below the folder where the user stands."""
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("fairsweep", "python"):
        (folder / name).touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


@pytest.mark.parametrize(
    ("program", "words"),
    [("fairsweep", ["fairsweep"]), ("__main__.py", ["python", "-m", "fairsweep"])],
)
def test_without_make_it_is_as_it_was_called(
    monkeypatch: pytest.MonkeyPatch, bin_folder: Path, program: str, words: Sequence[str]
) -> None:
    called = bin_folder / program
    if program == "__main__.py":
        called = bin_folder / "fairsweep" / "__main__.py"
    monkeypatch.setattr(sys, "argv", [str(called)])
    monkeypatch.setenv("PATH", str(bin_folder))
    assert command_line("sweep", "trials=4") == shlex.join([*words, "sweep", "trials=4"])
    # Of another environment, the shell finds the wrong one.
    other = bin_folder.with_name("other")
    other.mkdir()
    for name in ("fairsweep", "python"):
        (other / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(other))
    assert command_line("sweep", "trials=4") == f".venv/bin/{shlex.join(words)} sweep trials=4"


def test_from_elsewhere_it_has_the_whole_path(
    monkeypatch: pytest.MonkeyPatch, bin_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(sys, "argv", [str(bin_folder / "fairsweep")])
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert command_line("doctor") == f"{bin_folder}/fairsweep doctor"


@pytest.mark.usefixtures("under_make")
def test_under_make_what_has_no_target_is_called_where_it_stands(
    monkeypatch: pytest.MonkeyPatch, bin_folder: Path
) -> None:
    monkeypatch.setattr(sys, "argv", [str(bin_folder / "fairsweep")])
    assert command_line("doctor") == ".venv/bin/fairsweep doctor"

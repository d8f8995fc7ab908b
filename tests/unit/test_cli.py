"""What the program does before a command has the rest of the command line."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairsweep import cli
from fairsweep.errors import Interrupted
from fairsweep.terminal import Console


def test_a_command_finds_code_in_the_folder_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The installed program is a file elsewhere: Python looks there, and not here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["fairsweep", "sweep", "model.builder=mine:build"])
    seen: list[list[str]] = []

    def command() -> None:
        seen.append([sys.path[0], *sys.argv])

    def imported(name: str) -> SimpleNamespace:
        assert name == "fairsweep.commands.sweep"
        return SimpleNamespace(main=command)

    monkeypatch.setattr(importlib, "import_module", imported)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert seen == [[str(tmp_path), "fairsweep", "model.builder=mine:build"]]


@pytest.mark.parametrize(("name", "code"), [("doctor", 1), ("sweep", Interrupted.exit_code)])
def test_only_a_command_that_trains_is_interrupted_when_its_reader_goes_away(
    name: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others come to their own end: as `fairsweep doctor | head -1` with many problems."""

    def command() -> None:
        try:
            Console().print("a line")
            for _ in range(10_000):
                print("a problem")
        except Interrupted as error:
            sys.exit(error.exit_code)
        sys.exit(1)

    monkeypatch.setattr(importlib, "import_module", lambda _: SimpleNamespace(main=command))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["fairsweep", name])
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == code


def test_the_end_of_a_command_looks_through_nothing_that_was_loaded() -> None:
    """The interpreter collects garbage when it ends: seconds after MLflow, Optuna and the like."""
    code = (
        "import atexit, gc, sys; from fairsweep import cli\n"
        "atexit.register(lambda: print(len(gc.get_objects()) < 1000, file=sys.stderr))\n"
        "cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stderr == "True\n"


def test_an_interruption_before_the_command_begins_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def importing(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", importing)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["fairsweep", "report"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == Interrupted.exit_code
    assert capsys.readouterr() == ("", "error: interrupted before anything was written\n")


def test_what_is_printed_to_a_closed_stream_goes_nowhere(tmp_path: Path) -> None:
    """And into no file that is opened afterwards, which would get the number of the stream."""
    code = (
        "import os, sys; from fairsweep import cli\n"
        "cli.open_streams()\n"
        "with open(sys.argv[1], 'w'):\n"
        "    print('printed', flush=True)\n"
        "    os.write(1, b'written'); os.write(2, b'written')\n"
    )
    file = tmp_path / "file"
    words = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code, str(file)]
    subprocess.run(words, check=True)
    assert file.read_text() == ""

"""What only prints ends quietly when its reader goes away, as `| head` does."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
import yaml

from fairsweep import __version__, cli
from fairsweep.cli import COMMANDS
from fairsweep.commands import compare
from fairsweep.commands.compare import COMPARISON
from fairsweep.config.compose.commands import compose_sweep, narrowed
from fairsweep.config.compose.entry import command
from fairsweep.config.plan import Plan
from fairsweep.errors import BadInput
from fairsweep.invocation import UNDER_MAKE, as_called

from .plans import plan

MOMENTUM = ["arms.optimizer=[sgd]", "optimizer.params.momentum=0.5"]
INTERRUPTED = """
import sys
from fairsweep.commands import compare
from fairsweep.config.compose.commands import compose_sweep

def interrupted(plan, _):
    print(plan.name)
    raise KeyboardInterrupt

compare.prepare, compare.sweep = compose_sweep, interrupted
compare.stand_in = lambda plan: plan.stand_in
sys.argv = ["fairsweep", "optimizer=sgd", "confirm.seeds=3"]
compare.main()
"""


@pytest.fixture
def ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    """How a command ends in this process: its exit code, and what it printed on both streams."""

    def run(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["fairsweep", *words])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return (exit_.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["sweep", "--help"], ["sweep", "-sc", "install=bash"], ["doctor", "-c", "job"]],
    ids=" ".join,
)
def test_a_reader_that_went_away_is_no_failure(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fairsweep", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_people_set_and_dumps_no_config(
    name: str, ended: Callable[..., tuple[object, str, str]]
) -> None:
    code, out, err = ended(name, "--help")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) < 70
    assert lines[0].endswith(f"fairsweep {name} [key=value …]")
    assert [x for x in lines if len(x) > 100 and "fairsweep" not in x] == []
    assert "Exit codes" in lines
    assert [line for line in lines if line.strip().endswith(": null")] == []
    assert ("optimizer: adadelta, adafactor" in out) == (name in ("sweep", "train", "compare"))


def test_help_shows_commands_as_called(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "fairsweep sweep [key=value …]\n\n  fairsweep sweep arms.model=[a,b]  compare\n"
    monkeypatch.setattr(sys, "argv", ["fairsweep"])
    assert as_called("sweep", text) == text
    monkeypatch.setenv(UNDER_MAKE, "1")
    first, _, example = as_called("sweep", text).splitlines()
    assert first == 'make sweep [ARGS="key=value …"]'
    assert example.startswith("  make sweep ARGS=") and example.endswith("  compare")


def test_help_and_a_config_are_printed() -> None:
    for arguments, first in (
        (["sweep", "optimizer=adamm", "--help"], "fairsweep sweep [key=value …]"),
        (["sweep", "optimizer=sgd", "--cfg", "job"], "data:"),
    ):
        command = [sys.executable, "-m", "fairsweep", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert first in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "arms"),
    [
        (["sweep"], {"optimizer": ["sgd", "rmsprop", "adam", "adamw"]}),
        (["sweep", "optimizer=sgd"], {"optimizer": ["sgd"]}),
        (["sweep", "experiment=smoke"], {"optimizer": ["sgd", "adam"]}),
        (["sweep", "arms.model=[mlp,cnn]"], {"model": ["mlp", "cnn"]}),
        (
            ["sweep", "arms.optimizer=[sgd]", "optimizer.params.momentum=0.5"],
            {"optimizer": ["sgd"]},
        ),
        (["compare", "optimizer=lion"], {"optimizer": ["lion"]}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_config_is_printed_with_the_arms_that_are_run(
    words: list[str],
    arms: dict[str, list[str]],
    ended: Callable[..., tuple[object, str, str]],
) -> None:
    code, out, err = ended(*words, "--cfg", "job")
    assert (code, err) == (0, "")
    every = dict.fromkeys(("optimizer", "model", "training"))
    assert yaml.safe_load(out)["arms"] == every | arms


@pytest.mark.parametrize("shown", [["--cfg", "job"], ["--info", "defaults"]], ids=" ".join)
@pytest.mark.parametrize("override", ["optimizer=adamm", "search.trails=3"])
def test_what_does_not_compose_is_refused_before_it_is_printed(
    shown: list[str], override: str, ended: Callable[..., tuple[object, str, str]]
) -> None:
    code, out, err = ended("sweep", override, *shown)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "did you mean" in err
    assert "Traceback" not in err and "HYDRA_FULL_ERROR" not in err


@pytest.mark.parametrize("override", ["experiment=smoke", "experiment=null", "~experiment"])
@pytest.mark.parametrize("more", [["search.trials=3"], ["--cfg", "job"]], ids=" ".join)
def test_a_comparison_with_another_experiment_is_refused(
    override: str,
    more: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["fairsweep", override, *more])
    with pytest.raises(SystemExit) as ended:
        compare.main()
    assert ended.value.code == 2
    assert capsys.readouterr() == (
        "",
        f"error: {override}: fairsweep compare runs {COMPARISON}; leave it out, or run it with "
        f"{shlex.join(['fairsweep', 'sweep', override])}\n",
    )


def test_a_comparison_may_say_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []

    def prepare(overrides: Sequence[str], folder: str | None) -> NoReturn:
        named.append(compose_sweep(overrides, folder).name)
        raise BadInput("that is enough")

    monkeypatch.setattr(compare, "prepare", prepare)
    monkeypatch.setattr(sys, "argv", ["fairsweep", COMPARISON])
    with pytest.raises(SystemExit):
        compare.main()
    assert named == [plan(COMPARISON).name]


def test_an_interrupted_comparison_says_how_it_continues(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stdout.strip() == plan(COMPARISON, "optimizer=sgd", "confirm.seeds=3").name
    assert done.stderr.strip().endswith("fairsweep compare optimizer=sgd confirm.seeds=3")


REFUSED = {
    "--foo": "--foo: there is no such option; settings are key=value, without dashes: ",
    "--trials=3": "--trials=3: there is no such option; settings are key=value, without dashes: ",
    "--config-dir": "--config-dir/-cd: expected one argument; settings are key=value",
}


@pytest.mark.parametrize(("word", "told"), REFUSED.items())
def test_an_option_that_is_none_is_told_with_the_remedy(
    word: str, told: str, ended: Callable[..., tuple[object, str, str]]
) -> None:
    code, out, err = ended("sweep", word)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"error: {told}")
    assert line.endswith("fairsweep sweep --help lists them")


@pytest.mark.parametrize(
    "words", [["--config-dir=a", "--config-dir=b"], ["-cd", "a", "--config-dir", "b"]]
)
def test_one_folder_of_configs_is_taken(
    words: list[str], ended: Callable[..., tuple[object, str, str]]
) -> None:
    """Hydra would take the last, and drop the others without a word."""
    told = "--config-dir: given more than once; give one --config-dir, with all files"
    assert ended("sweep", *words) == (2, "", f"error: {told}\n")


@pytest.mark.parametrize(
    ("word", "told"),
    {
        "--hlp": "option; did you mean --help? Options: --help, --version",
        "--foo": "option; options: --help, --version",
        "swep": "command; did you mean sweep? Commands: sweep, ",
    }.items(),
)
def test_what_is_no_command_is_told(
    word: str, told: str, ended: Callable[..., tuple[object, str, str]]
) -> None:
    code, out, err = ended(word)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {word}: there is no such {told}")


def test_the_version_is_ours(ended: Callable[..., tuple[object, str, str]]) -> None:
    for words in (["--version"], ["sweep", "--version"], ["predict", "-V"]):
        assert ended(*words) == (0, f"fairsweep {__version__}\n", "")


@pytest.mark.parametrize(
    ("word", "told"),
    {
        "inptu=rows.csv": "inptu: there is no such key; did you mean input? Keys of predict: ",
        "foo=1": "foo: there is no such key; keys of predict: model, input, output",
    }.items(),
)
def test_keys_of_predict_are_its_own(
    word: str, told: str, ended: Callable[..., tuple[object, str, str]]
) -> None:
    code, _, err = ended("predict", word, "output=classes.csv")
    assert code == 2
    assert err.startswith(f"error: {told}")
    assert err.endswith(f"(command line: {word})\n")


def test_a_command_runs_with_what_its_arms_alone_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hydra composes once more, and the default optimizer has no momentum."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["fairsweep", *MOMENTUM])
    ran: list[str] = []

    def action(plan: Plan, _: Path) -> int:
        ran.extend(arm.name for arm in plan.arms)
        return 0

    with pytest.raises(SystemExit) as ended:
        command(
            *("sweep", compose_sweep, action),
            as_run=narrowed,
            chosen=lambda plan: plan.stand_in,
        )
    assert (ended.value.code, ran) == (0, ["sgd"])

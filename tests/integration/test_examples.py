"""docs/EXAMPLES.md: what it shows works from the data to the predictions, each example in small."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.lab import REPOSITORY, Sandbox

PAGE = (REPOSITORY / "docs" / "EXAMPLES.md").read_text()
SMALL = (
    *("arms.optimizer=[adam]", "search.trials=1", "training.epochs=2", "terminal=plain"),
    *("confirm.folds=2", "confirm.repeats=1", "executor.workers=1"),
)


def examples() -> dict[str, list[list[str]]]:
    """The commands of each example, by the data that the first of them makes."""
    blocks = re.findall(r"```sh\n(python make_data.py (\w+)\n.*?)```", PAGE, re.DOTALL)
    return {
        name: [shlex.split(line) for line in text.replace("\\\n", "").splitlines()]
        for text, name in blocks
    }


def run(sandbox: Sandbox, program: str, words: Sequence[str]) -> None:
    """A command of the page, in small."""
    if program == "python":
        done = sandbox.run(words[0].removesuffix(".py"), *words[1:])
    else:
        small = SMALL if words[0] == "sweep" else ()
        done = sandbox.run(program, *words, *small, FAIRSWEEP_TRUSTED_PACKAGES="sensors")
    assert done.code == 0, done.said


@pytest.mark.long(12)
@pytest.mark.parametrize("name", examples())
def test_example(name: str, tmp_path: Path) -> None:
    """What `predict` writes has a line for each new row."""
    sandbox = Sandbox(tmp_path)
    shutil.copytree(REPOSITORY / "docs" / "examples", sandbox.work, dirs_exist_ok=True)
    for program, *words in examples()[name]:
        run(sandbox, program, words)
    (written,) = (word.removeprefix("output=") for word in words if word.startswith("output="))
    assert len((sandbox.work / written).read_text().splitlines()) == 6


def test_there_are_examples() -> None:
    assert [*examples()] == ["houses", "churn", "reviews"]
    assert all(len(commands) == 3 for commands in examples().values())

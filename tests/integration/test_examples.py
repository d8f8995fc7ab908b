"""docs/EXAMPLES.md: what it shows works from the data to the predictions, each example in small."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests.integration.forked import ForkedSandbox
from tests.integration.lab import REPOSITORY

PAGE = (REPOSITORY / "docs" / "EXAMPLES.md").read_text()
SMALL = (
    *("arms.optimizer=[adam]", "search.trials=1", "training.epochs=1", "terminal=plain"),
    *("confirm.folds=2", "confirm.repeats=1", "executor.workers=1"),
)
FEW_TILES = "import make_data\n\nmake_data.tiles(images=30, basics=40, epochs=1)\n"
"""Instead of 3000 images, on which their base is trained for half a minute."""


def examples() -> dict[str, list[list[str]]]:
    """The commands of each example, by the data that the first of them makes."""
    blocks = re.findall(r"```sh\n(python make_data.py (\w+)\n.*?)```", PAGE, re.DOTALL)
    return {
        name: [shlex.split(line) for line in text.replace("\\\n", "").splitlines()]
        for text, name in blocks
    }


@pytest.mark.long(15)
@pytest.mark.parametrize("name", examples())
def test_example(name: str, tmp_path: Path) -> None:
    """What `predict` writes has a line for each new row."""
    sandbox, exported = ForkedSandbox(tmp_path), dict[str, str]()
    shutil.copytree(REPOSITORY / "docs" / "examples", sandbox.work, dirs_exist_ok=True)
    (sandbox.work / "few_tiles.py").write_text(FEW_TILES)
    for program, *words in examples()[name]:
        if program == "export":
            variable, _, value = words[0].partition("=")
            exported[variable] = value
            continue
        module = words.pop(0).removesuffix(".py") if program == "python" else program
        if (module, *words) == ("make_data", "tiles"):
            module = "few_tiles"
        small = SMALL if words[0] == "sweep" else ()
        done = sandbox.run(module, *words, *small, **exported)
        assert done.code == 0, done.said
    written = words[-1].removeprefix("output=")
    rows = 20 if name == "tiles" else 5
    assert len((sandbox.work / written).read_text().splitlines()) == 1 + rows


@pytest.mark.long(2)
@pytest.mark.parametrize("names", [[], ["houses", "nosuch"]])
def test_an_example_that_is_not_there(
    names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = REPOSITORY / "docs" / "examples" / "make_data.py"
    monkeypatch.setattr(sys, "argv", [str(program), *names])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(program), run_name="__main__")
    assert ended.value.code == 2
    assert "usage: python make_data.py [houses] [churn]" in capsys.readouterr().err


def test_there_are_five() -> None:
    """Each ends by predicting what it learned."""
    assert [*examples()] == ["houses", "churn", "reviews", "tiles", "sensors"]
    assert {commands[-1][1] for commands in examples().values()} == {"predict"}

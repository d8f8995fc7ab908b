"""A user's own config files: what is no plain data is told with its line, before Hydra reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.composing import compose_training
from pipeline.config.own_files import MOST_BYTES, check_files, file_problems
from pipeline.errors import BadInput

GOOD = """\
# an optimizer of one's own
name: Adam
params: &params {learning_rate: 0.001, beta_1: 0.9}
space: {learning_rate: {low: 1e-5, high: 1e-1, log: true}}
"""
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 7)
)

# Content, and what is told of it.
BAD = {
    "duplicate-key": ("name: a\nparams: {}\nname: b\n", ":3: name stands twice"),
    "duplicate-key-inside": ("params:\n  x: 1\n  x: 2\n", ":3: x stands twice"),
    "tab": ("params:\n\tx: 1\n", ":2: found character '\\t'", "indent with spaces", "^"),
    "broken": ("params: {x: 1\n", "^"),
    "anchor-bomb": (BOMB, "aliases stand for more than a config holds"),
    "many-aliases": ("a: &a 1\n" + "".join(f"k{i}: *a\n" for i in range(101)), "100 aliases"),
    "alias-of-itself": ("a: &a [1, *a]\n", ":1: *a stands inside of what it stands for"),
    "runs-a-command": (
        'name: !!python/object/apply:os.system ["true"]\n',
        ":1: tag:yaml.org,2002:python/object/apply:os.system isn't plain data",
    ),
    "own-tag": ("name: !model x\n", ":1: !model isn't plain data"),
    "target": (
        "params:\n  _target_: os.system\n",
        ":2: _target_ would make a call of a config",
        "model.builder",
    ),
    "hydras-own": ("name: a\nhydra: {run: {dir: /x}}\n", ":2: hydra: Hydra's own settings"),
    "hydras-own-group": (
        "defaults:\n  - override /hydra/job_logging: mine\n",
        ":2: override /hydra/job_logging: Hydra's own settings",
    ),
    "defaults-elsewhere": (
        "defaults:\n  - /other/file\n",
        "defaults: /other/file isn't in a group; there are: data, model",
    ),
    "defaults-outside": ("defaults:\n  - ../../file\n", "defaults: ../../file isn't in a group"),
    "environment": ("name: ${oc.env:HOME}\n", ":1: '${oc.env:HOME}' would read", "write the value"),
    "a-word-that-yaml-takes-for-a-switch": (
        "params:\n  mode: off\n",
        ":2: off is true or false in YAML; write 'off' for the word, true or false for a switch",
    ),
    "such-words-in-a-list": ("class_names: [Yes, no]\n", ":1: Yes is true", ":1: no is true"),
    "not-utf-8": ("name: \udce4\n", "need UTF-8, got byte 6"),
    "nul": ("name: a\0b\n", ":1: a character that YAML doesn't allow"),
    "empty": ("", "is empty"),
    "comments-only": ("# nothing\n\n", "is empty"),
    "nested": ("a: " + "[" * 200 + "]" * 200 + "\n", "nested deeper than 50 levels"),
    "large": ("name: " + "a" * MOST_BYTES + "\n", f"{MOST_BYTES} is the most"),
}


def put(folder: Path, content: str) -> Path:
    path = folder / "optimizer" / "mine.yaml"
    path.parent.mkdir()
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    return path


@pytest.mark.parametrize(("content", "told"), [(c, t) for c, *t in BAD.values()], ids=BAD)
def test_what_is_no_plain_data_is_told(content: str, told: list[str], tmp_path: Path) -> None:
    path = put(tmp_path, content)
    with pytest.raises(BadInput) as error:
        compose_training(["optimizer=mine"], str(tmp_path))
    assert str(path) in str(error.value)
    for part in told:
        assert part in str(error.value)


@pytest.mark.parametrize("before", ["", "\ufeff"], ids=["plain", "byte-order-mark"])
def test_plain_data_passes(before: str, tmp_path: Path) -> None:
    put(tmp_path, before + GOOD)
    check_files(tmp_path)
    plan = compose_training(["optimizer=mine"], str(tmp_path))
    assert plan.arms[0].settings.optimizer.params["beta_1"] == 0.9


def test_an_alias_is_what_it_stands_for(tmp_path: Path) -> None:
    put(tmp_path, GOOD + "again: *params\n")
    check_files(tmp_path)


def test_all_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    put(tmp_path, "name: a\nname: b\nname: c\n")
    (tmp_path / "optimizer" / "other.yml").write_text("x: !y 1\n")
    with pytest.raises(BadInput) as error:
        check_files(tmp_path)
    assert [p.rpartition("/")[2].split(":")[:2] for p in error.value.problems] == [
        ["mine.yaml", "2"],
        ["mine.yaml", "3"],
        ["other.yml", "1"],
    ]


def test_a_bomb_is_told_before_it_goes_off(tmp_path: Path) -> None:
    """Each line stands for eight times the one before: written out, these are 8^30 values."""
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 3)}]\n" for i in range(1, 31)]
    path = put(tmp_path, "a0: &a0 x\n" + "".join(lines))
    (problem,) = file_problems(path)
    assert "aliases stand for more than a config holds" in problem


def test_what_hydra_does_not_find_is_not_read(tmp_path: Path) -> None:
    """Such as the configs of earlier runs, in a store beside it."""
    (tmp_path / "mlruns" / "hydra" / ".hydra").mkdir(parents=True)
    (tmp_path / "mlruns" / "hydra" / ".hydra" / "hydra.yaml").write_text("hydra: {}\n")
    check_files(tmp_path)


def test_a_folder_of_other_things_is_not_searched_through(tmp_path: Path) -> None:
    for i in range(1001):
        (tmp_path / f"{i}.yaml").touch()
    with pytest.raises(BadInput, match="has 1001 YAML files, 1000 is the most"):
        check_files(tmp_path)

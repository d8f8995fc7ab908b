"""The first line and the defaults of a user's own files: what Hydra would say nothing of, or would
say in its own words, is told with the line that mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.config.compose.hydra import check_composes
from fairsweep.errors import BadInput

FIRST = "# @package _global_\n"
CHOOSES = "an experiment chooses by defaults: [override /optimizer: adam]; got "

# The file of the option `mine`, and what is told of it.
BAD = {
    "no-first-line": (
        "experiment",
        "trials: 3\nepochs: 9\n",
        ":1: the first line of an experiment is # @package _global_, got 'trials: 3'; put it first",
    ),
    "first-line-second": (
        "experiment",
        f"# smaller\n{FIRST}search: {{trials: 3}}\n",
        ":1: the first line of an experiment is # @package _global_, got '# smaller'; put it",
    ),
    "first-line-misspelt": (
        "experiment",
        "# @package global\nsearch: {trials: 3}\n",
        ":1: the first line of an experiment is # @package _global_, got '# @package global'",
    ),
    "byte-order-mark": (
        "experiment",
        f"\ufeff{FIRST}terminal: plain\n",
        "without a byte order mark",
    ),
    "no-override": (
        "experiment",
        f"{FIRST}defaults:\n  - optimizer: adam\n",
        f":3: defaults: {CHOOSES}optimizer: adam",
    ),
    "no-override-with-a-slash": (
        "experiment",
        f"{FIRST}defaults: [/optimizer: adam]\n",
        f":2: defaults: {CHOOSES}/optimizer: adam",
    ),
    "a-path": (
        "experiment",
        f"{FIRST}defaults: [/optimizer/adam]\n",
        f":2: defaults: {CHOOSES}/optimizer/adam",
    ),
    "no-slash": (
        "experiment",
        f"{FIRST}defaults: [override optimizer: adam]\n",
        f":2: defaults: {CHOOSES}override optimizer: adam",
    ),
    "not-in-the-defaults": (
        "experiment",
        f"{FIRST}optimizer: adam\n",
        f":2: {CHOOSES}optimizer: adam",
    ),
    "override-not-in-the-defaults": (
        "experiment",
        f"{FIRST}override /optimizer: adam\n",
        f":2: {CHOOSES}override /optimizer: adam",
    ),
    "word": (
        "experiment",
        f"{FIRST}defaults: adam\n",
        ":2: defaults: need a list, such as [override /optimizer: adam], got 'adam'",
    ),
    "mapping": (
        "experiment",
        f"{FIRST}defaults: {{override /optimizer: adam}}\n",
        ":2: defaults: need a list, such as [override /optimizer: adam], got keys and values",
    ),
    "misspelt-option": (
        "experiment",
        f"{FIRST}defaults: [override /optimizer: adan]\n",
        ":2: defaults: optimizer=adan: there is no such option; did you mean optimizer=adam? Opt",
        "one of your own is a file {}/optimizer/adan.yaml",
    ),
    "misspelt-group": (
        "experiment",
        f"{FIRST}defaults: [override optimiser: adam]\n",
        ":2: defaults: override optimiser: there is no such group; did you mean optimizer?",
    ),
    "misspelt-group-after-a-slash": (
        "experiment",
        f"{FIRST}defaults: [override /optimzer: adam]\n",
        ":2: defaults: override /optimzer: there is no such group; did you mean optimizer?",
    ),
    "misspelt-group-in-a-path": (
        "experiment",
        f"{FIRST}defaults: [/optimzer/adam]\n",
        ":2: defaults: /optimzer/adam isn't in a group; did you mean optimizer?",
    ),
    "file-for-an-option": (
        "optimizer",
        "defaults: [adam.yaml]\n",
        ":1: defaults: optimizer=adam.yaml: there is no such option; did you mean optimizer=adam?",
    ),
    "no-option": (
        "experiment",
        f"{FIRST}defaults: [override /pruner: null]\n",
        ":2: defaults: override /pruner: need the name of an option, got null; there are: hyperb",
    ),
    "option-of-another-group": (
        "experiment",
        f"{FIRST}defaults: [adam]\n",
        ":2: defaults: experiment=adam: there is no such option; options: learning_rate_curves",
    ),
    "another-experiment-instead": (
        "experiment",
        f"{FIRST}defaults: [override /experiment: smoke]\n",
        ":2: defaults: need smoke alone, which is of the same group",
    ),
    "twice": (
        "experiment",
        f"{FIRST}defaults: [override /optimizer: sgd, override /optimizer: adam]\n",
        ":2: defaults: override /optimizer is given twice; leave one out",
    ),
    "too-late": (
        "experiment",
        f"{FIRST}defaults: [override /optimizer: sgd, smoke]\n",
        ":2: defaults: need smoke before what begins with override",
    ),
    "number": ("experiment", f"{FIRST}defaults: [3]\n", "an entry is an option's name"),
    "two-in-one": (
        "experiment",
        f"{FIRST}defaults: [{{override /optimizer: sgd, override /model: cnn}}]\n",
        "an entry is an option's name, or one group: option",
    ),
    "word-in-a-group": (
        "optimizer",
        "defaults: adam\n",
        ":1: defaults: need a list, such as [adam, _self_], got 'adam'",
    ),
    "misspelt-in-a-group": (
        "optimizer",
        "defaults: [adan]\n",
        ":1: defaults: optimizer=adan: there is no such option; did you mean optimizer=adam?",
    ),
    "group-said-again": (
        "optimizer",
        "defaults: [optimizer: adam]\n",
        ":1: defaults: need adam alone, which is of the same group, got optimizer: adam",
    ),
    "group-said-in-a-path": (
        "optimizer",
        "defaults: [/optimizer/adam]\n",
        ":1: defaults: need adam alone, which is of the same group, got /optimizer/adam",
    ),
    "another-group": (
        "optimizer",
        "defaults: [override /model: cnn]\n",
        ":1: defaults: override /model: cnn is of another group; an experiment chooses it",
    ),
}
GOOD = {
    "several-groups": "defaults: [override /optimizer: sgd, override /model: cnn]\n",
    "upon-another": "defaults: [smoke, override /optimizer: sgd, _self_]\n",
    "quoted": "defaults: ['override /optimizer': 'sgd']\n",
    "interpolated": "defaults: [override /pruner: '${search}']\n",
    "keys-alone": "search: {trials: 3}\n",
}


def put(folder: Path, group: str, content: str, name: str = "mine") -> Path:
    path = folder / group / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("group", "content", "told"), [(g, c, t) for g, c, *t in BAD.values()], ids=BAD
)
def test_what_hydra_would_say_otherwise(
    group: str, content: str, told: list[str], tmp_path: Path
) -> None:
    path = put(tmp_path, group, content)
    with pytest.raises(BadInput) as error:
        compose_training([f"{group}=mine"], str(tmp_path))
    (problem,) = error.value.problems
    assert problem.startswith(f"{path}:")
    for part in told:
        assert part.format(tmp_path) in problem


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_what_works_is_left_alone(content: str, tmp_path: Path) -> None:
    put(tmp_path, "experiment", FIRST + content)
    put(tmp_path, "pruner", "defaults: [none]\n", "tpe")
    assert compose_training(["experiment=mine"], str(tmp_path)).arms


def test_only_who_chooses_a_file_is_told(tmp_path: Path) -> None:
    put(tmp_path, "experiment", "search: {trials: 3}\n")
    for name, entry in {"choice": "override /optimzer: adam", "path": "/optimzer/adam"}.items():
        put(tmp_path, "experiment", f"{FIRST}defaults: [{entry}]\n", name)
    assert compose_training(["optimizer=adam"], str(tmp_path)).arms
    for chosen in (["experiment=mine"], ["+experiment=mine"], ["experiment='mine'"]):
        with pytest.raises(BadInput, match="the first line of an experiment"):
            check_composes("config", chosen, str(tmp_path))


def test_a_file_that_another_builds_upon_is_told(tmp_path: Path) -> None:
    put(tmp_path, "experiment", f"{FIRST}defaults: [base]\n")
    base = put(tmp_path, "experiment", f"{FIRST}defaults: [mine, override model: cnn]\n", "base")
    with pytest.raises(BadInput, match="override /model: cnn") as error:
        compose_training(["experiment=mine"], str(tmp_path))
    (problem,) = error.value.problems
    assert problem.startswith(f"{base}:2: ")


def test_an_arm_of_the_users_own_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, "optimizer", "defaults: [adan]\n")
    with pytest.raises(BadInput) as error:
        compose_sweep(["arms.optimizer=[mine]"], str(tmp_path))
    assert str(error.value).startswith(f"{path}:1: defaults: optimizer=adan: there is")


@pytest.mark.parametrize("group", ["optimizer", "data"])
@pytest.mark.parametrize("compose", [compose_sweep, compose_training])
def test_several_options_of_a_group(group: str, compose: object, tmp_path: Path) -> None:
    """Hydra would merge them."""
    assert callable(compose)
    options = {"optimizer": "adam, sgd", "data": "digits, worked_example"}[group]
    path = put(tmp_path, "experiment", f"{FIRST}defaults: [override /{group}: [{options}]]\n")
    with pytest.raises(BadInput) as error:
        compose(["experiment=mine"], str(tmp_path))
    assert str(error.value).startswith(f"{group}: need one option, got a list")
    assert str(error.value).endswith(f" ({path})")
    assert ("arms.optimizer=[…]" in str(error.value)) == (group == "optimizer")


def test_where_an_option_of_ones_own_belongs(tmp_path: Path) -> None:
    for folder, told in (
        (None, "myconf/model/mine.yaml, found by --config-dir=myconf"),
        (str(tmp_path), f"{tmp_path}/model/mine.yaml"),
    ):
        with pytest.raises(BadInput) as error:
            compose_training(["model=mine"], folder)
        assert str(error.value).endswith(f"one of your own is a file {told}")


def test_a_file_with_another_ending_is_to_be_renamed(tmp_path: Path) -> None:
    put(tmp_path, "model", "name: mine\n").rename(tmp_path / "model" / "mine.yml")
    with pytest.raises(BadInput) as error:
        compose_training(["model=mine"], str(tmp_path))
    told = f"its file ends in .yaml; rename {tmp_path}/model/mine.yml to mine.yaml"
    assert error.value.problems == (f"model=mine: {told}",)


def test_whose_a_file_is_that_came_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder conf/ of the user's own may stand where the command runs."""
    with pytest.raises(BadInput, match=r" \(command line: .*; conf/training/default\.yaml:\d+\)"):
        compose_sweep(["optimizer=adam", "training.batch_size=33"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"; Fairsweep's conf/training/default\.yaml:\d+\)"):
        compose_sweep(["optimizer=adam", "training.batch_size=33"])

"""A user's own config files: what isn't plain data is told with its line, before Hydra reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.config.compose.user_files import check_files, file_problems
from fairsweep.config.plan import Plan
from fairsweep.errors import BadInput

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
    "duplicate-key": ("name: a\nparams: {}\nname: b\n", ":3: name is given twice"),
    "duplicate-key-inside": ("params:\n  x: 1\n  x: 2\n", ":3: x is given twice"),
    "tab": ("params:\n\tx: 1\n", ":2: found character '\\t'", "indent with spaces", "^"),
    "broken": ("params: {x: 1\n", "^"),
    "anchor-bomb": (BOMB, "aliases make more than 100000 values"),
    "alias-of-itself": ("a: &a [1, *a]\n", ":1: nested deeper than 50 levels"),
    "runs-a-command": (
        'name: !!python/object/apply:os.system ["true"]\n',
        ":1: tag:yaml.org,2002:python/object/apply:os.system isn't plain data",
    ),
    "own-tag": ("name: !model x\n", ":1: !model isn't plain data"),
    "target": (
        "params:\n  _target_: os.system\n",
        ":2: _target_ would call code from a config",
        "model.builder",
    ),
    "hydras-own": (
        "name: a\nhydra: {run: {dir: /x}}\n",
        ":2: hydra: a config can't change Hydra's own settings",
    ),
    "hydras-own-group": (
        "defaults:\n  - override /hydra/job_logging: mine\n",
        ":2: override /hydra/job_logging: a config can't change Hydra's own settings",
    ),
    "defaults-elsewhere": (
        "defaults:\n  - /other/file\n",
        "defaults: /other/file isn't in a group; there are: data, model",
    ),
    "defaults-outside": ("defaults:\n  - ../../file\n", "defaults: ../../file isn't in a group"),
    "environment": ("name: ${oc.env:HOME}\n", ":1: '${oc.env:HOME}' would read", "write the value"),
    "a-word-that-yaml-takes-for-a-switch": (
        "params:\n  mode: off\n",
        ":2: YAML reads off as true or false; write 'off' for the word, true or false for a switch",
    ),
    "such-words-in-a-list": (
        "class_names: [Yes, no]\n",
        ":1: YAML reads Yes as",
        ":1: YAML reads no as",
    ),
    "not-utf-8": ("name: \udce4\n", "need UTF-8, but byte 6"),
    "nul": ("name: a\0b\n", ":1: a character that YAML doesn't allow"),
    "empty": ("", "the file is empty"),
    "comments-only": ("# nothing\n\n", "the file is empty"),
    "nested": ("a: " + "[" * 200 + "]" * 200 + "\n", "nested deeper than 50 levels"),
    "nested-far": ("a: " + "[" * 5000 + "]" * 5000 + "\n", "nested deeper than 50 levels"),
}


def put(folder: Path, content: str, group: str = "optimizer", name: str = "mine") -> Path:
    path = folder / group / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
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
    (problem,) = file_problems(path, tmp_path)
    assert "aliases make more than 100000 values" in problem


def test_defaults_that_lead_to_files_nobody_checks_are_told_to_all(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    path = put(tmp_path, "defaults: [/other/file]\n")
    with pytest.raises(BadInput) as error:
        check_files(tmp_path)
    assert str(error.value).startswith(f"{path}:1: defaults: /other/file isn't in a group")


def test_what_hydra_does_not_find_is_not_read(tmp_path: Path) -> None:
    """Such as the configs of earlier runs, in a store beside it."""
    (tmp_path / "mlruns" / "hydra" / ".hydra").mkdir(parents=True)
    (tmp_path / "mlruns" / "hydra" / ".hydra" / "hydra.yaml").write_text("hydra: {}\n")
    check_files(tmp_path)


# Plain data, but not what its author means.

MODEL = "name: mine\nbuilder: mypackage:build\n"
MISTAKEN = {
    "misspelt-key": (
        "model",
        MODEL + "param: {units: 8}\n",
        ":3: model.param: there is no such key; did you mean params?",
    ),
    "below-its-group": (
        "model",
        "model:\n  name: mine\n  builder: mypackage:build\n",
        ":1: a file of the group model begins with its own keys (name, builder, params, space, ",
    ),
    "list-for-a-spec": (
        "model",
        MODEL + "params: {units: 8}\nspace:\n  units: [4, 8]\n",
        ":5: model.space.units: need a spec, got a list; {choices: […]} searches its values",
    ),
    "number-for-a-spec": (
        "optimizer",
        "name: Adam\nspace: {learning_rate: 0.1}\n",
        ":2: optimizer.space.learning_rate: need a spec, such as {low: 0.001, ",
    ),
    "misspelt-key-of-a-spec": (
        "optimizer",
        "name: Adam\nparams: {learning_rate: 0.1}\nspace:\n  learning_rate: {lo: 0.1, high: 1.0}\n",
        ":4: optimizer.space.learning_rate.lo: there is no such key; did you mean low?",
    ),
    "misspelt-key-of-a-range": (
        "model",
        MODEL + "params: {units: [8]}\nspace: {units: {layers: {lows: 1, high: 2}}}\n",
        ":4: model.space.units.layers.lows: there is no such key; did you mean low?",
    ),
    "no-blank-after-the-colon": (
        "model",
        MODEL + "params:\n  units:8\n",
        ":4: model.params: need names and their values",
        "put a space after the colon: units: 8",
    ),
    "one-word": ("model", "mlp\n", ":1: need keys and their values: name, builder, "),
    "misspelt-in-the-space": (
        "model",
        MODEL + "params: {units: 8}\nspace: {unit: {low: 4, high: 16}}\n",
        "model.space.unit: mine has no such parameter to search; did you mean units? (",
    ),
    "only-in-the-space": (
        "model",
        MODEL + "params: {units: 8}\nspace: {filters: {low: 4, high: 16}}\n",
        "model.space.filters: mine has no such parameter to search; there are: units, ",
        "; one of your function needs its default: +model.params.filters=…",
    ),
    "misspelt-in-the-space-of-an-optimizer": (
        "optimizer",
        "name: SGD\nparams: {learning_rate: 0.1}\nspace: {learning_rat: {low: 0.1, high: 1.0}}\n",
        "optimizer.space.learning_rat: SGD has no such parameter to search; did you mean "
        "learning_rate? (",
    ),
    "misspelt-in-the-space-of-a-training": (
        "training",
        "defaults: [default]\nspace: {batchsize: {choices: [16, 32]}}\n",
        "training.space.batchsize: training has no such parameter to search; did you mean "
        "batch_size?",
    ),
    "misspelt-parameter": (
        "optimizer",
        "name: Adam\nparams: {learning_rate: 1e-3, beta1: 0.9}\n",
        "optimizer.params.beta1: Adam has no such parameter; did you mean beta_1? (",
    ),
    "misspelt-parameter-of-ours": (
        "model",
        "defaults: [mlp]\nparams: {drop_out: 0.5}\n",
        "model.params.drop_out: mlp has no such parameter; did you mean dropout? (",
    ),
    "missing-parameters-of-ours": (
        "model",
        "name: mine\nbuilder: cnn\nparams: {filters: [8], activation: relu}\n",
        "model.params: hidden_units, dropout must be given; begin the file with defaults: [cnn, ",
    ),
}


@pytest.mark.parametrize("compose", [compose_sweep, compose_training])
@pytest.mark.parametrize(
    ("group", "content", "told"), [(g, c, t) for g, c, *t in MISTAKEN.values()], ids=MISTAKEN
)
def test_a_mistake_in_a_file_is_told_with_its_place_and_remedy(
    group: str,
    content: str,
    told: list[str],
    compose: Callable[..., Plan],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mypackage")
    path = put(tmp_path, content, group)
    one_arm = () if group == "optimizer" else ("optimizer=adam",)
    with pytest.raises(BadInput) as error:
        compose([f"{group}=mine", *one_arm], str(tmp_path))
    (problem,) = error.value.problems
    assert str(path) in problem
    for part in told:
        assert part in problem


def test_a_name_that_is_not_searched_and_a_mistake_in_a_file_are_told_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mypackage")
    put(tmp_path, MODEL + "params: {units: 8}\nspace: {unit: {low: 4, high: 16}}\n", "model")
    with pytest.raises(BadInput) as error:
        compose_sweep(["model=mine", "optimizer=adam", "search.only=[model.units]"], str(tmp_path))
    only, mistaken = error.value.problems
    assert only.startswith("search.only: no arm has a space for model.units (command line: ")
    assert "did you mean units?" in mistaken


def test_a_file_that_is_no_yaml_is_told_to_those_who_choose_it(tmp_path: Path) -> None:
    put(tmp_path, GOOD)
    broken = put(tmp_path, "params: {x: 1\n", name="broken")
    assert compose_training(["optimizer=mine"], str(tmp_path)).arms
    with pytest.raises(BadInput, match=f"{broken}:2: ") as error:
        compose_training(["optimizer=broken"], str(tmp_path))
    assert len(error.value.problems) == 1


def test_a_file_that_would_make_a_call_is_told_to_everyone(tmp_path: Path) -> None:
    put(tmp_path, GOOD)
    put(tmp_path, "params:\n  _target_: os.system\n", name="other")
    with pytest.raises(BadInput, match="_target_ would call code"):
        compose_training(["optimizer=mine"], str(tmp_path))


def test_a_file_that_conf_hides_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, GOOD, name="adam")
    with pytest.raises(BadInput) as error:
        compose_training(["optimizer=adam"], str(tmp_path))
    assert str(error.value) == (
        f"{path}: Fairsweep has an option of this name, which would be used instead; rename "
        "yours, for example to my_adam.yaml"
    )
    assert compose_training(["optimizer=sgd"], str(tmp_path)).arms


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    """As long as before, and within the same tick of the clock."""
    (tmp_path / "optimizer").mkdir()
    file = tmp_path / "optimizer" / "mine.yaml"
    for momentum in (0.5, 0.9):
        file.write_text(f"name: SGD\nparams: {{learning_rate: 0.1, momentum: {momentum}}}\n")
        os.utime(file, (0, 0))
        for _ in range(2):
            (arm,) = compose_sweep(["optimizer=mine"], str(tmp_path)).arms
            assert arm.settings.optimizer.params["momentum"] == momentum


def test_a_config_leaves_nothing_in_the_next(tmp_path: Path) -> None:
    """Both are composed of the same files."""
    (tmp_path / "optimizer").mkdir()
    text = "name: SGD\nparams: {learning_rate: 0.1, momentum: 0.5}\n"
    (tmp_path / "optimizer" / "mine.yaml").write_text(text)
    before = compose_sweep(["optimizer=mine"], str(tmp_path))
    others = ("optimizer.params.momentum=0.9", "training.epochs=7", "confirm.seeds=7")
    other = compose_sweep(["optimizer=mine", *others], str(tmp_path))
    assert other.arms[0].settings.optimizer.params["momentum"] == 0.9
    after = compose_sweep(["optimizer=mine"], str(tmp_path))
    assert after.arms == before.arms
    assert after.config == before.config

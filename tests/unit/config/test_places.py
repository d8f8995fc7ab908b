"""Where a message says that a value stands: the override, or the file and line that gave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.errors import BadInput

EXPERIMENT = "# @package _global_\n"


def put(folder: Path, name: str, content: str) -> Path:
    path = folder / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def told(folder: Path, *overrides: str) -> str:
    with pytest.raises(BadInput) as error:
        compose_sweep(["optimizer=adam", *overrides], str(folder))
    (problem,) = error.value.problems
    return problem


# A group, the file, what is chosen, and the line that holds what is wrong.
OWN = {
    "training": ("training/mine", "defaults: [default, _self_]\nepochs: 0\n", 2),
    "data": ("data/mine", "# rows\ndefaults: [digits, _self_]\nseed: -1\n", 3),
    "model": ("model/mine", "defaults: [mlp, _self_]\nparams:\n  dropout: 1.0\n", 3),
    "search": ("search/mine", "defaults: [tpe, _self_]\ntrials: 0\n", 2),
    "pruner": ("pruner/mine", "name: median\nparams:\n  n_min_trials: 0\n", 3),
    "executor": ("executor/mine", "name: local\nthreads: 0\n", 2),
    "tracking": ("tracking/mine", "name: local\nuri: somewhere\n", 2),
    "experiment": ("experiment/mine", EXPERIMENT + "confirm:\n  seeds: -1\n", 3),
    "a-type": ("training/mine", "defaults: [default, _self_]\nepochs: many\n", 2),
    "a-type-in-an-experiment": ("experiment/mine", EXPERIMENT + "search:\n  trials: many\n", 3),
    "a-switch": ("training/mine", "defaults: [default, _self_]\n\nshuffle: perhaps\n", 3),
}


@pytest.mark.parametrize(("name", "content", "line"), OWN.values(), ids=OWN)
def test_a_value_in_a_users_file(name: str, content: str, line: int, tmp_path: Path) -> None:
    path = put(tmp_path, name, content)
    problem = told(tmp_path, name.replace("/", "="))
    assert problem.endswith(f" ({path}:{line})")
    assert problem.count("(") == 1 or "[0, 1)" in problem
    assert "of type" not in problem  # OmegaConf's words


def test_an_optimizer_of_the_users_own(tmp_path: Path) -> None:
    path = put(
        tmp_path, "optimizer/mine", "defaults: [adam, _self_]\nparams: {learning_rate: -1}\n"
    )
    with pytest.raises(BadInput, match=r"above 0, got -1.0; .* \(.*mine\.yaml:2\)$") as error:
        compose_training(["optimizer=mine"], str(tmp_path))
    assert str(path) in str(error.value)


def test_what_a_users_option_takes_over_stands_in_ours(tmp_path: Path) -> None:
    put(tmp_path, "training/mine", "defaults: [default, _self_]\nepochs: 5\n")
    problem = told(tmp_path, "training=mine", "training.batch_size=33")
    line = place_in_conf("training/default.yaml", "  batch_size:")
    assert f"(command line: training.batch_size=33; conf/training/default.yaml:{line})" in problem


def test_a_value_and_its_space_in_two_files(tmp_path: Path) -> None:
    path = put(tmp_path, "experiment/mine", EXPERIMENT + "training:\n  batch_size: 33\n")
    line = place_in_conf("training/default.yaml", "  batch_size:")
    problem = told(tmp_path, "experiment=mine")
    assert problem.endswith(f"({path}:3; conf/training/default.yaml:{line})")


def test_the_command_line_goes_before_files(tmp_path: Path) -> None:
    put(tmp_path, "training/mine", "defaults: [default, _self_]\nepochs: 0\n")
    problem = told(tmp_path, "training=mine", "training.epochs=-1")
    assert problem.endswith(" (command line: training.epochs=-1)")


def test_ours(tmp_path: Path) -> None:
    problem = told(tmp_path, "data.validation=0.9", "data.test=0.1")
    assert "(command line: data.test=0.1)" in problem


def test_a_mapping_gives_what_is_in_it_alone(tmp_path: Path) -> None:
    path = put(tmp_path, "training/mine", "defaults: [default, _self_]\nepochs: 0\n")
    problem = told(tmp_path, "training=mine", "training={batch_size: 32}")
    assert problem.endswith(f" ({path}:2)")
    problem = told(tmp_path, "training=mine", "training={epochs: -1}")
    assert problem.endswith(" (command line: training={epochs: -1})")


# What the command line sets, what an experiment has beside it, and the file that is told, too.
OWN_METRIC = "training.metrics=[mine:cost]"
BESIDE_A_FILE = {
    "direction": (f"objective.metric=val_cost {OWN_METRIC}", "", "config"),
    "second-direction": (f"objective.second=cost {OWN_METRIC}", "", "config"),
    "shares": ("data.validation=0.9", "", "data/digits"),
    "validation": ("data.validation=0", "", "config"),
    "schedule": ("training.schedule.name=exponential", "", "training/default"),
    "warmup": ("training.epochs=2", "training: {schedule: {warmup_epochs: 3}}", ""),
    "budget": ("training.epochs=30", "search: {epochs: 20}", ""),
    "normalization": (
        "model.params.batch_normalization=true",
        "model: {params: {layer_normalization: true}}",
        "",
    ),
    "clipping": ("optimizer.params.clipvalue=1.0", "optimizer: {params: {clipnorm: 1.0}}", ""),
}


@pytest.mark.parametrize(("words", "own", "file"), BESIDE_A_FILE.values(), ids=BESIDE_A_FILE)
def test_what_goes_wrong_beside_a_file_names_the_command_line_first(
    words: str, own: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user gave that, and the file was right without it."""
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mine")
    path = put(tmp_path, "experiment/mine", f"{EXPERIMENT}{own or 'confirm: {top: 1}'}\n")
    problem = told(tmp_path, "experiment=mine", *words.split())
    where = f"conf/{file}.yaml" if file else str(path)
    assert f" (command line: {words.split(maxsplit=1)[0]}; {where}:" in problem


def test_what_has_no_line_of_its_own_names_the_nearest(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "model/mine",
        "name: mine\nbuilder: cnn\nparams:\n  filters: [8]\n  activation: relu\n",
    )
    assert told(tmp_path, "model=mine").endswith(f" ({path}:3)")


def place_in_conf(name: str, start: str) -> int:
    text = (Path(__file__).parents[3] / "conf" / name).read_text()
    (line,) = [i for i, text in enumerate(text.splitlines(), 1) if text.startswith(start)]
    return line

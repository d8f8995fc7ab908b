"""conf/ as it stands: every option of every group composes, experiments are what they say."""

from __future__ import annotations

import importlib.util
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from fairsweep.config.checks.data import SOURCES
from fairsweep.config.checks.sweep import PRUNERS, SAMPLERS
from fairsweep.config.compose.commands import compose_report, compose_sweep, compose_training
from fairsweep.config.options import CONF
from fairsweep.config.schema import Config
from fairsweep.data.split import load_split
from fairsweep.metrics import direction_of

from .plans import plan

GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "hydra")
OPTIONS = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]

# What these need beside their name.
ARGUMENTS = {
    ("data", "csv"): ["data.path=rows.csv", "data.target=label"],
    ("data", "parquet"): ["data.path=rows.parquet", "data.target=label"],
    ("data", "npz"): ["data.path=rows.npz"],
    ("data", "images"): ["data.path=photos"],
    ("data", "python"): ["data.loader=mine.data:load"],
    ("data", "worked_example"): ["objective.metric=accuracy"],  # it has no validation rows
    ("tracking", "server"): ["tracking.uri=http://127.0.0.1:5000"],
    ("model", "text"): ["data=csv", "data.path=rows.csv", "data.target=label", "data.text=[a]"],
    ("model", "custom"): ["model.builder=mine.models:build"],
}


# The file of a trained model is for test_keras_file.py, what gp says without torch for
# test_bad_input.py.
ELSEWHERE = {("model", "transfer")}
if importlib.util.find_spec("torch") is None:
    ELSEWHERE.add(("search", "gp"))
HERE = [found for found in OPTIONS if found not in ELSEWHERE]


@pytest.mark.parametrize(("group", "option"), HERE, ids=[f"{g}={o}" for g, o in HERE])
def test_every_option_composes(group: str, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mine")
    overrides = [f"{group}={option}", *ARGUMENTS.get((group, option), [])]
    assert compose_training(overrides).arms[0].choices[group] == option


def test_groups_are_sections_of_the_schema() -> None:
    sections = {field.name for field in fields(Config)}
    assert set(GROUPS) - {"experiment"} <= sections
    assert {"data", "model", "optimizer", "training", "search", "pruner", "executor"} <= set(GROUPS)


def options(group: str) -> list[str]:
    return sorted(option for name, option in OPTIONS if name == group)


def test_samplers_pruners_and_sources_have_a_file_each() -> None:
    assert options("search") == sorted(SAMPLERS)
    assert options("pruner") == sorted(PRUNERS)
    assert options("data") == sorted(SOURCES)


def test_the_file_of_an_executor_is_named_after_it() -> None:
    """The files in conf/ say which names there are."""
    for path in (CONF / "executor").iterdir():
        assert yaml.safe_load(path.read_text())["name"] == path.stem


@pytest.mark.parametrize("option", options("search"))
def test_samplers_have_the_same_budget(option: str) -> None:
    """A file of a sampler chooses the sampler, not how much it may search."""
    text = (CONF / "search" / f"{option}.yaml").read_text()
    lines = [line for line in text.splitlines() if line.startswith(("trials", "epochs", "minutes"))]
    default = (CONF / "search" / "tpe.yaml").read_text().splitlines()
    assert len(lines) == 3
    assert [line for line in lines if line not in default] == []


@pytest.mark.parametrize("option", [option for group, option in OPTIONS if group == "experiment"])
def test_experiments_say_what_they_are_and_how_to_run_them(option: str) -> None:
    comment = [
        line
        for line in (CONF / "experiment" / f"{option}.yaml").read_text().splitlines()
        if line.startswith("#")
    ]
    assert comment[0] == "# @package _global_"
    assert any(line.startswith("# fairsweep ") for line in comment[1:])


def test_every_file_begins_with_a_comment() -> None:
    bare = [
        str(path.relative_to(CONF))
        for path in sorted(CONF.rglob("*.yaml"))
        if not path.read_text().startswith("#")
    ]
    assert bare == []


def test_smoke_is_the_whole_job_in_small() -> None:
    smoke, default = plan("experiment=smoke"), plan()
    confirming = smoke.config.confirm
    assert confirming.folds is not None
    trainings = len(smoke.arms) * (
        smoke.config.search.trials + confirming.folds * confirming.repeats
    )
    assert len(smoke.arms) >= 2
    assert confirming.folds >= 2
    assert trainings * smoke.arms[0].settings.training.epochs <= 60
    assert smoke.arms[0].settings.data == default.arms[0].settings.data


def test_optimizer_comparison_is_wider_and_deeper_than_the_default() -> None:
    more, default = plan("experiment=optimizer_comparison"), plan()
    assert {arm.name for arm in more.arms} > {arm.name for arm in default.arms}
    assert more.config.search.trials > default.config.search.trials
    assert more.config.confirm.repeats > default.config.confirm.repeats


class TestWorkedExample:
    """The lesson's own example, to the letter."""

    plan = compose_sweep(["experiment=worked_example"])
    settings = plan.arms[0].settings

    def test_rows_and_labels(self) -> None:
        data = load_split(self.settings.data)
        rows = [[150, 67], [130, 60], [200, 65], [125, 52], [230, 72], [181, 70]]
        assert data.dataset.x.tolist() == rows
        assert data.dataset.y.tolist() == [1, 1, 0, 1, 0, 0]
        assert len(data.dataset.class_names) == 2  # and so the output layer is Dense 2

    def test_every_row_trains_unscaled(self) -> None:
        data = load_split(self.settings.data)
        np.testing.assert_array_equal(data.train, np.arange(6))
        assert len(data.validation) == len(data.test) == 0
        assert self.settings.data.rescale is None
        assert not self.settings.data.standardize

    def test_layers(self) -> None:
        params = self.settings.model.params
        assert self.settings.model.builder == "mlp"
        assert (params["hidden_units"], params["activation"]) == ([8, 16], "relu")
        assert (params["dropout"], params["l2"]) == (0, 0)
        assert not params["batch_normalization"]

    def test_training(self) -> None:
        training = self.settings.training
        assert self.settings.optimizer.name == "Adam"
        assert self.settings.optimizer.params["learning_rate"] == 0.0001
        assert training.loss == "sparse_categorical_crossentropy"
        assert (training.batch_size, training.epochs, training.shuffle) == (3, 10, True)
        assert training.schedule.name == "constant"
        assert training.early_stopping.patience is None

    def test_sweep_of_it_is_its_defaults_alone(self) -> None:
        assert len(self.plan.arms) == self.plan.config.search.trials == 1
        assert not self.plan.objective.metric.startswith("val_")
        assert direction_of(self.plan.objective.metric) == self.plan.objective.direction

    def test_training_of_it_is_the_same(self) -> None:
        (arm,) = compose_training(["experiment=worked_example"]).arms
        assert arm.settings.data == self.settings.data
        assert arm.settings.model.params == self.settings.model.params
        assert arm.settings.optimizer.params == self.settings.optimizer.params
        assert replace(arm.settings.training, space=self.settings.training.space) == (
            self.settings.training
        )


def test_report_has_its_own_small_config(tmp_path: Path) -> None:
    config = compose_report([f"tracking.root={tmp_path}", "sweep.name=first"])
    assert (config.tracking.root, config.sweep.name) == (str(tmp_path), "first")
    assert not hasattr(config, "search")

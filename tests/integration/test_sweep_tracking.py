"""A finished sweep on real digits: what stands in MLflow is exactly what the manual says."""

from __future__ import annotations

import importlib.metadata
import json
import math
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.lab import REPOSITORY
from tests.integration.scenarios import Smoke, headline
from tests.integration.stored import EPOCH_METRICS, Run

ARMS = ("sgd", "adam")
TRIALS, EPOCHS, SEEDS = 3, 3, 2
END_METRICS = {"best_val_accuracy", "best_epoch", "epochs", "seconds"}


@pytest.fixture(scope="module")
def runs(smoke: Smoke) -> list[Run]:
    return smoke.sandbox.stored.runs()


@pytest.fixture(scope="module")
def trainings(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.stage in {"search", "confirm"}]


def of(runs: list[Run], stage: str, arm: str | None = None) -> list[Run]:
    return [run for run in runs if run.stage == stage and arm in (None, run.arm)]


def test_ends_well_with_the_headline_of_its_report(smoke: Smoke) -> None:
    assert smoke.done.code == 0, smoke.done.said
    report = smoke.sandbox.report_files(smoke.sweep)["report.md"].decode()
    assert headline(report) in smoke.done.out.splitlines()


def test_default_name_says_data_and_model(smoke: Smoke) -> None:
    assert re.fullmatch(r"digits-mlp-[0-9a-f]{4}", smoke.sweep)


def test_runs_form_a_tree_of_sweep_arms_and_trainings(runs: list[Run]) -> None:
    (sweep,) = of(runs, "sweep")
    arms = {run.arm: run for run in of(runs, "arm")}
    parents = {run.run_id: run.tags.get("mlflow.parentRunId") for run in runs}

    assert sorted(arms) == sorted(ARMS)
    assert len(of(runs, "arm")) == len(ARMS)
    assert parents[sweep.run_id] is None
    assert {parents[run.run_id] for run in arms.values()} == {sweep.run_id}
    for arm in ARMS:
        searched, confirmed = of(runs, "search", arm), of(runs, "confirm", arm)
        assert sorted(run.trial for run in searched) == list(range(TRIALS))
        assert len(confirmed) == SEEDS
        assert {parents[run.run_id] for run in searched + confirmed} == {arms[arm].run_id}
    (published,) = of(runs, "refit")
    assert parents[published.run_id] == arms[published.arm].run_id
    assert len(runs) == 1 + len(ARMS) * (1 + TRIALS + SEEDS) + 1


def test_experiment_is_named_after_the_data(runs: list[Run]) -> None:
    assert {run.experiment for run in runs} == {"digits"}


def test_every_run_has_the_tags_that_find_it(smoke: Smoke, runs: list[Run]) -> None:
    for run in runs:
        expected = {"sweep", "stage", "outcome", "config_sha256", "data_sha256"}
        if run.stage != "sweep":
            expected |= {"arm"}
        if run.stage in {"search", "confirm", "refit"}:
            expected |= {"trial"}
        assert expected <= set(run.tags), run.name
        assert run.tags["sweep"] == smoke.sweep
        assert run.outcome == "complete"
        assert ("arm" in run.tags) == (run.stage != "sweep")
        assert ("trial" in run.tags) == (run.stage in {"search", "confirm", "refit"})
    assert {run.stage for run in runs} == {"sweep", "arm", "search", "confirm", "refit"}


def test_fingerprints_tell_arms_apart_and_data_not(runs: list[Run]) -> None:
    assert len({run.tags["data_sha256"] for run in runs}) == 1
    of_arm = {arm: {r.tags["config_sha256"] for r in runs if r.arm == arm} for arm in ("", *ARMS)}
    assert [len(found) for found in of_arm.values()] == [1] * len(of_arm)
    assert len(set.union(*of_arm.values())) == len(of_arm)
    for run in runs:
        assert re.fullmatch(r"[0-9a-f]{64}", run.tags["config_sha256"])
        assert re.fullmatch(r"[0-9a-f]{64}", run.tags["data_sha256"])


def test_no_run_is_left_open(runs: list[Run]) -> None:
    assert {run.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert run.ended is not None
        assert run.ended >= run.started


def test_params_are_flat_and_of_that_trial(trainings: list[Run]) -> None:
    for run in trainings:
        assert run.params["optimizer"] == run.arm
        assert run.params["model"] == "mlp"
        assert run.params["data"] == "digits"
        assert float(run.params["optimizer.learning_rate"]) > 0
        assert int(run.params["training.batch_size"]) in {16, 32, 64, 128}
        assert all(width >= 16 for width in json.loads(run.params["model.hidden_units"]))
        assert run.params["training.epochs"] == str(EPOCHS)
        assert not [name for name in run.params if ".params." in name or ".space." in name]
        groups = {name.partition(".")[0] for name in run.params if "." in name}
        assert groups == {"data", "model", "optimizer", "training"}


def test_first_trial_has_the_defaults_of_its_arm(runs: list[Run]) -> None:
    model = yaml.safe_load((REPOSITORY / "conf/model/mlp.yaml").read_text())
    training = yaml.safe_load((REPOSITORY / "conf/training/default.yaml").read_text())
    for arm in ARMS:
        optimizer = yaml.safe_load((REPOSITORY / f"conf/optimizer/{arm}.yaml").read_text())
        first = next(run for run in of(runs, "search", arm) if run.trial == 0)
        for name in optimizer["space"]:
            given = optimizer["params"][name]
            assert yaml.safe_load(first.params[f"optimizer.{name}"]) == given, name
        assert json.loads(first.params["model.hidden_units"]) == model["params"]["hidden_units"]
        assert int(first.params["training.batch_size"]) == training["batch_size"]


def test_trials_of_an_arm_differ(runs: list[Run]) -> None:
    for arm in ARMS:
        rates = [run.params["optimizer.learning_rate"] for run in of(runs, "search", arm)]
        assert len(set(rates)) == TRIALS


def test_metrics_are_keras_names_and_the_summary(trainings: list[Run]) -> None:
    for run in trainings:
        test = {name for name in run.metrics if name.startswith("test_")}
        assert set(run.metrics) - test == EPOCH_METRICS | END_METRICS, run.name


def test_every_epoch_is_there_exactly_once(smoke: Smoke, trainings: list[Run]) -> None:
    assert smoke.sandbox.stored.twice("search", "confirm") == []
    for run in trainings:
        for name in EPOCH_METRICS:
            assert run.steps(name) == list(range(1, EPOCHS + 1)), (run.name, name)


def test_all_values_are_numbers_in_their_range(runs: list[Run]) -> None:
    for run in runs:
        for name, rows in run.metrics.items():
            for row in rows:
                assert math.isfinite(row.value), (run.name, name)
                if name.endswith("accuracy"):
                    assert 0 <= row.value <= 1, (run.name, name)


def test_epochs_are_stamped_in_their_order_within_the_run(trainings: list[Run]) -> None:
    for run in trainings:
        times = [row.timestamp for row in run.metrics["loss"]]
        assert times == sorted(times)
        assert run.ended is not None
        assert run.started <= times[0]
        assert times[-1] <= run.ended


def test_the_summary_is_that_of_the_epochs(trainings: list[Run]) -> None:
    for run in trainings:
        curve = run.curves["val_accuracy"]
        assert run.last("best_val_accuracy") == max(curve)
        assert run.last("best_epoch") == curve.index(max(curve)) + 1
        assert run.last("epochs") == len(curve)
        assert run.last("seconds") > 0


def test_real_digits_are_learned(runs: list[Run]) -> None:
    """Ten classes: guessing is right once in ten times."""
    best = max(run.last("best_val_accuracy") for run in of(runs, "search", "adam"))
    assert best > 0.5
    for run in of(runs, "confirm", "adam"):
        assert run.curves["loss"][-1] < run.curves["loss"][0]


def test_confirmation_takes_the_best_trial_of_each_arm(runs: list[Run]) -> None:
    for arm in ARMS:
        searched = {run.trial: run for run in of(runs, "search", arm)}
        best = max(searched.values(), key=lambda run: run.last("best_val_accuracy"))
        for run in of(runs, "confirm", arm):
            assert run.trial == best.trial
            same = {name: value for name, value in best.params.items() if name != "seed"}
            assert {name: run.params[name] for name in same} == same


def test_confirmation_seeds_are_fresh_and_shared_by_the_arms(runs: list[Run]) -> None:
    seeds = {arm: sorted(run.tags["seed"] for run in of(runs, "confirm", arm)) for arm in ARMS}
    assert seeds["sgd"] == seeds["adam"]
    assert len(set(seeds["sgd"])) == SEEDS
    searched = {run.tags["seed"] for run in of(runs, "search")}
    assert not searched & set(seeds["sgd"])


def test_only_what_is_trained_again_reads_test_rows(runs: list[Run]) -> None:
    for run in runs:
        again = run.stage in ("confirm", "refit")
        tested = [name for name in run.metrics if name.startswith("test")]
        assert ("test_accuracy" in tested) == again, run.name
        assert bool(tested) == again, run.name
        for name in tested:
            assert len(run.metrics[name]) == 1


def test_sweep_run_shows_the_best_so_far_while_it_runs(runs: list[Run]) -> None:
    (sweep,) = of(runs, "sweep")
    best = sweep.metrics["best_val_accuracy"]
    values = [row.value for row in best]
    searched = of(runs, "search")

    assert len(best) > 1
    assert values == sorted(values)
    assert values[-1] == max(run.last("best_val_accuracy") for run in searched)
    assert best[0].timestamp < max(run.ended or 0 for run in searched)


def test_arm_runs_show_their_best(runs: list[Run]) -> None:
    for run in of(runs, "arm"):
        best = max(r.last("best_val_accuracy") for r in of(runs, "search", run.arm))
        assert run.last("best_val_accuracy") == best


# What the sweep's run holds.


@pytest.fixture(scope="module")
def artifacts(smoke: Smoke) -> Path:
    (run,) = smoke.sandbox.stored.runs(stage="sweep")
    return Path(run.artifact_uri.removeprefix("file://"))


def test_report_is_among_the_artifacts_and_at_the_path_printed(
    smoke: Smoke, artifacts: Path
) -> None:
    (printed,) = re.findall(r"^report: (.+)$", smoke.done.out, re.MULTILINE)
    assert Path(printed) == artifacts / "report" / "report.html"
    suffixes = {path.suffix for path in (artifacts / "report").iterdir()}
    assert suffixes == {".html", ".md", ".svg"}


def test_report_page_needs_nothing_from_elsewhere(artifacts: Path) -> None:
    page = (artifacts / "report" / "report.html").read_text()
    assert not re.findall(r"<(?:script|img|iframe)[^>]+src=[\"']?(?![\"']|data:)", page)
    assert "<link" not in page


def test_resolved_config_of_every_arm_is_stored(artifacts: Path) -> None:
    for arm in ARMS:
        config = yaml.safe_load((artifacts / "config" / f"{arm}.yaml").read_text())
        assert config["optimizer"]["name"].lower() == arm
        assert config["training"]["epochs"] == EPOCHS
        assert "${" not in json.dumps(config)
    shared = yaml.safe_load((artifacts / "config" / "sweep.yaml").read_text())
    assert shared["search"]["name"] == "random"
    assert shared["objective"] == {"metric": "val_accuracy", "direction": "maximize"}


def test_environment_is_stored(artifacts: Path) -> None:
    packages = (artifacts / "environment" / "packages.txt").read_text().splitlines()
    for name in ("tensorflow", "keras", "optuna", "mlflow", "hydra-core", "numpy"):
        assert f"{name}=={importlib.metadata.version(name)}" in packages
    facts = json.loads((artifacts / "environment" / "environment.json").read_text())
    assert {"python", "system", "machine", "git_commit", "git_dirty"} <= set(facts)


def test_data_set_is_stored_with_its_fingerprint(artifacts: Path, runs: list[Run]) -> None:
    facts = json.loads((artifacts / "data.json").read_text())
    (sweep,) = of(runs, "sweep")
    assert facts["sha256"] == sweep.tags["data_sha256"]
    assert facts["rows"] == 1797
    parts = [facts[f"{part} rows"] for part in ("training", "validation", "test")]
    assert sum(parts) == 1797
    assert parts[1] == pytest.approx(0.2 * 1797, abs=1)
    assert parts[2] == pytest.approx(0.2 * 1797, abs=1)


# The same through MLflow's own client.


@pytest.fixture(scope="module")
def client(smoke: Smoke) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, from SQLAlchemy, when it is imported
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=f"sqlite:///{smoke.sandbox.stored.database}")


def test_mlflow_sees_what_the_database_holds(client: Any, runs: list[Run]) -> None:
    (experiment,) = [e for e in client.search_experiments() if e.name == "digits"]
    found = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
    assert set(found) == {run.run_id for run in runs}
    for run in runs:
        seen = found[run.run_id]
        assert seen.info.status == "FINISHED"
        assert seen.data.tags == run.tags
        assert seen.data.params == run.params
        assert seen.data.metrics == {name: run.last(name) for name in run.metrics}


def test_mlflow_gives_the_history_of_a_metric(client: Any, trainings: list[Run]) -> None:
    for run in trainings:
        history = client.get_metric_history(run.run_id, "val_accuracy")
        assert [(m.step, m.value) for m in sorted(history, key=lambda m: m.step)] == list(
            zip(range(1, EPOCHS + 1), run.curves["val_accuracy"], strict=True)
        )


def test_mlflow_lists_artifacts_and_data_set_of_the_sweep(client: Any, runs: list[Run]) -> None:
    (sweep,) = of(runs, "sweep")
    top = {item.path for item in client.list_artifacts(sweep.run_id)}
    assert {"report", "config", "environment", "data.json"} <= top
    (given,) = client.get_run(sweep.run_id).inputs.dataset_inputs
    assert given.dataset.name == "digits"
    assert sweep.tags["data_sha256"].startswith(given.dataset.digest)


# Nothing is written anywhere else.


def test_nothing_but_mlruns_in_the_current_folder(smoke: Smoke) -> None:
    assert {Path(path).parts[0] for path in smoke.written["work"]} == {"mlruns"}


def test_store_has_the_documented_parts_only(smoke: Smoke) -> None:
    parts = {Path(path).parts[1] for path in smoke.written["work"] if path != "mlruns"}
    assert parts == {"mlflow.db", "artifacts", "studies", "hydra"}


@pytest.mark.parametrize("folder", ["home", "temporary", "project"])
def test_nothing_anywhere_else(smoke: Smoke, folder: str) -> None:
    assert smoke.written[folder] == []

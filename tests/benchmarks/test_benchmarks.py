"""The benchmark's machinery, without a contestant: one description of the work, what is read from a
store, what is kept of finished runs, and the tables."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import optuna
import pytest
from mlflow.entities import Metric, Param, RunTag

from fairsweep.config.space import dimensions, trial_values
from fairsweep.search.samplers import distribution, from_drawn
from fairsweep.tracking.store import Store
from tests.benchmarks import __main__ as bench
from tests.benchmarks import quality
from tests.benchmarks.contest import CONTESTANTS, OURS, PEERS, Contestant, Figure
from tests.benchmarks.quality import SEEDS, Judge, seconds_to
from tests.benchmarks.store import Training, best_so_far, replay, trainings
from tests.benchmarks.table import quality_table, table
from tests.benchmarks.work import Work, works

VALUES = {
    "optimizer.learning_rate": 0.01,
    "optimizer.momentum": 0.9,
    "optimizer.nesterov": True,
    "model.hidden_units": [32, 128],
    "training.batch_size": 16,
}


@pytest.fixture(scope="module")
def default() -> Work:
    return replace(works(Path())["default"], trials=2, epochs=3)


def task_in(folder: Path, work: Work, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """peers/task.py as a script in the work's folder imports it."""
    work.write(folder)
    monkeypatch.chdir(folder)
    spec = importlib.util.spec_from_file_location("task", PEERS / "task.py")
    assert spec is not None
    assert spec.loader is not None
    task = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(task)
    return task


def drawn_by(work: Work, arm: int, seed: int) -> dict[str, Any]:
    """What a random sampler draws for each of our dimensions."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    space = {d.name: distribution(d) for d in dimensions(work.plan.arms[arm].settings)}
    return study.ask(space).params


@pytest.mark.parametrize("key", ["default", "images", "sequences"])
def test_peers_search_our_spaces_and_put_configurations_together_as_we_do(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "models")
    work = works(tmp_path)[key]
    (tmp_path / "run").mkdir()
    task = task_in(tmp_path / "run", work, monkeypatch)
    assert list(task.ARMS) == [arm.name for arm in work.plan.arms]
    for i, arm in enumerate(work.plan.arms):
        space = dimensions(arm.settings)
        assert [d["name"] for d in task.ARMS[arm.name]["space"]] == [d.name for d in space]
        for seed in range(5):
            drawn = drawn_by(work, i, seed)
            own = {d.name: from_drawn(d, drawn[d.name]) for d in space}
            values = trial_values(arm.settings, own)
            assert task.values_of(arm.name, drawn) == values
            logged = {name: str(value) for name, value in drawn.items()}
            assert work.put_together(arm.name, logged) == values
            for group in ("optimizer", "model", "training"):
                settings = task.settings_of(arm.name, values, group)
                mine = arm.settings.with_values(values)
                plain = getattr(mine, group)
                given = plain.params if group != "training" else {"batch_size": plain.batch_size}
                assert {k: v for k, v in settings.items() if v} == {
                    k: v for k, v in given.items() if v
                }


def test_a_list_is_what_our_sweep_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_in(tmp_path, replace(works(Path())["list-20"], trials=3), monkeypatch)
    assert task.LISTED
    ((arm, own),) = task.ARMS.items()
    assert [d["high"] for d in own["space"]] == [2]
    first, second, _ = (task.values_of(arm, {"index": index}) for index in range(3))
    assert first == {
        "optimizer.learning_rate": 0.001,
        "model.hidden_units": [64, 32],
        "training.batch_size": 32,
    }  # an arm's first trial is its defaults
    assert first != second


def test_arrays_are_scaled_by_their_training_rows(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    works(tmp_path)["wine"].write(tmp_path / "run")
    with np.load(tmp_path / "run" / "data.npz") as arrays:
        assert arrays["x_train"].mean(axis=0) == pytest.approx(0, abs=1e-6)
        assert arrays["x_train"].std(axis=0) == pytest.approx(1, abs=1e-6)
        assert abs(arrays["x_val"].mean()) > 1e-3


def log(
    store: Store,
    epochs: Mapping[int, tuple[int, float]],
    params: Mapping[str, object],
    tags: Mapping[str, str] | None = None,
) -> None:
    """A run with val_accuracy and time (milliseconds) of each step."""
    client = store.client()
    run = client.create_run("0").info.run_id
    client.log_batch(
        run,
        [
            Metric(key, value, at, step)
            for step, (at, accuracy) in epochs.items()
            for key, value in (("loss", math.nan), ("val_accuracy", accuracy))
        ],
        [Param(name, str(value)) for name, value in params.items()],
        [RunTag(name, value) for name, value in (tags or {}).items()],
    )


PEER = {
    "arm": "sgd",
    "optimizer.learning_rate": 0.01,
    "optimizer.momentum": 0.9,
    "optimizer.nesterov": True,
    "model.hidden_units.layers": 2,
    "model.hidden_units.1": 5,
    "model.hidden_units.2": 7,
    "model.hidden_units.3": 4,
    "training.batch_size": 16,
}


def test_a_store_is_read_alike_whoever_wrote_it(
    default: Work, empty_store: Callable[[Path], Store], tmp_path: Path
) -> None:
    store = empty_store(tmp_path / "mlruns")
    log(store, {0: (4000, 0.5), 1: (5000, 0.75)}, PEER)
    log(
        store,
        {1: (1000, 0.25), 2: (2000, 0.5), 3: (3000, 0.375)},
        VALUES,
        {"arm": "sgd", "stage": "confirm", "fold": "4"},
    )
    assert trainings(store.root / "mlflow.db", default) == [
        Training("sgd", "confirm", VALUES, 3, 1.0, 3.0, 0.5, 4),
        Training("sgd", "search", VALUES, 2, 4.0, 5.0, 0.75),
    ]


@pytest.mark.parametrize("steps", [(0, 2), (2, 3)])
def test_an_epoch_that_was_not_stored_is_seen(
    steps: Sequence[int], default: Work, empty_store: Callable[[Path], Store], tmp_path: Path
) -> None:
    store = empty_store(tmp_path / "mlruns")
    log(store, dict.fromkeys(steps, (1000, 0.5)), PEER)
    with pytest.raises(ValueError, match="one is missing"):
        trainings(store.root / "mlflow.db", default)


def trained(last: float, best: float, epochs: int = 3, stage: str = "search") -> Training:
    return Training("sgd", stage, VALUES, epochs, 0.0, last, best)


def test_a_tool_answers_with_its_best_whole_trial_so_far() -> None:
    first, better, same = trained(1, 0.5), trained(4, 0.75), trained(5, 0.75)
    pruned, confirmed = trained(2, 0.875, epochs=2), trained(3, 0.875, stage="confirm")
    found = [first, pruned, confirmed, better, same, trained(6, 0.625)]
    assert best_so_far(found, 3) == [first, better]


def test_what_is_trained_again_has_the_rows_that_it_had() -> None:
    folds = [replace(trained(2, 0.5, stage="confirm"), fold=fold) for fold in range(5)]
    found = [trained(1, 0.5), *folds, trained(3, 0.5, stage="refit")]
    rows = [(own["train"], own["validation"]) for own in replay(found, 75, 25)]
    assert rows == [(75, 25), *[(80, 20)] * 5, (100, 0)]


def test_finished_runs_are_kept(
    default: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun: list[tuple[str, float]] = []

    def run(contestant: Contestant, *given: Any) -> Figure:
        begun.append((contestant.title, given[2]))
        if len(begun) == 3:
            raise KeyboardInterrupt
        return Figure(2.0, 1.0, leaders=[(1.0, "sgd", VALUES)])

    monkeypatch.setattr(bench, "run", run)
    names = (OURS, "limit")
    with pytest.raises(KeyboardInterrupt):
        bench.compare(default, names, 2, 4, tmp_path)
    figures = bench.compare(default, names, 2, 4, tmp_path)
    ours, limit = (CONTESTANTS[name].title for name in names)
    assert begun == [(ours, math.inf), (limit, 8), (ours, math.inf), (ours, math.inf), (limit, 8)]
    assert figures == bench.compare(default, names, 2, 4, tmp_path)
    assert len(begun) == 5


def test_a_configuration_is_judged_once(
    default: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def train(self: Judge, configurations: Sequence[Mapping[str, Any]]) -> None:
        for own in configurations:
            asked.append(own["arm"])
            accuracies = [0.5, 1.0] if own["arm"] == "sgd" else [0.25]
            self.keep({**own, "accuracies": accuracies})

    monkeypatch.setattr(Judge, "_train", train)
    file = tmp_path / "judged.jsonl"
    assert Judge(default, file).means([("sgd", VALUES), ("adam", {}), ("sgd", VALUES)]) == [
        *(0.75, 0.25, 0.75)
    ]
    lines = file.read_text()
    file.write_text(lines[:-5])  # a write that was cut off
    assert Judge(default, file).means([("adam", {}), ("sgd", VALUES)]) == [0.25, 0.75]
    assert asked == ["sgd", "adam", "adam"]
    assert file.read_text() == lines
    assert json.loads(lines.splitlines()[0])["seeds"] == list(SEEDS)


def test_the_best_known_is_chosen_and_measured_on_different_seeds(
    default: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    searched: list[dict[str, Any]] = [
        {"arm": arm, "values": {}, "best": best}
        for arm, best in (("sgd", 0.5), ("adam", 0.75), ("adamw", None), ("rmsprop", 0.25))
    ]
    begun = []

    def run(_: Contestant, work: Work, __: Path) -> Figure:
        begun.append(work.plan)
        return Figure(2.0, 1.0, trained=searched)

    def train(self: Judge, configurations: Sequence[Mapping[str, Any]]) -> None:
        for own in configurations:
            chosen_by = 0.5 if own["arm"] == "adam" else 0.75
            measured = own["seeds"] == list(quality.MEASURING)
            self.keep({**own, "accuracies": [0.625 if measured else chosen_by]})

    monkeypatch.setattr(quality, "run", run)
    monkeypatch.setattr(quality, "CANDIDATES", 2)
    monkeypatch.setattr(Judge, "_train", train)
    by = {"command": "make bench", "commit": "0"}
    for _ in range(2):  # the second time all of it is there
        best = quality.find_best(default, tmp_path, by)
    assert (best["arm"], best["accuracy"]) == ("sgd", 0.625)
    assert best["found"]["command"] == "make bench"
    (plan,) = begun
    assert plan.config.pruner.name == "none"


def test_quality_is_reached_by_the_best_so_far() -> None:
    leaders = [(1.0, "sgd", VALUES), (2.0, "sgd", VALUES), (3.0, "sgd", VALUES)]
    assert seconds_to(0.5, leaders, [0.25, 0.5, 0.25]) == 2.0
    assert seconds_to(0.5, leaders, [0.25, 0.25, 0.25]) is None


def cells(text: str, contestant: str) -> list[str]:
    """The cells of a contestant's line."""
    title = CONTESTANTS[contestant].title
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {title}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_tells_ratios_within_a_round(default: Work) -> None:
    figures = {
        OURS: [Figure(2.0, 100.0, first=1.0, after=0.5), Figure(4.0, 100.0, first=1.5, after=0.5)],
        "optuna": [Figure(8.0, 50.0, 0.5), Figure(8.0, 50.0, 0.5)],
        "import": [Figure(1.0, 10.0), Figure(1.0, 10.0)],
    }
    text = table(default, figures)
    assert text.startswith("the default job: 2 trials of 3 epochs in each of 4 arms, 2 rounds")
    assert cells(text, OURS)[1:] == [
        *("1.00", "1.00 to 1.00", "3.0", "0.375", "1.2", "0.5", "100 MiB")
    ]
    stopped, *rest = cells(text, "optuna")
    assert "stopped after 50% of the trials" in stopped
    assert rest == ["> 3.00", "2.00 to 4.00", "> 8.0", "2.000", "", "", "50 MiB"]
    assert cells(text, "import")[4] == ""


def test_the_table_of_quality_says_who_never_got_there(default: Work) -> None:
    reached: dict[str, list[float | None]] = {
        OURS: [2.0, 4.0, 3.0],
        "optuna": [8.0, 8.0, None],
        "hydra": [None, None, 9.0],
    }
    text = quality_table(default, 0.98, reached, {OURS: 0.98, "optuna": 0.975, "hydra": 0.9})
    assert cells(text, OURS)[1:] == ["1.00", "3.0", "2.0 to 4.0", "98.00%"]
    assert cells(text, "optuna")[1:] == ["4.00", "8.0", "8.0 to never", "97.50%"]
    assert cells(text, "hydra")[1:] == ["never", "never", "9.0 to never", "90.00%"]

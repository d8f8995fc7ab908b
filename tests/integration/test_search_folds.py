"""A search whose trials are trained on folds: a run for each trial, one inside it for each fold;
the same whatever is killed on the way."""

from __future__ import annotations

import math
import re
import shlex
import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.config.schema import Tracking
from fairsweep.doctor.examine import examine
from fairsweep.errors import BadInput
from fairsweep.folds import SEARCH_CUT, search_fold
from fairsweep.records import TrialKey, TrialSpec
from fairsweep.report.render import build
from fairsweep.stages.search import trial_spec
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import ScriptedExecutor, Step, failed, learning, scripted, tiny_data
from fairsweep.tracking.read import read_sweep
from fairsweep.tracking.store import Store, find_store
from tests.integration.forked import ForkedSandbox, Point, ScriptedSandbox
from tests.integration.scenarios import assert_counted
from tests.integration.stored import Run, Stored, sql, whole

pytestmark = pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves
NAME, FOLDS, TRIALS, EPOCHS = "folded", 3, 2, 4
SWEEP = (
    *("optimizer=adam", "search=random", f"search.folds={FOLDS}", f"search.trials={TRIALS}"),
    *(f"training.epochs={EPOCHS}", "pruner=none", "confirm.seeds=0"),
    *("executor.workers=1", "terminal=plain", f"sweep.name={NAME}"),
)
Script = Callable[[TrialSpec], Iterator[Step]]


def swept(root: Path, *more: str, script: Script = learning, code: int = 0) -> list[TrialSpec]:
    """Runs the sweep in a store, and gives what was trained for it by this process."""
    job = prepare([*SWEEP, *tiny_data(root.parent), f"tracking.root={root}", *more], None)
    opened: list[ScriptedExecutor] = []
    assert run_sweep(job, root / "hydra" / "logs", scripted(script, opened=opened)) == code
    given = [spec for executor in opened for spec in executor.given]
    return [spec for spec in given if spec.key.stage == "search"]


def searched(root: Path, sweep: str = NAME) -> dict[str, Run]:
    """The runs of a search that count, by name without the attempt."""
    runs = whole(Stored(root / "mlflow.db").runs(sweep, "search"))
    found = {run.name.partition(" ")[0]: run for run in runs}
    assert len(found) == len(runs)
    return found


def outcomes(root: Path) -> dict[str, str]:
    return {name: run.outcome for name, run in sorted(searched(root).items())}


def problems(root: Path) -> list[str]:
    store = find_store(Tracking("local", str(root)))
    return [str(problem) for problem in examine(store, NAME).problems]


@pytest.fixture
def root(empty_store: Callable[[Path], Store], tmp_path: Path) -> Path:
    return empty_store(tmp_path / "mlruns").root


@pytest.fixture(scope="module")
def finished(
    empty_store: Callable[[Path], Store], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[TrialSpec]]:
    """The store of a whole sweep, and what was trained for its search."""
    root = empty_store(tmp_path_factory.mktemp("folded") / "mlruns").root
    return root, swept(root)


@pytest.fixture
def store(finished: tuple[Path, list[TrialSpec]], tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return shutil.copytree(finished[0], tmp_path / "mlruns")


def test_every_trial_is_trained_on_the_same_folds(finished: tuple[Path, list[TrialSpec]]) -> None:
    _, trained = finished
    assert len(trained) == TRIALS * FOLDS
    for fold in range(FOLDS):
        own = [spec for spec in trained if spec.key.fold == fold]
        assert [spec.key.trial for spec in own] == list(range(TRIALS))
        assert {
            (spec.fold.count, spec.fold.repeat, spec.fold.index) for spec in own if spec.fold
        } == {(FOLDS, SEARCH_CUT, fold)}
    assert len({spec.seed for spec in trained}) == TRIALS * FOLDS


def test_a_trial_has_a_run_and_each_fold_one_inside_it(
    finished: tuple[Path, list[TrialSpec]],
) -> None:
    root, _ = finished
    runs = searched(root)
    assert sorted(runs) == sorted(
        f"adam/{trial}{fold}"
        for trial in range(TRIALS)
        for fold in ("", *(f"/fold-{index}" for index in range(FOLDS)))
    )
    (arm,) = Stored(root / "mlflow.db").runs(NAME, "arm")
    for trial in range(TRIALS):
        own = runs[f"adam/{trial}"]
        folds = [runs[f"adam/{trial}/fold-{fold}"] for fold in range(FOLDS)]
        assert own.tags["mlflow.parentRunId"] == arm.run_id
        assert {run.tags["mlflow.parentRunId"] for run in folds} == {own.run_id}
        best = [run.last("best_val_accuracy") for run in folds]
        assert len(set(best)) == FOLDS
        assert own.last("best_val_accuracy") == pytest.approx(sum(best) / FOLDS, abs=1e-15)
        assert own.last("epochs") == FOLDS * EPOCHS
        for name, curve in own.curves.items():
            both = zip(*(run.curves[name] for run in folds), strict=True)
            assert curve == pytest.approx([sum(values) / FOLDS for values in both], abs=1e-15)
            assert own.steps(name) == list(range(1, EPOCHS + 1))
        assert {k: v for k, v in own.params.items() if k != "seed"} == {
            k: v for k, v in folds[1].params.items() if k != "seed"
        }
    assert problems(root) == []


def test_the_report_is_about_trials(finished: tuple[Path, list[TrialSpec]]) -> None:
    root, trained = finished
    record = read_sweep(find_store(Tracking("local", str(root))), NAME)
    report = build(record)
    found = [run for run in record.runs if run.key.stage == "search"]
    assert [run.key.fold for run in found] == [None] * TRIALS
    assert "every trial on 3 folds" in report.markdown
    assert "its score is the mean over the folds" in report.markdown
    assert "To train its first fold again:" in report.markdown
    best = max(found, key=lambda run: run.best_value or 0)
    (first,) = [s for s in trained if (s.key.trial, s.key.fold) == (best.key.trial, 0)]
    assert report.command.endswith(f"training.seed={first.seed} search.folds={FOLDS}")


def test_the_command_of_the_report_trains_the_first_fold(
    finished: tuple[Path, list[TrialSpec]],
) -> None:
    """The same rows, the same seed."""
    root, trained = finished
    record = read_sweep(find_store(Tracking("local", str(root))), NAME)
    words = shlex.split(build(record).command)[2:]
    plan = compose_training(words)
    (arm,) = plan.arms
    again = trial_spec(plan, arm, TrialKey("adam", "train", 0), {}, arm.settings.training.seed)
    (first,) = [spec for spec in trained if spec.seed == again.seed]
    assert again.fold == first.fold == search_fold(FOLDS, 0)
    assert again.data == first.data
    assert again.optimizer.params == first.optimizer.params
    assert again.model.params == first.model.params
    assert again.training.batch_size == first.training.batch_size


def test_validation_rows_are_those_of_a_fold(root: Path) -> None:
    """60 rows of which 12 are for testing: of 48 each fold has 16."""
    swept(root, "data.validation=0")
    record = read_sweep(find_store(Tracking("local", str(root))), NAME)
    assert record.data["validation rows"] == 16
    assert record.data["training rows"] == 32
    assert problems(root) == []


def test_without_folds_the_name_of_a_sweep_stays() -> None:
    plain, off, on = (
        compose_sweep(["optimizer=adam", *more]).name
        for more in ([], ["search.folds=0"], ["search.folds=2"])
    )
    assert plain == off != on


# How trials end.


def diverging(spec: TrialSpec) -> Iterator[Step]:
    """The second fold of trial 1 diverges in its third epoch."""
    for epoch, metrics in enumerate(learning(spec), 1):
        bad = (spec.key.trial, spec.key.fold, epoch) == (1, 1, 3) and spec.key.stage == "search"
        yield {**metrics, "loss": math.nan} if bad else metrics


def failing(spec: TrialSpec) -> Iterator[Step]:
    """The second fold of trial 1 fails in its third epoch."""
    for epoch, metrics in enumerate(learning(spec), 1):
        if (spec.key.trial, spec.key.fold, epoch) == (1, 1, 3) and spec.key.stage == "search":
            yield failed("model.py:1: ValueError: no", "ValueError at model.py:1")
        yield metrics


@pytest.mark.parametrize(
    ("script", "outcome", "code", "epochs"),
    [(diverging, "diverged", 0, 3), (failing, "failed", 1, 2)],
    ids=["diverged", "failed"],
)
def test_a_trial_ends_as_the_first_of_its_folds_that_ends_badly(
    script: Script, outcome: str, code: int, epochs: int, root: Path
) -> None:
    trained = swept(root, script=script, code=code)
    assert len(trained) == FOLDS + 2
    found = outcomes(root)
    assert "adam/1/fold-2" not in found
    assert (found["adam/0"], found["adam/1"]) == ("complete", outcome)
    assert (found["adam/1/fold-0"], found["adam/1/fold-1"]) == ("complete", outcome)
    own = searched(root)["adam/1"]
    assert own.last("epochs") == EPOCHS + epochs
    assert own.steps("val_accuracy") == list(range(1, epochs + 1))
    assert own.tags.get("error", "") == ("model.py:1: ValueError: no" if code else "")
    assert problems(root) == []


def levels(*by_trial: tuple[float, ...]) -> Script:
    """Each trial's accuracy on each of its folds, in every epoch."""

    def script(spec: TrialSpec) -> Iterator[Step]:
        for metrics in learning(spec):
            if spec.key.stage == "search":
                value = by_trial[spec.key.trial][spec.key.fold or 0]
                yield {**metrics, "val_accuracy": value}
            else:
                yield metrics

    return script


MEDIAN = (
    *("pruner=median", "pruner.params.n_startup_trials=2", "pruner.params.n_min_trials=1"),
    "search.trials=3",
)
GOOD = (0.8, 0.8, 0.8)


def test_a_trial_is_pruned_between_two_folds(root: Path) -> None:
    """Where no epoch of a fold is judged: its first is as good, its second isn't."""
    never = f"pruner.params.n_warmup_steps={EPOCHS}"
    swept(root, *MEDIAN, never, script=levels(GOOD, GOOD, (0.8, 0.7, 0.9)))
    found = outcomes(root)
    assert [found[f"adam/{trial}"] for trial in range(3)] == ["complete", "complete", "pruned"]
    assert (found["adam/2/fold-0"], found["adam/2/fold-1"]) == ("complete", "complete")
    assert "adam/2/fold-2" not in found
    assert searched(root)["adam/2"].last("best_val_accuracy") == pytest.approx(0.75)
    assert problems(root) == []


def test_a_trial_is_pruned_within_a_later_fold(root: Path) -> None:
    """Though it was lucky on its first one."""
    soon = "pruner.params.n_warmup_steps=1"
    swept(root, *MEDIAN, soon, script=levels(GOOD, GOOD, (0.9, 0.5, 0.9)))
    found = outcomes(root)
    assert (found["adam/2"], found["adam/2/fold-1"]) == ("pruned", "pruned")
    assert "adam/2/fold-2" not in found
    assert searched(root)["adam/2"].last("epochs") == EPOCHS + 2
    assert problems(root) == []


def test_no_trial_is_begun_while_another_has_folds_to_come(
    finished: tuple[Path, list[TrialSpec]],
) -> None:
    """Of one worker: each ends before the next one begins."""
    _, trained = finished
    assert [(s.key.trial, s.key.fold) for s in trained] == [
        (trial, fold) for trial in range(TRIALS) for fold in range(FOLDS)
    ]


def test_the_budget_of_epochs_counts_those_of_all_folds(root: Path) -> None:
    epochs = 2 * FOLDS * EPOCHS + 1
    swept(root, "search.trials=9", f"search.epochs={epochs}")
    assert [name for name in outcomes(root) if name.count("/") == 1] == ["adam/0", "adam/1"]
    record = read_sweep(find_store(Tracking("local", str(root))), NAME)
    assert record.cut_off == {"adam": f"search.epochs={epochs} has no room for another"}
    assert problems(root) == []


def test_folds_of_a_training_metric_are_refused(tmp_path: Path) -> None:
    given = ("objective.metric=loss", "objective.direction=minimize")
    with pytest.raises(BadInput, match=r"search\.folds: loss is measured on training rows"):
        prepare([*SWEEP, *tiny_data(tmp_path), f"tracking.root={tmp_path / 'new'}", *given], None)
    assert not (tmp_path / "new").exists()


# Kills.

WRITE, STUDY = "fairsweep.tracking.write.operations:Writer", "fairsweep.search.study:ArmStudy"
PUT_DOWN = "fairsweep.tracking.write:Tracker.finish"
KILLS: dict[str, dict[str, Point]] = {
    "between-folds-and-trial": {
        "last-fold-put-down-and-its-trial-not": (PUT_DOWN, FOLDS, "after"),
    },
    "in-the-search": {
        "trial-closed-and-not-told": (f"{STUDY}.tell", 1, "before"),
        "trial-told": (f"{STUDY}.tell", 1, "after"),
        "last-trial-put-down": (PUT_DOWN, "fold=None", "after"),
        "last-trial-closed-and-not-told": (f"{STUDY}.tell", 1, "before"),
    },
    "in-the-store": {
        "trial-counted-without-a-run": (f"{WRITE}._begin", 1, "before"),
        "trial-without-a-fold": (f"{WRITE}._begin", 1, "after"),
        "fold-without-an-epoch": (f"{WRITE}._begin", "'fold': 0", "after"),
        "fold-trained-and-not-closed": (f"{WRITE}._finish", "'fold': 0", "before"),
        "second-fold-without-a-run": (f"{WRITE}._begin", "'fold': 1", "before"),
        "fold-closed": (f"{WRITE}._finish", "'fold': 1", "after"),
        "trial-put-down-and-not-closed": (f"{WRITE}._finish", "'fold': None", "before"),
    },
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name.startswith("between") else pytest.mark.long(10))
        for name in KILLS
    ],
)
def test_a_sweep_killed_anywhere_becomes_the_undisturbed_one(
    name: str,
    finished: tuple[Path, list[TrialSpec]],
    empty_store: Callable[[Path], Store],
    tmp_path: Path,
) -> None:
    box = ScriptedSandbox(tmp_path)
    root = empty_store(box.work / "mlruns").root
    words = (*SWEEP, *tiny_data(box.work))
    box.killed_at(KILLS[name], *words)
    continued = box.sweep(*words)
    assert continued.code == 0, continued.said
    assert_counted(continued.out)
    assert said(root) == said(finished[0])
    assert misnamed(box.stored.runs(NAME, "search")) == []
    assert problems(root) == []
    assert box.stored.twice("search", "confirm") == []
    assert "RUNNING" not in {run.status for run in box.stored.runs()}


def said(root: Path) -> dict[str, Any]:
    """What the runs of a search say, by name; and which is inside which."""
    runs = searched(root)
    names = {run.run_id: name for name, run in runs.items()}
    return {
        name: (
            run.outcome,
            run.status,
            run.params | {"data.path": ""},
            run.curves,
            {k: v[0].value for k, v in run.metrics.items() if k in ("epochs", "best_epoch")},
            run.last("best_val_accuracy"),
            names.get(run.tags["mlflow.parentRunId"], "arm"),
        )
        for name, run in runs.items()
    }


def misnamed(runs: list[Run]) -> list[str]:
    """Runs of folds that are called another attempt, though there was none before."""
    names = {run.name for run in runs}
    return [n for n in names if "/fold-" in n and " " in n and n.partition(" ")[0] not in names]


# What the doctor finds.


def lost_fold(root: Path, runs: dict[str, Run]) -> None:
    run = runs["adam/1/fold-1"].run_id
    sql(root, f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{run}'")


def rewrite(root: Path, run: Run, metric: str, value: str) -> None:
    """Gives a metric another value, in its history and as the latest."""
    sql(
        root,
        *(
            f"UPDATE {table} SET value = {value} WHERE key = '{metric}' AND "
            f"run_uuid = '{run.run_id}'"
            for table in ("metrics", "latest_metrics")
        ),
    )


def wrong_mean(root: Path, runs: dict[str, Run]) -> None:
    rewrite(root, runs["adam/1"], "best_val_accuracy", "value + 0.001")


def wrong_epochs(root: Path, runs: dict[str, Run]) -> None:
    rewrite(root, runs["adam/0"], "epochs", "4")


def wrong_curve(root: Path, runs: dict[str, Run]) -> None:
    sql(
        root,
        "UPDATE metrics SET value = value + 0.001 WHERE key = 'loss' AND step = 2 AND "
        f"run_uuid = '{runs['adam/0'].run_id}'",
    )


def doubled_epoch(root: Path, runs: dict[str, Run]) -> None:
    sql(
        root,
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) SELECT key, value, "
        "timestamp + 1, run_uuid, step, is_nan FROM metrics WHERE key = 'loss' AND step = 2 AND "
        f"run_uuid = '{runs['adam/0'].run_id}'",
    )


def other_outcome(root: Path, runs: dict[str, Run]) -> None:
    sql(
        root,
        "UPDATE tags SET value = 'pruned' WHERE key = 'outcome' AND "
        f"run_uuid = '{runs['adam/0/fold-2'].run_id}'",
    )


@pytest.mark.parametrize(
    ("damage", "rule", "text"),
    [
        (lost_fold, "V2", "fold 1 has no run that has ended, although its trial is complete"),
        (wrong_mean, "V4", "but the mean over its folds is"),
        (wrong_epochs, "V4", "epochs is 4.0, but its folds have 12"),
        (wrong_curve, "V3", "in epoch 2, but the mean over its folds is"),
        (doubled_epoch, "V3", "loss has 5 rows, but its folds have 4 epochs in common"),
        (other_outcome, "V2", "its outcome is complete, but its folds ended as"),
    ],
    ids=["lost-fold", "wrong-mean", "wrong-epochs", "wrong-curve", "doubled-epoch", "outcome"],
)
def test_the_doctor_knows_what_a_trial_and_its_folds_have_to_say(
    damage: Callable[[Path, dict[str, Run]], None], rule: str, text: str, store: Path
) -> None:
    damage(store, searched(store))
    found = [p for p in problems(store) if p.startswith(rule) and text in p]
    assert found, problems(store)
    assert all("; " in problem for problem in found)


def test_the_value_of_a_trial_is_the_mean_of_its_best_epochs(root: Path) -> None:
    swept(root, script=levels((0.5, 0.6, 0.1), (0.3, 0.3, 0.3)))
    assert searched(root)["adam/0"].last("best_val_accuracy") == statistics.fmean((0.5, 0.6, 0.1))


@pytest.mark.long(10)
def test_the_command_of_a_report_gives_the_numbers_of_the_first_fold(tmp_path: Path) -> None:
    """With real trainings."""
    box = ForkedSandbox(tmp_path)
    swept = box.sweep(*SWEEP, "data=digits", "search.trials=1", "training.epochs=2")
    assert swept.code == 0, swept.said
    report = box.report_files(NAME)["report.md"].decode()
    (command,) = re.findall(r"^python -m fairsweep train .*$", report, re.MULTILINE)
    done = box.run(*shlex.split(command)[2:])
    assert done.code == 0, done.said
    (again,) = box.stored.runs(stage="train")
    first = searched(box.work / "mlruns")["adam/0/fold-0"]
    assert again.curves == first.curves
    assert again.steps("val_accuracy") == [1, 2]

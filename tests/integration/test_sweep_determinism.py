"""The same command in two empty folders, with one worker: the same sweep to the last bit."""

from __future__ import annotations

import re

import pytest

from tests.integration.scenarios import TWIN_BUDGET, TWIN_EPOCHS, Finished
from tests.integration.stored import Run

ARMS = ("sgd", "adam")


def trainings(finished: Finished) -> dict[tuple[str, ...], Run]:
    names = ("arm", "stage", "trial", "repeat", "attempt")
    return {
        tuple(run.tags.get(name, "") for name in names): run
        for run in finished.sandbox.stored.runs()
        if run.stage in {"search", "confirm"}
    }


@pytest.fixture(scope="module")
def pairs(twin_one: Finished, twin_two: Finished) -> list[tuple[Run, Run]]:
    one, two = trainings(twin_one), trainings(twin_two)
    assert set(one) == set(two)
    return [(one[key], two[key]) for key in one]


def test_both_end_well(twin_one: Finished, twin_two: Finished) -> None:
    for twin in (twin_one, twin_two):
        assert twin.done.code == 0, twin.done.said


def test_both_have_the_same_name(twin_one: Finished, twin_two: Finished) -> None:
    assert twin_one.sweep == twin_two.sweep


def test_same_trials_in_the_same_order(twin_one: Finished, twin_two: Finished) -> None:
    orders = [
        [run.name for run in twin.sandbox.stored.runs() if run.stage in {"search", "confirm"}]
        for twin in (twin_one, twin_two)
    ]
    assert orders[0] == orders[1]
    assert len(orders[0]) > 2 * len(ARMS)


def test_same_params_and_seeds(pairs: list[tuple[Run, Run]]) -> None:
    for one, two in pairs:
        assert one.params == two.params
        assert one.tags["seed"] == two.tags["seed"]


def test_same_outcomes_and_fingerprints(pairs: list[tuple[Run, Run]]) -> None:
    for one, two in pairs:
        for tag in ("outcome", "config_sha256", "data_sha256"):
            assert one.tags[tag] == two.tags[tag]


def test_every_epoch_is_the_same_bit_for_bit(pairs: list[tuple[Run, Run]]) -> None:
    for one, two in pairs:
        assert one.curves == two.curves, one.name


def plain(text: str) -> str:
    """A report without what is new each time: ids of MLflow, dates, seconds."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "<id>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "<date>", text)
    text = re.sub(r"workers busy \d+%", "workers busy <share>", text)
    text = re.sub(r"compiled in [\d.]+ s", "compiled in <seconds>", text)
    return re.sub(r"\b\d+(\.\d+)? (s|seconds|min|minutes)\b", "<time>", text)


@pytest.mark.parametrize(
    "name", ["report.md", "report.html", "curves-loss.svg", "learning-rates.svg"]
)
def test_same_report(twin_one: Finished, twin_two: Finished, name: str) -> None:
    one, two = (
        plain(twin.sandbox.report_files(twin.sweep)[name].decode()).splitlines()
        for twin in (twin_one, twin_two)
    )
    assert len(one) == len(two)
    assert [pair for pair in zip(one, two, strict=True) if pair[0] != pair[1]] == []


# Pruning, and a budget of epochs: seen on the same sweep.


@pytest.fixture(scope="module")
def searched(twin_one: Finished) -> list[Run]:
    return twin_one.sandbox.stored.runs(stage="search")


def test_some_trials_are_pruned_and_some_are_not(searched: list[Run]) -> None:
    outcomes = {run.outcome for run in searched}
    assert outcomes == {"complete", "pruned"}


def test_a_pruned_trial_is_a_finished_run(searched: list[Run]) -> None:
    assert {run.status for run in searched if run.outcome == "pruned"} == {"FINISHED"}


def test_optuna_has_the_state_and_the_epochs_that_mlflow_has(
    twin_one: Finished, searched: list[Run]
) -> None:
    """A trial judged hopeless at epoch e ends after epoch e + 1."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal = twin_one.sandbox.journal(twin_one.sweep)
    before = journal.read_bytes()
    storage = JournalStorage(JournalFileBackend(str(journal)))
    states = {
        "complete": optuna.trial.TrialState.COMPLETE,
        "pruned": optuna.trial.TrialState.PRUNED,
    }
    for arm in ARMS:
        trials = {t.number: t for t in optuna.load_study(study_name=arm, storage=storage).trials}
        runs = {run.trial: run for run in searched if run.arm == arm}
        assert set(runs) == set(trials)
        for number, run in runs.items():
            trial = trials[number]
            assert trial.state == states[run.outcome]
            judged = max(trial.intermediate_values)
            if run.outcome == "pruned":
                assert len(run.curves["loss"]) <= judged + 1
            else:
                assert trial.value == run.last("best_val_accuracy")
            for epoch, value in trial.intermediate_values.items():
                assert value == run.curves["val_accuracy"][epoch - 1]
    assert journal.read_bytes() == before


def test_a_pruned_trial_is_short_and_a_complete_one_is_not(searched: list[Run]) -> None:
    for run in searched:
        epochs = len(run.curves["loss"])
        assert run.last("epochs") == epochs
        assert (epochs < TWIN_EPOCHS) == (run.outcome == "pruned"), run.name


def test_epochs_of_an_arm_stay_within_their_budget(searched: list[Run]) -> None:
    for arm in ARMS:
        spent = sum(len(run.curves["loss"]) for run in searched if run.arm == arm)
        assert spent <= TWIN_BUDGET


def test_epochs_of_an_arm_use_their_budget_up(searched: list[Run]) -> None:
    """Another whole training would not fit; 50 trials, the other limit, are far away."""
    for arm in ARMS:
        spent = sum(len(run.curves["loss"]) for run in searched if run.arm == arm)
        assert spent + TWIN_EPOCHS > TWIN_BUDGET


def test_best_so_far_has_one_value_a_step(twin_one: Finished) -> None:
    assert twin_one.sandbox.stored.twice("sweep", "arm") == []


def test_epochs_of_trials_are_logged_once(twin_one: Finished) -> None:
    assert twin_one.sandbox.stored.twice("search", "confirm") == []


def test_best_so_far_follows_the_trials(twin_one: Finished, searched: list[Run]) -> None:
    """One worker, so the order of the trials is the order of their ends."""
    (sweep,) = twin_one.sandbox.stored.runs(stage="sweep")
    shown = [row.value for row in sweep.metrics["best_val_accuracy"]]
    best: list[float] = []
    for run in searched:
        value = run.last("best_val_accuracy")
        if run.outcome == "complete" and (not best or value > best[-1]):
            best.append(value)
    assert shown == best

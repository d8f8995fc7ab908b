"""Importances from stored runs: against Optuna's own study, on searches whose answer is known, and
on searches that can't say."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
import pytest

from fairsweep.config.space import Dimension
from fairsweep.config.stored_space import plain
from fairsweep.importances import Importance, Importances
from fairsweep.records import Confirmation, Objective, RunRecord, SweepRecord, TrialKey
from fairsweep.search.importance import importances
from fairsweep.search.samplers import distribution

HIGH = Objective("val_accuracy", "maximize")
LOW = Objective("val_loss", "minimize")
RATE = Dimension("optimizer.learning_rate", "float", 1e-3, low=1e-5, high=0.1, log=True)
BETA = Dimension("optimizer.beta", "choice", "0.9", choices=("0.8", "0.9", "0.99"))
BATCH = Dimension("training.batch_size", "int", 32, low=8, high=128)
LAYERS = Dimension("model.units.layers", "int", 1, low=1, high=3)
WIDTHS = tuple(Dimension(f"model.units.{i}", "power", 64, low=4, high=8, base=2) for i in (1, 2, 3))
FLAT = (RATE, BETA, BATCH)


def draw(noise: random.Random, *_: Any) -> dict[str, Any]:
    widths = [2 ** noise.randint(4, 8) for _ in range(noise.randint(1, 3))]
    return {
        RATE.name: 10 ** noise.uniform(-5, -1),
        BETA.name: noise.choice(BETA.choices),
        BATCH.name: noise.randint(8, 128),
        "model.units": widths,
    }


def run(
    trial: int, values: Mapping[str, Any], value: float, outcome: Any = "complete"
) -> RunRecord:
    key = TrialKey("adam", "search", trial)
    params = {name: str(own) for name, own in values.items()}
    return RunRecord(f"r{trial}", key, outcome, trial, params, value, 1, 1, 0.1)


def searched(
    value: Callable[[Mapping[str, Any], random.Random], float], trials: int, seed: int = 1
) -> list[RunRecord]:
    noise = random.Random(seed)
    drawn = [draw(noise) for _ in range(trials)]
    return [run(i, values, value(values, noise)) for i, values in enumerate(drawn)]


def sweep(
    runs: Sequence[RunRecord], space: Sequence[Dimension] = FLAT, objective: Objective = HIGH
) -> SweepRecord:
    return SweepRecord(
        name="s", run_id="r", experiment="e", experiment_id="1", objective=objective,
        group="optimizer", arms=("adam",), trials=len(runs), confirmation=Confirmation(0, 0),
        data={}, data_sha256="", started=0, commands={}, runs=tuple(runs),
        spaces={"adam": plain(space)},
    )  # fmt: skip


def found(record: SweepRecord) -> dict[str, Importance]:
    told = importances(record)["adam"]
    assert told.missing == ""
    return {item.parameter: item for item in told.parameters}


def peak(values: Mapping[str, Any], noise: random.Random) -> float:
    """A learning rate near 0.003 is all that counts."""
    return -abs(math.log10(values[RATE.name]) + 2.5) + noise.gauss(0, 0.05)


def nothing(_: Mapping[str, Any], noise: random.Random) -> float:
    return noise.random()


@pytest.mark.parametrize("objective", [HIGH, LOW], ids=["maximize", "minimize"])
def test_shares_are_those_of_a_study_with_the_same_trials(objective: Objective) -> None:
    runs = searched(peak, 40)
    study = optuna.create_study(direction=objective.direction)
    for own in runs:
        params = {
            RATE.name: float(own.params[RATE.name]),
            BETA.name: own.params[BETA.name],
            BATCH.name: int(own.params[BATCH.name]),
        }
        drawn = {d.name: distribution(d) for d in FLAT}
        study.add_trial(
            optuna.create_trial(params=params, distributions=drawn, value=own.best_value)
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.25)
    expected = optuna.importance.get_param_importances(study, evaluator=evaluator)
    shares = {name: item.share for name, item in found(sweep(runs, objective=objective)).items()}
    assert shares == pytest.approx(expected)


def test_what_decides_comes_first_and_is_no_luck() -> None:
    own = found(sweep(searched(peak, 40)))
    assert own[RATE.name].share > 0.6
    assert not own[RATE.name].lucky
    assert own[BETA.name].lucky
    assert own[BATCH.name].lucky
    assert sum(item.share for item in own.values()) == pytest.approx(1)


def test_luck_is_called_so_in_nineteen_cases_of_twenty() -> None:
    items = [
        item for seed in range(25) for item in found(sweep(searched(nothing, 24, seed))).values()
    ]
    # 75 cases, 3.75 expected; 9 or more have a probability of 1 %.
    assert sum(not item.lucky for item in items) < 9


def test_a_trial_that_was_stopped_is_none_of_the_best_whatever_it_had_reached() -> None:
    """The best values of those stopped lie at high rates; of the complete ones, at low rates."""
    runs = [
        run(i, {RATE.name: 10 ** (-5 + i / 10)}, 0.9 - i / 1000 if i < 15 else 0.5)
        for i in range(30)
    ]
    stopped = [
        replace(own, outcome="pruned", best_value=0.99) if i >= 20 else own
        for i, own in enumerate(runs)
    ]
    spread = Dimension("training.x", "float", 0.5, low=0, high=1)
    assert found(sweep(stopped, (RATE, spread))) == found(sweep(runs, (RATE, spread)))


def test_the_last_attempt_of_a_trial_counts() -> None:
    runs = searched(peak, 20)
    again = replace(runs[3], key=replace(runs[3].key, attempt=2), best_value=9.0)
    assert importances(sweep([*runs[:3], again, *runs[4:]])) == importances(
        sweep([again, *reversed(runs)])
    )


def test_widths_are_a_number_of_layers_and_the_sum_over_their_widths() -> None:
    def first_width(values: Mapping[str, Any], _: random.Random) -> float:
        return float(values["model.units"][0])

    own = found(sweep(searched(first_width, 60), (RATE, LAYERS, *WIDTHS)))
    assert own.keys() == {RATE.name, LAYERS.name, "model.units.widths"}
    assert own["model.units.widths"].share > 0.7
    assert not own["model.units.widths"].lucky


def test_a_layer_that_one_trial_alone_has_is_no_trouble() -> None:
    runs = searched(peak, 20)
    lonely = [
        replace(own, params={**own.params, "model.units": "[16, 16, 16]" if i == 4 else "[16]"})
        for i, own in enumerate(runs)
    ]
    assert RATE.name in found(sweep(lonely, (RATE, LAYERS, *WIDTHS)))


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        (searched(peak, 19), "needs 20 finished trials, has 19"),
        (
            [replace(own, outcome="failed") if i < 5 else own
             for i, own in enumerate(searched(peak, 24))],
            "needs 20 finished trials, has 19",
        ),
        (searched(lambda *_: 0.5, 30), "too few of its trials are better than the rest"),
        (
            [replace(own, outcome="diverged" if i % 2 else "pruned") if i > 3 else own
             for i, own in enumerate(searched(peak, 20))],
            "too few of its trials are better than the rest",
        ),
    ],
    ids=["few", "failed", "equal", "four complete"],
)  # fmt: skip
def test_too_little_is_said_rather_than_drawn(runs: list[RunRecord], why: str) -> None:
    assert importances(sweep(runs)) == {"adam": Importances((), why)}


def test_an_arm_whose_space_is_not_stored_has_none() -> None:
    record = sweep(searched(peak, 30))
    assert importances(replace(record, spaces={})) == {}
    assert importances(replace(record, spaces={"adam": []})) == {}


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    found(sweep(searched(peak, 20)))
    assert capfd.readouterr() == ("", "")

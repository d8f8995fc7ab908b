"""Weights of rows and of classes in a training: the numbers of `fit` with the same weights, in both
loops, and what they leave as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fairsweep.data.dataset import Rows
from fairsweep.judged import Judged
from fairsweep.training.trial import WorkerCache, compiled, judge_of
from tests.integration.test_training import STILL
from tests.integration.training_room import assert_same, both_loops, compose, train

LENGTH = ("training.epochs=2", "training.shuffle=false")
MAPPING = "training.class_weight={yes:3,no:0.5}"

Overrides = tuple[str, ...]


@pytest.fixture
def digits(tmp_path: Path) -> Callable[..., Overrides]:
    """Digits as two classes, of which yes is a tenth of the rows; with a weight for each row, or
    without."""
    digits = load_digits()
    rows = {"x": digits.data.astype(np.float32), "y": np.where(digits.target == 0, "yes", "no")}
    weights = np.random.default_rng(0).uniform(0, 3, len(digits.target))

    def overrides(weighted: bool = True) -> Overrides:
        own = {"sample_weight": weights} if weighted else {}
        path = tmp_path / f"rows-{weighted}.npz"
        np.savez(path, **rows, **own)  # type: ignore[arg-type]
        small = ("data.test=0.6", "training.batch_size=50", "optimizer=adam")
        return ("data=npz", f"data.path={path}", *small, "model.params.hidden_units=[16]")

    return overrides


def by_keras(overrides: Overrides, of_class: Mapping[str, float]) -> dict[str, list[float]]:
    """What `fit` says with the weights of rows times those of their classes."""
    spec, data = compose(*overrides)
    cache = WorkerCache()
    model, form = compiled(spec, data, cache)
    part, dataset = cache.part(data, "train", form), data.dataset

    def rows(own: Rows) -> list[Any]:
        weights = np.ones(len(own)) if dataset.weights is None else dataset.weights[own]
        return [part.table.x[own], part.table.y[own], weights]

    *features, weights = rows(data.train)
    weights = weights * [of_class.get(dataset.class_names[y], 1) for y in dataset.y[data.train]]
    history: dict[str, list[float]] = model.fit(
        *features,
        sample_weight=weights,
        validation_data=rows(data.validation),
        validation_batch_size=1024,
        batch_size=50,
        epochs=2,
        shuffle=False,
        verbose=0,
    ).history
    return history


@pytest.mark.parametrize(
    ("weighted", "setting", "of_class"),
    [
        pytest.param(True, None, {}, marks=pytest.mark.long(4)),
        pytest.param(False, MAPPING, {"yes": 3, "no": 0.5}, marks=pytest.mark.long(4)),
        (True, "training.class_weight={yes:3}", {"yes": 3}),
    ],
    ids=["rows", "classes", "both"],
)
def test_the_numbers_are_those_of_fit_with_these_weights(
    weighted: bool,
    setting: str | None,
    of_class: Mapping[str, float],
    digits: Callable[..., Overrides],
) -> None:
    overrides = (*digits(weighted), *LENGTH, *filter(None, [setting]))
    resident, fit = both_loops(*overrides)
    assert_same(resident, fit)
    history = by_keras(overrides, of_class)
    assert set(history) == set(resident.epochs[0])
    for name, values in history.items():
        assert resident.curve(name) == pytest.approx(values, rel=1e-6), name


def test_what_weights_change_where_nothing_is_learned(digits: Callable[..., Overrides]) -> None:
    """Row weights change every loss, class weights the training loss alone; metrics that count rows
    count each as one."""
    still = (*STILL, "training.epochs=1")
    plain, rows, classes = (
        train(*digits(weighted), *still, *more, test=True)
        for weighted, more in ((False, ()), (True, ()), (False, (MAPPING,)))
    )

    def differs(other: Any) -> set[str]:
        before = {**plain.epochs[0], **plain.result.test}
        after = {**other.epochs[0], **other.result.test}
        return {name for name in before if before[name] != after[name]}

    assert differs(rows) == {"loss", "val_loss", "test_loss"}
    assert differs(classes) == {"loss"}


def test_rows_are_judged_by_what_was_measured(digits: Callable[..., Overrides]) -> None:
    """So the verdict has the loss of weighted rows, too."""
    spec, data = compose(*digits(), *LENGTH)
    cache = WorkerCache()
    model, form = compiled(spec, data, cache)
    part = cache.part(data, "validation", form)
    x, y = part.table.x[part.rows], part.table.y[part.rows]
    loss, accuracy = model.evaluate(x, y, sample_weight=part.weights, batch_size=2000, verbose=0)
    measured = {"val_loss": loss, "val_accuracy": accuracy}
    said: Judged = judge_of(spec, data).rows(part, model.predict(x, verbose=0), 0.0, measured)
    assert said.metrics["loss"].mean() == pytest.approx(loss, rel=1e-5)
    assert said.metrics["accuracy"].mean() == pytest.approx(accuracy, rel=1e-5)
    bare = replace(data, dataset=replace(data.dataset, weights=None))
    unweighted = WorkerCache().part(bare, "validation", form)
    other = judge_of(spec, bare).rows(unweighted, model.predict(x, verbose=0), 0.0, measured)
    assert set(other.metrics) == {"accuracy"}


@pytest.mark.long(3)
def test_trials_of_the_same_kind_share_a_program_whatever_their_weights(
    digits: Callable[..., Overrides],
) -> None:
    """What a program depends on is whether there are weights, not which."""
    cache = WorkerCache()
    weights = (
        MAPPING,
        "training.class_weight={yes:2}",
        "training.class_weight=balanced",
    )
    shared = [train(*digits(False), *LENGTH, own, cache=cache) for own in weights]
    assert len(cache.programs) == 1
    assert shared[2].epochs == train(*digits(False), *LENGTH, weights[2]).epochs
